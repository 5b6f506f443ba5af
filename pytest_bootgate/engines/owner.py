"""Whose a run is, so that what it left can be removed once its process is gone.

An owner is a text: the boot of the machine, the process namespace, the process and when it started.
So a process with the same number, after a restart or in another container, is not taken for it.
Only on Linux: elsewhere no owner is ever known to be gone.
"""

from __future__ import annotations

import contextlib
import getpass
import os
import socket
from pathlib import Path


def own() -> str:
    """The owner that stands for the process that asks."""
    return f"{_machine()}.{os.getpid()}.{_started(os.getpid())}"


def me() -> str:
    """The user and the machine of the process that asks, for people elsewhere."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # without a name
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()}"


def gone(owner: str) -> bool:
    """Whether an owner surely does not live any more: only where this process could see it."""
    if (known := _known(owner)) is None:
        return False
    pid, started = known
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return True
    except OSError:  # of another user, whose processes may be hidden in /proc
        pass
    return _started(pid) not in ("", started)


def lives(owner: str) -> bool:
    """Whether an owner is seen to live."""
    return (known := _known(owner)) is not None and _started(known[0]) == known[1]


def _known(owner: str) -> tuple[int, str] | None:
    """The process of an owner and its start; None where it could not be seen from here."""
    machine, _, process = owner.partition(".")
    pid, _, started = process.partition(".")
    here = _machine()
    number = int(pid) if pid.isascii() and pid.isdigit() else 0
    return (number, started) if here and machine == here and number and started else None


def _machine() -> str:
    """The boot of the kernel, and the namespaces in which a process number and a start mean one."""
    with contextlib.suppress(OSError):
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot}+{Path('/proc/self/ns/pid').readlink()}+{_time_namespace()}"
    return ""


def _time_namespace() -> str:
    """In another one processes started at other times; empty before Linux 5.6, which has none."""
    with contextlib.suppress(OSError):
        return str(Path("/proc/self/ns/time").readlink())
    return ""


def _started(pid: int) -> str:
    """When a process started, in ticks since the machine's start; empty where nobody can see it.

    One that has ended and waits for its parent started at ``ended``.

    Not by the wall clock, which may be set meanwhile: a gate that lives would seem gone.
    """
    try:
        # The name before it, in brackets, may hold anything.
        fields = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
    except OSError:
        return ""
    return "ended" if fields[0] in "ZX" else fields[19]
