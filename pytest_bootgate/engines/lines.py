"""From the bytes of a stream to lines with a time."""

from __future__ import annotations

import time

from pytest_bootgate.engines.base import Line, Sink

#: A longer line is cut: nobody matches a pattern against a megabyte.
LONGEST = 64 * 1024


class LineSplitter:
    """The two streams of one unit or command, cut into lines and given to a sink."""

    def __init__(self, name: str, sink: Sink) -> None:
        self._sink = sink
        self._names = {"out": f"{name}.out", "err": f"{name}.err"}
        self._rest = {"out": b"", "err": b""}
        self._skipping = {"out": False, "err": False}

    def feed(self, stream: str, data: bytes) -> None:
        """Take what just arrived on ``out`` or ``err``."""
        at = time.monotonic()
        *complete, rest = (self._rest[stream] + data).split(b"\n")
        if complete and self._skipping[stream]:
            del complete[0]
            self._skipping[stream] = False
        for line in complete:
            self._sink(Line(self._names[stream], at, _text(line)))
        if len(rest) > LONGEST:
            self._give(stream, rest, at)
            self._skipping[stream] = True
        self._rest[stream] = b"" if self._skipping[stream] else rest

    def end(self, at: float) -> None:
        """Give the unterminated last lines and the one end, which came at `at`."""
        for stream, rest in self._rest.items():
            if rest:
                self._give(stream, rest, at)
        self._sink(Line(self._names["out"], at, None))

    def _give(self, stream: str, line: bytes, at: float) -> None:
        if not self._skipping[stream]:
            self._sink(Line(self._names[stream], at, _text(line)))


def _text(line: bytes) -> str:
    return line[:LONGEST].decode("utf-8", "replace").removesuffix("\r")
