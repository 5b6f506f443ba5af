"""Which ports of a gateway are open: its listening sockets, as the kernel knows them.

A socket that listens where another one did was opened by a gateway that had gone in between. The
kernel says so whatever the gateway logs, and without a request that could disturb it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from pytest_bootgate.engines.listeners import sockets

#: The inodes of the sockets that listen, by their port. Several may share a port.
Listening = Mapping[int, frozenset[str]]


def listening(pid: int | None, ports: Collection[int]) -> Listening:
    """Who listens on these ports in the network of a process; nothing where nobody knows."""
    found: dict[int, set[str]] = {}
    for inode, port in ({} if pid is None else sockets(pid, ports)).items():
        found.setdefault(port, set()).add(inode)
    return {port: frozenset(inodes) for port, inodes in found.items()}


def reopened(before: Listening, after: Listening) -> str:
    """What became of a port that nobody holds open since before; empty where all are."""
    for port, inodes in before.items():
        if not inodes & after.get(port, frozenset()):
            what = "was reopened" if port in after else "is no longer open"
            return f"port {port} {what}"
    return ""
