"""What a boot used of the machine, and what else the machine did meanwhile."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pytest_bootgate.engines.base import Unit


@dataclass(frozen=True, slots=True)
class Used:
    """The fields of the same names of a boot; None where this machine does not tell."""

    cpu_seconds: float | None = None
    others_busy: float | None = None
    disk_read: float | None = None


class Meter:
    """Reads the counters of a unit and of this machine, at the trigger and at the end.

    A `unit` that starts only now begins at zero. What it read from disks before the trigger
    counts too, unless it is `warm`.
    """

    def __init__(self, unit: Unit | None, *, warm: bool) -> None:
        pid = None if unit is None else unit.pid
        self._disk: float | None = _disk_read(pid) if warm and pid is not None else 0.0
        self._host = _machine()
        self._cpu = 0.0 if unit is None else unit.cpu_seconds()

    def stop(self, unit: Unit) -> Used:
        """What happened since; nothing is known of a unit that has ended."""
        cpu = _less(unit.cpu_seconds(), self._cpu)
        busy, every = (a - b for a, b in zip(_machine(), self._host, strict=True))
        pid = unit.pid
        if pid is None or cpu is None:  # on another machine, or gone
            return Used(cpu)
        others = min(1.0, max(0.0, (busy - cpu) / every)) if every > 0 else None
        return Used(cpu, others, _less(_disk_read(pid), self._disk))


def _less(after: float | None, before: float | None) -> float | None:
    return None if after is None or before is None else after - before


def _machine() -> tuple[float, float]:
    """(busy, all) CPU seconds of this machine since it started, all its CPUs together.

    What a hypervisor gave to others (steal) is busy, waiting for disks is not.
    """
    import psutil

    times = psutil.cpu_times()
    # Linux counts the guests' time in user and nice already.
    every = sum(times) - getattr(times, "guest", 0.0) - getattr(times, "guest_nice", 0.0)
    return every - times.idle - getattr(times, "iowait", 0.0), every


def _disk_read(pid: int) -> float | None:
    """The bytes that a process and its living descendants have read from disks."""
    import psutil

    try:
        main = psutil.Process(pid)
        return float(sum(_read(process) for process in [main, *main.children(recursive=True)]))
    except (psutil.Error, AttributeError, OSError):
        return None


def _read(process: Any) -> int:
    return int(process.io_counters().read_bytes)
