"""The services of a gate file: started one after another, and ready before a gateway is."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import NoReturn

from pytest_bootgate.engines.base import Exit, Place, Unit
from pytest_bootgate.engines.clock import Clock
from pytest_bootgate.errors import BootgateError
from pytest_bootgate.gatefile.model import Probe, Service
from pytest_bootgate.gatefile.variables import fill_all
from pytest_bootgate.observe.outcome import exit_words
from pytest_bootgate.observe.sighting import Pattern, Sighting
from pytest_bootgate.run.inside import Inside
from pytest_bootgate.run.link import Link
from pytest_bootgate.run.listener import Listener
from pytest_bootgate.run.recipe import RELEASE, Recipe

#: Between two questions to the engine whether a service still runs, in seconds.
_LOOK = 1.0
_SAID = 3  # last lines in a message
_LAST_LINES = 1.0

#: Take in lines until it is so, at most until a monotonic second.
Pump = Callable[[float, Callable[[], bool], str, Callable[[Sighting], None]], None]


class NotReadyError(Exception):
    """The gateway could not be triggered: it never became ready, or ended before the trigger.

    So it is with what comes with its release, too. `after` is in seconds since its start.
    """

    def __init__(self, detail: str, exited: Exit | None, after: float) -> None:
        super().__init__(detail)
        self.detail, self.exited, self.after = detail, exited, after


class Services:
    """The services of one place.

    Raises `BootgateError` for one that is not ready in time, and `NotReadyError` where it is of the
    release's own image: then it is the release that does not start.
    """

    def __init__(
        self, recipe: Recipe, listener: Listener, clock: Clock, pump: Pump, inside: Inside
    ) -> None:
        self._recipe, self._listener = recipe, listener
        self._clock, self._pump, self._inside = clock, pump, inside
        #: Those that were started, by their names.
        self.units: dict[str, Unit] = {}
        #: How many seconds those took that ran once.
        self.took: dict[str, float] = {}

    def open(
        self, place: Place, link: Link | None, variables: Mapping[str, str], *, images: bool
    ) -> None:
        """Start them in the order of the gate file, each when the one before it is ready."""
        for name, service in self._recipe.gate.services.items():
            spec = self._recipe.service(name, variables, images=images)
            unit = self.units[name] = place.create(spec, self._listener.put)
            began = self._clock.now()
            if service.ready is not None and link is not None:
                link.watch(_id(name), service.ready, variables)
            self._listener.ended.pop(f"{name}.out", None)  # of an earlier place
            unit.start()
            if service.once:
                self._await_end(name, service, began)
            elif service.ready is not None:
                self._await(name, service, service.ready, began, variables)

    def answered(
        self, places: Collection[int | str], gateway: Unit, sidecar: Unit | None
    ) -> dict[int | str, str]:
        """At which ports and sockets these answer and the gateway does not: who, in words."""
        theirs = self.listening(places)
        if sidecar is not None:
            theirs |= dict.fromkeys(sidecar.listens(places), "the sidecar")
        own = gateway.listens(places) if theirs else set()
        return {at: who for at, who in theirs.items() if at not in own}

    def listening(self, places: Collection[int | str]) -> dict[int | str, str]:
        """At which of these ports and sockets services listen, by their names."""
        return {
            at: f"the service {name}"
            for name, unit in self.units.items()
            for at in unit.listens(places)
        }

    def unsettled(self, ports: Collection[int]) -> list[str]:
        """Which services listen on these ports of which nobody knows when they are ready."""
        services = self._recipe.gate.services
        return [
            name
            for name, unit in self.units.items()
            if services[name].ready is None and unit.listens(ports)
        ]

    def gone(self) -> list[str]:
        """Those that have ended, in words: whether that is the release's fault the others show."""
        ended = {name: unit.exit() for name, unit in self.units.items()}
        return [
            f"the service {name} {exit_words(how)} during this boot ({self._said(name)})"
            for name, how in ended.items()
            if how is not None
        ]

    def _await_end(self, name: str, service: Service, began: float) -> None:
        """One that runs once has done its work when it has ended with 0."""
        unit, ended, looked = self.units[name], None, began

        def closed() -> bool:
            return f"{name}.out" in self._listener.ended

        def over() -> bool:
            nonlocal ended, looked
            if closed() or self._clock.now() - looked >= _LOOK:
                ended, looked = unit.exit(), self._clock.now()
            return ended is not None

        self._pump(began + service.ready_timeout, over, f"service {name}", lambda _: None)
        # Its last lines may still be on their way; what it left behind may hold the stream open.
        self._pump(self._clock.now() + _LAST_LINES, closed, f"service {name}", lambda _: None)
        if ended is None:
            self._fail(
                name, f"runs once and had not ended after {service.ready_timeout:g} s", began
            )
        if ended.code != 0 or ended.gone:
            how = f"runs once and must exit with 0, but {exit_words(ended)}"
            self._fail(name, how, began, ended)
        self.took[name] = self._listener.ended.get(f"{name}.out", self._clock.now()) - began
        del self.units[name]  # nobody can look into it, and it is not missed

    def _await(
        self,
        name: str,
        service: Service,
        ready: Probe,
        began: float,
        variables: Mapping[str, str],
    ) -> None:
        unit = self.units[name]
        pattern = Pattern(_id(name), ready, variables, token=False)
        if pattern.source == "gateway":  # a line of its own
            pattern.source = name
        if (order := ready.kind.ask()) is not None:
            asked = self.units[ready.kind.unit or name]
            self._inside.watch(_id(name), asked, fill_all(dict(order), variables))
        seen, looked, gone = [], began, False

        def see(sighting: Sighting) -> None:
            if sighting.at >= began and pattern.match(sighting):
                seen.append(sighting.at)

        def over() -> bool:
            nonlocal looked, gone
            if (now := self._clock.now()) - looked >= _LOOK:
                looked, gone = now, unit.exit() is not None
            return bool(seen) or gone

        self._pump(began + service.ready_timeout, over, f"service {name}", see)
        self._inside.forget()
        if seen:
            return
        ended = unit.exit()
        how = (
            f"{exit_words(ended)} before it was ready"
            if ended
            else (f"was not ready after {service.ready_timeout:g} s{self._stands(name)}")
        )
        self._fail(name, how, began, ended)

    def _fail(self, name: str, how: str, began: float, ended: Exit | None = None) -> NoReturn:
        service = self._recipe.gate.services[name]
        if service.image == RELEASE:
            after = self._clock.now() - began
            raise NotReadyError(f"the service {name} {how} ({self._said(name)})", ended, after)
        ready = "" if service.once else " its `ready`,"
        raise BootgateError(
            f"The service {name} {how}.{self._last(name)} Nothing was booted: correct the service,"
            f"{ready} or its `ready_timeout`."
        )

    def _stands(self, name: str) -> str:
        """How its probe stood last, as the end of a sentence."""
        told = [
            str(event.get("text"))
            for event in self._listener.events
            if event.get("id") == _id(name) and event.get("event") == "state"
        ]
        return f"; its last answer was {told[-1]}" if told else ""

    def _last(self, name: str) -> str:
        said = self._said(name)
        return f" Its {said}." if said.startswith("last") else ""

    def _said(self, name: str) -> str:
        said = [*self._listener.tail(f"{name}.out"), *self._listener.tail(f"{name}.err")]
        return f"last output: {' / '.join(said[-_SAID:])}" if said else "it printed nothing"


def _id(name: str) -> str:
    return f"service:{name}"
