"""The sidecar: it runs beside the gateway and turns what is no line into lines.

It is a program of its own (``python3 program.py``, Python 3.9 or newer, standard library only)
because it is put into containers as one file. Orders come in on standard input, events go out on
standard output, both as one JSON object a line; it ends at the end of its input.
"""

from __future__ import annotations

import glob
import http.client
import json
import os
import socket
import socketserver
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from typing import Any

WATCH_EVERY = 0.02
TAIL_EVERY = 0.005
#: The time of a file may be behind the clock by so much.
CLOCK_TICK = 0.02
#: By how many of its first and last bytes it is known what was read of a file.
WINDOW = 4096
#: A file that is the same as one that was read is a copy of it from so many bytes on; a shorter
#: one may as well have been written anew.
ENOUGH = 256
#: What was read of so many files that are gone is remembered.
REMEMBERED = 16
REQUEST_TIMEOUT = 2.0
#: How long after its headers an answer to a trigger is waited for before it is reported.
ANSWER_WAIT = 1.0
LONGEST_LINE = 16_000
LONGEST_ANSWER = 4_000
LONGEST_PART = 8_000
#: So many bytes of the answer to a question are read, and of a request at the stub at a time.
MOST_ANSWER = 16 << 20
PIECE = 1 << 16
#: How many characters of a body that is not as wanted are reported.
LONGEST_BODY = 200
TIMED_OUT = "timed out"
#: How many seconds the answer to a question may take.
ANSWER_DEADLINE = 60.0

Event = dict[str, Any]


class Read:
    """What was read of a file: by its offset, its first and its last bytes it is known again."""

    def __init__(self, offset: int, head: bytes, tail: bytes, rest: bytes) -> None:
        self.offset, self.head, self.tail, self.rest = offset, head, tail, rest

    def begins(self, file: int, size: int) -> bool:
        """Whether a file begins with it, or is a copy."""
        return (
            0 < self.offset <= size
            and (self.offset < size or size >= ENOUGH)
            and os.pread(file, len(self.head), 0) == self.head
            and os.pread(file, len(self.tail), self.offset - len(self.tail)) == self.tail
        )


class Followed:
    """One open log file. Holding it open keeps its inode from being used again."""

    def __init__(self, file: int, *, from_end: bool) -> None:
        self.file = file
        self.read = Read(0, b"", b"", b"")
        if from_end:
            size = os.fstat(file).st_size
            known = min(size, WINDOW)
            self.read = Read(
                size, os.pread(file, known, 0), os.pread(file, known, size - known), b""
            )
        #: Whether it was looked at since it was new or truncated.
        self.begun = from_end

    def lines(self, tail: Tail) -> Iterator[str]:
        """The complete lines since the last time.

        What it begins with when it is new or truncated is no news where it was read before, from
        this file or from another one of `tail`.
        """
        size = os.fstat(self.file).st_size
        if size < self.read.offset:  # truncated
            tail.gone.append(self.read)
            self.read, self.begun = Read(0, b"", b"", b""), False
        if size and not self.begun:
            self.begun = True
            others = [other.read for other in tail.files.values() if other is not self]
            if old := [read for read in [*tail.gone, *others] if read.begins(self.file, size)]:
                last = max(old, key=lambda read: read.offset)
                self.read = Read(last.offset, last.head, last.tail, last.rest)
        read = self.read
        while size > read.offset:
            data = os.pread(self.file, min(size - read.offset, 1 << 20), read.offset)
            if not data:
                return
            read.offset += len(data)
            read.head += data[: WINDOW - len(read.head)]
            read.tail = (read.tail + data)[-WINDOW:]
            *complete, rest = data.split(b"\n")
            if complete:
                complete[0] = read.rest + complete[0]
                read.rest = rest
            else:
                read.rest += rest
            # Of a line that has no end yet its beginning is enough.
            read.rest = read.rest[: 4 * LONGEST_LINE]
            for line in complete:
                yield (
                    line[: 4 * LONGEST_LINE].decode("utf-8", "replace").rstrip("\r")[:LONGEST_LINE]
                )

    @property
    def deleted(self) -> bool:
        """Whether nothing names this file any more."""
        return os.fstat(self.file).st_nlink == 0


