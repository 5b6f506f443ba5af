"""The state on which every boot starts: somebody's own, packed once for a run."""

from __future__ import annotations

import lzma
import re
import tarfile
import tempfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from fnmatch import fnmatchcase
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import IO

from pytest_bootgate.engines.base import Engine
from pytest_bootgate.errors import BootgateError
from pytest_bootgate.gatefile.model import State
from pytest_bootgate.patience import ImpatientError, patience

_VOLUME = "volume:"
#: What the packed state is called.
SOURCE = "source.tar"
#: What stands where something was taken out of a file.
REDACTED = b"REDACTED"
#: A larger file is not searched for what must be taken out: it would have to be held in memory.
MOST_REDACTED = 64 << 20
_PATIENCE = 10.0  # CPU seconds for one file
_BLOCK = 512
#: What a damaged archive raises, by whoever unpacks it.
_DAMAGED = (tarfile.TarError, EOFError, KeyError, ValueError, zlib.error, lzma.LZMAError)

#: An entry by its name from the state's own directory ("" for that), and what a file holds.
_Entry = tuple[tarfile.TarInfo, "IO[bytes] | None"]


def packed(state: State, engine: Engine, image: str | None, into: Path) -> None:
    """Write the state of a gate file as the tar file `SOURCE`; one entry is at its top.

    Owners, modes, links and times stay. Raises `BootgateError`, also for what is no archive, is
    damaged, or would be unpacked elsewhere.
    """
    source, top = state.from_ or "", PurePosixPath(state.path or "").name
    try:
        with ExitStack() as stack:
            if source.startswith(_VOLUME):
                kept = stack.enter_context(tempfile.NamedTemporaryFile(dir=into, suffix=".tar"))
                engine.export(source.removeprefix(_VOLUME), image, Path(kept.name))
                entries = _archived(Path(kept.name))
            elif Path(source).is_dir():
                entries = _below(Path(source))
            elif Path(source).is_file():
                entries = _archived(Path(source))
            else:
                raise BootgateError(f"{source} is neither a directory nor an archive.")
            _write(state, top, entries, into / SOURCE)
    except ImpatientError as error:
        raise BootgateError(
            f"The pattern `{error.pattern}` of state: redact took more than {_PATIENCE:g} s of CPU"
            " time. Rewrite it so that it matches in one way only."
        ) from None
    except (OSError, *_DAMAGED) as error:
        raise BootgateError(
            f"The state {source} could not be copied: {error or type(error).__name__}. Correct"
            f" state: from, or free disk space in {into}."
        ) from error


def _write(state: State, top: str, entries: Iterator[_Entry], into: Path) -> None:
    """Write entries under the name of the state's directory."""
    redacted = {glob: re.compile(text.encode()) for glob, text in state.redact.items()}
    written: set[str] = set()
    with tarfile.open(into, "w") as tar:
        for entry, content in entries:
            inside = entry.name
            if _matches(inside, state.exclude):
                continue
            if entry.islnk() and entry.linkname not in written:
                raise BootgateError(
                    f"{inside} of the state is a hard link to {entry.linkname}, which is not"
                    " copied: exclude both, or neither."
                )
            written.add(inside)
            data = content
            for glob, pattern in redacted.items():
                if not _matches(inside, [glob]) or entry.isdir() or entry.issym():
                    continue
                if entry.islnk():
                    raise BootgateError(
                        f"{inside} of the state is a hard link to {entry.linkname}, so it cannot be"
                        " redacted by its own name. Exclude it, or name that one in `redact`."
                    )
                if entry.size > MOST_REDACTED:
                    raise BootgateError(
                        f"{inside} of the state has {entry.size >> 20} MiB, more than the"
                        f" {MOST_REDACTED >> 20} MiB that can be redacted. Exclude it, or redact it"
                        " before."
                    )
                text = data.read() if data is not None else b""
                with patience(_PATIENCE, (__name__,)):
                    found = pattern.sub(_without, text)
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
    """All of an archive, named from its one directory at the top, if there is but one.

    Raises `BootgateError` for an entry that would be unpacked elsewhere.
    """
    with tarfile.open(path) as tar:
        members = tar.getmembers()
        _whole(tar)
        tops = {PurePosixPath(member.name).parts[:1] for member in members}
        (only,) = tops if len(tops) == 1 else ((),)
        dotted = any(member.name in (".", "./") for member in members)
        top = only[0] if only and not dotted and _is_directory(members, only[0]) else ""
        links = {PurePosixPath(member.name) for member in members if member.issym()}
        for member in members:
            name = PurePosixPath(member.name)
            if name.is_absolute() or ".." in name.parts or not links.isdisjoint(name.parents):
                raise BootgateError(
                    f"{member.name} of the state would be unpacked outside of its directory."
                    " Nothing was booted: make the archive anew."
                )
            content = tar.extractfile(member) if member.isreg() else None
            member.name = _from(member.name, top)
            if member.islnk():
                member.linkname = _from(member.linkname, top)
            yield member, content


def _whole(tar: tarfile.TarFile) -> None:
    """Raises `BootgateError` for an archive without its end, or whose checksum is wrong.

    An archive ends with two blocks of zeros; a compressed one has its checksum behind them.
    """
    file = tar.fileobj
    assert file is not None
    file.seek(tar.offset)
    end = file.read(_BLOCK)
    while file.read(1 << 20):
        pass
    if end != bytes(_BLOCK):
        raise BootgateError(f"The state {tar.name!r} is cut off: copy it again.")


def _is_directory(members: Sequence[tarfile.TarInfo], name: str) -> bool:
    return not any(member.name == name and not member.isdir() for member in members)


def _from(name: str, top: str) -> str:
    inside = PurePosixPath(name)
    text = str(inside.relative_to(top) if top else inside)
    return "" if text == "." else text
