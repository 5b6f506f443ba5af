"""A unit's files as the archive that the engine unpacks into its container."""

from __future__ import annotations

import io
import tarfile
import time
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from docker.errors import NotFound

from pytest_bootgate.engines.docker_api import CALL_TIMEOUT
from pytest_bootgate.errors import EngineError

if TYPE_CHECKING:
    from docker.api import APIClient


def archive(
    client: APIClient, container: str, files: Mapping[str, bytes], user: str, shared: str
) -> bytes:
    """Files (0644) and what directories they need, owned by the container's user.

    Everybody may write in the `shared` directory: two images seldom have the same user.
    """
    owner = _owner(client, container, user)
    paths = [_absolute(path) for path in files]
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for directory in _shared_directories(paths, PurePosixPath(shared)):
            tar.addfile(_entry(directory, (0, 0), 0o1777, tarfile.DIRTYPE))
        if owner != (0, 0):  # else the engine makes them as they should be
            for directory in _missing(client, container, paths, PurePosixPath(shared)):
                tar.addfile(_entry(directory, owner, 0o755, tarfile.DIRTYPE))
        for path, content in zip(paths, files.values(), strict=True):
            entry = _entry(path, owner, 0o644, tarfile.REGTYPE)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return packed.getvalue()


def parents(client: APIClient, container: str, path: str) -> bytes:
    """The directories above a path that the container does not have yet, owned by root."""
    absolute = _absolute(path)
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for directory in _missing(client, container, [absolute], None):
            tar.addfile(_entry(directory, (0, 0), 0o755, tarfile.DIRTYPE))
    return packed.getvalue()


def _absolute(path: str) -> PurePosixPath:
    absolute = PurePosixPath(path)
    if not absolute.is_absolute() or ".." in absolute.parts:
        raise EngineError(f"File {path} needs an absolute path inside the container.")
    return absolute


def _entry(path: PurePosixPath, owner: tuple[int, int], mode: int, kind: bytes) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(str(path).lstrip("/"))
    entry.type, entry.mode, entry.mtime = kind, mode, int(time.time())
    entry.uid, entry.gid = owner
    return entry


def _shared_directories(
    paths: list[PurePosixPath], shared: PurePosixPath
) -> Iterator[PurePosixPath]:
    below = {shared}
    for path in paths:
        below |= {parent for parent in path.parents if parent.is_relative_to(shared)}
    yield from sorted(below)


def _missing(
    client: APIClient, container: str, paths: list[PurePosixPath], shared: PurePosixPath | None
) -> list[PurePosixPath]:
    url = f"{client.base_url}/v{client.api_version}/containers/{container}/archive"
    missing: set[PurePosixPath] = set()
    for path in paths:
        if shared is not None and path.is_relative_to(shared):
            continue
        for parent in path.parents:
            if parent in missing:
                break
            # The SDK can only ask for a path together with all that is in it.
            found = client.head(url, params={"path": str(parent)}, timeout=CALL_TIMEOUT)
            if found.status_code != 404:
                break
            missing.add(parent)
    return sorted(missing)


def _owner(client: APIClient, container: str, user: str) -> tuple[int, int]:
    """The numbers behind an image's user, which may be a name, a number, or either with a group."""
    name, _, group = user.partition(":")
    if name in ("", "0", "root"):
        return 0, 0
    uid = int(name) if name.isdigit() else 0
    gid = int(group) if group.isdigit() else 0
    for line in _passwd(client, container):
        fields = line.split(":")
        if len(fields) > 3 and name in (fields[0], fields[2]):
            return int(fields[2]), gid if group.isdigit() else int(fields[3])
    return uid, gid


def _passwd(client: APIClient, container: str) -> list[str]:
    try:
        packed, _ = client.get_archive(container, "/etc/passwd")
    except NotFound:
        return []
    with tarfile.open(fileobj=io.BytesIO(b"".join(packed))) as tar:
        members = [tar.extractfile(member) for member in tar]
        return [
            line for m in members if m for line in m.read().decode(errors="replace").split("\n")
        ]