class Tail:
    """All files that match one pattern, known by inode so that a renamed one is not read twice."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.is_glob = glob.has_magic(pattern)
        self.files: dict[tuple[int, int], Followed] = {}
        #: What was read of files that are gone or were truncated.
        self.gone: deque[Read] = deque(maxlen=REMEMBERED)
        self.scanned = 0.0
        self.renew()
        self.scan(from_end=True)

    def renew(self) -> None:
        """From now on a file that was last written before is no news when it appears."""
        self.since = time.time(), time.monotonic()

    def scan(self, *, from_end: bool) -> None:
        """Begin to follow what is new."""
        self.scanned = time.monotonic()
        paths = glob.glob(self.pattern, recursive=True) if self.is_glob else [self.pattern]  # noqa: PTH207
        for path in paths:
            try:
                status = os.stat(path)  # noqa: PTH116
                key = (status.st_dev, status.st_ino)
                if key in self.files or os.path.isdir(path):  # noqa: PTH112
                    continue
                file = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
            except OSError:
                continue
            self.files[key] = Followed(file, from_end=from_end or self.is_old(status))

    def is_old(self, status: os.stat_result) -> bool:
        """Whether a file was last written before it mattered; unknown where the clock was set."""
        wall, monotonic = self.since
        moved = (time.time() - wall) - (time.monotonic() - monotonic)
        return abs(moved) < 1.0 and status.st_mtime < wall - CLOCK_TICK

    def lines(self, *, thorough: bool) -> Iterator[str]:
        """New lines of every file; a glob costs more, so it is looked up less often."""
        if thorough or not self.is_glob or time.monotonic() - self.scanned >= WATCH_EVERY:
            self.scan(from_end=False)
        for key, followed in list(self.files.items()):
            yield from followed.lines(self)
            if followed.deleted:
                self.gone.append(followed.read)
                os.close(self.files.pop(key).file)


class Sidecar:
    """Takes orders, reports events; every method may be called from any thread."""

    def __init__(self) -> None:
        self.token = ""
        self._printing = threading.Lock()
        self._tails: list[Tail] = []
        self._tailing = threading.Lock()
        self._watching: list[threading.Event] = []
        self._stubs: dict[int, Stub] = {}

    # -- what it says ----------------------------------------------------------------------

    def say(
        self,
        event: str,
        *,
        at: float | None = None,
        unless: threading.Event | None = None,
        **more: Any,
    ) -> None:
        """Print one event, unless a watch was called off in the meantime.

        What was so since the monotonic second `at` says how long `ago` that is: reading followed
        files may take a while, and is nothing that the system did.
        """
        with self._printing:
            if at is not None:
                more["ago"] = round(time.monotonic() - at, 6)
            line = json.dumps({"event": event, **more}, ensure_ascii=False, separators=(",", ":"))
            if unless is None or not unless.is_set():
                sys.stdout.buffer.write(line.encode("utf-8", "replace") + b"\n")
                sys.stdout.buffer.flush()

    def read_tails(self, *, thorough: bool = True) -> None:
        """Report all lines that were written up to now."""
        now = time.monotonic()
        with self._tailing:
            for tail in self._tails:
                for text in tail.lines(thorough=thorough):
                    self.say("line", at=now, file=tail.pattern, text=text)

    # -- what it is told -------------------------------------------------------------------

    def obey(self, line: bytes) -> None:
        """Carry out one order; what cannot be done is trouble, never an end."""
        try:
            order = json.loads(line)
            self._orders[order["do"]](self, order)
        except Exception as error:
            order_text = line.decode("utf-8", "replace").strip()[:200]
            self.say("trouble", text=f"{short(error)}: could not obey {order_text}")

    def serve(self, order: Event) -> None:
        """Open the stub, or change its reply."""
        port, reply = int(order["port"]), order.get("reply") or {}
        if port in self._stubs:
            self._stubs[port].reply = reply
        else:
            try:
                stub = Stub(("127.0.0.1", port), Call)
            except OSError as error:
                self.say("trouble", text=f"cannot serve port {port}: {error.strerror or error}")
                return
            stub.sidecar, stub.reply = self, reply
            self._stubs[port] = stub
            run(stub.serve_forever)
        self.say("serving", port=port)

    def watch(self, order: Event) -> None:
        """Look every 20 ms until it is so."""
        name, off = order["id"], threading.Event()
        look = look_of(order)
        with self._printing:
            self._watching.append(off)
        self.say("watching", id=name)
        run(self._look_out, name, look, off)

    def look(self, order: Event) -> None:
        """Is it so already? Look once; what was written until now is reported before."""
        run(self._look_once, order["id"], look_of(order))

    def _look_once(self, name: str, look: Look) -> None:
        self.read_tails()
        self.say("looked", id=name, so=look()[0] is not None)

    def _look_out(self, name: str, look: Look, off: threading.Event, event: str = "seen") -> None:
        state = ""
        while not off.is_set():
            seen, text = look()
            now = time.monotonic()
            if seen is not None:
                self.read_tails()
                self.say(event, at=now, unless=off, id=name, **seen)
                return
            if text and text != state:
                self.say("state", unless=off, id=name, text=text)
            state = text
            off.wait(WATCH_EVERY)

    def lapse(self, order: Event) -> None:
        """Look every 20 ms until an endpoint says that it is not so, or nobody is there.

        One that takes its time says nothing.
        """
        host, port, path = endpoint(order["http"])
        status, wanted, off = order.get("status"), order.get("json"), threading.Event()

        def look() -> tuple[Event | None, str]:
            seen, text = look_http(host, port, path, status, wanted)
            lapsed = seen is None and text != TIMED_OUT
            return ({"text": text} if lapsed else None), ""

        with self._printing:
            self._watching.append(off)
        self.say("watching", id=order["id"])
        run(self._look_out, order["id"], look, off, "lapsed")

    def tail(self, order: Event) -> None:
        """Follow a file, or all files that match a pattern."""
        with self._tailing:
            first = not self._tails
            self._tails.append(Tail(order["file"]))
        self.say("tailing", file=order["file"])
        if first:
            run(self._follow)

    def _follow(self) -> None:
        while True:
            self.read_tails(thorough=False)
            time.sleep(TAIL_EVERY)

    def arm(self, order: Event) -> None:
        """A new boot begins: what the last one was watched for does not matter any more."""
        self.read_tails()
        with self._tailing:
            for tail in self._tails:
                tail.renew()
        with self._printing:
            for off in self._watching:
                off.set()
            self._watching.clear()
            self.token = order["token"]
        self.say("armed", token=order["token"])

    def trigger(self, order: Event) -> None:
        """Send a request and report how it was taken."""
        if "http" not in order:
            raise ValueError("this sidecar can only send HTTP triggers")
        run(self._send, order)

    def _send(self, order: Event) -> None:
        self.say("sent")
        try:
            connection = request(order, "POST", None)
            answer = connection.getresponse()
        except (OSError, http.client.HTTPException, ValueError) as error:
            self.say("refused", error=why(error))
            return
        # A stream may go on for as long as the task does: closing it early could end the task.
        parts: list[bytes] = []
        reporting, reported = threading.Lock(), threading.Event()

        def report() -> None:
            with reporting:
                if reported.is_set():
                    return
                text = b"".join(parts).decode("utf-8", "replace")[:LONGEST_ANSWER]
                now = time.monotonic()
                self.read_tails()
                event = "accepted" if 200 <= answer.status < 300 else "refused"
                self.say(event, at=now, status=answer.status, body=text)
                reported.set()

        timer = threading.Timer(ANSWER_WAIT, report)
        timer.daemon = True
        timer.start()
        try:
            while data := answer.read1(65536):
                if not reported.is_set() and sum(map(len, parts)) < 4 * LONGEST_ANSWER:
                    parts.append(data)
        except (OSError, http.client.HTTPException):
            pass  # its status came, the rest of the body is nobody's proof
        timer.cancel()
        report()
        connection.close()

    def jobs(self, order: Event) -> None:
        """Ask an endpoint, and hand on its whole answer, in parts that fit into a line."""
        if "http" not in order:
            raise ValueError("this sidecar can only ask over HTTP")
        run(self._ask, order)

    def _ask(self, order: Event) -> None:
        connection = None
        try:
            connection = request(order, "GET", ANSWER_DEADLINE)
            answer = connection.getresponse()
            text = answer.read(MOST_ANSWER).decode("utf-8", "replace")
        except (OSError, http.client.HTTPException, ValueError) as error:
            self.say("answer", error=why(error))
            return
        finally:
            if connection is not None:
                connection.close()
        if not 200 <= answer.status < 300:
            self.say("answer", error=f"{answer.status} {text[:LONGEST_ANSWER]}")
            return
        for at in range(0, len(text) or 1, LONGEST_PART):
            part = text[at : at + LONGEST_PART]
            self.say("answer", text=part, more=at + LONGEST_PART < len(text))

    _orders: dict[str, Callable[[Sidecar, Event], None]] = {  # noqa: RUF012
        "serve": serve,
        "watch": watch,
        "look": look,
        "lapse": lapse,
        "tail": tail,
        "arm": arm,
        "trigger": trigger,
        "jobs": jobs,
    }


def request(order: Event, method: str, timeout: float | None) -> http.client.HTTPConnection:
    """Send the request of an order; `method` is the one it has if it names none."""
    host, port, path = endpoint(order["http"])
    headers = {str(key): str(value) for key, value in (order.get("headers") or {}).items()}
    body = order.get("body")
    if order.get("json") is not None:
        body = json.dumps(order["json"])
        if "content-type" not in map(str.lower, headers):
            headers["Content-Type"] = "application/json"
    data = None if body is None else body.encode()
    connection = http.client.HTTPConnection(host, port, timeout=timeout)
    connection.request(order.get("method") or method, path, data, headers)
    return connection


class Stub(socketserver.ThreadingTCPServer):
    """The server; `HTTPServer` would look up its own name in a network that has no DNS."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128
    sidecar: Sidecar
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


