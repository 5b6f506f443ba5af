"""Where all lines of a pair arrive, and the one loop that waits for them."""

from __future__ import annotations

import queue
import time
from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from typing import Any

from pytest_bootgate.boot.observe import TAIL, TAIL_WIDTH, Sighting, sighting
from pytest_bootgate.engines.base import Line

_TICK = 0.2  # between two looks at deadlines and progress
_KEPT = 500  # lines of every stream, of which a boot keeps the last few
_ANSWER = "trigger.answer"


class Listener:
    """Takes in the lines of a gateway and its companion.

    `events` are all events of the companion, `ended` the instants at which streams ended.
    `on_sight` hears of every sighting, `on_end` of every stream that ended.
    """

    def __init__(self, on_sight: Callable[[Sighting], None], on_end: Callable[[str], None]) -> None:
        self._lines: queue.SimpleQueue[Line] = queue.SimpleQueue()
        self._on_sight, self._on_end = on_sight, on_end
        self._recent: defaultdict[str, deque[tuple[float, str]]] = defaultdict(
            lambda: deque(maxlen=_KEPT)
        )
        self._whole: dict[str, list[str]] = {}
        self.events: list[Mapping[str, Any]] = []
        self.ended: dict[str, float] = {}

    def put(self, line: Line) -> None:
        """The sink of the engine; called from its threads."""
        self._lines.put(line)

    def wait(
        self,
        deadline: float,
        done: Callable[[], bool],
        idle: Callable[[float], None],
        see: Callable[[Sighting], None] | None = None,
    ) -> None:
        """Take in lines until `done`, at most until the monotonic second `deadline`.

        What already arrived is taken in even after the deadline. `idle` is called a few times
        a second with the seconds left.
        """
        while not done():
            try:
                line = self._lines.get_nowait()
            except queue.Empty:
                left = deadline - time.monotonic()
                try:
                    line = self._lines.get(timeout=min(_TICK, max(left, 0.0)))
                except queue.Empty:
                    if left <= 0:
                        return
                    idle(left)
                    continue
            self._take(line, see)

    def _take(self, line: Line, see: Callable[[Sighting], None] | None) -> None:
        seen = sighting(line)
        if seen is None:
            self.ended[line.stream] = line.at
            self._on_end(line.stream)
            return
        if line.stream in self._whole:
            self._whole[line.stream].append(seen.text)
        name = seen.source if seen.source.startswith("file:") else line.stream
        self._recent[name].append((seen.at, seen.text[:TAIL_WIDTH]))
        if seen.event is not None and seen.event.get("body"):
            lines = str(seen.event["body"]).splitlines()
            self._recent[_ANSWER].extend((seen.at, text[:TAIL_WIDTH]) for text in lines)
        if seen.event is not None:
            self.events.append(seen.event)
        self._on_sight(seen)
        if see is not None:
            see(seen)

    def keep(self, stream: str) -> list[str]:
        """From now on all lines of one stream, in full; the list grows as they arrive."""
        return self._whole.setdefault(stream, [])

    def tail(self, stream: str) -> tuple[str, ...]:
        """The last lines of one stream."""
        return tuple(text for _, text in self._recent.get(stream, ()))[-TAIL:]

    def tails(self) -> dict[str, tuple[str, ...]]:
        """The last lines of every stream so far."""
        return {name: self.tail(name) for name in sorted(self._recent) if name != _ANSWER}

    def since(self, at: float) -> dict[str, list[str]]:
        """The lines of every stream since a monotonic second, as far as they were kept.

        Among them the answer to a trigger that the companion sent, as ``trigger.answer``.
        """
        return {
            name: [text for arrived, text in lines if arrived >= at]
            for name, lines in sorted(self._recent.items())
        }
