"""The state on which every boot starts: somebody's own, packed once for a run."""

from __future__ import annotations

import codecs
import lzma
import re
import tarfile
import tempfile
import zlib
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import IO

from pytest_bootgate.engines.base import Engine
from pytest_bootgate.errors import BootgateError
from pytest_bootgate.gatefile.fingerprint import matches
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

_MARKS = {  # that of UTF-32 first, which begins with that of UTF-16
    codecs.BOM_UTF32_LE: "utf-32-le",
    codecs.BOM_UTF32_BE: "utf-32-be",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}
#: So many redacted files are named.
_NAMED = 5
#: So much of a file shows how it is written.
_SAMPLE = 4096
#: Of a directory with more entries nothing is said before it is copied.
_MOST_LOOKED_AT = 20_000

#: An entry by its name from the state's own directory ("" for that), and what a file holds.
_Entry = tuple[tarfile.TarInfo, "IO[bytes] | None"]


@dataclass
class Idle:
    """Globs that touched no file, and those whose pattern was found in none of their files.

    `redacted` says how many places of which file were taken out.
    """

    exclude: list[str] = field(default_factory=list)
    redact: list[str] = field(default_factory=list)
    patterns: list[str] = field(default_factory=list)
    redacted: dict[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, state: State) -> Idle:
        """All globs of a state, before any file was seen."""
        return cls([*state.exclude], [*state.redact])

    def __bool__(self) -> bool:
        return bool(self.exclude or self.redact or self.patterns)

    @property
    def without(self) -> str:
        """What was taken out, for whoever sees a failure; empty where nothing was."""
        if not self.redacted:
            return ""
        every = [f"{name}: {places}" for name, places in self.redacted.items()]
        places, more = sum(self.redacted.values()), len(every) - _NAMED
        names = ", ".join([*every[:_NAMED], *[f"{more} more"] * (more > 0)])
        return (
            f"the state was redacted in {places} place{'s' * (places > 1)} ({names}): a failure may"
            " be due to that, not to the release"
        )

    def told(self, foreign: Callable[[str], Collection[str]]) -> Iterator[str]:
        """A text for each, but for those that came from a preset (`foreign`, by key)."""
        for key, globs in (("exclude", self.exclude), ("redact", self.redact)):
            for glob in globs:
                if glob not in foreign(key):
                    yield f"`{glob}` of state: {key} matched no file of the state: correct it"
        for glob in self.patterns:
            if glob not in foreign("redact"):
                yield (
                    f"the pattern for `{glob}` of state: redact was found in none of these files,"
                    " so nothing was taken out: correct it"
                )


def packed(state: State, engine: Engine, image: str | None, into: Path) -> Idle:
    """Write the state of a gate file as the tar file `SOURCE`; one entry is at its top.

    Owners, modes, links and times stay. Returns what was asked for and changed nothing. Raises
    `BootgateError`, also for what is no archive, is damaged, or would be unpacked elsewhere.
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
            return _write(state, top, entries, into / SOURCE)
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


def unmatched(state: State) -> Idle:
    """The same of a directory by its names alone; of none that is large, or is somewhere else."""
    idle, source = Idle.of(state), Path(state.from_ or "")
    if not (state.exclude or state.redact) or not source.is_dir():
        return Idle()
    for number, path in enumerate(source.rglob("*")):
        if number > _MOST_LOOKED_AT or not idle:
            return Idle()
        inside = path.relative_to(source).as_posix()
        _drop(idle.exclude, inside)
        if path.is_file():
            _drop(idle.redact, inside)
    return idle


def _drop(globs: list[str], inside: str) -> None:
    globs[:] = [glob for glob in globs if not matches(inside, [glob])]


def _write(state: State, top: str, entries: Iterator[_Entry], into: Path) -> Idle:
    """Write entries under the name of the state's directory."""
    idle, touched = Idle.of(state), set[str]()
    redacted = {glob: re.compile(text.encode()) for glob, text in state.redact.items()}
    written: set[str] = set()
    with tarfile.open(into, "w") as tar:
        for entry, content in entries:
            inside = entry.name
            if matches(inside, state.exclude):
                _drop(idle.exclude, inside)
                continue
            if entry.islnk() and entry.linkname not in written:
                raise BootgateError(
                    f"{inside} of the state is a hard link to {entry.linkname}, which is not"
                    " copied: exclude both, or neither."
                )
            written.add(inside)
            data = content
            for glob, pattern in redacted.items():
                if not matches(inside, [glob]) or entry.isdir() or entry.issym():
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
                touched.add(glob)
                with patience(_PATIENCE, (__name__,)):
                    found, places = _redacted(inside, text, pattern)
                if places:
                    idle.redacted[inside] = idle.redacted.get(inside, 0) + places
                    idle.redact[:] = [one for one in idle.redact if one != glob]
                entry.size, data = len(found), BytesIO(found)
            entry.name = f"{top}/{inside}" if inside else top
            if entry.islnk():
                entry.linkname = f"{top}/{entry.linkname}"
            tar.addfile(entry, data)
    idle.patterns += [glob for glob in idle.redact if glob in touched]
    idle.redact[:] = [glob for glob in idle.redact if glob not in touched]
    return idle


def _redacted(name: str, text: bytes, pattern: re.Pattern[bytes]) -> tuple[bytes, int]:
    """A file without what a pattern finds, and in how many places it was found.

    It is UTF-8, or UTF-16 or 32 with a mark.
    """
    for mark, encoding in _MARKS.items():
        if text.startswith(mark):
            try:
                plain = text[len(mark) :].decode(encoding).encode()
                found, places = _without(plain, pattern)
                return mark + found.decode().encode(encoding), places
            except UnicodeError:
                break
    else:
        if not _wide(text[:_SAMPLE]):
            return _without(text, pattern)
    raise BootgateError(
        f"{name} of the state is text in UTF-16 or the like that cannot be read, so it cannot be"
        " redacted. Exclude it, or convert it to UTF-8."
    )


def _wide(text: bytes) -> bool:
    """Whether it looks like text with two bytes or four for a character."""
    even, odd = (part.count(0) / max(1, len(part)) for part in (text[::2], text[1::2]))
    return len(text) > 3 and (even < 0.1 < 0.6 < odd or odd < 0.1 < 0.6 < even)


def _without(text: bytes, pattern: re.Pattern[bytes]) -> tuple[bytes, int]:
    """What is left of a text, and how many places were taken out.

    Of each match these are the groups that took part in it, or all of it where none did: what was
    found never stays. A match of nothing is no place.
    """
    spans: list[tuple[int, int]] = []
    for found in pattern.finditer(text):
        groups = [found.span(number + 1) for number in range(found.re.groups)]
        took_part = [span for span in groups if span[0] >= 0] or [found.span()]
        spans += [span for span in took_part if found[0] or span[0] < span[1]]
    parts, end, places = list[bytes](), 0, 0
    for begin, until in sorted(spans):  # one may lie inside of another, or look ahead
        if begin >= end:
            parts += [text[end:begin], REDACTED]
            places += 1
        end = max(end, until)
    return b"".join([*parts, text[end:]]), places


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
