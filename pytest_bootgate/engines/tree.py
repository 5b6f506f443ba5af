"""A directory as a tar file and back, on this machine: its name is the one entry at the top."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from pathlib import Path

from pytest_bootgate.errors import EngineError


def pack(directory: Path, into: Path) -> None:
    """Write a directory with owners, modes, links and times. Raises `EngineError`."""
    if not directory.is_dir():
        raise EngineError(f"There is no directory {directory} to keep.")
    try:
        with tarfile.open(into, "w") as tar:
            tar.add(directory, arcname=directory.name)
    except OSError as error:
        raise EngineError(f"{directory} could not be kept in {into}: {error}.") from error


def unpack(archive: Path, directory: Path) -> None:
    """Bring a packed directory back, under any name. Raises `EngineError`."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with tarfile.open(archive) as tar:
            # A state may hold links that lead out of it, and it is our own gateway's. (As an
            # attribute, because Python before 3.11.4 has no such argument.)
            tar.extraction_filter = staticmethod(lambda member, _: member)
            tar.extractall(directory, _without_top(tar), numeric_owner=True)  # noqa: S202
    except (OSError, tarfile.TarError) as error:
        raise EngineError(f"{archive} could not be restored to {directory}: {error}.") from error


def _without_top(tar: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    for member in tar:
        member.name = member.name.partition("/")[2] or "."
        if member.islnk():
            member.linkname = member.linkname.partition("/")[2]
        yield member
