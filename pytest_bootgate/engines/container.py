"""One container as a unit: its stream, its state, and the commands that run inside."""

from __future__ import annotations

import contextlib
import math
import re
import threading
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from docker.errors import APIError, NotFound
from docker.utils import version_gte

from pytest_bootgate.engines import volumes
from pytest_bootgate.engines.base import Chunk, Exit, Sink, UnitSpec
from pytest_bootgate.engines.container_command import (
    AFTERMATH,
    Command,
    lacking,
    lacks_command,
    wait,
)
from pytest_bootgate.engines.container_files import archive as packed
from pytest_bootgate.engines.container_files import parents, shared
from pytest_bootgate.engines.container_hold import ContainerHold
from pytest_bootgate.engines.docker_api import DockerApi, gone_is_fine, said
from pytest_bootgate.engines.docker_stream import Stream
from pytest_bootgate.engines.listeners import held, sockets
from pytest_bootgate.engines.tasks import of_group
from pytest_bootgate.errors import EngineError

if TYPE_CHECKING:
    from docker.api import APIClient

#: The directory that gateway and sidecar share.
SHARED = "/bootgate"
_REMOVAL_DEADLINE = 20.0
_NOT_RUNNING = 409
#: Go's bit for a directory in a file mode.
_IS_DIRECTORY = 1 << 31


