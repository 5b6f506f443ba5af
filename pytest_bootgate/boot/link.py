"""The gate's end of the line to its companion: orders go down, events come back."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pytest_bootgate.boot.outcome import exit_words
from pytest_bootgate.boot.recipe import Recipe
from pytest_bootgate.engines.base import Unit
from pytest_bootgate.errors import CompanionError
from pytest_bootgate.gatefile.model import Probe
from pytest_bootgate.gatefile.variables import fill, fill_all

#: How many seconds the companion has to start, and to confirm an order.
DEADLINE = 90.0

#: Take in lines until the condition holds, at most until a monotonic second.
Wait = Callable[[float, Callable[[], bool], str], None]


class Link:
    """Orders for a companion. `events` is the list to which its events are appended.

    Raises `CompanionError` where it does not do as it is told.
    """

    def __init__(
        self, unit: Unit, recipe: Recipe, events: Sequence[Mapping[str, Any]], wait: Wait
    ) -> None:
        self.unit = unit
        self._recipe, self._events, self._wait = recipe, events, wait

    def open(self, variables: Mapping[str, str]) -> None:
        """Start the companion, its doorbell, and the following of files."""
        self.unit.start()
        self._expect("hello", "start")
        doorbell = self._recipe.gate.companion.doorbell
        if doorbell is not None:
            reply = {
                key: value
                for key in ("status", "headers", "json", "body", "stream")
                if (value := getattr(doorbell.reply, key)) is not None
            }
            port = int(fill(str(doorbell.port), variables))
            self._order({"do": "serve", "port": port, "reply": fill_all(reply, variables)})
            self._expect("serving", f"serve the doorbell on port {port}")
        followed = {
            fill(probe.file, variables)
            for _, probe in self._recipe.probes()
            if probe.file is not None and probe.line is not None
        }
        for path in sorted(followed):
            self._order({"do": "tail", "file": path})
            self._expect("tailing", f"follow {path}")

    def arm(self, token: str, variables: Mapping[str, str]) -> None:
        """A new boot begins: forget the watches of the last one, know the new token."""
        order: dict[str, Any] = {"do": "arm", "token": token}
        trigger = self._recipe.target.trigger
        if trigger is not None and trigger.send is not None:
            # So that what must be there before the trigger is not timed with it.
            order["send"] = fill_all(trigger.send, variables)
        self._order(order)
        self._expect("armed", "arm for a new boot")

    def watch(self, name: str, probe: Probe, variables: Mapping[str, str]) -> None:
        """Watch for what is no line by itself; other probes need no order."""
        order: dict[str, Any] = {"do": "watch", "id": name}
        if probe.http is not None:
            order |= {"http": probe.http, "status": probe.status, "json": probe.json}
        elif probe.tcp is not None:
            order |= {"tcp": probe.tcp}
        elif probe.file is not None and probe.line is None:
            order |= {"exists": probe.file}
        else:
            return
        self._order(fill_all(order, variables))

    def trigger(self, variables: Mapping[str, str]) -> None:
        """Send the target's trigger; what comes of it arrives as events."""
        trigger = self._recipe.target.trigger
        assert trigger is not None
        order: dict[str, Any] = {"do": "trigger"}
        if trigger.send is not None:
            order["send"] = trigger.send
        else:
            order |= {"http": trigger.http, "method": trigger.method, "headers": trigger.headers}
            order |= {} if trigger.json is None else {"json": trigger.json}
            order |= {} if trigger.body is None else {"body": trigger.body}
        self._order(fill_all(order, variables))

    def died(self, said: Sequence[str]) -> CompanionError:
        """The error for a companion that is gone; `said` are its last lines."""
        ended = self.unit.exit()
        how = exit_words(ended) if ended is not None else "closed its output"
        last = f" It said: {' / '.join(said)}" if said else ""
        image = self._recipe.companion_image()
        return CompanionError(
            f"The companion {how}, so nothing can be observed any more.{last} On docker it runs in"
            f" {image}, which must hold Python 3.9 or newer, or what the preset's companion needs."
        )

    def _order(self, order: Mapping[str, Any]) -> None:
        self.unit.send(json.dumps(order, separators=(",", ":")))

    def _expect(self, event: str, what: str) -> None:
        """Wait for the companion to confirm; nothing may be triggered before it watches."""
        first = len(self._events)

        def answers() -> list[Mapping[str, Any]]:
            return [e for e in self._events[first:] if e.get("event") == event]

        self._wait(time.monotonic() + DEADLINE, lambda: bool(answers()), "companion")
        if not answers():
            raise CompanionError(f"The companion did not {what} within {DEADLINE:g} s.")
