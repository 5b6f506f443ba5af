"""A gateway and its companion, opened once, booted once (cold) or again and again (warm)."""

from __future__ import annotations

import os
import re
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from pytest_bootgate.boot.doors import Doors, open_doors, reopened
from pytest_bootgate.boot.events import (
    BootBegan,
    BootFailed,
    BootKey,
    Hear,
    RetryScheduled,
    Voice,
    ignore,
)
from pytest_bootgate.boot.jobs import Job, Kept
from pytest_bootgate.boot.link import Link
from pytest_bootgate.boot.listener import Listener
from pytest_bootgate.boot.meter import Meter, Used
from pytest_bootgate.boot.observe import Observation, Pattern, Sighting
from pytest_bootgate.boot.outcome import Ending, conclude, exit_words, outcome_of
from pytest_bootgate.boot.recipe import Recipe
from pytest_bootgate.boot.values import Boot
from pytest_bootgate.boot.witness import Witness
from pytest_bootgate.engines.base import Engine, Exit, Place, Running, Unit
from pytest_bootgate.errors import BootgateError, CompanionError
from pytest_bootgate.gatefile.model import Gateway, Probe, Trigger
from pytest_bootgate.gatefile.variables import fill

_LOOK = 1.0  # between two questions to the engine whether the gateway still runs
_VERSION_DEADLINE = 10.0
_LATE_MARKS = 0.3
_KILLED = 137  # 128 and SIGKILL
_ANSWER = 2.0  # for a health endpoint, where ready came at the last moment
_HEALTHY = "200"
_REMOVAL = 0.6  # between the kill of a container and its removal, in `docker rm --force`


@dataclass(frozen=True, slots=True)
class Moment:
    """What a pair is doing just now: `left` is how many seconds it may still take at most."""

    doing: str
    left: float


class NotReadyError(Exception):
    """The gateway could not be triggered: it never became ready."""

    def __init__(self, detail: str, exited: Exit | None, after: float) -> None:
        super().__init__(detail)
        self.detail, self.exited, self.after = detail, exited, after