class Container:
    """A gateway or a sidecar in a container of its own."""

    def __init__(
        self,
        api: DockerApi,
        spec: UnitSpec,
        container: str,
        identity: str,
        stream: Stream,
        sink: Sink,
        user: str,
    ) -> None:
        self._api, self._spec, self._id, self._user = api, spec, container, user
        self._stream, self._sink = stream, sink
        self.identity = identity
        self.hold = ContainerHold(api, container, spec.noun, spec.cpus)
        self._started = False
        self._cpu: Path | None = None
        self._pid: int | None = None
        self._sought = False
        self._complaint = ""
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def _listen(self) -> None:
        def see(chunk: Chunk) -> None:
            if (chunk.data or b"").startswith(b"[FATAL tini"):
                # The init's word, which must not match a probe.
                self._complaint = (chunk.data or b"").decode("utf-8", "replace").rstrip()
            else:
                self._sink(chunk)

        self._stream.pump(self._spec.role, see)
        ended = time.monotonic()
        self._stream.close()
        with contextlib.suppress(EngineError):
            wait(lambda: self._ended() is not None)
        self._sink(Chunk(f"{self._spec.role}.out", ended, None))

    def start(self) -> None:
        """Start it. Raises `EngineError`."""
        with self._api.call(f"start the {self._spec.noun}") as client:
            try:
                client.start(self._id)
            except APIError as error:
                missing = lacks_command(self._spec, said(error))
                if missing is None:
                    raise
                raise missing from error
        self._started = True

    def send(self, text: str) -> None:
        """Write one line to its standard input. Raises `EngineError`."""
        try:
            self._stream.write(text.encode() + b"\n")
        except (OSError, ValueError) as error:
            self._ended()  # it is the engine that is gone?
            raise EngineError(f"The {self._spec.noun} no longer accepts input: {error}.") from error

    def run(
        self, name: str, command: Sequence[str], env: Mapping[str, str] | None = None
    ) -> Command:
        """Run a command inside; its lines arrive under `name`. Raises `EngineError`."""
        with self._api.call(f"run {command[0]} in the {self._spec.noun}") as client:
            made = client.exec_create(self._id, list(command), environment=dict(env or {}))["Id"]
            stream = Stream(client.exec_start(made, socket=True))
        spec = replace(self._spec, command=command)
        return Command(self._api, spec, made, stream, name, self._sink)

    def health_command(self) -> Sequence[str]:
        """The command of its image's health check. Raises `EngineError` where there is none."""
        with self._api.call(f"look at the {self._spec.noun}") as client:
            config = client.inspect_container(self._id)["Config"]
        kind, *command = (config.get("Healthcheck") or {}).get("Test") or ["NONE"]
        if kind == "NONE":
            raise EngineError(
                f"Image {self._spec.image} has no health check. Take another probe: http, tcp, a"
                " line that it prints, or exec with a command of your own."
            )
        shell = config.get("Shell") or ["/bin/sh", "-c"]
        return [*shell, *command] if kind == "CMD-SHELL" else command

    @property
    def pid(self) -> int | None:
        """Its main process on this machine, None where it is not known to run here."""
        return self._pid

    def cpu_seconds(self) -> float | None:
        """CPU seconds since its start, None once it has ended. Raises `EngineError`.

        Read from the control group where the engine is on this machine (20 µs): the engine
        itself answers at once only if nobody asked in the last second, else up to 1 s late.
        """
        if self._cpu is None:
            with self._api.call(f"look at the {self._spec.noun}") as client:
                self._find(client)
                if self._cpu is None:
                    return self._engine_cpu(client)
        try:
            text = self._cpu.read_text()
        except OSError:
            return None
        usage = re.search(r"^usage_usec (\d+)", text, re.MULTILINE)
        return int(usage[1]) / 1e6 if usage else int(text) / 1e9

    def tasks(self) -> set[int]:
        """The tasks of its control group, where that is on this machine.

        Raises `EngineError`: where nobody asked before, the engine is asked where it is, once.
        """
        if not self._sought:
            with self._api.call(f"look at the {self._spec.noun}") as client:
                self._find(client)
        return of_group(self._cpu.parent) if self._cpu is not None else set()

    def sockets(self, ports: Collection[int]) -> Mapping[str, int]:
        """The sockets that listen on these ports in its network, where it runs on this machine."""
        return sockets(self.pid, ports)

    def listens(self, places: Collection[int | str]) -> set[int | str]:
        """On which of these ports and sockets its processes listen, where they run here."""
        return held(self.tasks(), places)

    def _find(self, client: Any) -> None:
        """Find its main process and its control group on this machine."""
        self._sought = True
        with contextlib.suppress(NotFound):
            pid = client.inspect_container(self._id)["State"]["Pid"]
            self._cpu = _cpu_file(int(pid), self._id)
            self._pid = None if self._cpu is None else int(pid)

    def _engine_cpu(self, client: Any) -> float | None:
        try:
            one_shot = version_gte(client.api_version, "1.41") or None
            stats = client.stats(self._id, stream=False, one_shot=one_shot)
        except NotFound:
            return None
        if stats.get("read", "0001").startswith("0001"):  # not running
            return None
        return int(stats["cpu_stats"]["cpu_usage"]["total_usage"]) / 1e9

    def exit(self) -> Exit | None:
        """How it ended, None while it runs.

        Raises `EngineError` where the engine is gone, or the command is not in the image.
        """
        ended = self._ended()
        if ended is not None and ended.code in (126, 127):
            if threading.current_thread() is not self._listener:
                self._listener.join(AFTERMATH)
            if self._complaint:
                raise lacking(self._spec, self._complaint)
        return ended

    def _ended(self) -> Exit | None:
        with self._api.call(f"look at the {self._spec.noun}") as client:
            try:
                state = client.inspect_container(self._id)["State"]
            except NotFound:
                return Exit(None, gone=True)
        if state["Running"] or state["Status"] in ("created", "restarting"):
            return None
        ran = (_time(state["FinishedAt"]) - _time(state["StartedAt"])).total_seconds()
        return Exit(int(state["ExitCode"]), bool(state["OOMKilled"]), max(ran, 0.0))

    def stop(self, deadline: float, by: str | None = None) -> Exit:
        """Ask it to end, kill it after `deadline` seconds, and say how it ended."""
        if by is not None:
            self._signal(by)
            wait(lambda: self._ended() is not None, deadline)
            self._signal("SIGKILL")
        with self._api.call(f"stop the {self._spec.noun}") as client:
            try:
                client.stop(self._id, timeout=math.ceil(deadline))
            except NotFound:
                return Exit(None, gone=True)
        wait(lambda: self._ended() is not None)
        ended = self._ended()
        if ended is None:
            raise EngineError(f"The {self._spec.noun} could not be stopped.")
        return ended

    def _signal(self, name: str) -> None:
        with self._api.call(f"stop the {self._spec.noun}") as client, gone_is_fine():
            try:
                client.kill(self._id, signal=name)
            except APIError as error:
                if error.status_code != _NOT_RUNNING:
                    raise

    def save(self, path: str, into: Path) -> None:
        """Keep a directory as a tar file here. Raises `EngineError`."""
        with self._api.call(f"copy {path} out of the {self._spec.noun}") as client:
            try:
                chunks, about = client.get_archive(self._id, path)
            except NotFound as error:
                raise EngineError(f"The {self._spec.noun} has no {path} to keep.") from error
            if not int(about["mode"]) & _IS_DIRECTORY:
                raise EngineError(
                    f"{path} of the {self._spec.noun} is not a directory, so it cannot be kept."
                )
            with into.open("wb") as file:
                for chunk in chunks:
                    file.write(chunk)

    def load(self, path: str, archive: Path, files: Mapping[str, bytes]) -> None:
        """Bring a directory back, and over it `files`. Raises `EngineError`."""
        read_only = self._spec.container.read_only
        with (
            self._api.call(f"copy {path} into the {self._spec.noun}") as client,
            volumes.writable(client, self._id, read_only=read_only) as there,
        ):
            client.put_archive(there, "/", parents(client, there, path))
            with archive.open("rb") as file:
                # The tar file's own top entry has the directory's name.
                above = str(PurePosixPath(path).parent)
                client.put_archive(there, above, file)
            put(client, there, replace(self._spec, files=files), self._user)

    def remove(self) -> None:
        """Remove it, running or not. Raises `EngineError` only where the engine is gone."""
        with self._api.call(f"remove the {self._spec.noun}") as client:
            remove_container(client, self._id)
        if threading.current_thread() is not self._listener:
            if self._started:
                self._listener.join(AFTERMATH)
            self._stream.cut()  # the engine never ends the stream of what did not start
            self._listener.join(AFTERMATH)


