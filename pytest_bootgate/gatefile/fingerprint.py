"""What a state is, told apart cheaply: one of many gigabytes takes no longer to look at."""

from __future__ import annotations

import hashlib
import lzma
import os
import tarfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import IO

#: So much of each file is read, of all files together, and so large an archive is looked into.
_OF_EACH, _OF_ALL, _ARCHIVE = 1 << 16, 1 << 26, 1 << 25
_DAMAGED = (OSError, EOFError, ValueError, tarfile.TarError, zlib.error, lzma.LZMAError)


def of_source(source: str, exclude: Sequence[str] = ()) -> object:
    """What differs where another state is named: plain values that are the same in any checkout.

    Of a directory, and of an archive of up to 32 MiB, the names, the sizes and the first 64 KiB of
    its files (of the first 64 MiB of a directory); of a larger archive its own; of a volume its
    name. Times, owners and modes do not count.
    """
    path = Path(source)
    try:
        if source.startswith("volume:"):
            return source
        if path.is_dir():
            return sorted(_directory(path, exclude))
        if path.stat().st_size <= _ARCHIVE and (found := _archive(path, exclude)) is not None:
            return found
        with path.open("rb") as file:
            return [path.stat().st_size, _beginning(file)]
    except OSError as error:  # whoever needs it says so
        return error.strerror or ""


def matches(path: str, globs: Sequence[str] | Mapping[str, str]) -> bool:
    """Whether a path, a directory above it or its name alone is meant."""
    parts = PurePosixPath(path).parts
    above = ["/".join(parts[: depth + 1]) for depth in range(len(parts))]
    return any(fnmatchcase(one, glob) for glob in globs for one in (*above, *parts))


def _directory(path: Path, exclude: Sequence[str]) -> Iterator[tuple[str, int, str]]:
    left = _OF_ALL
    for above, directories, names in os.walk(path):
        inside = Path(above).relative_to(path)
        directories[:] = sorted(
            name for name in directories if not matches((inside / name).as_posix(), exclude)
        )
        linked = [name for name in directories if Path(above, name).is_symlink()]
        for name in sorted([*names, *linked]):
            one, called = Path(above, name), (inside / name).as_posix()
            if matches(called, exclude):
                continue
            if one.is_symlink():
                yield called, 0, str(one.readlink())
            elif one.is_file():
                size, content = one.stat().st_size, ""
                if left > 0:
                    left -= min(size, _OF_EACH)
                    content = _content(one)
                yield called, size, content


def _archive(path: Path, exclude: Sequence[str]) -> list[tuple[str, int, str]] | None:
    """What is in an archive; None where it is none, or none that can be read."""
    found: list[tuple[str, int, str]] = []
    try:
        with tarfile.open(path) as tar:
            for member in tar:
                file = tar.extractfile(member) if member.isreg() else None
                content = member.linkname if file is None else _beginning(file)
                if not member.isdir():
                    found.append((str(PurePosixPath(member.name)), member.size, content))
    except _DAMAGED:
        return None
    tops = {PurePosixPath(name).parts[0] for name, *_ in found}
    top = f"{min(tops)}/" if len(tops) == 1 else ""
    return sorted(one for one in found if not matches(one[0].removeprefix(top), exclude))


def _content(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return _beginning(file)
    except OSError as error:
        return error.strerror or ""


def _beginning(file: IO[bytes]) -> str:
    return hashlib.sha256(file.read(_OF_EACH)).hexdigest()
