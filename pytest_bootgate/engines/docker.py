"""Boots in containers: one place is a pair of containers with one network and one volume."""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Collection, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from docker.errors import APIError, NotFound
from docker.types import LogConfig

from pytest_bootgate.engines import owner, volumes
from pytest_bootgate.engines.base import CONTAINED, Capacity, Sink, UnitSpec
from pytest_bootgate.engines.clock import REAL
from pytest_bootgate.engines.confine import confined
from pytest_bootgate.engines.container import (
    SHARED,
    Container,
    put,
    remove_container,
)
from pytest_bootgate.engines.container_command import lacks_command
from pytest_bootgate.engines.docker_address import HOSTS
from pytest_bootgate.engines.docker_api import DockerApi, said
from pytest_bootgate.engines.docker_leftovers import (
    LABEL,
    OWNER,
    remove_volume,
    runs,
    sweep,
    sweep_one,
)
from pytest_bootgate.engines.docker_stream import Stream
from pytest_bootgate.engines.images import have, image_id, not_pulled
from pytest_bootgate.engines.machines import MachineUse, OneMachine
from pytest_bootgate.errors import EngineError
from pytest_bootgate.gatefile.model import Container as Wanted

if TYPE_CHECKING:
    from docker.api import APIClient

__all__ = ["DockerEngine", "DockerPlace", "most_memory", "runs", "sweep"]

#: Per cent of the engine's memory: a release that takes all must not end what else runs there.
_MOST_MEMORY = 90


class DockerEngine(OneMachine):
    """A Docker engine; everything made here is labelled ``bootgate.run=<run>``.

    Raises `EngineError` where no engine answers.
    """

    name = "docker"
    traits = CONTAINED
    clock = REAL
    #: Not those that another gate's environment may name.
    environment: Mapping[str, str] = MappingProxyType({HOSTS: ""})

    def __init__(self, run: str, api: DockerApi | None = None) -> None:
        self._run = run
        self._api = api or DockerApi()

    @property
    def version(self) -> str:
        """The engine and its version, for people."""
        return f"docker {self._api.version}"

    def capacity(self) -> Capacity:
        """Its machine as it tells it. Raises `EngineError`."""
        with self._api.call("report its machine") as client:
            told = client.info()
        return Capacity(int(told["NCPU"]), int(told["MemTotal"]), str(told["DockerRootDir"]))

    def resolve(self, image: str) -> str:
        """The id of an image, pulled where it is missing. Raises `EngineError`."""
        with self._api.call(f"find image {image}") as client:
            return have(client, image)

    def look_for(self, image: str) -> bool:
        """Whether an image is here, else its registry has it. Nothing is pulled.

        Raises `EngineError` where it is in neither place.
        """
        with self._api.call(f"find image {image}") as client:
            try:
                image_id(client, image)
                return True
            except NotFound:
                pass
            try:
                client.inspect_distribution(image)  # type: ignore[no-untyped-call]
            except APIError as error:
                raise not_pulled(image, said(error)) from error
        return False

    def has_health_check(self, image: str) -> bool | None:
        """Whether an image has one, None where it is not here. Raises `EngineError`."""
        with self._api.call(f"find image {image}") as client:
            try:
                config = client.inspect_image(image)["Config"] or {}  # type: ignore[no-untyped-call]
            except NotFound:
                return None
        test = (config.get("Healthcheck") or {}).get("Test") or ["NONE"]
        return bool(test[0] != "NONE")

    def info(self) -> dict[str, Any]:
        """What it tells about itself (``docker info``). Raises `EngineError`."""
        with self._api.call("report its machine") as client:
            return dict(client.info())

    def export(self, volume: str, image: str | None, into: Path) -> None:
        """Keep what is in a volume as a tar file. Raises `EngineError`."""
        assert image is not None
        with self._api.call(f"copy volume {volume}") as client:
            client.inspect_volume(volume)  # else one would be made
            labels = {LABEL: self._run}
            with (
                volumes.reading(client, image, volume, labels) as chunks,
                into.open("wb") as file,
            ):
                for chunk in chunks:
                    file.write(chunk)

    def place(self, ports: Mapping[str, int], network: Wanted | None = None) -> DockerPlace:
        """A new place; the network is its own, so the ports are as asked for."""
        return DockerPlace(self._api, self._run, ports, self._memory, network or Wanted())

    @cached_property
    def _memory(self) -> int:
        """What a gateway may use at most where no profile says so, in bytes."""
        return most_memory(self.capacity())

    def close(self) -> None:
        """Remove what is left of this run, and disconnect."""
        try:
            sweep_one(self._api, self._run)
        finally:
            self._api.close()


def most_memory(machine: Capacity) -> int:
    """What a gateway may use at most where no profile says so, in bytes."""
    return machine.memory * _MOST_MEMORY // 100


