"""The time, as whoever boots asks for it. An engine brings its clock.

Where boots are real, so is time. An engine that plays scripts has a time of its own, which jumps to
the next scripted instant: nobody sleeps, and a minute takes a millisecond.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

from pytest_bootgate.engines.tasks import of_this_process, run_delay


class Clock(Protocol):
    """What time it is, and how to wait."""

    def now(self) -> float:
        """The monotonic second, on the clock by which an engine stamps what it reads."""

    def wall(self) -> float:
        """Unix seconds, by a clock that people may set."""

    def sleep(self, seconds: float) -> None:
        """Wait for so long."""

    def wait(self, ready: threading.Condition, seconds: float) -> None:
        """Wait until `ready`, which is held, is notified, at most so long; perhaps less."""

    def beside(self, work: Callable[[], float]) -> AbstractContextManager[None]:
        """Do `work` at once and again and again; it says after how many seconds next."""

    def run_delay(self, tasks: Collection[int]) -> float:
        """For how many seconds this process and other tasks have waited for a CPU, if known."""


class RealClock:
    """The clock of this machine."""

    def now(self) -> float:
        """The monotonic second."""
        return time.monotonic()

    def wall(self) -> float:
        """Unix seconds."""
        return time.time()

    def sleep(self, seconds: float) -> None:
        """Wait for so long."""
        time.sleep(seconds)

    def wait(self, ready: threading.Condition, seconds: float) -> None:
        """Wait for a notification."""
        ready.wait(seconds)

    @contextmanager
    def beside(self, work: Callable[[], float]) -> Iterator[None]:
        """Work in a thread."""
        over = threading.Event()

        def again() -> None:
            while not over.wait(work()):
                pass

        thread = threading.Thread(target=again, name="bootgate beside", daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def run_delay(self, tasks: Collection[int]) -> float:
        """The sum of what the kernel knows of all of them."""
        return sum(run_delay(task) or 0.0 for task in of_this_process() | set(tasks))


REAL: Clock = RealClock()