def put(client: APIClient, container: str, spec: UnitSpec, user: str) -> None:
    """Put a unit's files into its container, which was not started, owned by its user.

    What may not write elsewhere is given them in the shared directory only. A gateway's user may
    write there from then on.
    """
    files = spec.files
    if spec.role == "sidecar":
        client.put_archive(container, SHARED, shared(client, container, files, user, SHARED))
        return
    inside = [SHARED, *[spec.state] * bool(spec.state)]
    inside += [volume.target for volume in volumes.of(spec.container) if volume.open]
    outside = [
        p for p in files if not any(PurePosixPath(p).is_relative_to(each) for each in inside)
    ]
    if spec.container.read_only and outside:
        raise EngineError(
            f"The {spec.words} has a read-only file system, so {outside[0]} cannot be put into"
            " it. Put it below ${dir}, or bind it: container: {volumes: [./FILE:PATH]}."
        )
    client.put_archive(container, "/", packed(client, container, files, user, SHARED))


def remove_container(client: APIClient, container: str) -> None:
    """Remove a container, running or not, and wait where somebody else does so already."""
    with gone_is_fine():
        try:
            client.remove_container(container, force=True, v=True)
        except APIError as error:
            if error.status_code != 409:
                raise
            until = time.monotonic() + _REMOVAL_DEADLINE
            while time.monotonic() < until:
                client.inspect_container(container)
                time.sleep(0.05)
            raise


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _cpu_file(pid: int, container: str) -> Path | None:
    """Where this kernel counts a container's CPU time, if it is the one that runs it."""
    try:
        groups = Path(f"/proc/{pid}/cgroup").read_text()
    except OSError:
        return None
    for line in groups.splitlines():
        _, controllers, group = line.split(":", 2)
        if container not in group:  # another machine's engine, another process with this number
            continue
        if "cpuacct" in controllers.split(","):
            mounts = [Path("/sys/fs/cgroup/cpuacct"), Path("/sys/fs/cgroup/cpu,cpuacct")]
            found = [mount / group[1:] / "cpuacct.usage" for mount in mounts]
        elif not controllers:
            found = [Path("/sys/fs/cgroup", group[1:], "cpu.stat")]
        else:
            continue
        for file in found:
            if file.exists():
                return file
    return None
