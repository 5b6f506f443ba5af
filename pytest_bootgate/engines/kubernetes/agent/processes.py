"""The processes of the other containers in a pod, which share their numbers with this one."""

from __future__ import annotations

import contextlib
import glob
import os
import signal
import threading
import time
from collections.abc import Collection, Iterable, Mapping
from typing import Any

_TICKS = os.sysconf("SC_CLK_TCK")
_DEATH = 2.0
_LISTENS = "0A"  # TCP_LISTEN, in include/net/tcp_states.h of Linux
#: Seconds between two looks at tasks, and the share of a CPU that looking may take at the most.
_LOOK, _COST = 0.02, 0.01
#: A starved container runs for 1 ms of 100 (measured: 0.8 % of a core).
_RUN, _STAND = 0.001, 0.099


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def _stat(pid: int) -> list[str]:
    """The fields of a process from its state on: state, parent, …; none where it is gone."""
    return _read(f"/proc/{pid}/stat").rpartition(")")[2].split()


def every() -> list[int]:
    """All processes that are seen from here."""
    return [int(path[6:]) for path in glob.glob("/proc/[0-9]*")]


def alive(pid: int) -> bool:
    """Whether a process has not ended."""
    return _stat(pid)[:1] not in ([], ["Z"], ["X"])


def group(pid: int) -> set[int]:
    """The living processes of the container in which a process lives, by its control group."""
    own = _read(f"/proc/{pid}/cgroup")
    return {one for one in every() if own and _read(f"/proc/{one}/cgroup") == own and alive(one)}


def outside() -> set[int]:
    """The processes of all other containers; not the first one, which holds the pod together."""
    own = _read("/proc/self/cgroup")
    return {p for p in every() if p != 1 and _read(f"/proc/{p}/cgroup") not in (own, "")}


def below(tops: Iterable[int], among: Collection[int]) -> set[int]:
    """Some processes and all that descend from them."""
    found = set(tops)
    parents = {pid: int(fields[1]) for pid in among if (fields := _stat(pid))}
    while more := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= more
    return found


def cpu_seconds(pid: int) -> float | None:
    """CPU seconds of a container: its control group's, where that can be read, or in ticks."""
    root = f"/proc/{pid}/root/sys/fs/cgroup"
    for line in _read(f"{root}/cpu.stat").splitlines():
        if line.startswith("usage_usec "):
            return int(line.split()[1]) / 1e6
    if usage := _read(f"{root}/cpuacct/cpuacct.usage"):
        return int(usage) / 1e9
    if not (members := group(pid)):
        return None
    fields = [_stat(one)[11:15] for one in members]
    return sum(sum(map(int, each)) for each in fields) / _TICKS


def held_back(pid: int) -> dict[str, Any]:
    """How its control group held a container back, as far as that can be read.

    For how many seconds by its CPU limit, and how many of its processes were killed for memory.
    """
    root = f"/proc/{pid}/root/sys/fs/cgroup"
    cpu = _values(f"{root}/cpu.stat") or _values(f"{root}/cpu/cpu.stat")
    memory = _values(f"{root}/memory.events") or _values(f"{root}/memory/memory.oom_control")
    throttled = None
    if "throttled_usec" in cpu:
        throttled = cpu["throttled_usec"] / 1e6
    elif "throttled_time" in cpu:
        throttled = cpu["throttled_time"] / 1e9
    return {"throttled": throttled, "oom_kills": memory.get("oom_kill", 0)}


def _values(path: str) -> dict[str, int]:
    words = _read(path).split()
    return {words[n]: int(words[n + 1]) for n in range(0, len(words) - 1, 2)}


def machine() -> dict[str, Any]:
    """The CPU seconds in which the node was in use since its start, and how many CPUs it has."""
    lines = [line.split() for line in _read("/proc/stat").splitlines() if line.startswith("cpu")]
    user, nice, system, _, _, irq, softirq, steal = map(int, lines[0][1:9])
    busy = (user + nice + system + irq + softirq + steal) / _TICKS
    return {"busy": busy, "cpus": len(lines) - 1}


