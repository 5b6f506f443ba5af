"""What has been read of a boot's streams and not yet been looked at, within bounds.

The threads that read a system's output must never wait for the one that looks at it: the system
would wait with them, and its boot would seem slow. So what comes faster than it can be looked at is
kept, up to a limit, and left out beyond it. That is counted, because nobody knows what was in it.
"""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass, field, replace

from pytest_bootgate.engines.base import Chunk
from pytest_bootgate.engines.clock import REAL, Clock
from pytest_bootgate.observe.lines import LeftOut

#: What a chunk takes in memory beside its bytes.
_EACH = 256
#: From so many waiting bytes of a gateway on its output is a flood, until it pauses for so long.
_FLOOD, _PAUSE = 1 << 18, 0.01


@dataclass
class _Queue:
    """Chunks that wait, at most `most` bytes of them; the last one came at `last`."""

    most: int
    chunks: deque[Chunk] = field(default_factory=deque)
    held: int = 0
    last: float = 0.0


class Backlog:
    """A queue of chunks in the order of their times; `put` is called from any thread.

    In a flood what a sidecar says comes first: it may be a proof, and it is little.
    """

    def __init__(self, clock: Clock = REAL) -> None:
        self._clock = clock
        # A million log lines at once are about half of it.
        self._gateway, self._sidecar = _Queue(64 << 20), _Queue(16 << 20)
        self._ready = threading.Condition()
        self._gaps: set[str] = set()
        self.left_out: dict[str, LeftOut] = {}

    def put(self, chunk: Chunk) -> None:
        """Keep a chunk, or where too much waits already, leave it out and count it."""
        with self._ready:
            queue = self._of(chunk)
            queue.last = chunk.at
            if chunk.data and queue.held + _size(chunk) > queue.most:
                self._leave_out(chunk)
                return
            if chunk.data and chunk.stream in self._gaps:
                self._gaps.remove(chunk.stream)
                chunk = replace(chunk, after_gap=True)
            queue.held += _size(chunk)
            queue.chunks.append(chunk)
            self._ready.notify()

    def get(self, timeout: float) -> Chunk | None:
        """The next chunk, None where none comes for so many seconds."""
        with self._ready:
            if not self._waiting and timeout > 0:
                self._clock.wait(self._ready, timeout)
            if not (waiting := self._waiting):
                return None
            queue = min(waiting, key=lambda one: one.chunks[0].at)
            if self._sidecar.chunks and self._gateway.held > _FLOOD:
                queue = self._sidecar
            chunk = queue.chunks.popleft()
            queue.held -= _size(chunk)
            return chunk

    @property
    def pours(self) -> bool:
        """Whether so much comes just now that who looks at it would only slow down who reads it.

        Both need Python's lock. Where half of what can be kept waits it is looked at all the same.
        """
        held = self._gateway.held
        flood = _FLOOD < held < self._gateway.most / 2
        return flood and self._clock.now() - self._gateway.last < _PAUSE

    def put_back(self, chunk: Chunk) -> None:
        """Undo `get`."""
        with self._ready:
            queue = self._of(chunk)
            queue.held += _size(chunk)
            queue.chunks.appendleft(chunk)

    def give_up(self, chunk: Chunk) -> None:
        """Leave out a chunk, and all that waits: there is no time to look at it."""
        with self._ready:
            self._leave_out(chunk)
            for queue in (self._gateway, self._sidecar):
                for one in queue.chunks:
                    self._leave_out(one)
                queue.chunks = deque(one for one in queue.chunks if one.data is None)
                queue.held = _EACH * len(queue.chunks)

    @property
    def _waiting(self) -> list[_Queue]:
        return [queue for queue in (self._gateway, self._sidecar) if queue.chunks]

    def _of(self, chunk: Chunk) -> _Queue:
        sidecar = chunk.stream.startswith("sidecar.")
        return self._sidecar if sidecar else self._gateway

    def _leave_out(self, chunk: Chunk) -> None:
        if chunk.data:
            before = self.left_out.get(chunk.stream, LeftOut(chunk.at))
            self.left_out[chunk.stream] = LeftOut(
                min(before.first, chunk.at),
                before.bytes + len(chunk.data),
                before.lines + chunk.data.count(b"\n"),
            )
            self._gaps.add(chunk.stream)


def _size(chunk: Chunk) -> int:
    return len(chunk.data or b"") + _EACH
