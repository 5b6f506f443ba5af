"""Whether this process itself stood still: then nothing that it stamped meanwhile is right."""

from __future__ import annotations

from types import TracebackType

from pytest_bootgate.engines.clock import Clock
from pytest_bootgate.observe.outcome import Stall

#: Seconds between two beats.
_BEAT = 0.1
#: By how many seconds a beat may be late, at least and at most, and as a share of the timeout. More
#: is no busy machine: the process was stopped, the machine slept, or there was no CPU for it.
_LATE_LEAST, _LATE_MOST, _LATE_SHARE = 0.3, 1.0, 0.1


def too_late(timeout: float) -> float:
    """By how many seconds an observer of a boot with this `timeout` (seconds) may be late."""
    return min(max(_LATE_LEAST, _LATE_SHARE * timeout), _LATE_MOST)


class Heartbeat:
    """Beats beside while something is observed.

    `stalls` are the times, in monotonic seconds, in which it could not. What is nothing for a boot
    with a long `timeout` (seconds) may decide about a short one.
    """

    def __init__(self, timeout: float, clock: Clock) -> None:
        self._clock = clock
        self._late = too_late(timeout)
        self.stalls: list[Stall] = []
        self._last = clock.now()
        self._beats = clock.beside(self._beat)

    def __enter__(self) -> Heartbeat:
        self._last = self._clock.now()
        self._beats.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._beats.__exit__(kind, error, trace)
        self._look()

    def _beat(self) -> float:
        self._look()
        return _BEAT

    def _look(self) -> None:
        now = self._clock.now()
        if now - self._last > _BEAT + self._late:
            self.stalls.append(Stall("the gate itself", self._last, now))
        self._last = now
