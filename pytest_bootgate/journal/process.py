"""Which process writes, and whether one that wrote still lives."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")
#: Fields of /proc/PID/stat after the name: the state, and the start in clock ticks.
_STATE, _START = 0, 19
_DEAD = ("Z", "X")


@dataclass(frozen=True, slots=True)
class Writer:
    """A process of a machine.

    `kernel` says to which start of the machine and to which namespace `pid` belongs, and `started`
    (clock ticks since that start) tells it from a later one with the same id; `machine` is the same
    after a restart. None where the system does not tell.
    """

    host_name: str | None
    pid: int | None
    started: int | None
    kernel: str | None
    machine: str | None

    @classmethod
    def this(cls) -> Writer:
        """The process that asks."""
        state = _state(os.getpid())
        started = None if state is None else state[1]
        return cls(platform.node(), os.getpid(), started, _kernel(), _machine())

    def lives(self) -> bool | None:
        """Whether it still runs; None where that cannot be known from here."""
        here = _kernel()
        if not self.kernel or here is None or self.pid is None or self.started is None:
            return None
        if self.kernel != here:
            # The same machine after a restart has no such process; another one may have it.
            start, other_start = (kernel.partition(" ")[0] for kernel in (self.kernel, here))
            restarted = start != other_start and self.machine == _machine() is not None
            return False if restarted and self.host_name == platform.node() else None
        state = _state(self.pid)
        return state is not None and state[1] == self.started and state[0] not in _DEAD


def _kernel() -> str | None:
    """Which start of the machine it is, and the namespace in which process ids count."""
    try:
        start = (_PROC / "sys/kernel/random/boot_id").read_text().strip()
        return f"{start} {(_PROC / 'self/ns/pid').readlink()}"
    except OSError:
        return None


def _machine() -> str | None:
    """What stays the same over the restarts of a machine."""
    try:
        return Path("/etc/machine-id").read_text().strip() or None
    except OSError:
        return None


def _state(pid: int) -> tuple[str, int] | None:
    """(state, start) of a process, None where there is none."""
    try:
        stat = (_PROC / str(pid) / "stat").read_text()
    except OSError:
        return None
    fields = stat.rpartition(")")[2].split()
    return fields[_STATE], int(fields[_START])
