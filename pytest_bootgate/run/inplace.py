"""A pair whose gateway keeps a state: it is asked for its jobs, stopped, and its state is kept."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path

from pytest_bootgate.engines.base import Engine, Exit, Running
from pytest_bootgate.errors import BootgateError
from pytest_bootgate.gatefile.model import Gateway, Probe, State, Trigger
from pytest_bootgate.observe.lines import LONGEST
from pytest_bootgate.observe.observation import TAIL_WIDTH
from pytest_bootgate.observe.sighting import (
    Pattern,
    Sighting,
)
from pytest_bootgate.observe.stages import read_stages
from pytest_bootgate.records.boot_events import Hear, ignore
from pytest_bootgate.records.jobs import Job, JobsError, Kept, read_jobs
from pytest_bootgate.records.upgrade import Start, Stop
from pytest_bootgate.records.values import Stage
from pytest_bootgate.run.pair import Pair
from pytest_bootgate.run.progress import Moment
from pytest_bootgate.run.recipe import Recipe
from pytest_bootgate.run.services import NotReadyError

_QUESTION = 90.0  # for a command that lists jobs
_LATE_LINES = 0.3
_HEALTH_LAG = 2.0  # it may be seen a little later than what the gate calls ready
_LAST_LINES = 8
_KILLED = 137  # 128 and SIGKILL


class InPlacePair(Pair):
    """A pair for several targets, one after another, on one gateway and one state.

    `health` is the second after the start at which the system called itself ready, None before.
    A gateway whose health has been green for `patience` seconds is not waited for any longer.
    `start_cpu` is what the gateway used (CPU seconds) from its start until it was ready.
    `overhear` is told of every sighting that is no self-reported stage; `last` are the last lines
    of the gateway among them.
    """

    lingers = True
    during = "upgrade"

    def __init__(
        self,
        engine: Engine,
        recipe: Recipe,
        watch: Callable[[Moment], None],
        *,
        state: Kept | None = None,
        patience: float | None = None,
        hear: Hear = ignore,
        overhear: Callable[[Sighting], None] = lambda _: None,
    ) -> None:
        super().__init__(engine, recipe, watch, state=state, hear=hear)
        self._patience, self._overhear = patience, overhear
        self._health_pattern: Pattern | None = None
        self._stage_patterns: list[tuple[Pattern, re.Pattern[str]]] = []
        self._start_at = 0.0
        self.health: float | None = None
        self.start_cpu: float | None = None
        self.stages: list[Stage] = []
        self.last: deque[str] = deque(maxlen=_LAST_LINES)

    # -- the start -------------------------------------------------------------------------

    def _before_start(self, gateway: Gateway) -> None:
        filled = self._variables
        self._start_at = self._clock.now()
        self._stage_patterns = [
            (Pattern(name, probe, filled, token=False), re.compile(probe.each))
            for name, probe in gateway.stages.items()
        ]
        if gateway.health is not None:
            self._health_pattern = Pattern("health", gateway.health, filled, token=False)
            self._watch("health", gateway.health, filled)

    def _await_ready(self, probe: Probe, began: float, at_most: float) -> None:
        super()._await_ready(probe, began, at_most)
        assert self._gateway is not None
        self.start_cpu = self._gateway.cpu_seconds()
        if self._health_pattern is not None:
            until = self._clock.now() + _HEALTH_LAG
            self._pump(until, lambda: self.health is not None or self._gateway_over(), "health")

    def _await_answer(self, health: Probe, until: float) -> None:
        """Here health is only shown: it was waited for already, a little."""

    def _tired(self, began: float) -> bool:
        if self._patience is None or self.health is None:
            return False
        return self._clock.now() > began + self.health + self._patience

    def _heed(self, seen: Sighting) -> None:
        super()._heed(seen)
        if seen.unended:
            return
        pattern = self._health_pattern if seen.at >= self._start_at else None
        if self.health is None and pattern and pattern.match(seen):
            self.health = seen.at - self._start_at
        for pattern, each in self._stage_patterns:
            if pattern.match(seen):
                self.stages.extend(read_stages(pattern.name, each, seen.text, None))
                return
        if seen.source == "gateway" and any(map(str.isalnum, seen.text)):  # no frame, no blank
            self.last.append(seen.text[:TAIL_WIDTH])
        self._overhear(seen)

    # -- the jobs and the state ------------------------------------------------------------

    def turn(self, target: str) -> None:
        """The next boot is one of another target, on the same gateway."""
        assert self._place is not None
        self._recipe = self._recipe.at(target)
        self._variables = self._recipe.variables(self._place.dir, self._place.ports)
        self._asked = self._asked_by_proof()
        if self._link is not None:
            self._link.turn(self._recipe, self._variables)

    def jobs(self) -> tuple[Job, ...]:
        """Ask the system for its jobs. Raises `JobsError`."""
        question = self._recipe.gate.state.jobs
        assert question is not None
        if question.exec is None:
            assert self._link is not None
            return read_jobs(self._link.ask(question, self._variables))
        lines = self._listener.keep("(jobs).out")
        lines.clear()
        code = self._carry_out(self._run("(jobs)", question, self._variables), "(jobs)", _QUESTION)
        if code != 0:
            said = " / ".join(self._listener.tail("(jobs).err")[-3:])
            text = f": {said}" if said else ""
            raise JobsError(f"could not be read: the command exited with {code}{text}")
        if any(len(line) >= LONGEST for line in lines):
            raise JobsError("has a line longer than 64 KiB: split it, or fetch the list over http")
        return read_jobs("\n".join(lines))

    def seed(self, command: Sequence[str], deadline: float) -> None:
        """Run a command in the gateway. Raises `BootgateError` unless it ends with 0."""
        running = self._run("(seed)", Trigger(exec=list(command)), self._variables)
        code = self._carry_out(running, "(seed)", deadline)
        if code != 0:
            said = " / ".join([*self.tail("(seed).out"), *self.tail("(seed).err")][-3:])
            how = f"exited with {code}" if code is not None else f"still ran after {deadline:g} s"
            raise BootgateError(
                f"The command that ages the baseline's state, `{' '.join(command)}`, {how}"
                f"{f': {said}' if said else ''}. Correct state: seed."
            )

    def _carry_out(self, running: Running, name: str, deadline: float) -> int | None:
        """The exit code of a command whose lines arrive under `name`, None after `deadline`."""
        self._listener.ended.pop(f"{name}.out", None)
        over = lambda: f"{name}.out" in self._listener.ended  # noqa: E731
        self._pump(self._clock.now() + deadline, over, name)
        return running.exit_code()

    def repair(self, command: Sequence[str], deadline: float) -> Exit:
        """Run a command on the state in the gateway's place; the sidecar is there as well."""
        try:
            place = self._open_place()
        except NotReadyError as error:
            self.last.append(error.detail)  # it could not even be tried
            return error.exited or Exit(None)
        self._make_gateway(place, command)
        self._start_gateway()
        self._pump(self._clock.now() + deadline, self._gateway_over, "repair")
        return self.stop(0)

    def stop(
        self, deadline: float, by: str | None = None, command: Sequence[str] | None = None
    ) -> Exit:
        """Ask the gateway to end, kill it after `deadline` seconds; the sidecar stays.

        It is asked with the signal `by`, or with a command that runs inside it.
        """
        assert self._gateway is not None
        self._look(force=True)
        self.watch(Moment("stop", deadline))
        if self._exit is None and command is not None:
            until = self._clock.now() + deadline
            self._run("(stop)", Trigger(exec=list(command)), self._variables)
            self._pump(until, self._gateway_over, "stop")
            self._look(force=True)
            by = "SIGKILL"
        if self._exit is None:
            self._exit = self._gateway.stop(deadline, by)
        self._pump(self._clock.now() + _LATE_LINES, lambda: False, "stop")
        return self._exit

    def stopped(self, state: State) -> Stop:
        """Stop it as the gate file says, unless it has ended already."""
        itself, began = self.over, self._clock.now()
        ended = self.stop(state.stop, state.stop_signal, state.stop_command)
        took = self._clock.now() - began
        killed = not itself and ended.code == _KILLED and took >= state.stop
        return Stop(ended.code, took, itself, killed, tuple(state.stop_exit) or (0,))

    def observed(self, release: str) -> Start:
        """What was seen of its gateway's start, whatever came of it."""
        return Start(
            release=release,
            version=self.version,
            ready=self.ready,
            cpu_seconds=self.start_cpu,
            health=self.health,
            stages=tuple(self.stages),
            last=tuple(self.last),
        )

    @property
    def ended(self) -> Exit | None:
        """How the gateway ended, None while it runs."""
        self._look(force=True)
        return self._exit

    @property
    def over(self) -> bool:
        """Whether the gateway has ended."""
        return self.ended is not None

    def save(self, into: Path) -> None:
        """Keep the state of a gateway that has ended as a tar file. Raises `EngineError`."""
        assert self._gateway is not None
        self._gateway.save(self._state_path, into)

    def tail(self, stream: str) -> tuple[str, ...]:
        """The last lines of one stream."""
        return self._listener.tail(stream)
