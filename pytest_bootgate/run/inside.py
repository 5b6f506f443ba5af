"""Commands inside a gateway or a service that are run again and again until they succeed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from pytest_bootgate.engines.base import Chunk, Running, Unit
from pytest_bootgate.engines.clock import Clock
from pytest_bootgate.errors import CommandError, EngineError
from pytest_bootgate.observe.sighting import GATE
from pytest_bootgate.probes.kind import Order
from pytest_bootgate.run.listener import PROBE, Listener

#: Between two looks whether one is to be run, in seconds.
TICK = 0.02
#: A command that takes longer is joined by another one, which has twice as long.
_PATIENCE = 2.0


@dataclass
class _Run:
    stream: str
    command: Running
    began: float


@dataclass
class _Asked:
    name: str
    unit: Unit
    command: Sequence[str]
    every: float
    patience: float | None
    due: float
    wait: float = _PATIENCE
    failing: float | None = None
    lapse: bool = False
    runs: list[_Run] = field(default_factory=list)


class Inside:
    """Runs the commands of probes, and reports as the sidecar does for others.

    All raise `EngineError` where there is no such command, or no engine.
    """

    def __init__(self, listener: Listener, clock: Clock) -> None:
        self._listener, self._clock = listener, clock
        self._asked: list[_Asked] = []
        self._number = 0

    def watch(self, name: str, unit: Unit, order: Order, *, lapse: float | None = None) -> None:
        """Run the command of an order in a unit until it succeeds, at first at once.

        With `lapse`: until it fails, or takes more than so many seconds.
        """
        command = order.get("exec") or unit.health_command()
        self._listener.tick = min(self._listener.tick, TICK)
        self._say(event="watching", id=name)
        patience = order.get("patience")
        one = _Asked(name, unit, command, order["every"], patience, self._clock.now())
        one.wait = patience or lapse or _PATIENCE
        one.lapse = lapse is not None
        self._asked.append(one)

    def forget(self) -> None:
        """A new boot begins."""
        self._asked.clear()

    def step(self, without: Unit | None = None) -> None:
        """Look at those that have ended, run those that are due, but for those of one unit."""
        for one in [one for one in self._asked if one.unit is not without]:
            for run in [*one.runs]:
                self._look(one, run)
            if one in self._asked:
                self._next(one)

    def _look(self, one: _Asked, run: _Run) -> None:
        ended = self._listener.ended.get(f"{run.stream}.out")
        try:
            if ended is None or (code := run.command.exit_code()) is None:
                return
        except CommandError as error:  # the unit may still bring it along
            one.runs.remove(run)
            self._lacks(one, str(error))
            return
        one.runs.remove(run)
        said = self._listener.tail(f"{run.stream}.out") or self._listener.tail(f"{run.stream}.err")
        text = f"exit {code}: {said[-1]}" if said else f"exit {code}"
        self._listener.forget(run.stream)
        if (code == 0) != one.lapse:
            if one in self._asked:
                self._asked.remove(one)
                kind = {"event": "lapsed", "text": text} if one.lapse else {"event": "seen"}
                self._say(ended, **kind, id=one.name)
            return
        if not one.lapse:
            self._say(ended, event="state", id=one.name, text=text, answered=True)
        one.due, one.wait = ended + one.every, one.patience or _PATIENCE

    def _next(self, one: _Asked) -> None:
        now = self._clock.now()
        if one.runs and now - one.runs[-1].began < one.wait:
            return
        if one.runs and one.lapse:
            self._asked.remove(one)
            self._say(event="lapsed", id=one.name, text="timed out", late=True)
            return
        if one.runs:
            self._say(event="state", id=one.name, text="timed out")
            if one.patience:
                one.runs.clear()  # what they answer later does not count
            else:
                one.wait *= 2
        elif now < one.due:
            return
        self._number += 1
        stream = f"{PROBE}{self._number}"
        try:
            one.runs.append(_Run(stream, one.unit.run(stream, one.command), now))
            one.failing = None
        except CommandError as error:
            self._lacks(one, str(error))
        except EngineError:  # nothing runs inside of what has just ended, or is held
            if one.unit.exit() is not None:
                self._asked = [other for other in self._asked if other.unit is not one.unit]
                return
            one.due, one.failing = now + one.every, one.failing or now
            if now - one.failing > _PATIENCE and not one.unit.hold.state():
                raise

    def _lacks(self, one: _Asked, why: str) -> None:
        one.due = self._clock.now() + one.every
        self._say(event="state", id=one.name, text=why.partition(". ")[0])

    def _say(self, at: float | None = None, **event: Any) -> None:
        line = json.dumps(event).encode() + b"\n"
        self._listener.put(Chunk(GATE, self._clock.now() if at is None else at, line))