#: One look: what was seen (None: not yet), and how it stands instead.
Look = Callable[[], "tuple[Event | None, str]"]


def look_of(order: Event) -> Look:
    """How to look for what an order names: an endpoint, a port or a file."""
    if "http" in order:
        host, port, path = endpoint(order["http"])
        status, wanted = order.get("status"), order.get("json")
        return lambda: look_http(host, port, path, status, wanted)
    if "tcp" in order:
        host, port, _ = endpoint(order["tcp"])
        return lambda: look_tcp(host, port)
    file = order["exists"]
    return lambda: ({}, "") if os.path.exists(file) else (None, "no such file")  # noqa: PTH110


def look_http(
    host: str, port: int, path: str, status: int | None, wanted: Any
) -> tuple[Event | None, str]:
    """Whether an endpoint answers as wanted; any 2xx where `status` is None."""
    until = time.monotonic() + REQUEST_TIMEOUT
    connection = http.client.HTTPConnection(host, port, timeout=REQUEST_TIMEOUT)
    body = b""
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        right = 200 <= answer.status < 300 if status is None else answer.status == status
        if right and wanted is None:
            return {"status": answer.status}, ""
        while len(body) < 1 << 20 and time.monotonic() < until:
            data = answer.read1(65536)
            if not data:
                break
            body += data
        if right and contains(parsed(body), wanted):
            return {"status": answer.status}, ""
    except (OSError, http.client.HTTPException, ValueError) as error:
        return None, why(error)
    finally:
        connection.close()
    said = " ".join(body[: 4 * LONGEST_BODY].decode("utf-8", "replace").split())[:LONGEST_BODY]
    stands = f"{answer.status} {answer.reason}".strip()
    return None, f"{stands}: {said}" if said else stands


