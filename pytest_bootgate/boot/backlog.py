"""What has been read of a boot's streams and not yet been looked at, within bounds.

The threads that read a system's output must never wait for the one that looks at it: the system
would wait with them, and its boot would seem slow. So what comes faster than it can be looked at is
kept, up to a limit, and left out beyond it. That is counted, because nobody knows what was in it.
"""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import replace

from pytest_bootgate.boot.lines import LeftOut
from pytest_bootgate.engines.base import Chunk

#: At most so many bytes of a gateway and what was run in it, and of a companion, wait. A million
#: log lines at once are about half of it.
_MOST = {"companion": 16 << 20, "gateway": 64 << 20}
#: What a chunk takes in memory beside its bytes.
_EACH = 256


class Backlog:
    """A queue of chunks; `put` is called from any thread and never waits."""

    def __init__(self) -> None:
        self._chunks: deque[Chunk] = deque()
        self._held = dict.fromkeys(_MOST, 0)
        self._ready = threading.Condition()
        self._gaps: set[str] = set()
        self.left_out: dict[str, LeftOut] = {}

    def put(self, chunk: Chunk) -> None:
        """Keep a chunk, or where too much waits already, leave it out and count it."""
        with self._ready:
            who = _who(chunk)
            size = _size(chunk)
            if chunk.data and self._held[who] + size > _MOST[who]:
                self._leave_out(chunk)
                return
            if chunk.data and chunk.stream in self._gaps:
                self._gaps.remove(chunk.stream)
                chunk = replace(chunk, after_gap=True)
            self._held[who] += size
            self._chunks.append(chunk)
            self._ready.notify()

    def get(self, timeout: float) -> Chunk | None:
        """The next chunk, None where none comes for so many seconds."""
        with self._ready:
            if not self._chunks and timeout > 0:
                self._ready.wait(timeout)
            if not self._chunks:
                return None
            chunk = self._chunks.popleft()
            self._held[_who(chunk)] -= _size(chunk)
            return chunk

    def put_back(self, chunk: Chunk) -> None:
        """Undo `get`."""
        with self._ready:
            self._held[_who(chunk)] += _size(chunk)
            self._chunks.appendleft(chunk)

    def give_up(self, chunk: Chunk) -> None:
        """Leave out a chunk, and all that waits: there is no time to look at it."""
        with self._ready:
            for one in (chunk, *self._chunks):
                self._leave_out(one)
            ends = [one for one in self._chunks if one.data is None]
            self._chunks = deque(ends)
            self._held = {who: _EACH * sum(_who(one) == who for one in ends) for who in _MOST}

    def _leave_out(self, chunk: Chunk) -> None:
        data = chunk.data
        if not data:
            return
        before = self.left_out.get(chunk.stream, LeftOut(chunk.at))
        self.left_out[chunk.stream] = LeftOut(
            min(before.first, chunk.at),
            before.bytes + len(data),
            before.lines + data.count(b"\n"),
        )
        self._gaps.add(chunk.stream)


def _who(chunk: Chunk) -> str:
    return "companion" if chunk.stream.startswith("companion.") else "gateway"


def _size(chunk: Chunk) -> int:
    return len(chunk.data or b"") + _EACH
