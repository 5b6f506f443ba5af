"""Log files: their new lines, however they are written, truncated, renamed or copied."""

from __future__ import annotations

import glob
import os
import time
from collections import deque
from collections.abc import Iterator

#: How often a pattern is looked up for new files, in seconds.
GLOB_EVERY = 0.02
#: The time of a file may be behind the clock by so much.
CLOCK_TICK = 0.02
#: By how many of its first and last bytes it is known what was read of a file.
WINDOW = 4096
#: A file that is the same as one that was read is a copy of it from so many bytes on; a shorter
#: one may as well have been written anew.
ENOUGH = 256
#: What was read of so many files that are gone is remembered.
REMEMBERED = 16
LONGEST_LINE = 16_000


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
        if thorough or not self.is_glob or time.monotonic() - self.scanned >= GLOB_EVERY:
            self.scan(from_end=False)
        for key, followed in list(self.files.items()):
            yield from followed.lines(self)
            if followed.deleted:
                self.gone.append(followed.read)
                os.close(self.files.pop(key).file)
