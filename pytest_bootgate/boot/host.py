"""The machine on which boots are measured: what it is, and whose turn it is on it."""

from __future__ import annotations

import contextlib
import fcntl
import os
import platform
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from pytest_bootgate.boot.values import HostFacts
from pytest_bootgate.errors import BootgateError

_LOCK_DEADLINE = 3600.0
_POLL = 0.2


def facts() -> HostFacts:
    """What is known of the machine just now."""
    import psutil

    return HostFacts(
        system=f"{platform.system()} {platform.release()}",
        python=platform.python_version(),
        cpus=os.cpu_count() or 1,
        memory=psutil.virtual_memory().total,
        load=os.getloadavg()[0],
    )


def busy_share(seconds: float) -> float:
    """The share of this machine's CPU time that is in use, all its CPUs together.

    Looks on for some seconds, in which the caller should do nothing itself. What a hypervisor gave
    to others (steal) is in use, waiting for disks is not.
    """
    before = _cpu_seconds()
    time.sleep(seconds)
    busy, every = (a - b for a, b in zip(_cpu_seconds(), before, strict=True))
    return min(1.0, max(0.0, busy / every)) if every > 0 else 0.0


def _cpu_seconds() -> tuple[float, float]:
    """(in use, all) CPU seconds of this machine since it started."""
    import psutil

    times = psutil.cpu_times()
    # Linux counts the guests' time in user and nice already.
    every = sum(times) - getattr(times, "guest", 0.0) - getattr(times, "guest_nice", 0.0)
    return every - times.idle - getattr(times, "iowait", 0.0), every


@contextlib.contextmanager
def one_at_a_time(waiting: Callable[[float], None]) -> Iterator[None]:
    """One measured boot per kernel: gates on this machine wait for each other.

    `waiting` is told again and again how many seconds it may still take at most. Raises
    `BootgateError` when the turn does not come within an hour.
    """
    path = Path(tempfile.gettempdir()) / f"bootgate-{os.getuid()}.lock"
    deadline = time.monotonic() + _LOCK_DEADLINE
    with path.open("w") as lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError:
                left = deadline - time.monotonic()
                if left <= 0:
                    raise BootgateError(
                        "Another gate has been booting on this machine for an hour, and two at"
                        " once would disturb each other. Look for a pytest that hangs."
                    ) from None
                waiting(left)
                time.sleep(_POLL)
        yield
