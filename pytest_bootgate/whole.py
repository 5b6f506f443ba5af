"""Files that are whole, or not there; and files that nobody waits for."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from collections.abc import Mapping
from pathlib import Path


def stream(path: Path) -> int | None:
    """The descriptor that a path names, as ``/dev/stdout`` does; None for any other path.

    Not what it leads to: a terminal, a pipe, or a file that holds what else was written there.
    """
    if str(path) in ("/dev/stdout", "/dev/stderr"):
        return 1 if path.name == "stdout" else 2
    numbered = str(path.parent) in ("/dev/fd", "/proc/self/fd") and path.name.isdecimal()
    return int(path.name) if numbered else None


def regular(path: Path) -> Path:
    """The path. Raises `OSError` for a FIFO, a socket or a device: to read one may take for ever.

    What this process was given open, as by ``<(command)``, has somebody at its other end.
    """
    given = stream(path) is not None or str(path) == "/dev/stdin"
    if not given and path.exists() and not path.is_file() and not path.is_dir():
        raise OSError(0, "it is not a regular file")
    return path


def write_text(path: Path, text: str) -> None:
    """Write a file by rename, so that nobody ever reads half of it. Raises `OSError`.

    What names an open stream of this process (`stream`) is written there, after what it has.
    """
    data = text.encode()
    if (descriptor := stream(path)) is not None:
        sys.stdout.flush()
        with os.fdopen(os.dup(descriptor), "wb") as file:  # opened anew it would begin at 0 again
            file.write(data)
        return
    write_all({path: data})


def write_all(files: Mapping[Path, bytes]) -> None:
    """Write files by rename, all of them or none. Raises `OSError`, which names the file."""
    asides: dict[Path, Path] = {}
    try:
        for named, data in files.items():
            path = named.resolve()
            if path.is_dir():
                raise OSError(errno.EISDIR, os.strerror(errno.EISDIR), str(named))
            path.parent.mkdir(parents=True, exist_ok=True)
            asides[path] = path.with_name(f".{path.name}.{os.getpid()}.tmp")
            try:
                asides[path].write_bytes(data)
            except OSError as error:
                raise OSError(error.errno, error.strerror, str(named)) from None
        for path, aside in asides.items():
            aside.replace(path)
    finally:
        for aside in asides.values():
            with contextlib.suppress(OSError):
                aside.unlink(missing_ok=True)
