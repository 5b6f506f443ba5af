"""The health protocol of gRPC (grpc.health.v1), as far as one question needs of HTTP/2.

Frames are those of RFC 9113, section 4.1; header fields are sent without compression, as literals
of RFC 7541, section 6.2.2. What the answer's header fields say is not looked at: its message is.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator

_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_DATA, _HEADERS, _RESET, _SETTINGS, _PING, _GOAWAY = 0, 1, 3, 4, 6, 7
_END_STREAM = _ACK = 1
_END_HEADERS = 4
_STREAM = 1
_PATH = b"/grpc.health.v1.Health/Check"
#: The states of a service in the protocol.
_STATES = {0: "UNKNOWN", 1: "SERVING", 2: "NOT_SERVING", 3: "SERVICE_UNKNOWN"}
SERVING = "SERVING"
_MOST_FRAME = 1 << 20
_MOST_FRAMES = 1000


def health(opened: socket.socket, authority: str, service: str) -> str | None:
    """What a server says of a service, `SERVING` if it is well; None where it knows no such one.

    Raises `OSError`, also where it speaks no HTTP/2.
    """
    name = service.encode()
    message = b"\x0a" + _length(name) if name else b""
    opened.sendall(
        _PREFACE
        + _frame(_SETTINGS, 0, 0, b"")
        + _frame(_HEADERS, _END_HEADERS, _STREAM, _fields(authority.encode()))
        + _frame(_DATA, _END_STREAM, _STREAM, struct.pack(">BI", 0, len(message)) + message)
    )
    answer = b"".join(_answer(opened))
    if not answer:
        return None
    status = answer[6] if len(answer) > 6 and answer[5] == 8 else 0
    return _STATES.get(status, f"state {status}")


def _answer(opened: socket.socket) -> Iterator[bytes]:
    """The data of the answer's stream."""
    size = 0
    for _ in range(_MOST_FRAMES):
        kind, flags, stream, payload = _read_frame(opened)
        if kind in (_SETTINGS, _PING) and not flags & _ACK:
            opened.sendall(_frame(kind, _ACK, 0, payload if kind == _PING else b""))
        elif kind == _GOAWAY or (kind == _RESET and stream == _STREAM):
            return
        elif stream == _STREAM and kind in (_DATA, _HEADERS):
            if kind == _DATA:
                size += len(payload)
                yield payload
            if flags & _END_STREAM:
                return
        if size > _MOST_FRAME:
            break
    raise OSError("it answers without an end")


def _read_frame(opened: socket.socket) -> tuple[int, int, int, bytes]:
    head = _exactly(opened, 9)
    size = int.from_bytes(head[:3], "big")
    if size > _MOST_FRAME or head[3] > 9:
        raise OSError("not HTTP/2")
    stream = int.from_bytes(head[5:], "big") & 0x7FFFFFFF
    return head[3], head[4], stream, _exactly(opened, size)


def _exactly(opened: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        more = opened.recv(size - len(data))
        if not more:
            raise OSError("closed without an answer")
        data += more
    return data


def _frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def _length(text: bytes) -> bytes:
    """A text after its length, both in protobuf and in HPACK; gate files have short ones only."""
    return bytes([len(text)]) + text


def _fields(authority: bytes) -> bytes:
    return (
        b"\x83\x86"  # :method POST, :scheme http (RFC 7541, appendix A)
         b"\x04" + _length(_PATH)
        + b"\x01" + _length(authority)
        + b"\x0f\x10" + _length(b"application/grpc")  # content-type
        + b"\x00" + _length(b"te") + _length(b"trailers")
    )  # fmt: skip
