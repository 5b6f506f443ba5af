"""The tasks (threads) of a unit, and for how long each of them waited for a CPU: from /proc."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

_PROC = "/proc"


def run_delay(task: int | str = "thread-self") -> float | None:
    """For how many seconds a task has stood ready to run without a CPU since it began (5 µs).

    None where there is no such task, or this kernel does not tell.
    """
    words = _read(f"{_PROC}/{task}/schedstat").split()
    # A kernel that was built to tell nothing says so with zeros, also of a task that runs.
    return int(words[1]) / 1e9 if len(words) == 3 and any(map(int, words)) else None


def of_this_process() -> set[int]:
    """All tasks of this process, without those of its children."""
    return {int(task) for task in _names(f"{_PROC}/self/task")}


def of_group(group: Path) -> set[int]:
    """All tasks of a control group and of those below it (version 1 or 2)."""
    found: set[int] = set()
    for directory, _, files in os.walk(group):
        name = "tasks" if "tasks" in files else "cgroup.threads"
        found.update(map(int, _read(f"{directory}/{name}").split()))
    return found


def of_processes(roots: Iterable[int]) -> set[int]:
    """All tasks of processes and of their living descendants."""
    left, found = list(roots), set[int]()
    while left:
        process = left.pop()
        if process in found:
            continue
        for task in _names(f"{_PROC}/{process}/task"):
            found.add(int(task))
            left += map(int, _read(f"{_PROC}/{process}/task/{task}/children").split())
    return found


def _names(directory: str) -> list[str]:
    try:
        return [entry.name for entry in os.scandir(directory)]
    except OSError:  # it has ended, or this is no Linux
        return []


def _read(file: str) -> bytes:
    try:
        opened = os.open(file, os.O_RDONLY)
    except OSError:
        return b""
    found = b""
    try:
        while more := os.read(opened, 65536):
            found += more
    except OSError:  # it ended just now
        return b""
    finally:
        os.close(opened)
    return found
