"""For how long the tasks of a unit wait for a CPU. The kernel's count of a task ends with it."""

from __future__ import annotations

import time
from collections.abc import Collection
from contextlib import AbstractContextManager, suppress
from itertools import pairwise

from pytest_bootgate.engines.base import Unit
from pytest_bootgate.engines.clock import REAL, Clock
from pytest_bootgate.engines.tasks import run_delay
from pytest_bootgate.errors import EngineError

_EVERY = 0.02  # seconds between two looks
#: After so many seconds without any task there is none here, and looks come so rarely.
_ELSEWHERE = 1.0
_COST = 0.01  # the share of a CPU that looking may take at the most


def of_observers(clock: Clock, sidecar: Unit | None) -> float:
    """For how many seconds this process and a sidecar have waited for a CPU so far.

    The sum of all their tasks, as far as it is known: so much later than it happened something may
    have been seen.
    """
    return clock.run_delay(sidecar.tasks() if sidecar is not None else set())


class Delays:
    """Sums up the run delays of tasks that come and go, as each was last seen."""

    def __init__(self, tasks: Collection[int], clock: Clock = REAL) -> None:
        self._clock = clock
        self._last: dict[int, float] = {}
        self._ended = self._before = 0.0
        self._looks: list[tuple[float, float]] = []  # when, and the total
        self.look(tasks)
        self._before = self.total or 0.0
        self._looks = [(self._clock.now(), 0.0)]

    def look(self, tasks: Collection[int]) -> None:
        """Read the living tasks, and those that ended and were not waited for by their parent."""
        for task in {*tasks, *self._last}:
            waited, earlier = run_delay(task), self._last.get(task)
            if earlier is not None and (waited is None or waited < earlier):
                self._ended += self._last.pop(task)  # its number may be another's by now
            if waited is not None and (task in tasks or task in self._last):
                self._last[task] = waited
        self._looks.append((self._clock.now(), self.total or 0.0))

    def after(self, instant: float) -> float:
        """How much of the total came after an instant; between two looks in proportion.

        A gate that waits for a CPU itself may look late.
        """
        last = self._looks[-1][1]
        for (begin, before), (end, later) in pairwise(self._looks):
            if begin <= instant < end:
                return last - before - (later - before) * (instant - begin) / (end - begin)
        return 0.0

    def watch(self, unit: Unit) -> AbstractContextManager[None]:
        """Look at the tasks of a unit again and again.

        A look costs about 15 µs of CPU time for each task. Where that is much they are rarer, and
        so they are where none was seen for a second: then the unit runs elsewhere.
        """
        none_until = self._clock.now() + _ELSEWHERE

        def look() -> float:
            began = time.thread_time()
            with suppress(EngineError):  # who asks for its exit hears of it
                self.look(unit.tasks())
            if not self._last and self._clock.now() > none_until:
                return _ELSEWHERE
            return max(_EVERY, (time.thread_time() - began) / _COST)

        return self._clock.beside(look)

    @property
    def total(self) -> float | None:
        """In seconds since the beginning; None where the kernel told nothing of any task."""
        if not self._last and not self._ended:
            return None
        return sum(self._last.values()) + self._ended - self._before
