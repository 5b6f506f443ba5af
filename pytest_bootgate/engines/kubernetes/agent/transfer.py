"""Files and directories that come into a pod, and go out of it."""

from __future__ import annotations

import contextlib
import os
import sys
import tarfile


def put(path: str, data: bytes, owner: tuple[int, int], below: str) -> None:
    """Write a file for a unit, whose user `owner` may write in the directories made for it.

    Directories are made below one only. A file that is there keeps its place: it may be mounted.
    """
    missing = []
    directory = os.path.dirname(path)
    while directory.startswith(f"{below}/") and not os.path.isdir(directory):
        missing.append(directory)
        directory = os.path.dirname(directory)
    for one in reversed(missing):
        os.mkdir(one)
        os.chown(one, *owner)
        os.chmod(one, 0o1777 if owner[0] == 0 else 0o755)
    with open(path, "wb") as file:
        file.write(data)
    os.chown(path, *owner)
    os.chmod(path, 0o644)


def main(word: str, path: str, size: str = "") -> None:
    """Write a directory to the standard output as a tar file, or take one in from standard input.

    What comes in has `size` bytes; its top entry has the name of the directory.
    """
    directory, name = os.path.split(path)
    if word == "pack":
        if not os.path.isdir(path):
            sys.exit(3)
        with tarfile.open(fileobj=sys.stdout.buffer, mode="w|") as tar:
            tar.add(path, name)
        return
    os.makedirs(directory, exist_ok=True)
    whole = _Limited(int(size))
    with tarfile.open(fileobj=whole, mode="r|") as tar:  # type: ignore[call-overload]
        _unpack(tar, directory)
    while whole.read(1 << 20):  # what pads the end
        pass


def _unpack(tar: tarfile.TarFile, directory: str) -> None:
    # The gate's own archive, or one that it has looked through: owners and modes are to stay.
    tar.extraction_filter = lambda entry, _: entry
    closed = []
    for entry in tar:
        tar.extract(entry, directory, set_attrs=not entry.isdir(), numeric_owner=True)
        if entry.isdir():
            closed.append(entry)
    for entry in reversed(closed):
        at = os.path.join(directory, entry.name)
        with contextlib.suppress(PermissionError):
            os.chown(at, entry.uid, entry.gid)
        os.chmod(at, entry.mode)
        os.utime(at, (entry.mtime, entry.mtime))


class _Limited:
    """So many bytes of the standard input, whose end is not shown to a command in a pod."""

    def __init__(self, size: int) -> None:
        self._left = size

    def read(self, size: int) -> bytes:
        data = sys.stdin.buffer.read(min(size, self._left))
        self._left -= len(data)
        return data
