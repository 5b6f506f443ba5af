"""What control groups of this kernel allow a process, and how they held it back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

_ROOT = Path("/sys/fs/cgroup")
#: Version 1 says "no limit" with a number near the top of its range.
_UNLIMITED = 1 << 60


def limits(pid: int | str = "self") -> tuple[float | None, int | None]:
    """(CPUs, bytes of memory) that a process may use at the most, None without a limit."""
    cpus = [found for group in _groups(pid, "cpu") if (found := _cpus(group)) is not None]
    memory = [found for group in _groups(pid, "memory") if (found := _memory(group)) is not None]
    return min(cpus, default=None), min(memory, default=None)


def throttled(pid: int | str = "self") -> dict[Path, float]:
    """For how many seconds CPU limits have held back the group of a process and those above it.

    By group, its own one first; empty where its groups cannot be seen.
    """
    # A group without such counters, the root of all, has no limit either.
    return {group: _throttled(group) or 0.0 for group in _groups(pid, "cpu")}


def oom_kills(pid: int) -> int | None:
    """How many processes of a process' own group were killed because memory ran out so far.

    None where this kernel does not tell, or the group is the gate's own.
    """
    own = next(_groups("self", "memory"), None)
    group = next(_groups(pid, "memory"), None)
    if group is None or group == own:
        return None
    words = _words(group / "memory.events") or _words(group / "memory.oom_control")
    stat = dict(zip(words[::2], words[1::2], strict=False))
    return int(stat["oom_kill"]) if "oom_kill" in stat else None


def _groups(pid: int | str, controller: str) -> Iterator[Path]:
    """The directories of a process' group and of all above it."""
    try:
        text = Path(f"/proc/{pid}/cgroup").read_text()
    except OSError:
        return
    for line in text.splitlines():
        _, controllers, path = line.split(":", 2)
        if controller in controllers.split(","):
            mounts = [_ROOT / controllers, _ROOT / controller]
        elif not controllers:
            mounts = [_ROOT]
        else:
            continue
        mount = next((mount for mount in mounts if mount.is_dir()), None)
        if mount is None:
            continue
        group = mount / path.lstrip("/")
        while group.is_relative_to(mount):
            if group.is_dir():  # in a container the path may be that of the host
                yield group
            if group == mount:
                break
            group = group.parent


def _words(file: Path) -> list[str]:
    try:
        return file.read_text().split()
    except OSError:
        return []


def _cpus(group: Path) -> float | None:
    quota = _words(group / "cpu.max") or [
        *_words(group / "cpu.cfs_quota_us"),
        *_words(group / "cpu.cfs_period_us"),
    ]
    if len(quota) != 2 or quota[0] in ("max", "-1"):
        return None
    return int(quota[0]) / int(quota[1])


def _memory(group: Path) -> int | None:
    found = _words(group / "memory.max") or _words(group / "memory.limit_in_bytes")
    if not found or found[0] == "max" or int(found[0]) >= _UNLIMITED:
        return None
    return int(found[0])


def _throttled(group: Path) -> float | None:
    words = _words(group / "cpu.stat")
    stat = dict(zip(words[::2], words[1::2], strict=False))
    if "throttled_usec" in stat:
        return int(stat["throttled_usec"]) / 1e6
    if "throttled_time" in stat:
        return int(stat["throttled_time"]) / 1e9
    return None
