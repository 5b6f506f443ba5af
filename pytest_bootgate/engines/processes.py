"""Which processes belong to a run, and how to be rid of them."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Iterable

import psutil

RUN_LABEL = "BOOTGATE_RUN"
OWNER_LABEL = "BOOTGATE_OWNER"
UNIT_LABEL = "BOOTGATE_UNIT"
_DEATH = 2.0
_GONE = (psutil.Error, OSError)


def carriers(label: str, value: str, directory: str | None = None) -> list[psutil.Process]:
    """All processes with a label in their environment, and orphans that work below a directory.

    The second way finds those that overwrote or dropped their environment. What has a terminal, or
    a parent, is somebody who looks around there, such as a developer's shell.
    """
    own = {os.getpid(), *(above.pid for above in psutil.Process().parents())}
    found = []
    for process in psutil.process_iter():
        if process.pid in own:  # a gate in a shell that a boot started, too
            continue
        with contextlib.suppress(*_GONE):
            labelled = process.environ().get(label) == value
            ours = labelled or (directory is not None and _orphan_in(directory, process))
            if ours and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


def _orphan_in(directory: str, process: psutil.Process) -> bool:
    if not process.cwd().startswith(directory) or process.terminal() is not None:
        return False
    parent = process.parent()
    # A user's own systemd inherits orphans as process 1 does.
    return parent is None or parent.pid == 1 or parent.name() == "systemd"


def kill(processes: list[psutil.Process]) -> None:
    """Kill processes, their descendants and the groups they lead, and wait until they are gone."""
    doomed = set(processes)
    groups: set[int] = set()
    for process in processes:
        doomed.update(descendants(process.pid))
        with contextlib.suppress(*_GONE):
            groups.add(os.getpgid(process.pid))
    # What only shares a group with one of them is somebody else's.
    for group in groups & {process.pid for process in doomed} - {os.getpgrp()}:
        kill_group(group)
    doomed -= {process for process in doomed if process.pid == os.getpid()}
    for process in doomed:
        with contextlib.suppress(*_GONE):
            process.kill()
    until = time.monotonic() + _DEATH
    while any(map(_alive, doomed)) and time.monotonic() < until:
        time.sleep(0.005)


def _alive(process: psutil.Process) -> bool:
    # An orphan may stay a zombie for as long as its new parent likes.
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except _GONE:
        return False


def descendants(root: int) -> list[psutil.Process]:
    """All processes below one, while it still holds them together."""
    with contextlib.suppress(*_GONE):
        return psutil.Process(root).children(recursive=True)
    return []


def kill_group(group: int) -> None:
    """Kill a process group, if there is any."""
    with contextlib.suppress(OSError):
        os.killpg(group, signal.SIGKILL)


def cpu_seconds(root: int, others: Iterable[psutil.Process], above: int | None = None) -> float:
    """CPU seconds of a process, its descendants (ended ones too), and of others with theirs.

    What is below the process `above` is among the others; it inherits orphans, and does not count
    itself. Without it what ended as an orphan is lost.
    """
    alive = {*others, *descendants(root)}
    with contextlib.suppress(*_GONE):
        alive.add(psutil.Process(root))
    total = 0.0
    if above is not None:
        alive.update(descendants(above))
        with contextlib.suppress(*_GONE):
            times = psutil.Process(above).cpu_times()
            total += times.children_user + times.children_system
    for process in alive:
        with contextlib.suppress(*_GONE):
            times = process.cpu_times()
            total += times.user + times.system + times.children_user + times.children_system
    return total
