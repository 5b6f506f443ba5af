"""From the bytes of streams to lines with a time. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from pytest_bootgate.engines.base import Chunk

#: A longer line is cut: nobody matches a pattern against a megabyte.
LONGEST = 64 * 1024


@dataclass(frozen=True, slots=True)
class Line:
    """One line and the monotonic second at which it arrived; `text` None: the stream ended."""

    stream: str
    at: float
    text: str | None


@dataclass(frozen=True, slots=True)
class LeftOut:
    """What of a stream was left out: `first` is the monotonic second of the first byte."""

    first: float
    bytes: int = 0
    lines: int = 0


class LineSplitter:
    """Cuts chunks of any streams into lines."""

    def __init__(self) -> None:
        self._rest: defaultdict[str, bytes] = defaultdict(bytes)
        self._skipping: set[str] = set()

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
        *complete, rest = (rest + chunk.data).split(b"\n")
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

    def _end(self, chunk: Chunk) -> Iterator[Line]:
        name = chunk.stream.removesuffix(".out")
        for stream in (f"{name}.out", f"{name}.err"):
            if rest := self._rest.pop(stream, b""):
                yield Line(stream, chunk.at, _text(rest))
            self._skipping.discard(stream)
        yield Line(chunk.stream, chunk.at, None)


def _text(line: bytes) -> str:
    return line[:LONGEST].decode("utf-8", "replace").removesuffix("\r")