def commands(pid: int, without: Collection[int]) -> dict[int, str]:
    """The processes of a container but its main one and all below `without`: command lines."""
    members = group(pid)
    left_out = below(without, members) | {pid}
    return {
        one: _read(f"/proc/{one}/cmdline").replace("\0", " ").strip() for one in members - left_out
    }


def sockets(ports: Collection[int]) -> dict[str, int]:
    """The inodes of the sockets that listen on these ports of the pod, and their ports."""
    found = {}
    for table in ("tcp", "tcp6"):
        for line in _read(f"/proc/net/{table}").splitlines()[1:]:
            words = line.split()
            port = int(words[1].rpartition(":")[2], 16)
            if words[3] == _LISTENS and port in ports:
                found[words[9]] = port
    return found


def send(number: int, processes: Iterable[int]) -> None:
    """Send a signal; those that are gone have ended. Raises OSError where it may not."""
    for pid in processes:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def kill(processes: Collection[int]) -> list[int]:
    """Kill processes, and wait until they have ended; those that have not."""
    send(signal.SIGKILL, processes)
    until = time.monotonic() + _DEATH
    while (left := [pid for pid in processes if alive(pid)]) and time.monotonic() < until:
        time.sleep(0.005)
    return left


class Delays:
    """For how long the tasks of containers waited for a CPU; each as it was last seen.

    From the first question on they are looked at again and again, for the kernel's count of a task
    ends with it. That takes at most 1 % of a CPU.
    """

    def __init__(self) -> None:
        self._last: dict[int, dict[str, int]] = {}
        self._lock = threading.Lock()

    def of(self, pid: int) -> float | None:
        """In seconds, of all tasks that were ever seen in a container; None where none tells."""
        first = pid not in self._last
        self._look(pid)
        if first:
            threading.Thread(target=self._watch, args=(pid,), daemon=True).start()
        with self._lock:
            return sum(self._last[pid].values()) / 1e9 if self._last[pid] else None

    def _watch(self, pid: int) -> None:
        while alive(pid):
            began = time.thread_time()
            self._look(pid)
            time.sleep(max(_LOOK, (time.thread_time() - began) / _COST))

    def _look(self, pid: int) -> None:
        seen = {}
        for member in group(pid):
            for path in glob.glob(f"/proc/{member}/task/*/schedstat"):
                words = _read(path).split()
                # A kernel that was built to tell nothing says so with zeros.
                if len(words) == 3 and any(map(int, words)):
                    seen[path] = int(words[1])
        with self._lock:
            last = self._last.setdefault(pid, {})
            for path, waited in seen.items():
                if waited < last.get(path, 0):  # its number is another's by now
                    last[f"{path} {time.monotonic_ns()}"] = last[path]
                last[path] = waited


class Holds:
    """Who is held just now: by main process, ``paused`` or ``starved``."""

    def __init__(self) -> None:
        self._held: dict[int, str] = {}
        threading.Thread(target=self._starve, daemon=True).start()

    def hold(self, pid: int, how: str) -> None:
        """Stop all of a container, or let it run only now and then; empty lets it go on."""
        self._held.pop(pid, None)
        send(signal.SIGSTOP if how == "paused" else signal.SIGCONT, group(pid))
        if how:
            self._held[pid] = how
        # A process stops when it gets to it, and may have started another one before.
        until = time.monotonic() + _DEATH
        while how == "paused" and self.state(pid) != how and time.monotonic() < until:
            send(signal.SIGSTOP, group(pid))
            time.sleep(0.001)

    def state(self, pid: int) -> str:
        """How it is held, as the kernel sees it."""
        how = self._held.get(pid, "")
        states = {(_stat(one) or [""])[0] for one in group(pid)}
        return how if how != "paused" or states == {"T"} else ""

    def starved(self) -> Mapping[int, str]:
        """Those that are starved."""
        return {pid: how for pid, how in [*self._held.items()] if how == "starved"}

    def _starve(self) -> None:
        while True:
            for number, pause in ((signal.SIGSTOP, _STAND), (signal.SIGCONT, _RUN)):
                for pid in self.starved():
                    with contextlib.suppress(OSError):
                        send(number, group(pid))
                time.sleep(pause)
