"""What a boot used of the machine."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_bootgate.engines.base import Unit
from pytest_bootgate.engines.clock import REAL, Clock
from pytest_bootgate.engines.machines import MachineUse
from pytest_bootgate.run.cgroup import oom_kills, throttled
from pytest_bootgate.run.delay import Delays
from pytest_bootgate.run.onlooker import cpu_times


@dataclass(frozen=True, slots=True)
class Used:
    """The fields of the same names of a boot; None where this machine does not tell.

    `oom_kills` is how many of its processes were killed because memory ran out.
    """

    cpu_seconds: float | None = None
    disk_read: float | None = None
    throttled: float | None = None
    run_delay: float | None = None
    others_cpu: float | None = None
    others_busy: float | None = None
    oom_kills: int = 0


class Meter:
    """Reads the counters of a unit at the trigger and at the end.

    A `unit` that starts only now begins at zero. What it read from disks before the trigger
    counts too, unless it is `warm`. `machine` is asked how busy one elsewhere is.
    """

    def __init__(
        self,
        unit: Unit | None,
        *,
        warm: bool,
        clock: Clock = REAL,
        machine: Callable[[], MachineUse | None] = lambda: None,
    ) -> None:
        self._machine, self._clock = machine, clock
        self._elsewhere, self._since = machine(), clock.now()
        self._cpu = 0.0 if unit is None else unit.cpu_seconds()
        pid = None if unit is None else unit.pid  # which only now is known
        self._disk: float | None = _disk_read(pid) if warm and pid is not None else 0.0
        # One that starts now has a group of its own, or is a child of this process.
        self._throttled = throttled("self" if pid is None else pid)
        self._oom_kills = 0 if pid is None else oom_kills(pid) or 0
        self._delays = Delays(set() if unit is None else unit.tasks(), clock)
        self._busy, _, _ = cpu_times()

    def watch(self, unit: Unit) -> AbstractContextManager[None]:
        """During the boot, so that what ends before the boot does is not lost."""
        return self._delays.watch(unit)

    def stop(self, unit: Unit, over: float) -> Used:
        """What it used since; nothing is known of a unit that has ended.

        `over` is the monotonic second of the proof, or of whatever ended the boot.
        """
        self._delays.look(unit.tasks())
        late = self._delays.after(over)
        busy = cpu_times()[0] - self._busy
        cpu = grown(unit.cpu_seconds(), self._cpu)
        pid = unit.pid
        if pid is None:
            return self._used_elsewhere(cpu)
        self._delays.look(unit.tasks())  # with the orphans, which are known now
        waited = self._delays.total
        return Used(
            cpu_seconds=cpu,
            disk_read=grown(_disk_read(pid), self._disk),
            throttled=_held(throttled(pid), self._throttled),
            run_delay=None if waited is None else max(0.0, waited - late),
            others_cpu=None if cpu is None else max(0.0, busy - cpu),
            oom_kills=max(0, (oom_kills(pid) or 0) - self._oom_kills),
        )

    def _used_elsewhere(self, cpu: float | None) -> Used:
        before, after = self._elsewhere, self._machine()
        if before is None or after is None or cpu is None:
            return Used(cpu)
        others = max(0.0, after.busy - before.busy - cpu)
        there_was = (self._clock.now() - self._since) * after.cpus
        return Used(
            cpu,
            throttled=grown(after.throttled, before.throttled),
            run_delay=grown(after.run_delay, before.run_delay),
            others_cpu=others,
            others_busy=min(1.0, others / there_was) if there_was > 0 else None,
            oom_kills=max(0, after.oom_kills - before.oom_kills),
        )


def _held(after: Mapping[Path, float], before: Mapping[Path, float]) -> float | None:
    """For how long a unit was held back by its groups, None where one was not known before."""
    total = 0.0 if after else None
    for place, (group, seconds) in enumerate(after.items()):
        if group in before or place == 0 or not seconds:  # the first is new, and its own
            total = (total or 0.0) + seconds - before.get(group, 0.0)
        else:
            return None
    return total


def grown(after: float | None, before: float | None) -> float | None:
    """How much was used in between, None where that is not known.

    A process that ended and left nobody who waits for it took what it had used out of the sum:
    then the sum may even have become less.
    """
    if after is None or before is None or after < before:
        return None
    return after - before


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
