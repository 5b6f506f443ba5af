"""From the bytes of streams to lines with a time. Pure."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from pytest_bootgate.engines.base import Chunk

#: A longer line is cut: nobody matches a pattern against a megabyte.
LONGEST = 64 * 1024
#: What has no line end counts as a line when nothing followed for so many seconds (a prompt).
UNENDED = 0.5
#: Colours and other orders to a terminal (ECMA-48: CSI and OSC sequences, and short ones).
_ORDERS = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[ -/]*[0-~])")


@dataclass(frozen=True, slots=True)
class Line:
    """One line and the monotonic second at which it arrived; `text` None: the stream ended.

    One that is `unended` may go on: it comes again when it is whole.
    """

    stream: str
    at: float
    text: str | None
    unended: bool = False


@dataclass(frozen=True, slots=True)
class LeftOut:
    """What of a stream was left out: `first` is the monotonic second of the first byte."""

    first: float
    bytes: int = 0
    lines: int = 0


class LineSplitter:
    """Cuts chunks of any streams into lines, which end with LF, CR or both."""

    def __init__(self) -> None:
        self._rest: defaultdict[str, bytes] = defaultdict(bytes)
        self._skipping: set[str] = set()
        #: When the last byte of what has no line end arrived, and whether it was shown.
        self._since: dict[str, float] = {}
        #: The streams whose last byte was a CR, of which a LF may follow.
        self._returned: set[str] = set()

    def lines(self, chunk: Chunk) -> Iterator[Line]:
        """The lines that a chunk completes, and at the end of a stream what is left of both."""
        stream, at = chunk.stream, chunk.at
        if chunk.data is None:
            yield from self._end(chunk)
            return
        rest = self._rest[stream]
        if chunk.after_gap:  # what comes up to the next line end is the tail of another line
            rest = b""
            self._skipping.add(stream)
        data = chunk.data
        if b"\r" in data or stream in self._returned:
            data = self._without_returns(stream, data)
        *complete, rest = (rest + data).split(b"\n")
        if complete and stream in self._skipping:
            del complete[0]
            self._skipping.remove(stream)
        for line in complete:
            yield Line(stream, at, _text(line))
        if stream in self._skipping:
            rest = b""
        elif len(rest) > LONGEST:
            yield Line(stream, at, _text(rest))
            self._skipping.add(stream)
            rest = b""
        self._rest[stream] = rest
        self._since.pop(stream, None)
        if rest:
            self._since[stream] = at

    def _without_returns(self, stream: str, data: bytes) -> bytes:
        """The same with LF for every line end: a progress bar ends its lines with CR."""
        if stream in self._returned and data.startswith(b"\n"):
            data = data[1:]
        self._returned.discard(stream)
        if data.endswith(b"\r"):
            self._returned.add(stream)
        return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")

    def unended(self, now: float) -> Iterator[Line]:
        """What has had no line end for `UNENDED`, once."""
        for stream, at in [*self._since.items()]:
            if now - at >= UNENDED:
                del self._since[stream]
                yield Line(stream, at, _text(self._rest[stream]), unended=True)

    def _end(self, chunk: Chunk) -> Iterator[Line]:
        name = chunk.stream.removesuffix(".out")
        for stream in (f"{name}.out", f"{name}.err"):
            if rest := self._rest.pop(stream, b""):
                yield Line(stream, chunk.at, _text(rest))
            self._skipping.discard(stream)
            self._returned.discard(stream)
            self._since.pop(stream, None)
        yield Line(chunk.stream, chunk.at, None)


def _text(line: bytes) -> str:
    text = line[:LONGEST].decode("utf-8", "replace")
    return plain(text) if "\x1b" in text else text


def plain(text: str) -> str:
    """A line without its orders to a terminal."""
    return _ORDERS.sub("", text)
