"""Which ports of a gateway are open: its listening sockets, as the kernel knows them.

A socket that listens where another one did was opened by a gateway that had gone in between. The
kernel says so whatever the gateway logs, and without a request that could disturb it.
"""

from __future__ import annotations

from collections.abc import Mapping

#: The identities of the sockets that listen, by their port. Several may share a port.
Listening = Mapping[int, frozenset[str]]


def listening(sockets: Mapping[str, int]) -> Listening:
    """Who listens on ports, of sockets by their identities, as a unit tells them."""
    found: dict[int, set[str]] = {}
    for identity, port in sockets.items():
        found.setdefault(port, set()).add(identity)
    return {port: frozenset(identities) for port, identities in found.items()}


def reopened(before: Listening, after: Listening) -> str:
    """What became of a port that nobody holds open since before; empty where all are."""
    for port, sockets in before.items():
        if not sockets & after.get(port, frozenset()):
            what = "was reopened" if port in after else "is no longer open"
            return f"port {port} {what}"
    return ""