class DockerPlace:
    """Two containers with one network (the sidecar's, without a way out) and one volume."""

    dir = SHARED

    def __init__(
        self,
        api: DockerApi,
        run: str,
        ports: Mapping[str, int],
        memory: int,
        network: Wanted,
        labels: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self._api, self._run, self._memory, self._wanted = api, run, memory, network
        self.ports = dict(ports)
        self._labels = {LABEL: run, OWNER: owner.own(), **labels}
        self._name = f"bootgate-{run}-{secrets.token_hex(4)}"
        self._numbers = itertools.count(1)
        self._network = network.network
        self._shared = False
        self._units: list[Container] = []

    def expect(self, specs: Sequence[UnitSpec], helper: str | None) -> None:
        """Nothing: each is made when it is created."""

    def create(self, spec: UnitSpec, sink: Sink) -> Container:
        """Make a container, not started yet, and listen to it. Raises `EngineError`.

        The shared directory is made for the first unit that knows of it: unpacking into a
        container takes 50 ms, making and removing a volume 5 ms.
        """
        if spec.image is None:
            raise EngineError(
                f"The {spec.noun} has no image, which the docker engine needs. Name one, or use"
                " --bootgate-engine process."
            )
        with self._api.call(f"create the {spec.noun} from {spec.image}") as client:
            if not self._shared and _knows_of_shared(spec):
                client.create_volume(self._name, labels=self._labels)
                self._shared = True
            made = self._create(client, spec, spec.image)
            try:
                seen = client.inspect_container(made)
                user = str(seen["Config"].get("User") or "")
                copied = [volume for volume in volumes.of(spec.container) if volume.copied]
                opened = [volume for volume in volumes.of(spec.container) if volume.open]
                # A sidecar, whose file system is always read-only, leaves the shared one as it is.
                filled = bool(copied or opened)
                read_only = filled if spec.role == "sidecar" else spec.container.read_only
                with volumes.writable(client, made, read_only=read_only) as there:
                    if opened:  # before files are put there
                        volumes.open_up(client, there, opened)
                    if self._shared:
                        put(client, there, spec, user)
                    for volume in copied:
                        volumes.fill(client, there, volume, self._labels)
                wanted = {"stdout": 1, "stderr": 1, "stream": 1, "stdin": int(spec.stdin)}
                stream = Stream(client.attach_socket(made, wanted))
            except BaseException:
                remove_container(client, made)
                raise
        unit = Container(self._api, spec, made, str(seen["Image"]), stream, sink, user)
        self._units.append(unit)
        if spec.role == "sidecar":
            self._network = f"container:{made}"
        return unit

    def _create(self, client: APIClient, spec: UnitSpec, image: str) -> str:
        asked = spec.container
        command = None if spec.command is None else list(spec.command)
        entrypoint = asked.entrypoint
        if spec.role == "sidecar" and command and not entrypoint:
            # In a release's own image the entry point is the gateway's, not the sidecar's.
            entrypoint, command = command[:1], command[1:]
        limits, environment = confined(spec), dict(spec.env)
        if spec.role == "sidecar":
            # Elsewhere it may not write, and programs want to keep something there.
            environment.setdefault("HOME", "/tmp")  # noqa: S108
        if spec.cpus is not None:
            limits["nano_cpus"] = round(spec.cpus * 1e9)
        if spec.role != "sidecar" and (memory := spec.memory or self._memory):
            # Equal: no swap on top, which would turn a lack of memory into slowness.
            limits |= {"mem_limit": memory, "memswap_limit": memory}
        mounted = [*volumes.of(asked)]
        for volume in mounted:
            volumes.must_be_there(client, volume)
        alone = [volume.target for volume in mounted if volume.copied or volume.open]
        alone += [spec.state] * bool(spec.state)
        shared = [f"{self._name}:{SHARED}:rw"] if self._shared else []
        joins = self._network.startswith("container:")
        try:
            made = client.create_container(
                image,
                command,
                entrypoint=entrypoint,
                name=f"{self._name}-{spec.role}-{next(self._numbers)}",
                environment=environment,
                labels={**asked.labels, **self._labels},
                stdin_open=spec.stdin,
                user=asked.user,
                working_dir=asked.working_dir,
                hostname=None if joins else self._hostname,
                volumes=[v.target for v in mounted if not v.source and v.target not in alone],
                host_config=client.create_host_config(
                    network_mode=self._network,
                    extra_hosts=None if joins else self._hosts,
                    binds=[*shared, *(volume.bind for volume in mounted if volume.bound)],
                    mounts=[volumes.alone(path) for path in alone],
                    # All lines are read as they come; the engine's own copy could fill its disk.
                    log_config=LogConfig(type=LogConfig.types.NONE),
                    **limits,
                ),
            )
        except APIError as error:
            if "no command specified" in said(error).lower():
                raise EngineError(
                    f"Image {image} has no default command. Give the {spec.noun} a command."
                ) from error
            if (missing := lacks_command(spec, said(error))) is not None:
                raise missing from error
            raise
        return str(made["Id"])

    @property
    def _hostname(self) -> str:
        return self._wanted.hostname or "gateway"

    @property
    def _hosts(self) -> dict[str, str]:
        """What names are known; without a network nobody else knows the own one."""
        own = {self._hostname: "127.0.0.1"} if self._network == "none" else {}
        return {**own, **self._wanted.extra_hosts}

    def strangers(self, ports: Collection[int]) -> Mapping[int, str]:  # noqa: ARG002
        """Nobody: the network is its own."""
        return {}

    def machine(self) -> MachineUse | None:
        """Its own, or nobody knows."""
        return None

    def remove(self) -> None:
        """Remove the units and the shared directory. Raises `EngineError` without an engine."""
        while self._units:
            self._units.pop().remove()
        if self._shared:
            with self._api.call("remove a volume") as client:
                remove_volume(client, self._name)


def _knows_of_shared(spec: UnitSpec) -> bool:
    """Whether a unit shares with another, was told of the shared directory, or is given files."""
    told = any(SHARED in text for text in (*(spec.command or ()), *spec.env.values()))
    return told or bool(spec.files) or spec.role == "sidecar"