def look_tcp(host: str, port: int) -> tuple[Event | None, str]:
    """Whether a port accepts."""
    try:
        socket.create_connection((host, port), REQUEST_TIMEOUT).close()
    except OSError as error:
        return None, why(error)
    return {}, ""


def contains(answer: Any, wanted: Any) -> bool:
    """Whether all that is wanted is in an answer; in a list each wanted item must be somewhere."""
    if isinstance(wanted, dict):
        return isinstance(answer, dict) and all(
            key in answer and contains(answer[key], value) for key, value in wanted.items()
        )
    if isinstance(wanted, list):
        return isinstance(answer, list) and all(
            any(contains(item, value) for item in answer) for value in wanted
        )
    return isinstance(answer, bool) == isinstance(wanted, bool) and bool(answer == wanted)


def parsed(body: bytes) -> Any:
    """A body as JSON; what is none contains nothing."""
    try:
        return json.loads(body)
    except ValueError:
        return None


def endpoint(text: str) -> tuple[str, int, str]:
    """``:8080/path``, with or without a scheme and a host, as host, port and path."""
    place, slash, path = text.split("://", 1)[-1].partition("/")
    host, _, port = place.rpartition(":")
    return host or "127.0.0.1", int(port), slash + path or "/"


def why(error: BaseException) -> str:
    """Why an endpoint or a port did not answer, in plain words."""
    if isinstance(error, ConnectionRefusedError):
        return "connection refused"
    if isinstance(error, (TimeoutError, socket.timeout)):
        return TIMED_OUT
    if isinstance(error, ConnectionResetError):  # as servers do that speak TLS only
        return "closed without an answer (TLS?)"
    if isinstance(error, http.client.BadStatusLine):
        return "not HTTP" + (" (TLS?)" if str(error).startswith("\x15\x03") else "")
    return (getattr(error, "strerror", None) or str(error) or short(error)).lower()


def short(error: BaseException) -> str:
    """An error's name, for people."""
    return type(error).__name__.removesuffix("Error")


def run(work: Callable[..., object], *args: Any) -> None:
    """Work beside everything else."""
    threading.Thread(target=work, args=args, daemon=True).start()


def main() -> None:
    """Obey until the end of the input."""
    sidecar = Sidecar()
    sidecar.say("hello")
    for line in sys.stdin.buffer:
        if line.strip():
            sidecar.obey(line)
    sidecar.read_tails()
    sys.stdout.flush()
    os._exit(0)  # a request that hangs must not keep it


if __name__ == "__main__":
    main()
