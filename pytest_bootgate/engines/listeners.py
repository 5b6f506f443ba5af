"""Who listens on ports of this machine, and whether a boot can have started it."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Collection, Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import psutil

#: Where a connection to this machine itself arrives: the kernel takes the first of these.
_REACHED = ("127.0.0.1", "0.0.0.0", "::", "::1")  # noqa: S104 (nothing is bound)
#: They listen for others, at the order of any process: for a container.
_FORWARDERS = ("docker-proxy", "rootlesskit", "rootlessport")
_LISTENS = "0A"  # TCP_LISTEN, in include/net/tcp_states.h of Linux
_ACCEPTS = 0x10000  # __SO_ACCEPTCON, in include/linux/net.h of Linux
_WITH_PATH = 8  # columns of /proc/net/unix
_INIT = 1
_NOBODY = -1  # no process has this number
_LONGEST = 120
_GONE = (psutil.Error, OSError)

Processes = Collection[psutil.Process]
_Place = TypeVar("_Place", bound=int | str)


def strangers(
    ports: Collection[int],
    ours: Callable[[], Processes] = tuple,
    *,
    begun: bool = False,
    directory: str | None = None,
) -> dict[int, str]:
    """Who listens on these ports and is none of `ours`: a process in words, by port.

    Once the gateway has `begun`, only those count that it cannot have started: as daemons do, it
    may have left processes to themselves. What works below `directory` is its own too. Nothing
    where the kernel does not tell.
    """
    try:
        every = _listening(psutil.net_connections("tcp")) if ports else []
    except _GONE:  # macOS tells root only
        return {}
    found = {}
    for port in ports:
        here = {ip for ip, its, _ in every if its == port}
        reached = next((ip for ip in _REACHED if ip in here), None)
        if reached is None:
            continue
        holders = [pid for ip, its, pid in every if (ip, its) == (reached, port)]
        pid = _stranger((reached, port), holders, known := ours())
        if pid == _NOBODY:
            continue
        if pid is None:
            if not begun:
                found[port] = "an unknown process"
            continue
        with contextlib.suppress(*_GONE):
            process = psutil.Process(pid)
            if not begun or not _may_be_theirs(process, known, directory):
                found[port] = _words(process)
    return found


def _listening(connections: Iterable[Any]) -> list[tuple[str, int, int | None]]:
    """The address, the port and the process of each socket that listens."""
    listening = [c for c in connections if c.status == psutil.CONN_LISTEN]
    return [(c.laddr.ip, c.laddr.port, getattr(c, "pid", None)) for c in listening]


def _words(process: psutil.Process) -> str:
    """A process with its number and its command line."""
    command = process.name()
    with contextlib.suppress(*_GONE):
        command = " ".join(" ".join(process.cmdline()).split()) or command
    more = "…" if len(command) > _LONGEST else ""
    return f"process {process.pid} ({command[:_LONGEST]}{more})"


def _stranger(place: tuple[str, int], holders: list[int | None], ours: Processes) -> int | None:
    """Who of the `holders` of sockets that listen at an address is none of `ours`.

    `_NOBODY` where there is none. A socket may have several holders, of which the kernel names one,
    so one socket is theirs where one of them listens there. Of several that share an address
    (SO_REUSEPORT) each must be theirs: any of them may get the next connection.
    """
    own = {process.pid for process in ours}
    others = [pid for pid in holders if pid not in own]
    if not others:
        return _NOBODY
    for process in ours if len(holders) == 1 else ():
        with contextlib.suppress(*_GONE):
            listening = _listening(process.net_connections("tcp"))
            if any((ip, port) == place for ip, port, _ in listening):
                return _NOBODY
    return others[0]


def _may_be_theirs(process: psutil.Process, ours: Processes, directory: str | None) -> bool:
    """Whether a process that does not belong to `ours` any more may have been started by them.

    It may not where it is older than all of them, or its session is, or a living parent is that
    does not take orphans.
    """
    if process.name() in _FORWARDERS:
        return True
    with contextlib.suppress(*_GONE):
        if directory is not None and os.path.commonpath([process.cwd(), directory]) == directory:
            return True
    began = min((other.create_time() for other in ours), default=0.0)
    if process.create_time() < began:
        return False
    with contextlib.suppress(*_GONE):  # whose leader may be gone
        if psutil.Process(os.getsid(process.pid)).create_time() < began:
            return False
    oldest = process
    for above in process.parents():
        if above.create_time() < began:
            break
        oldest = above
    # An orphan goes to init, or to a process above the gate that asked for orphans.
    adopters = {_INIT, *(above.pid for above in psutil.Process().parents())}
    return oldest.ppid() in adopters


def sockets(pid: int | None, places: Collection[_Place]) -> dict[str, _Place]:
    """The inodes of the sockets that listen at these places in a process's network, and where.

    A place is a port, or the path of a Unix socket. Nothing where the kernel won't say, or no
    process is known. See proc(5), ``/proc/net/tcp`` and ``/proc/net/unix``.
    """
    ports = {place: place for place in places if isinstance(place, int)}
    paths = {place: place for place in places if isinstance(place, str)}
    found: dict[str, _Place] = {}
    if pid is None:
        return found
    for table in ("tcp", "tcp6") if ports else ():
        for words in _table(pid, table):
            port = int(words[1].rpartition(":")[2], 16)
            if words[3] == _LISTENS and port in ports:
                found[words[9]] = ports[port]
    for words in _table(pid, "unix") if paths else ():
        if len(words) == _WITH_PATH and int(words[3], 16) & _ACCEPTS:
            bound = words[7].rstrip("\n")  # a relative path is known as it was given
            for path, place in paths.items():
                if bound == path or (bound[:1] not in "/@" and path.endswith(f"/{_base(bound)}")):
                    found[words[6]] = place
    return found


def _table(pid: int, name: str) -> Iterator[list[str]]:
    with contextlib.suppress(OSError):
        text = Path(f"/proc/{pid}/net/{name}").read_text(errors="surrogateescape")
        for line in text.splitlines()[1:]:
            yield line.split(None, _WITH_PATH - 1) if name == "unix" else line.split()


def _base(path: str) -> str:
    return path.rpartition("/")[2]


def held(pids: Collection[int], places: Collection[_Place]) -> set[_Place]:
    """At which of these places processes (or threads) listen, in their own network."""
    found: set[_Place] = set()
    for pid in pids:
        open_there = {f"socket:[{inode}]": at for inode, at in sockets(pid, places).items()}
        if not open_there:
            continue
        with contextlib.suppress(OSError):
            for file in Path(f"/proc/{pid}/fd").iterdir():
                with contextlib.suppress(OSError, KeyError):
                    found.add(open_there[str(file.readlink())])
    return found
