"""Looks at the machine beside a campaign: before it, at its looks, and between boots."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

from pytest_bootgate.engines.tasks import run_delay
from pytest_bootgate.records.machine import Machine, Span, Still, Work

#: For how many seconds the gate keeps still to see what others do: before the first boot, and at
#: each look. Not before each pair: the boot after a rest was 2 % slower than the next.
STILL = 0.5
#: The fixed piece of work: additions in one go (about 5 ms), and how often it is done in a round.
_ADDITIONS, _TIMES = 150_000, 20
_PRESSURES = ("cpu", "memory", "io")


class Onlooker:
    """What the machine does beside one campaign; `disk` is where free space is looked at."""

    def __init__(self, disk: str) -> None:
        self._disk = disk
        self._work: list[Work] = []
        self._still: list[Still] = []
        self._load: list[float] = []
        self._available: list[float] = []
        self._free: list[float] = []
        self._began = cpu_times()

    def begin(self) -> float:
        """Before the first boot, as `look`, with a round of work more (0.7 s in all)."""
        self._work.append(work())
        return self.look()

    def look(self) -> float:
        """Keep still and look (0.6 s): the share of the CPU time that others use."""
        self.glance()
        self._work.append(work())
        self._still.append(still(STILL))
        return self._still[-1].busy

    def glance(self) -> None:
        """Between two boots: what can be read without waiting."""
        import psutil

        self._load.append(os.getloadavg()[0])
        self._available.append(psutil.virtual_memory().available)
        free = disk_free(self._disk)
        self._free += [free] if free is not None else []

    def machine(self, *, here: bool) -> Machine:
        """All that was seen; `here` says whether the boots ran on this machine."""
        _, steal, every = (a - b for a, b in zip(cpu_times(), self._began, strict=True))
        return Machine(
            here=here,
            work=tuple(self._work),
            still=tuple(self._still),
            load=Span.of(self._load),
            available=Span.of(self._available),
            disk_free=Span.of(self._free),
            steal=max(0.0, steal / every) if every > 0 else None,
        )


def work() -> Work:
    """One round of the fixed piece of work (about 0.1 s of one CPU on a machine of 2024)."""
    walls, best = [], float("inf")
    for _ in range(_TIMES):
        wall, waited, cpu = time.perf_counter(), run_delay(), time.thread_time()
        total = 0
        for number in range(_ADDITIONS):
            total += number * number
        best = min(best, time.thread_time() - cpu)
        after = run_delay()  # what was waited lies within the wall time
        took = time.perf_counter() - wall
        walls.append(took if waited is None or after is None else took - (after - waited))
    walls.sort()
    return Work(min(best, walls[0]), walls[_TIMES * 9 // 10])


def still(seconds: float) -> Still:
    """What others do with this machine for some seconds, in which the caller does nothing itself.

    What a hypervisor gave to others (steal) is in use, waiting for disks is not.
    """
    before, waited, began = cpu_times(), _waited(), time.monotonic()
    time.sleep(seconds)
    took = time.monotonic() - began
    busy, steal, every = (a - b for a, b in zip(cpu_times(), before, strict=True))
    shares = {
        name: min(1.0, (after - waited[name]) / took)
        for name, after in _waited().items()
        if name in waited
    }
    return Still(
        busy=min(1.0, max(0.0, busy / every)) if every > 0 else 0.0,
        steal=min(1.0, max(0.0, steal / every)) if every > 0 else 0.0,
        **shares,
    )


def pressures() -> dict[str, float]:
    """The shares of the last ten seconds in which somebody waited, by what for (PSI, "some")."""
    return {name: float(some["avg10"]) / 100 for name, some in _pressure().items()}


def disk_free(path: str) -> int | None:
    """The bytes that are free where a path is, None where it cannot be seen."""
    try:
        return shutil.disk_usage(path).free
    except OSError:
        return None


def _waited() -> dict[str, float]:
    """The seconds since the start in which somebody waited, by what for."""
    return {name: int(some["total"]) / 1e6 for name, some in _pressure().items()}


def _pressure() -> dict[str, dict[str, str]]:
    found = {}
    for name in _PRESSURES:
        try:
            lines = Path(f"/proc/pressure/{name}").read_text().splitlines()
        except OSError:  # an older kernel, or one that was started without it
            continue
        some = next((line for line in lines if line.startswith("some ")), "")
        pairs = [part.partition("=") for part in some.split()[1:]]
        if pairs:
            found[name] = {key: value for key, _, value in pairs}
    return found


def cpu_times() -> tuple[float, float, float]:
    """(in use, stolen, all) CPU seconds of this machine since it started."""
    import psutil

    times = psutil.cpu_times()
    # Linux counts the guests' time in user and nice already.
    every = sum(times) - getattr(times, "guest", 0.0) - getattr(times, "guest_nice", 0.0)
    busy = every - times.idle - getattr(times, "iowait", 0.0)
    return busy, getattr(times, "steal", 0.0), every
