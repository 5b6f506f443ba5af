"""The whole loop on the engine in memory: a gate file, scripts for its releases, a quiet machine.

Minutes of boots take milliseconds, and every instant is exact.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pytest_bootgate.engines.base import Engine, Exit
from pytest_bootgate.engines.memory import Answer, MemoryEngine, Process, Request, Script
from pytest_bootgate.gatefile.load import load
from pytest_bootgate.records.events import BootEnded, BootEvent, Event
from pytest_bootgate.records.machine import Machine, Still, Work
from pytest_bootgate.records.result import TargetResult
from pytest_bootgate.records.values import Boot, HostFacts
from pytest_bootgate.run.gate import Gate
from pytest_bootgate.run.machinery import Machinery
from pytest_bootgate.run.onlooker import Onlooker
from pytest_bootgate.run.plan import Plan
from pytest_bootgate.run.progress import Progress
from pytest_bootgate.run.shards import Sharing

QUIET = Machine(here=True, work=(Work(0.005, 0.005),), still=(Still(busy=0.0, steal=0.0),))
FACTS = HostFacts(system="memory", python="3", cpus=8, memory=16 << 30, load=0.0, uptime=3600.0)

GATE = """\
releases: {releases}
gateway: {{{ready}, ready_timeout: 10s, {gateway}}}
{more}
target:
  timeout: 10s
  listen: 2s
  trigger: {trigger}
  {target}
targets: {targets}
gate: {{boots: {boots}, {rules}}}
"""
RUN = '{http: ":8080/run", body: "${token}"}'
#: Two phases; the proof carries the token.
PHASES = 'phases: {setup: {line: ^set up}, start: {line: "^task ${token} started"}}'


def gate_file(path: Path, **parts: str) -> Path:
    """Write a gate file; `parts` are pieces of it in YAML."""
    given = {
        "releases": "{candidate: {image: new}}",
        "ready": "ready: {line: ^ready}",
        "gateway": "",
        "more": "",
        "trigger": RUN,
        "target": PHASES,
        "targets": "{main: {}}",
        "boots": "1",
        "rules": "retries: 0",
        **parts,
    }
    file = path / "bootgate.yaml"
    text = GATE.format(**given)
    if given["trigger"] == "null":  # nothing would wait for it
        text = re.sub("\ngateway: .*", "", text)
    file.write_text(text)
    return file


# -- gateways ----------------------------------------------------------------------------------

#: What a task does: seconds to wait, a line to print (with ``{token}``), or a call. An `Exit` or
#: an exit code (as ``Exit(3)``) ends the gateway.
Step = float | str | Exit | Callable[[Process, str], None]
GOOD: tuple[Step, ...] = (0.5, "set up", 1.0, "task {token} started")


def serves(
    *steps: Step,
    start: float = 0.5,
    ready: str = "ready",
    answer: Answer | None = Answer(202),  # noqa: B008 (frozen)
    by_boot: Mapping[int, tuple[Step, ...]] | None = None,
    before: tuple[Step, ...] = (),
) -> Script:
    """A gateway that is ready after `start` seconds and takes triggers on port 8080.

    Each trigger is answered with `answer` and its task does `steps` (`GOOD` by default), or what
    `by_boot` says of the boot of that number (from 1, all boots of all gateways of this script
    counted). `before` is done at the start.
    """
    boots = 0

    def gateway(me: Process) -> Generator[Any, Any, Any]:
        nonlocal boots

        def take(request: Request) -> Answer | None:
            if request.path == "/run" and (answer is None or answer.status < 300):
                me.mail.put(request.body)
            return answer

        if (ended := (yield from play(me, "", before))) is not None:
            return ended
        yield start
        me.listen(8080, take)
        if ready:
            me.out(ready)
        while True:
            token = yield me.mail
            boots += 1
            todo = (by_boot or {}).get(boots, steps or GOOD)
            if (ended := (yield from play(me, token, todo))) is not None:
                return ended

    return gateway


def play(me: Process, token: str, steps: tuple[Step, ...]) -> Generator[Any, Any, Exit | None]:
    """Do what a task does."""
    for step in steps:
        if isinstance(step, (int, float)):
            me.cpu += step / 2
            yield float(step)
        elif isinstance(step, str):
            me.out(step.format(token=token))
        elif isinstance(step, Exit):
            return step
        else:
            step(me, token)
    return None


# -- the run -----------------------------------------------------------------------------------


class PlayedOnlooker(Onlooker):
    """Sees the machine that it is told to see, in no time."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine

    def begin(self) -> float:
        return self.look()

    def look(self) -> float:
        return 0.0

    def glance(self) -> None:
        pass

    def machine(self, *, here: bool) -> Machine:
        return self._machine


@dataclass
class Played:
    """A gate over a memory engine, and all that it told."""

    file: Path
    engine: MemoryEngine
    machine: Machine = QUIET
    facts: HostFacts = FACTS
    on_event: Callable[[Event], None] = lambda _: None
    sharing: Sharing | None = None
    events: list[Event] = field(default_factory=list)
    moments: list[Progress] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.gate = Gate(
            load(self.file, {}),
            sharing=self.sharing,
            watch=self.moments.append,
            hear=self._hear,
            machinery=self._machinery,
        )

    def _hear(self, event: Event) -> None:
        self.events.append(event)
        self.on_event(event)

    def _machinery(self, plan: Plan, run: str) -> Machinery:
        played = self

        class PlayedMachinery(Machinery):
            def _choose(self) -> tuple[Engine, str]:
                return played.engine, "the test brings it"

            def _guard(self, engine: Engine) -> None:
                pass

            def _facts(self) -> HostFacts:
                return played.facts

            def onlooker(self) -> Onlooker:
                return PlayedOnlooker(played.machine)

        return PlayedMachinery(plan, run, "memory")

    def result(self, target: str = "main") -> TargetResult:
        """Boot and judge a target, close the gate, and see that nothing is left."""
        try:
            return self.gate.result("default", target)
        finally:
            self.close()

    def check(self, kind: str, target: str = "main") -> Any:
        """Carry out a check by its kind."""
        return self.gate.check(self.gate.plan.check(kind, "default", target))

    def close(self) -> None:
        """Close the gate. All was closed before: to remove what is left is its last resort."""
        left = [*self.engine.places]
        self.gate.close()
        assert left == self.engine.places == []
        assert self.engine.clock.beside_now == 0

    def one(self, target: str = "main") -> Boot:
        """The one boot of a target, after `result`."""
        (boot,) = self.result(target).boots
        return boot

    def findings(self, target: str = "main") -> list[tuple[str, str, str]]:
        """Verdict, subject and text of what was found of a target."""
        found = self.gate.known("default", target)
        assert found is not None
        assert found.judgement is not None, found.error
        return [(f.verdict, f.subject, f.text) for f in found.judgement.findings]

    def kinds(self, boot: Boot | None = None) -> list[str]:
        """The kinds of all events, or of those of one boot."""
        if boot is None:
            return [event.kind for event in self.events]
        return [e.kind for e in self.events if isinstance(e, BootEvent) and e.boot.id == boot.id]

    def all_boots_ended(self) -> bool:
        """Whether of each boot that began an end was told."""
        began = [e.boot.id for e in self.events if e.kind == "boot_began"]  # type: ignore[attr-defined]
        ended = [e.boot.id for e in self.events if isinstance(e, BootEnded)]
        return began == ended
