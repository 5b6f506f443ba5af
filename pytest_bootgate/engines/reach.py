"""At which addresses somebody listens in the network of a process, as its kernel knows."""

from __future__ import annotations

import contextlib
import ipaddress
from collections.abc import Mapping
from pathlib import Path
from sys import byteorder

_LISTENS = "0A"  # TCP_LISTEN, in include/net/tcp_states.h of Linux
_WORD = 8  # hexadecimal digits of 32 bits


def addresses(pid: int | None) -> Mapping[int, tuple[str, ...]]:
    """The addresses at which sockets listen, by their port; nothing where nobody knows.

    See proc(5), ``/proc/net/tcp``.
    """
    found: dict[int, set[str]] = {}
    for table in ("tcp", "tcp6") if pid is not None else ():
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
                words = line.split()
                if words[3] == _LISTENS:
                    address, _, port = words[1].rpartition(":")
                    found.setdefault(int(port, 16), set()).add(_address(address))
    return {port: tuple(sorted(every)) for port, every in found.items()}


def _address(digits: str) -> str:
    """An address as people write it: words of 32 bits in the byte order of this machine."""
    words = [digits[at : at + _WORD] for at in range(0, len(digits), _WORD)]
    packed = b"".join(int(word, 16).to_bytes(4, byteorder) for word in words)
    address = ipaddress.ip_address(packed)
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(mapped or address)
