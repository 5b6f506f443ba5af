"""A unit's files as the archive that the engine unpacks into its container."""

from __future__ import annotations

import contextlib
import io
import re
import tarfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from docker.utils import decode_json_header

from pytest_bootgate.engines.docker_api import CALL_TIMEOUT
from pytest_bootgate.errors import EngineError

if TYPE_CHECKING:
    from docker.api import APIClient

#: So many bytes of an image's list of users are read.
_MOST_USERS = 1 << 20


def archive(
    client: APIClient,
    container: str,
    files: Mapping[str, bytes],
    user: str,
    shared: str,
) -> bytes:
    """A gateway's files (0644) and what directories they need, owned by the container's user.

    So is the `shared` directory; a sidecar that is root may write there by its group. Where the
    user is root, everybody may: nobody knows as which user the system goes on.
    """
    owner = _owner(client, container, user)
    mode, ours = (0o1777, owner) if owner[0] == 0 else (0o1775, (owner[0], 0))
    paths = [_absolute(path) for path in files]
    with _packed() as (packed, tar):
        for directory in _shared_directories(paths, PurePosixPath(shared)):
            tar.addfile(_entry(directory, ours, mode, tarfile.DIRTYPE))
        if owner != (0, 0):  # else the engine makes them as they should be
            for directory in _missing(client, container, paths, PurePosixPath(shared)):
                tar.addfile(_entry(directory, owner, 0o755, tarfile.DIRTYPE))
        for path, content in zip(paths, files.values(), strict=True):
            _add(tar, path, content, owner)
    return packed.getvalue()


def shared(
    client: APIClient, container: str, files: Mapping[str, bytes], user: str, shared: str
) -> bytes:
    """A sidecar's files, all of them below the `shared` directory, as paths from there."""
    owner = _owner(client, container, user)
    with _packed() as (packed, tar):
        for path, content in files.items():
            _add(tar, _absolute(path).relative_to(shared), content, owner)
    return packed.getvalue()


def parents(client: APIClient, container: str, path: str) -> bytes:
    """The directories above a path that the container does not have yet, owned by root."""
    absolute = _absolute(path)
    with _packed() as (packed, tar):
        for directory in _missing(client, container, [absolute], None):
            tar.addfile(_entry(directory, (0, 0), 0o755, tarfile.DIRTYPE))
    return packed.getvalue()


@contextmanager
def _packed() -> Iterator[tuple[io.BytesIO, tarfile.TarFile]]:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        yield packed, tar


def _add(tar: tarfile.TarFile, path: PurePosixPath, content: bytes, owner: tuple[int, int]) -> None:
    entry = _entry(path, owner, 0o644, tarfile.REGTYPE)
    entry.size = len(content)
    tar.addfile(entry, io.BytesIO(content))


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
    for line in _passwd(client, container):
        fields = line.split(":")
        if len(fields) > 3 and name in (fields[0], fields[2]):
            uid, gid = _number(fields[2]), _number(group if group.isdigit() else fields[3])
            if uid is not None:
                return uid, gid or 0
    return _number(name) or 0, _number(group) or 0


def _number(text: str) -> int | None:
    """A user's or group's number, None for what is none: an image may say anything."""
    return int(text) if re.fullmatch("[0-9]{1,9}", text) else None


def _passwd(client: APIClient, container: str, path: str = "/etc/passwd") -> list[str]:
    """The lines of an image's list of users, which may be of any size and kind.

    A link is resolved by the engine, which stays inside of the container.
    """
    url = f"{client.base_url}/v{client.api_version}/containers/{container}/archive"
    plain = {"Accept-Encoding": "identity"}
    with client.get(
        url, params={"path": path}, headers=plain, stream=True, timeout=CALL_TIMEOUT
    ) as answer:
        if answer.status_code != 200:  # there is none, or it is a link to nowhere
            return []
        about = decode_json_header(answer.headers["x-docker-container-path-stat"])
        if (target := about["linkTarget"]) and target != path:
            return _passwd(client, container, target)
        with (
            contextlib.suppress(tarfile.TarError),
            tarfile.open(fileobj=answer.raw, mode="r|") as tar,
        ):
            first = tar.next()
            file = tar.extractfile(first) if first is not None and first.isreg() else None
            return file.read(_MOST_USERS).decode(errors="replace").split("\n") if file else []
    return []
