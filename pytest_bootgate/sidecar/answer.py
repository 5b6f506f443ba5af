"""The answer to a trigger: its lines as they come, or how it begins."""

from __future__ import annotations

import contextlib
import http.client
import queue
import threading
import time
from collections.abc import Iterator

#: How many seconds the rest of a line of an answer is waited for.
ANSWER_WAIT = 1.0
LONGEST_ANSWER = 4_000
#: So many bytes of an answer are looked at; the rest is only read.
MOST_REPLY = 1 << 20
#: So many pieces wait for being looked at; then the system waits.
_MOST_PARTS = 512


def beginning(answer: http.client.HTTPResponse) -> str:
    """What an answer says within `ANSWER_WAIT`, its first `LONGEST_ANSWER` characters."""
    parts: list[bytes] = []

    def read() -> None:
        with contextlib.suppress(OSError, http.client.HTTPException):
            while sum(map(len, parts)) < 4 * LONGEST_ANSWER and (data := answer.read1(65536)):
                parts.append(data)

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    reader.join(ANSWER_WAIT)
    return b"".join(parts).decode("utf-8", "replace")[:LONGEST_ANSWER]


def lines_of(answer: http.client.HTTPResponse) -> Iterator[tuple[float, list[str]]]:
    """The lines of an answer, and when they were there.

    A line without an end is one when nothing follows for `ANSWER_WAIT`. A stream may go on for as
    long as the task does: closing it early could end the task, so it is read to its end.
    """
    parts: queue.Queue[tuple[float, bytes]] = queue.Queue(_MOST_PARTS)

    def read() -> None:
        with contextlib.suppress(OSError, http.client.HTTPException):
            while data := answer.read1(65536):
                parts.put((time.monotonic(), data))
        parts.put((0.0, b""))

    threading.Thread(target=read, daemon=True).start()
    begun, at, size, ended = b"", 0.0, 0, False
    while not ended:
        try:
            now, data = parts.get(timeout=ANSWER_WAIT if begun else None)
        except queue.Empty:
            data = b""
        else:
            ended = not data
        at, size = now if data else at, size + len(data)
        *lines, begun = (begun + data).split(b"\n") if size < MOST_REPLY else (b"",)
        if not data:
            lines, begun = [*lines, begun], b""
        yield at, [_text(line) for line in lines if line.strip()]


def _text(line: bytes) -> str:
    return line.decode("utf-8", "replace").rstrip("\r")[:LONGEST_ANSWER]
