"""The gate's end of the line to its sidecar: orders go down, events come back."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pytest_bootgate.engines.base import Unit
from pytest_bootgate.engines.clock import Clock
from pytest_bootgate.errors import SidecarError
from pytest_bootgate.gatefile.model import Probe, StageProbe, Trigger
from pytest_bootgate.gatefile.variables import fill, fill_all
from pytest_bootgate.observe.outcome import exit_words
from pytest_bootgate.probes.kind import Order
from pytest_bootgate.records.jobs import JobsError
from pytest_bootgate.run.recipe import Recipe

#: How many seconds the sidecar has to start, and to confirm an order.
DEADLINE = 90.0

#: The name of a look that is only to show that the sidecar answers.
KNOCK = "knock"

#: Take in lines until the condition holds, at most until a monotonic second.
Wait = Callable[[float, Callable[[], bool], str], None]


class Link:
    """Orders for a sidecar. `events` is the list to which its events are appended.

    Raises `SidecarError` where it does not do as it is told.
    """

    def __init__(
        self,
        unit: Unit,
        recipe: Recipe,
        events: Sequence[Mapping[str, Any]],
        wait: Wait,
        clock: Clock,
    ) -> None:
        self.unit, self._clock = unit, clock
        self._recipe, self._events, self._wait = recipe, events, wait
        self._followed: set[str] = set()

    def open(self, variables: Mapping[str, str]) -> None:
        """Start the sidecar, its stub, and the following of files."""
        self.unit.start()
        self._expect("hello", "start")
        self._serve(variables)
        self.turn(self._recipe, variables)

    def mute(self, variables: Mapping[str, str]) -> None:
        """From now on the stub takes the requests of a boot and never answers them."""
        self._serve(variables, mute="token" if self._recipe.needs_token else "all")

    def _serve(self, variables: Mapping[str, str], **more: str) -> None:
        stub = self._recipe.gate.sidecar.stub
        if stub is None:
            return
        reply = {
            key: value
            for key in ("status", "headers", "json", "body", "stream")
            if (value := getattr(stub.reply, key)) is not None
        }
        port = int(fill(str(stub.port), variables))
        self._order({"do": "serve", "port": port, "reply": {**fill_all(reply, variables), **more}})
        self._expect("serving", f"serve the stub on port {port}")

    def lapse(
        self, name: str, probe: Probe, variables: Mapping[str, str], within: float | None = None
    ) -> None:
        """Watch for an endpoint that no longer answers as the probe wants.

        Where it must answer `within` so many seconds, one that takes longer has lapsed as well.
        """
        order = _filled(probe.kind.watch() or {}, variables)
        if within is not None:
            order |= {"strict": True, "patience": order.get("patience") or within}
        self._order({"do": "lapse", "id": name, **order})

    def turn(self, recipe: Recipe, variables: Mapping[str, str]) -> None:
        """Boots of this target follow: follow its files, unless they are followed already."""
        self._recipe = recipe
        wanted = {
            fill(file, variables)
            for _, probe in recipe.probes()
            if (file := probe.kind.follows) is not None
        }
        for path in sorted(wanted - self._followed):
            self._order({"do": "tail", "file": path})
            self._expect("tailing", f"follow {path}")
        self._followed |= wanted

    def arm(self, token: str, trigger: Trigger | None, variables: Mapping[str, str]) -> None:
        """A new boot begins: forget the watches of the last one, know the new token."""
        order: dict[str, Any] = {"do": "arm", "token": token}
        if trigger is not None and trigger.send is not None:
            # So that what must be there before the trigger is not timed with it.
            order["send"] = fill_all(trigger.send, variables)
        self._order(order)
        self._expect("armed", "arm for a new boot")

    def watch(self, name: str, probe: Probe | StageProbe, variables: Mapping[str, str]) -> None:
        """Watch for what is no line by itself; other probes need no order."""
        if (what := probe.kind.watch()) is not None:
            self._order({"do": "watch", "id": name, **_filled(what, variables)})

    def stands(self, name: str, probe: Probe, variables: Mapping[str, str]) -> bool:
        """Whether what a probe watches for is so already; what is a line never is."""
        what = probe.kind.watch()
        return what is not None and self.look(name, _filled(what, variables))

    def look(self, name: str, what: Mapping[str, Any]) -> bool:
        """Whether something is as wanted just now."""
        first = len(self._events)
        self._order({"do": "look", "id": name, **what})
        self._expect("looked", f"look for {name}")
        return any(e.get("event") == "looked" and e.get("so") for e in self._events[first:])

    def look_last(self, name: str, what: Order, variables: Mapping[str, str]) -> None:
        """Look once for what a probe asks for, and before it at all files that are followed."""
        self._order(fill_all({"do": "look", "id": name, **what}, variables))

    def knock(self) -> None:
        """Ask for a sign of life: an event with the id `KNOCK`."""
        self._order({"do": "look", "id": KNOCK, "exists": "/"})

    def trigger(self, trigger: Trigger, variables: Mapping[str, str]) -> None:
        """Send a trigger; what comes of it arrives as events."""
        self._order({"do": "trigger", **_request(trigger, variables)})

    def ask(self, trigger: Trigger, variables: Mapping[str, str]) -> str:
        """Send a question, and wait for its whole answer. Raises `JobsError` where it fails."""
        first = len(self._events)
        self._order({"do": "jobs", **_request(trigger, variables)})

        def answers() -> list[Mapping[str, Any]]:
            return [e for e in self._events[first:] if e.get("event") == "answer"]

        self._wait(
            self._clock.now() + DEADLINE,
            lambda: any(not e.get("more") for e in answers()),
            "list of jobs",
        )
        parts = answers()
        if not parts or parts[-1].get("more"):
            raise JobsError(f"did not come within {DEADLINE:g} s")
        if (error := parts[-1].get("error")) is not None:
            raise JobsError(f"could not be read: {error}")
        return "".join(str(part.get("text", "")) for part in parts)

    def died(self, said: Sequence[str]) -> SidecarError:
        """The error for a sidecar that is gone; `said` are its last lines."""
        ended = self.unit.exit()
        how = exit_words(ended) if ended is not None else "closed its output"
        last = f" Its last output: {' / '.join(said)}." if said else ""
        image = self._recipe.sidecar_image()
        return SidecarError(
            f"The sidecar {how}, so the boot can no longer be observed.{last} On docker it runs in"
            f" {image}, which must contain Python 3.9 or newer, or what the preset's sidecar needs."
        )

    def _order(self, order: Mapping[str, Any]) -> None:
        self.unit.send(json.dumps(order, separators=(",", ":")))

    def _expect(self, event: str, what: str) -> None:
        """Wait for the sidecar to confirm; nothing may be triggered before it watches."""
        first = len(self._events)

        def answers() -> list[Mapping[str, Any]]:
            return [e for e in self._events[first:] if e.get("event") == event]

        self._wait(self._clock.now() + DEADLINE, lambda: bool(answers()), "sidecar")
        if not answers():
            raise SidecarError(f"The sidecar did not {what} within {DEADLINE:g} s.")


def _filled(order: Order, variables: Mapping[str, str]) -> dict[str, Any]:
    """An order with its variables, and with the certificates that it names a file of."""
    filled: dict[str, Any] = fill_all(dict(order), variables)
    if isinstance(verify := filled.get("verify"), str):
        filled["verify"] = Path(verify).read_text(encoding="utf-8")
    return filled


def _request(trigger: Trigger, variables: Mapping[str, str]) -> dict[str, Any]:
    """What a trigger asks the sidecar to send."""
    order: dict[str, Any] = {"send": trigger.send}
    if trigger.send is None:
        order = {"http": trigger.http, "headers": trigger.headers}
        for key in ("method", "json", "body", "verify", "unix"):
            if (value := getattr(trigger, key)) is not None:
                order[key] = value
    return _filled(order, variables)
