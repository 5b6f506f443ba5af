"""The state on which every boot starts: somebody's own, packed once for a run."""

from __future__ import annotations

import re
import tarfile
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import IO

from pytest_bootgate.engines.base import Engine
from pytest_bootgate.errors import BootgateError
from pytest_bootgate.gatefile.model import State

_VOLUME = "volume:"
#: What stands where something was taken out of a file.
REDACTED = b"REDACTED"
#: A larger file is copied as it is: nothing to redact is looked for in a database of gigabytes.
MOST_REDACTED = 64 << 20


#: What the packed state is called.
SOURCE = "source.tar"


def packed(state: State, engine: Engine, image: str | None, into: Path) -> None:
    """Write the state of a gate file as the tar file `SOURCE`; one entry is at its top.

    Owners, modes, links and times stay. Raises `BootgateError`, also for what is no archive.
    """
    source, top = state.from_ or "", PurePosixPath(state.path or "").name
    result = into / SOURCE
    try:
        if source.startswith(_VOLUME):
            with tempfile.NamedTemporaryFile(dir=into, suffix=".tar") as kept:
                engine.export(source.removeprefix(_VOLUME), image, Path(kept.name))
                _write(state, top, _archived(Path(kept.name)), result)
        elif Path(source).is_dir():
            _write(state, top, _below(Path(source)), result)
        else:
            _write(state, top, _archived(Path(source)), result)
    except (OSError, tarfile.TarError) as error:
        raise BootgateError(
            f"The state {source} could not be copied: {error}. Correct state: from, or free disk"
            f" space in {into}."
        ) from error


_Entry = tuple[tarfile.TarInfo, "IO[bytes] | None"]


def _write(state: State, top: str, entries: Iterator[_Entry], into: Path) -> None:
    """Write entries, which are named from the state's own directory."""
    redacted = {glob: re.compile(text.encode()) for glob, text in state.redact.items()}
    with tarfile.open(into, "w") as tar:
        for entry, content in entries:
            inside = entry.name
            if _matches(inside, state.exclude):
                continue
            data = content
            if content is not None and entry.size <= MOST_REDACTED:
                found = content.read()
                for glob, pattern in redacted.items():
                    if _matches(inside, [glob]):
                        found = pattern.sub(_without, found)
                entry.size, data = len(found), BytesIO(found)
            entry.name = f"{top}/{inside}" if inside else top
            if entry.islnk():
                entry.linkname = f"{top}/{entry.linkname}"
            tar.addfile(entry, data)


def _without(found: re.Match[bytes]) -> bytes:
    """What was found without its first group, or without all of it."""
    if not found.re.groups or found.start(1) < 0:
        return REDACTED
    begin = found.start()
    return found[0][: found.start(1) - begin] + REDACTED + found[0][found.end(1) - begin :]


def _matches(path: str, globs: Sequence[str] | Mapping[str, str]) -> bool:
    """Whether a path, a directory above it or its name alone is meant."""
    parts = PurePosixPath(path).parts
    above = ["/".join(parts[: depth + 1]) for depth in range(len(parts))]
    return any(fnmatchcase(one, glob) for glob in globs for one in (*above, *parts))


def _below(directory: Path) -> Iterator[_Entry]:
    """All of a directory of this machine."""
    with tarfile.open(fileobj=BytesIO(), mode="w") as names:  # it knows links of the same file
        for path in [directory, *sorted(directory.rglob("*"))]:
            inside = path.relative_to(directory).as_posix()
            entry = names.gettarinfo(path, inside)
            if entry is None:  # a socket
                continue
            entry.name = "" if inside == "." else inside
            if entry.isreg():
                with path.open("rb") as content:
                    yield entry, content
            else:
                yield entry, None


def _archived(path: Path) -> Iterator[_Entry]:
    """All of an archive, named from its one directory at the top, if there is but one."""
    with tarfile.open(path) as tar:
        members = tar.getmembers()
        tops = {PurePosixPath(member.name).parts[:1] for member in members}
        (only,) = tops if len(tops) == 1 else ((),)
        whole = any(member.name in (".", "./") for member in members)
        top = only[0] if only and not whole and _is_directory(members, only[0]) else ""
        for member in members:
            content = tar.extractfile(member) if member.isreg() else None
            member.name = _from(member.name, top)
            if member.islnk():
                member.linkname = _from(member.linkname, top)
            yield member, content


def _is_directory(members: Sequence[tarfile.TarInfo], name: str) -> bool:
    return not any(member.name == name and not member.isdir() for member in members)


def _from(name: str, top: str) -> str:
    inside = PurePosixPath(name)
    text = str(inside.relative_to(top) if top else inside)
    return "" if text == "." else text
