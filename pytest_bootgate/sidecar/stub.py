"""The server that stands in for what the task calls first."""

from __future__ import annotations

import json
import socketserver
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from typing import Any, Protocol

#: So many bytes of a request are read at a time.
PIECE = 1 << 16

Event = dict[str, Any]


class Reporter(Protocol):
    """Who is told of the calls; `token` is that of the boot that is watched now."""

    token: str

    def read_tails(self) -> None:
        """Report all lines that were written up to now."""

    def say(self, event: str, *, at: float | None = None, **more: Any) -> None:
        """Report one event, which was so at the monotonic second `at`."""


class Stub(socketserver.ThreadingTCPServer):
    """The server; `HTTPServer` would look up its own name in a network that has no DNS."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128
    sidecar: Reporter
    reply: Event

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is no trouble."""


class Call(BaseHTTPRequestHandler):
    """One connection to the stub: every request is reported, then answered."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 65536
    server: Stub

    def __getattr__(self, name: str) -> Any:
        if name.startswith("do_"):
            return self.answer
        raise AttributeError(name)

    def answer(self) -> None:
        """Report the call, then reply."""
        sidecar, token = self.server.sidecar, self.server.sidecar.token
        size, head, found = self.body(token.encode())
        ours = bool(token) and (
            token in self.path or any(token in value for value in self.headers.values()) or found
        )
        now = time.monotonic()
        sidecar.read_tails()
        muted = self.server.reply.get("mute")
        mute: Event = {"mute": True} if muted == "all" or (muted == "token" and ours) else {}
        sidecar.say(
            "called",
            at=now,
            method=self.command,
            path=self.path,
            token=ours,
            bytes=size,
            head=head[:640].decode("utf-8", "replace")[:160],
            **mute,
        )
        if mute:
            threading.Event().wait()  # who called is left without an answer for good
        self.send(self.server.reply)

    def body(self, token: bytes) -> tuple[int, bytes, bool]:
        """The size of the request's body, how it begins, and whether the token is in it."""
        size, head, last, found = 0, b"", b"", False
        for piece in self.pieces():
            size += len(piece)
            head = (head + piece[:640])[:640]
            found = found or (bool(token) and token in last + piece)
            last = piece[-len(token) :] if len(piece) >= len(token) else last + piece
        return size, head, found

    def pieces(self) -> Iterator[bytes]:
        """The request's body, chunked or not, a little at a time: it may be of any size."""
        if "chunked" not in self.headers.get("Transfer-Encoding", "").lower():
            yield from self.read(int(self.headers.get("Content-Length") or 0))
            return
        while size := int(self.rfile.readline().split(b";")[0], 16):
            yield from self.read(size)
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass  # trailers

    def read(self, size: int) -> Iterator[bytes]:
        """So many bytes, or up to the end."""
        while size > 0 and (piece := self.rfile.read(min(size, PIECE))):
            size -= len(piece)
            yield piece

    def send(self, reply: Event) -> None:
        """Send the reply of the gate file: one body, or server-sent events."""
        stream, body, kind = reply.get("stream"), b"", "text/plain; charset=utf-8"
        if stream is not None:
            kind = "text/event-stream"
        elif reply.get("json") is not None:
            body, kind = json.dumps(reply["json"]).encode(), "application/json"
        elif reply.get("body") is not None:
            body = reply["body"].encode()
        chunked = stream is not None and self.request_version == "HTTP/1.1"
        headers = {"content-type": kind}
        headers |= {str(k).lower(): str(v) for k, v in (reply.get("headers") or {}).items()}
        if chunked:
            headers["transfer-encoding"] = "chunked"
        elif stream is None:
            headers["content-length"] = str(len(body))
        else:
            self.close_connection = True
        self.send_response(int(reply.get("status") or 200))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            for part in [body] if stream is None else map(server_sent, stream):
                self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part) if chunked else part)
                self.wfile.flush()
            if chunked:
                self.wfile.write(b"0\r\n\r\n")
        self.wfile.flush()

    def log_message(self, *_: Any) -> None:
        """What is reported is the log."""


def server_sent(item: Any) -> bytes:
    """One server-sent event: a text as it is, all else as JSON."""
    text = item if isinstance(item, str) else json.dumps(item)
    return ("".join(f"data: {line}\n" for line in text.split("\n")) + "\n").encode()
