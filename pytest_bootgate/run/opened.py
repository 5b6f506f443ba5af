"""A gateway and its sidecar, brought up until it can be triggered, and listened to."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any

from pytest_bootgate.engines.base import Engine, Exit, Place
from pytest_bootgate.errors import BootgateError, SidecarError
from pytest_bootgate.gatefile.model import Gateway, Probe
from pytest_bootgate.gatefile.variables import fill
from pytest_bootgate.observe.outcome import Stall, exit_words
from pytest_bootgate.observe.sighting import Pattern, Sighting
from pytest_bootgate.observe.spots import is_answer, last_answers
from pytest_bootgate.records.jobs import Kept
from pytest_bootgate.run.heartbeat import too_late
from pytest_bootgate.run.link import Link
from pytest_bootgate.run.listener import Listener
from pytest_bootgate.run.progress import Moment
from pytest_bootgate.run.recipe import Recipe
from pytest_bootgate.run.services import NotReadyError, Services
from pytest_bootgate.run.strangers import Asking, answered_instead, asked_by_proof, nobody_there
from pytest_bootgate.run.trial import Trial
from pytest_bootgate.run.watching import Watching

_LOOK = 1.0  # between two questions to the engine whether the gateway still runs
_ENGINE_LATE = 2.0  # for an answer; from then on it stands still, and so do the lines it hands on
_VERSION_DEADLINE = 10.0
_KILLED = 137  # 128 and SIGKILL
_LAST_LINES = 1.0  # what was left behind may hold a stream open
_ANSWER = 2.0  # for a health endpoint, where ready came at the last moment
_REMOVAL = 0.6  # between the kill of a container and its removal, in `docker rm --force`


class OpenedPair(Watching):
    """Open it, listen to it, close it. Every wait has a deadline; `watch` hears of each moment.

    `ready` is how many seconds the gateway took from its start, `version` what it says it is, and
    `not_ready` why it cannot be triggered.

    Raises `BootgateError` where the gate itself cannot measure, never for what the system
    under gate does.
    """

    def __init__(
        self,
        engine: Engine,
        recipe: Recipe,
        watch: Callable[[Moment], None],
        *,
        state: Kept | None = None,
    ) -> None:
        self._engine, self._recipe, self.watch = engine, recipe, watch
        self._state = state
        super().__init__(
            Listener(self._heed, self._heed_end, recipe.mask, engine.clock), engine.clock
        )
        self._services = Services(recipe, self._listener, engine.clock, self._pump, self._inside)
        self._beside = self._services.units
        self._place: Place | None = None
        self._variables: dict[str, str] = {}
        self._exit: Exit | None = None
        self._looked = 0.0
        self.stalls: list[Stall] = []
        self._begun = False
        self._started = 0.0
        self._exit_seen = 0.0
        self._asked = Asking()
        self._version_pattern: Pattern | None = None
        self.version: str | None = None
        self.ready: float | None = None
        self.not_ready: NotReadyError | None = None

    def close(self) -> None:
        """Remove both, and all that they shared."""
        if self._place is not None:
            self._place.remove()
        self._gateway = self._link = self._place = None

    # -- opening ---------------------------------------------------------------------------

    def open(self) -> None:
        """Bring up the sidecar and, where there is a trigger, a gateway that is ready."""
        try:
            place = self._open_place()
            if self._recipe.triggered:
                self._open_gateway(place)
        except NotReadyError as error:
            self.not_ready = error

    def _open_place(self) -> Place:
        gate = self._recipe.gate
        self._place = self._engine.place(gate.ports, self._recipe.network())
        self._variables = self._recipe.variables(self._place.dir, self._place.ports)
        if gate.gateway.version is not None:
            self._version_pattern = Pattern(
                "version", gate.gateway.version, self._variables, token=False
            )
        units = self._recipe.units(self._variables, images=self._engine.traits.images)
        if self._state is not None:
            units[-1] = replace(units[-1], state=self._state_path)
        self._place.expect(units, self._recipe.sidecar_image())
        if self._recipe.needs_sidecar:
            self._open_sidecar(self._place)
        images = self._engine.traits.images
        self._services.open(self._place, self._link, self._variables, images=images)
        return self._place

    def _open_sidecar(self, place: Place) -> None:
        spec = self._recipe.sidecar(self._variables, images=self._engine.traits.images)
        unit = place.create(spec, self._listener.put)
        self._link = Link(unit, self._recipe, self._listener.events, self._pump, self._clock)
        self._link.open(self._variables)

    def _open_gateway(self, place: Place) -> None:
        gateway = self._recipe.gate.gateway
        self._make_gateway(place)
        self._nobody_there()
        assert self._gateway is not None
        if gateway.ready is not None:
            self._watch("ready", gateway.ready, self._variables)
        self._before_start(gateway)
        began = self._started = self._clock.now()
        self._start_gateway()
        if gateway.ready is not None:
            self._await_ready(gateway.ready, began, float(gateway.ready_timeout))
            if other := answered_instead(place, self._recipe, self._variables, ["ready"]):
                raise BootgateError(other)
        if gateway.health is not None:
            self._await_answer(gateway.health, began + float(gateway.ready_timeout))
        self._prove_version()
        self._pause(gateway.settle)
        self._must_run("during its settle time" if gateway.settle else "before it was triggered")

    def _must_run(self, when: str) -> None:
        """Raises `NotReadyError` where the gateway has ended, with all that it said."""
        self._look(force=True)
        if self._exit is None:
            return
        self._look_again()
        self._await_last_lines()
        after = max(self._ended_at - self._started, 0.0)
        detail = f"the gateway {exit_words(self._exit)} {when}"
        if self.ready is not None:
            detail += f", {after:.2g} s after its start"
        raise NotReadyError(detail, self._exit, after)

    def _nobody_there(self) -> None:
        assert self._place is not None
        engine, place, services = self._engine, self._place, self._services
        gateway = self._recipe.gateway(self._variables, images=engine.traits.images)

        def wait(most: float, over: Callable[[], bool]) -> None:
            self._pump(self._clock.now() + most, over, "start")

        trial = Trial(engine, place, gateway, services, wait, self._state is not None)
        asking = self._asked_by_proof()
        known = self._recipe, self._variables, asking, services.listening
        self._asked = nobody_there(engine, place, self._link, *known, trial.alone)

    def _asked_by_proof(self) -> Asking:
        assert self._gateway is not None
        health = self._gateway.health_command
        return asked_by_proof(self._recipe, self._variables, health)

    def _before_start(self, gateway: Gateway) -> None:
        """For those who observe more of a start than when the gateway is ready."""

    def _tired(self, began: float) -> bool:  # noqa: ARG002
        """Whether waiting on for a gateway that is not ready has no use."""
        return False

    def _make_gateway(self, place: Place, command: Sequence[str] | None = None) -> None:
        spec = self._recipe.gateway(self._variables, images=self._engine.traits.images)
        if command is not None:
            spec = replace(spec, command=[fill(word, self._variables) for word in command])
        inside: dict[str, bytes] = {}
        if self._state is not None:
            inside = {p: c for p, c in spec.files.items() if _within(p, self._state_path)}
            outside = {p: c for p, c in spec.files.items() if p not in inside}
            spec = replace(spec, files=outside, state=self._state_path)
        self._gateway = place.create(spec, self._listener.put)
        self._inside.forget()
        if self._state is not None:
            over = {} if self._state.restart else inside
            self._gateway.load(self._state_path, self._state.archive, over)
        meant = self._recipe.image_digest
        if meant is not None and self._gateway.identity != meant:
            raise BootgateError(
                f"The {self._recipe.release_name} runs image {self._gateway.identity}, but"
                f" {spec.image} was {meant} when the gate began: the tag was moved. Use the image's"
                " digest (image@sha256:…), or rerun."
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
        self._must_run("before it was ready")
        answer = last_answers(self._recipe, self._variables, self._listener.events).get("ready")
        last = f"; {answer.words}" if answer is not None else ""
        after = min(at_most, self._clock.now() - began)
        raise NotReadyError(f"the gateway was not ready after {after:.3g} s{last}", None, after)

    def _await_answer(self, health: Probe, until: float) -> None:
        """A gateway that is ready answers at its health endpoint, be it that it is not well."""
        first = len(self._listener.events)

        def said() -> list[Mapping[str, Any]]:
            of_health = [e for e in self._listener.events[first:] if e.get("id") == "health"]
            return [event for event in of_health if event["event"] != "watching"]

        def over() -> bool:
            return any(map(is_answer, said())) or self._gateway_over()

        self._watch("health", health, self._variables)
        self._pump(max(until, self._clock.now() + _ANSWER), over, "health")
        if not over():
            when = "" if self.ready is None else f" after {self.ready:.2g} s"
            where = fill(health.kind.endpoint or health.kind.path or "", self._variables)
            last = f": {said()[-1]['text']}" if said() else ""
            detail = f"the gateway reported ready{when}, but {where} does not answer{last}"
            raise NotReadyError(detail, None, self.ready or 0.0)

    def _prove_version(self) -> None:
        wanted = self._recipe.release.version
        if self._version_pattern is None:
            return
        self._pump(
            self._clock.now() + _VERSION_DEADLINE,
            lambda: self.version is not None or self._gateway_over(),
            "version",
        )
        if wanted and self.version != wanted and not self._gateway_over():
            says = f"reports {self.version}" if self.version else "reports none"
            raise BootgateError(
                f"The {self._recipe.release_name} should be version {wanted}, but the gateway that"
                f" answers {says}. Check the image behind {self._recipe.release.image or 'it'},"
                " or the gateway's version probe."
            )

    def _pause(self, seconds: float) -> None:
        if seconds > 0:
            self._pump(self._clock.now() + seconds, self._gateway_over, "settle")

    # -- listening -------------------------------------------------------------------------

    def _pump(
        self,
        deadline: float,
        done: Callable[[], bool],
        doing: str | Callable[[], str],
        see: Callable[[Sighting], None] | None = None,
        timeout: float | None = None,
    ) -> None:
        """Listen until `done`, at most until the monotonic second `deadline`."""

        def idle(left: float) -> None:
            self._look()
            runs = self._begun and self._exit is None
            self._inside.step(without=None if runs else self._gateway)
            self.watch(Moment(doing if isinstance(doing, str) else doing(), left, timeout))

        self._listener.wait(deadline, done, idle, see)

    def _heed(self, seen: Sighting) -> None:
        if seen.event is not None and seen.event.get("event") == "trouble":
            raise SidecarError(f"The sidecar reports: {seen.get('text') or seen.text}")
        if seen.event is not None and seen.event.get("event") == "stalled":
            seconds = seen.event.get("seconds")
            late = too_late(float(self._recipe.target.timeout))
            if isinstance(seconds, float) and late < seconds < seen.at:
                self.stalls.append(Stall("the sidecar", seen.at - seconds, seen.at))
        if self._version_pattern is not None and self.version is None and not seen.unended:
            found = self._version_pattern.match(seen)
            if isinstance(found, re.Match):
                self.version = found["version"]

    def _heed_end(self, stream: str) -> None:
        if stream == "sidecar.out" and self._link is not None:
            raise self._link.died(self._listener.tail("sidecar.err")[-3:])
        if stream == "gateway.out":
            self._look(force=True)

    def _look(self, *, force: bool = False) -> None:
        """Ask the engine whether the gateway still runs; a stream may outlive its process."""
        now = self._clock.now()
        if self._gateway is None or self._exit is not None or not self._begun:
            return
        if force or now - self._looked >= _LOOK:
            before, self._looked = self._looked, now
            self._exit = self._gateway.exit()
            self._exit_seen = now
            answered = self._clock.now()
            if answered - now > _ENGINE_LATE:
                # Between the boots of a warm gateway, and before the first, nobody asked.
                self.stalls.append(Stall("the engine", max(before, now - 2 * _LOOK), answered))

    @property
    def _ended_at(self) -> float:
        """The monotonic second at which the gateway ended, as nearly as it was seen."""
        return min(self._exit_seen, self._listener.ended.get("gateway.out", self._exit_seen))

    def _await_last_lines(self, see: Callable[[Sighting], None] | None = None) -> None:
        """What a gateway that has ended said last may still be on its way."""
        until = self._clock.now() + _LAST_LINES
        self._pump(until, lambda: "gateway.out" in self._listener.ended, "last lines", see)

    def _gateway_over(self) -> bool:
        return self._exit is not None

    def _look_again(self) -> None:
        """Was a gateway that somebody killed removed with it? Then it was no crash."""
        until = self._clock.now() + _REMOVAL
        while self._exit is not None and self._exit.code == _KILLED and not self._exit.oom:
            assert self._gateway is not None
            self._exit = self._gateway.exit()
            if self._clock.now() > until:
                return
            self._clock.sleep(_REMOVAL / 10)


def _within(path: str, directory: str) -> bool:
    return PurePosixPath(path).is_relative_to(directory)
