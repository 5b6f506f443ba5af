"""Whose a run is, so that what it left can be removed once its process is gone.

An owner is a text: the boot of the machine, the process namespace, the process and when it started.
So a process with the same number, after a restart or in another container, is not taken for it.
Only on Linux: elsewhere no owner is ever known to be gone.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path


def own() -> str:
    """The owner that stands for the process that asks."""
    return f"{_machine()}.{os.getpid()}.{_started(os.getpid())}"


def gone(owner: str) -> bool:
    """Whether an owner surely does not live any more: only where this process could see it."""
    return (known := _known(owner)) is not None and _started(known[0]) != known[1]


def lives(owner: str) -> bool:
    """Whether an owner is seen to live."""
    return (known := _known(owner)) is not None and _started(known[0]) == known[1]


def _known(owner: str) -> tuple[int, str] | None:
    """The process of an owner and its start; None where it could not be seen from here."""
    machine, _, process = owner.partition(".")
    pid, _, started = process.partition(".")
    here = _machine()
    return (int(pid), started) if here and machine == here and pid.isdigit() and started else None


def _machine() -> str:
    """The boot of the kernel and the process namespace, in which a process number means one."""
    with contextlib.suppress(OSError):
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot}+{Path('/proc/self/ns/pid').readlink()}"
    return ""


def _started(pid: int) -> str:
    """When a process started, in ticks since the machine's start; empty where there is none.

    Not by the wall clock, which may be set meanwhile: a gate that lives would seem gone.
    """
    try:
        # The name before it, in brackets, may hold anything.
        fields = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] in "ZX" else fields[19]
