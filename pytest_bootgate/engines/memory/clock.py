"""A clock that jumps from one scripted instant to the next."""

from __future__ import annotations

import heapq
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from itertools import count

#: Where the clocks begin: a monotonic second, and a Unix second in 2026.
_MONOTONIC, _WALL = 1000.0, 1_767_225_600.0


class MemoryClock:
    """Time passes only for whoever waits for it, and then at once. One thread, no sleep.

    All that happens stands in one queue; what is due happens while somebody waits.
    """

    def __init__(self) -> None:
        self._now, self._set = _MONOTONIC, _WALL - _MONOTONIC
        self._numbers = count()
        self._queue: list[tuple[float, int, Callable[[], None]]] = []
        #: How much is being done `beside` just now.
        self.beside_now = 0

    # -- for who waits ---------------------------------------------------------------------

    def now(self) -> float:
        """The monotonic second."""
        return self._now

    def wall(self) -> float:
        """Unix seconds."""
        return self._now + self._set

    def sleep(self, seconds: float) -> None:
        """Let all happen that is due in these seconds."""
        self.until(lambda: False, seconds)

    def until(self, done: Callable[[], bool], seconds: float) -> None:
        """Let happen what is due until `done`, at most for so many seconds."""
        end = self._now + max(0.0, seconds)
        while not done() and self._next(end):
            pass

    def wait(self, ready: threading.Condition, seconds: float) -> None:  # noqa: ARG002
        """Let one thing happen, if one is due in these seconds; else they pass."""
        self._next(self._now + max(0.0, seconds))

    @contextmanager
    def beside(self, work: Callable[[], float]) -> Iterator[None]:
        """Work in between."""
        over = False

        def again() -> None:
            if not over:
                self.at(self._now + work(), again)

        self.beside_now += 1
        again()
        try:
            yield
        finally:
            over = True
            self.beside_now -= 1

    def run_delay(self, tasks: Collection[int]) -> float:  # noqa: ARG002
        """Nobody waits for a CPU here."""
        return 0.0

    # -- for who plays ---------------------------------------------------------------------

    def at(self, when: float, do: Callable[[], None]) -> None:
        """Something that happens at a monotonic second, or as soon as somebody waits after it."""
        heapq.heappush(self._queue, (when, next(self._numbers), do))

    def stall(self, seconds: float) -> None:
        """Time passes and nothing happens: who waits stood still, or slept."""
        self._now += seconds

    def set_wall(self, by: float) -> None:
        """Somebody sets the wall clock."""
        self._set += by

    def _next(self, end: float) -> bool:
        """Let the next thing happen that is due up to `end`; where nothing is, it is `end`."""
        if not self._queue or self._queue[0][0] > end:
            self._now = max(self._now, end)
            return False
        when, _, do = heapq.heappop(self._queue)
        self._now = max(self._now, when)
        do()
        return True