class Pair:
    """Open it, boot it, close it. Every wait has a deadline; `watch` hears of each moment.

    `hear` is told the events of every boot as they happen.

    Raises `BootgateError` where the gate itself cannot measure, never for what the system
    under gate does: that is the outcome of a boot.
    """

    #: Whether a run that was proved may end before the next boot, also after a cold start.
    lingers = False
    #: What it boots for.
    during = "campaign"

    def __init__(
        self,
        engine: Engine,
        recipe: Recipe,
        watch: Callable[[Moment], None],
        *,
        state: Kept | None = None,
        hear: Hear = ignore,
    ) -> None:
        self._engine, self._recipe, self.watch = engine, recipe, watch
        self._state, self._hear = state, hear
        self._voice: Voice | None = None
        self._last: BootKey | None = None
        self._listener = Listener(self._heed, self._heed_end)
        self._place: Place | None = None
        self._link: Link | None = None
        self._gateway: Unit | None = None
        self._variables: dict[str, str] = {}
        self._exit: Exit | None = None
        self._looked = 0.0
        self._begun = False
        self._version_pattern: Pattern | None = None
        self.version: str | None = None
        self.ready: float | None = None
        self.token = ""
        self.not_ready: NotReadyError | None = None

    # -- opening and closing ---------------------------------------------------------------

    def open(self) -> None:
        """Bring up the companion and, where there is a trigger, a gateway that is ready."""
        place = self._open_place()
        if self._recipe.triggered:
            try:
                self._open_gateway(place)
            except NotReadyError as error:
                self.not_ready = error

    def _open_place(self) -> Place:
        gate = self._recipe.gate
        self._place = self._engine.place(gate.ports)
        self._variables = self._recipe.variables(self._place.dir, self._place.ports)
        if gate.gateway.version is not None:
            self._version_pattern = Pattern(
                "version", gate.gateway.version, self._variables, token=False
            )
        if self._recipe.needs_companion:
            self._open_companion(self._place)
        return self._place

    def _open_companion(self, place: Place) -> None:
        spec = self._recipe.companion(self._engine.name, self._variables)
        unit = place.create(spec, self._listener.put)
        self._link = Link(unit, self._recipe, self._listener.events, self._pump)
        self._link.open(self._variables)

    def _open_gateway(self, place: Place) -> None:
        gateway = self._recipe.gate.gateway
        self._make_gateway(place)
        assert self._gateway is not None
        if gateway.ready is not None and self._link is not None:
            self._link.watch("ready", gateway.ready, self._variables)
        self._before_start(gateway)
        began = time.monotonic()
        self._start_gateway()
        if gateway.ready is not None:
            self._await_ready(gateway.ready, began, float(gateway.ready_timeout))
        if gateway.health is not None:
            self._await_answer(gateway.health, began + float(gateway.ready_timeout))
        self._prove_version()
        self._pause(gateway.settle)

    def _before_start(self, gateway: Gateway) -> None:
        """For those who observe more of a start than when the gateway is ready."""

    def _tired(self, began: float) -> bool:  # noqa: ARG002
        """Whether waiting on for a gateway that is not ready has no use."""
        return False

    def _make_gateway(self, place: Place, command: Sequence[str] | None = None) -> None:
        spec = self._recipe.gateway(self._engine.name, self._variables)
        if command is not None:
            spec = replace(spec, command=[fill(word, self._variables) for word in command])
        inside: dict[str, bytes] = {}
        if self._state is not None:
            inside = {p: c for p, c in spec.files.items() if _within(p, self._state_path)}
            outside = {p: c for p, c in spec.files.items() if p not in inside}
            spec = replace(spec, files=outside)
        self._gateway = place.create(spec, self._listener.put)
        if self._state is not None:
            over = {} if self._state.restart else inside
            self._gateway.load(self._state_path, self._state.archive, over)
        meant = self._recipe.image_digest
        if meant is not None and self._gateway.identity != meant:
            raise BootgateError(
                f"The {self._recipe.release_name} runs image {self._gateway.identity}, but"
                f" {spec.image} was {meant} when the gate began: somebody moved the tag. Name the"
                " image by its digest (image@sha256:…), or gate again."
            )

    def _start_gateway(self) -> None:
        assert self._gateway is not None
        self._begun = True
        self._gateway.start()

    @property
    def _state_path(self) -> str:
        return fill(self._recipe.gate.state.path or "", self._variables)

    def _await_ready(self, probe: Probe, began: float, at_most: float) -> None:
        pattern = Pattern("ready", probe, self._variables, token=False)
        seen_at: list[float] = []

        def ready(seen: Sighting) -> None:
            if not seen_at and seen.at >= began and pattern.match(seen):
                seen_at.append(seen.at)

        def over() -> bool:
            return bool(seen_at) or self._tired(began) or self._gateway_over()

        self._pump(began + at_most, over, "start", ready)
        if seen_at:
            self.ready = seen_at[0] - began
            return
        if (exited := self._exit) is not None:
            raise NotReadyError(
                f"the gateway {exit_words(exited)} before it was ready",
                exited,
                time.monotonic() - began,
            )
        states = [
            str(event.get("text"))
            for event in self._listener.events
            if event.get("event") == "state" and event.get("id") != "health"
        ]
        last = f"; its last answer was {states[-1]}" if states else ""
        after = min(at_most, time.monotonic() - began)
        raise NotReadyError(f"the gateway was not ready after {after:.3g} s{last}", None, after)

    def _await_answer(self, health: Probe, until: float) -> None:
        """A gateway that is ready answers at its health endpoint, be it that it is not well."""
        assert self._link is not None
        first = len(self._listener.events)

        def said() -> list[str]:
            of_health = [e for e in self._listener.events[first:] if e.get("id") == "health"]
            return [str(e.get("text", _HEALTHY)) for e in of_health if e["event"] != "watching"]

        def over() -> bool:
            return any(text[:3].isdigit() for text in said()) or self._gateway_over()

        self._link.watch("health", health, self._variables)
        self._pump(max(until, time.monotonic() + _ANSWER), over, "health")
        if not over():
            when = "" if self.ready is None else f" after {self.ready:.2g} s"
            where = fill(health.http or health.tcp or "", self._variables)
            last = f": {said()[-1]}" if said() else ""
            detail = f"the gateway called itself ready{when}, but {where} does not answer{last}"
            raise NotReadyError(detail, None, self.ready or 0.0)

    def _prove_version(self) -> None:
        wanted = self._recipe.release.version
        if self._version_pattern is None:
            return
        self._pump(
            time.monotonic() + _VERSION_DEADLINE,
            lambda: self.version is not None or self._gateway_over(),
            "version",
        )
        if wanted and self.version != wanted and not self._gateway_over():
            says = f"says {self.version}" if self.version else "does not say its version"
            raise BootgateError(
                f"The {self._recipe.release_name} should be version {wanted}, but the gateway that"
                f" answers {says}. Check the image behind {self._recipe.release.image or 'it'},"
                " or the gateway's version probe."
            )

    def _pause(self, seconds: float) -> None:
        if seconds > 0:
            self._pump(time.monotonic() + seconds, self._gateway_over, "settle")

    def close(self) -> None:
        """Remove both, and all that they shared."""
        if self._voice is not None:
            why = "the gate could not go on observing it"
            self._voice.say(BootFailed, outcome="lost", phase=None, detail=why)
            self._voice = None
        if self._place is not None:
            self._place.remove()
        self._gateway = self._link = self._place = None

    # -- one boot --------------------------------------------------------------------------

    def begin(self, number: int, attempt: int = 1) -> Voice:
        """A boot begins, with the opening of the pair where it is cold; `boot` ends it."""
        recipe = self._recipe
        key = BootKey(
            id=secrets.token_hex(8),
            run=recipe.run,
            target=recipe.target_name,
            release=recipe.release_name,
            host=recipe.host_name,
            start=recipe.target.start,
            number=number,
            attempt=attempt,
            during=self.during,
        )
        self._voice = Voice(self._hear, key)
        self._voice.say(BootBegan)
        return self._voice

    def boot(
        self, number: int, *, warm_up: bool = False, job: Job | None = None, token: str = ""
    ) -> Boot:
        """Trigger, watch until the proof, the exit or the timeout, and conclude.

        With a `job` that is already there, that one is run; `token` is the one it carries.
        """
        recipe, target = self._recipe, self._recipe.target
        assert self._place is not None
        trigger = target.trigger if job is None else recipe.gate.state.run
        token = self.token = token or f"bootgate{secrets.token_hex(8)}"
        variables = {**self._variables, "token": token}
        if job is not None:
            variables |= {"job.id": job.id, "job.name": job.name}
        seen = Observation(
            target.phases, target.upstream, target.stages, variables, token=recipe.needs_token
        )
        voice = self._voice or self.begin(number)
        witness = Witness(seen, voice)
        if self.not_ready is not None:
            boot = self._never_ready(seen, number, warm_up, self.not_ready)
            return self._ended(boot, witness)
        if self._link is not None:
            self._link.arm(token, trigger, variables)
        load, clock = os.getloadavg()[0], time.time() - time.monotonic()
        if recipe.triggered:
            assert self._gateway is not None
            self._look_ahead(seen, variables)
            meter = Meter(self._gateway, warm=target.start == "warm")
            doors = self._doors()
            seen.trigger_at = time.monotonic()
            assert trigger is not None
            running = self._send_trigger(trigger, variables)
            witness.sent()
            self._order_watches(variables)
        else:
            running = None
            self._variables = variables  # a runner may be given its token when it is made
            self._make_gateway(self._place)
            assert self._gateway is not None
            self._order_watches(variables)
            meter, doors = Meter(None, warm=False), {}
            seen.trigger_at = time.monotonic()
            self._start_gateway()
            witness.sent()
        ending = self._follow(seen, running, witness)
        used = Used() if self._gateway_over() else meter.stop(self._gateway)
        ending = replace(
            ending,
            reopened=self._reopened(doors),
            exited=self._exit,
            oom_kills=used.oom_kills,
            clock=time.time() - time.monotonic() - clock,
        )
        if ending.started and not seen.complete:
            until = time.monotonic() + _LATE_MARKS
            self._pump(until, lambda: seen.complete, "marks", witness.see)
        if ending.started or ending.at >= ending.timeout or ending.exited or ending.refused:
            # Only a failure that was reported may still be followed by a proof in time.
            outcome, detail = outcome_of(seen, ending, triggered=recipe.triggered)
            at = ending.proof if ending.started and ending.proof is not None else ending.at
            code = None if ending.exited is None else ending.exited.code
            witness.decided(outcome, at, detail, code)
        if not ending.started and not ending.refused:
            self._listen(seen, ending, witness)
            # A failure that was reported, and after it a proof in time: the proof counts.
            ending = replace(ending, proof=seen.proof_at)
        if not recipe.triggered and ending.started:
            self._prove_version()
        if ending.started and (target.start == "warm" or self.lingers):
            self._let_finish(seen, witness)
        boot = conclude(recipe, seen, ending, number=number, warm_up=warm_up)
        boot = replace(
            boot,
            ready=self.ready,
            cpu_seconds=used.cpu_seconds,
            load=load,
            disk_read=used.disk_read,
            throttled=used.throttled,
            identity=self._gateway.identity,
            version=self.version,
            tails=self._listener.tails(),
        )
        return self._ended(boot, witness)

    def _look_ahead(self, seen: Observation, variables: Mapping[str, str]) -> None:
        """What is so before the trigger is the mark of another boot, or of none."""
        for name, probe in self._recipe.target.phases.items():
            if self._link is not None and self._link.stands(f"phase:{name}", probe, variables):
                seen.stands(name)

    def _doors(self) -> Doors:
        assert self._gateway is not None
        return open_doors(self._gateway.pid, self._recipe.doors(self._variables))

    def _reopened(self, before: Doors) -> str:
        """What became of a port of a gateway that still runs; one that ended has closed them."""
        if self._gateway_over() or not (what := reopened(before, self._doors())):
            return ""
        self._look(force=True)
        return "" if self._gateway_over() else what

    def _ended(self, boot: Boot, witness: Witness) -> Boot:
        assert self._voice is not None
        key = self._last = self._voice.key
        self._voice = None
        boot = replace(boot, id=key.id, attempt=key.attempt)
        witness.ended(boot)
        return boot

    def retried(self, pause: float, reason: str) -> None:
        """The last boot will be tried once more, `pause` seconds from now: tell so."""
        assert self._last is not None
        Voice(self._hear, self._last).say(RetryScheduled, pause=pause, reason=reason)

    def cpu_seconds(self) -> float | None:
        """CPU seconds that the gateway has used since its start, None where it does not run."""
        return None if self._gateway is None else self._gateway.cpu_seconds()

    def _follow(self, seen: Observation, running: Running | None, witness: Witness) -> Ending:
        """Watch until the boot is over, one way or the other."""
        assert seen.trigger_at is not None
        deadline = seen.trigger_at + self._recipe.target.timeout

        def over() -> bool:
            self._look_at_trigger(seen, running)
            return (
                seen.proof_at is not None
                or seen.refused is not None
                or seen.failure() is not None
                or self._gateway_over()
            )

        self._listener.ended.pop("trigger.out", None)
        self._pump(deadline, over, lambda: seen.current or "proof", witness.see)
        witness.look()
        self._look_again()
        at = min(time.monotonic(), deadline) - seen.trigger_at
        if self._gateway_over():
            at = min(self._listener.ended.get("gateway.out", deadline), deadline) - seen.trigger_at
        return Ending(
            at=at,
            timeout=float(self._recipe.target.timeout),
            proof=seen.proof_at,
            refused=seen.refused,
            exited=self._exit,
        )

    def _look_at_trigger(self, seen: Observation, running: Running | None) -> int | None:
        """The exit code of the trigger's command, once it has ended; 0 accepts, others refuse."""
        ended = self._listener.ended.get("trigger.out")
        if running is None or ended is None:
            return None
        code = running.exit_code()
        if code is None:  # the end of an earlier trigger, which outlived its boot
            self._listener.ended.pop("trigger.out")
        elif code == 0 and seen.accepted is None:
            seen.accepted = ended - (seen.trigger_at or 0)
        elif code != 0 and seen.accepted is None and seen.refused is None:
            seen.refused = f"the trigger's command ended with {code}"
        return code

    def _listen(self, seen: Observation, ending: Ending, witness: Witness) -> None:
        """After a failed boot: is anyone told, how late, and was what they were told true?"""
        reported = ending.exited is None and ending.at < ending.timeout
        deadline = time.monotonic() + self._recipe.target.listen

        def done() -> bool:
            return seen.proof_at is not None if reported else not seen.silent_channels

        self._pump(deadline, done, "told?", witness.see)

    def _let_finish(self, seen: Observation, witness: Witness) -> None:
        """Between two warm boots: wait until the run says that it ended, then settle."""
        channels = [n for n, s in self._recipe.target.upstream.items() if s.says == "ok"]
        if channels:
            deadline = time.monotonic() + self._recipe.target.listen
            self._pump(deadline, lambda: bool(seen.told), "end of run", witness.see)
        self._pause(max(self._recipe.gate.gateway.settle, self._recipe.target.pause))

    def _never_ready(
        self, seen: Observation, number: int, warm_up: bool, why: NotReadyError
    ) -> Boot:
        ending = Ending(
            at=why.after,
            timeout=float(self._recipe.target.timeout),
            exited=why.exited,
            not_ready=why.detail,
        )
        boot = conclude(self._recipe, seen, ending, number=number, warm_up=warm_up)
        identity = self._gateway.identity if self._gateway is not None else ""
        return replace(boot, identity=identity, triggered=False, tails=self._listener.tails())

    def _send_trigger(self, trigger: Trigger, variables: Mapping[str, str]) -> Running | None:
        if trigger.exec is not None:
            return self._run("trigger", trigger, variables)
        assert self._link is not None
        self._link.trigger(trigger, variables)
        return None

    def _run(self, name: str, trigger: Trigger, variables: Mapping[str, str]) -> Running:
        in_companion = trigger.in_ == "companion" and self._link is not None
        unit = self._link.unit if in_companion and self._link else self._gateway
        assert unit is not None
        return unit.run(name, [fill(word, variables) for word in trigger.exec or ()])

    def _order_watches(self, variables: Mapping[str, str]) -> None:
        for name, probe in self._recipe.probes():
            wanted = name.startswith(("phase:", "upstream:"))
            if self._link is not None and wanted and isinstance(probe, Probe):
                self._link.watch(name, probe, variables)

    # -- listening -------------------------------------------------------------------------

    def _pump(
        self,
        deadline: float,
        done: Callable[[], bool],
        doing: str | Callable[[], str],
        see: Callable[[Sighting], None] | None = None,
    ) -> None:
        """Listen until `done`, at most until the monotonic second `deadline`."""

        def idle(left: float) -> None:
            self._look()
            self.watch(Moment(doing if isinstance(doing, str) else doing(), left))

        self._listener.wait(deadline, done, idle, see)

    def _heed(self, seen: Sighting) -> None:
        if seen.event is not None and seen.event.get("event") == "trouble":
            raise CompanionError(f"The companion says: {seen.event.get('text')}")
        if self._version_pattern is not None and self.version is None:
            found = self._version_pattern.match(seen)
            if isinstance(found, re.Match):
                self.version = found["version"]

    def _heed_end(self, stream: str) -> None:
        if stream == "companion.out" and self._link is not None:
            raise self._link.died(self._listener.tail("companion.err")[-3:])
        if stream == "gateway.out":
            self._look(force=True)

    def _look(self, *, force: bool = False) -> None:
        """Ask the engine whether the gateway still runs; a stream may outlive its process."""
        now = time.monotonic()
        if self._gateway is None or self._exit is not None or not self._begun:
            return
        if force or now - self._looked >= _LOOK:
            self._looked = now
            self._exit = self._gateway.exit()
            if self._exit is not None:
                self._listener.ended.setdefault("gateway.out", now)

    def _gateway_over(self) -> bool:
        return self._exit is not None

    def _look_again(self) -> None:
        """Was a gateway that somebody killed removed with it? Then it was no crash."""
        until = time.monotonic() + _REMOVAL
        while self._exit is not None and self._exit.code == _KILLED and not self._exit.oom:
            assert self._gateway is not None
            self._exit = self._gateway.exit()
            if time.monotonic() > until:
                return
            time.sleep(_REMOVAL / 10)


def _within(path: str, directory: str) -> bool:
    return PurePosixPath(path).is_relative_to(directory)
