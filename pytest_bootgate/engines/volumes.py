"""The volumes of a container: bound read-only, copied for each boot, or empty."""

from __future__ import annotations

import io
import os
import tarfile
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import IO, TYPE_CHECKING, Any

from docker.errors import NotFound
from docker.types import Mount

from pytest_bootgate.errors import EngineError
from pytest_bootgate.gatefile.model import Container

if TYPE_CHECKING:
    from docker.api import APIClient

_BUFFER = 1 << 20


@dataclass(frozen=True, slots=True)
class Volume:
    """What stands at `target` in a container: `source` is a path or a volume, empty for nothing.

    Only where it is `bound` the container sees the source itself. One that is `open` begins empty,
    and every user may write there.
    """

    source: str
    target: str
    bound: bool
    open: bool = False

    @property
    def copied(self) -> bool:
        """Whether each boot has a copy of its own."""
        return bool(self.source) and not self.bound

    @property
    def bind(self) -> str:
        """As the SDK takes it."""
        return f"{self.source}:{self.target}:ro"


def of(container: Container) -> Iterator[Volume]:
    """The volumes that a gate file asks for."""
    for text in container.volumes:
        first, *rest = text.split(":")
        if rest == ["rw"]:
            yield Volume("", first, bound=False, open=True)
        elif not rest:
            yield Volume("", first, bound=False)
        else:
            yield Volume(first, rest[0], bound=rest[-1] != "rw")


def alone(target: str) -> Mount:
    """A volume for a copy, which holds nothing of what the image has there."""
    return Mount(target, None, type="volume", no_copy=True)


def open_up(client: APIClient, container: str, opened: Iterable[Volume]) -> None:
    """Let every user write to volumes of a container that was not started."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for volume in opened:
            entry = tarfile.TarInfo(volume.target.strip("/"))
            entry.type, entry.mode = tarfile.DIRTYPE, 0o777
            tar.addfile(entry)
    client.put_archive(container, "/", packed.getvalue())


@contextmanager
def writable(client: APIClient, container: str, *, read_only: bool) -> Iterator[str]:
    """A container that takes archives for this one, which was not started.

    With a read-only file system it takes them only below a volume, not the owner and mode of the
    volume's own directory; so another one, which is never started, has its volumes meanwhile.
    """
    if not read_only:
        yield container
        return
    seen = client.inspect_container(container)
    other = client.create_container(
        seen["Image"],
        ["none"],
        labels=seen["Config"]["Labels"],
        host_config=client.create_host_config(network_mode="none", volumes_from=[container]),
    )["Id"]
    try:
        yield other
    finally:
        client.remove_container(other, force=True)


def fill(client: APIClient, container: str, volume: Volume, labels: Mapping[str, str]) -> None:
    """Copy the source into a container that was not started; owners and modes stay.

    Raises `EngineError` where a part of it cannot be read.
    """
    target = PurePosixPath(volume.target)
    above = str(target.parent)
    if volume.source.startswith("/"):
        failed: list[OSError | tarfile.TarError] = []
        with _packed(volume.source, target.name, failed) as archive:
            client.put_archive(container, above, archive)
        if failed:
            raise EngineError(
                f"{volume.source} could not be copied: {failed[0]}. Nothing was booted on a part of"
                " it: make it readable, or leave out what is not."
            )
        return
    image = client.inspect_container(container)["Image"]
    with reading(client, image, volume.source, labels, str(target)) as chunks:
        client.put_archive(container, above, _Joined(chunks))


def must_be_there(client: APIClient, volume: Volume) -> None:
    """Raises `EngineError` for a named volume that is not: the engine would make an empty one."""
    if not volume.source or volume.source.startswith("/"):
        return
    try:
        client.inspect_volume(volume.source)
    except NotFound:
        raise EngineError(
            f"There is no volume {volume.source} for {volume.target}. Correct its name (`docker"
            " volume ls`), or write a path such as ./data."
        ) from None


@contextmanager
def reading(
    client: APIClient,
    image: str,
    volume: str,
    labels: Mapping[str, str],
    target: str = "/bootgate-volume",
) -> Iterator[Iterable[bytes]]:
    """A volume as a tar file, whose top entry has the name of `target`.

    A volume can be read only through a container; this one is never started.
    """
    reader = client.create_container(
        image,
        ["none"],
        labels=dict(labels),
        host_config=client.create_host_config(network_mode="none", binds=[f"{volume}:{target}:ro"]),
    )["Id"]
    try:
        yield client.get_archive(reader, target)[0]
    finally:
        client.remove_container(reader, force=True, v=True)


def _packed(directory: str, name: str, failed: list[OSError | tarfile.TarError]) -> IO[bytes]:
    """A directory as a tar file that is read while it is written; why it `failed`, at its end."""
    reading, writing = os.pipe()

    def write() -> None:
        with os.fdopen(writing, "wb", _BUFFER) as file:
            try:
                with tarfile.open(fileobj=file, mode="w|", bufsize=_BUFFER) as tar:
                    tar.add(directory, name)
            except (OSError, tarfile.TarError) as error:
                failed.append(error)

    threading.Thread(target=write, daemon=True).start()
    return os.fdopen(reading, "rb", _BUFFER)


class _Joined:
    """Chunks as what can be read."""

    def __init__(self, chunks: Iterable[Any]) -> None:
        self._chunks = iter(chunks)

    def __iter__(self) -> Iterator[bytes]:
        return self._chunks
