"""For how long the tasks of a unit wait for a CPU. The kernel's count of a task ends with it."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Collection, Iterator
from itertools import pairwise

from pytest_bootgate.engines.base import Unit
from pytest_bootgate.engines.tasks import of_this_process, run_delay
from pytest_bootgate.errors import EngineError

_EVERY = 0.02  # seconds between two looks
_COST = 0.01  # the share of a CPU that looking may take at the most


def of_observers(sidecar: Unit | None) -> float:
    """For how many seconds this process and a sidecar have waited for a CPU so far.

    The sum of all their tasks, as far as it is known: so much later than it happened something may
    have been seen.
    """
    tasks = of_this_process() | (sidecar.tasks() if sidecar is not None else set())
    return sum(run_delay(task) or 0.0 for task in tasks)


class Delays:
    """Sums up the run delays of tasks that come and go, as each was last seen."""

    def __init__(self, tasks: Collection[int]) -> None:
        self._last: dict[int, float] = {}
        self._ended = self._before = 0.0
        self._looks: list[tuple[float, float]] = []  # when, and the total
        self.look(tasks)
        self._before = self.total or 0.0
        self._looks = [(time.monotonic(), 0.0)]

    def look(self, tasks: Collection[int]) -> None:
        """Read the living tasks, and those that ended and were not waited for by their parent."""
        for task in {*tasks, *self._last}:
            waited, earlier = run_delay(task), self._last.get(task)
            if earlier is not None and (waited is None or waited < earlier):
                self._ended += self._last.pop(task)  # its number may be another's by now
            if waited is not None and (task in tasks or task in self._last):
                self._last[task] = waited
        self._looks.append((time.monotonic(), self.total or 0.0))

    def after(self, instant: float) -> float:
        """How much of the total came after an instant; between two looks in proportion.

        A gate that waits for a CPU itself may look late.
        """
        last = self._looks[-1][1]
        for (begin, before), (end, later) in pairwise(self._looks):
            if begin <= instant < end:
                return last - before - (later - before) * (instant - begin) / (end - begin)
        return 0.0

    @contextlib.contextmanager
    def watch(self, unit: Unit) -> Iterator[None]:
        """Look at the tasks of a unit again and again, in a thread.

        A look costs about 15 µs of CPU time for each task. Where that is much they are rarer.
        """
        over = threading.Event()

        def looks() -> None:
            pause = 0.0
            while not over.wait(pause):
                began = time.thread_time()
                with contextlib.suppress(EngineError):  # who asks for its exit hears of it
                    self.look(unit.tasks())
                pause = max(_EVERY, (time.thread_time() - began) / _COST)

        thread = threading.Thread(target=looks, daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    @property
    def total(self) -> float | None:
        """In seconds since the beginning; None where the kernel told nothing of any task."""
        if not self._last and not self._ended:
            return None
        return sum(self._last.values()) + self._ended - self._before
