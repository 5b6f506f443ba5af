"""The bytes between this process and one container or command."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Callable
from typing import Any

from pytest_bootgate.engines.base import READ, Chunk, Sink

_SEND_TIMEOUT = 10


class Stream:
    """The raw connection behind an attached container or command."""

    def __init__(self, connection: Any) -> None:
        self._response = connection._response  # noqa: SLF001
        self._socket: socket.socket = getattr(connection, "_sock", connection)
        # What came together with the answer's headers is in this buffer; the SDK passes it by.
        buffered = getattr(getattr(self._response.raw, "_fp", None), "fp", None)
        self._read: Callable[[int], bytes] = getattr(buffered, "read1", self._socket.recv)
        self._socket.settimeout(None)
        with contextlib.suppress(OSError, AttributeError):
            limit = struct.pack("ll", _SEND_TIMEOUT, 0)
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)
        self._writing = threading.Lock()
        self.first = ""

    def pump(self, name: str, sink: Sink) -> None:
        """Read frames until the end; a frame may hold several lines, or a part of one."""
        stream, left, head = "out", 0, b""
        with contextlib.suppress(OSError, ValueError):
            while data := self._read(READ):
                now = time.monotonic()
                data, at, head = head + data, 0, b""
                while at < len(data):
                    if left == 0:
                        if len(data) - at < 8:
                            head = data[at:]
                            break
                        kind, left = struct.unpack_from(">BxxxL", data, at)
                        stream = "err" if kind == 2 else "out"
                        at += 8
                    part = data[at : at + left]
                    if part:
                        self.first = self.first or part[:1000].decode("utf-8", "replace")
                        sink(Chunk(f"{name}.{stream}", now, part))
                    at, left = at + len(part), left - len(part)

    def write(self, data: bytes) -> None:
        """Write all of it. Raises OSError, also where nobody reads for 10 s."""
        with self._writing:
            self._socket.sendall(data)

    def cut(self) -> None:
        """End it from here, so that `pump` returns."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close the connection."""
        with contextlib.suppress(OSError, ValueError):
            self._response.close()
        with contextlib.suppress(OSError):
            self._socket.close()
