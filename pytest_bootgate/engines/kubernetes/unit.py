"""One container of a pod as a unit: its streams, its end, and the commands that run inside."""

from __future__ import annotations

import base64
import contextlib
import itertools
import tarfile
import tempfile
import threading
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, cast

from pytest_bootgate.engines.base import Chunk, Exit, Sink, UnitSpec
from pytest_bootgate.engines.kubernetes import registry, status
from pytest_bootgate.engines.kubernetes.agent import PROGRAM, ROOT
from pytest_bootgate.engines.kubernetes.api import Cluster
from pytest_bootgate.engines.kubernetes.command import PodCommand, missing
from pytest_bootgate.engines.kubernetes.hold import PodHold
from pytest_bootgate.engines.kubernetes.pod import (
    SHARED,
    container_name,
    copied,
    mounted_files,
)
from pytest_bootgate.engines.kubernetes.session import Session, SessionError
from pytest_bootgate.engines.kubernetes.wire import AGENT, Wire
from pytest_bootgate.errors import EngineError, LostError

#: How long a kubelet may take to say how a container ended (measured: 0.9 s).
_TOLD, _LOOK = 20.0, 0.1
#: How long the last bytes of one that was killed may take.
_AFTERMATH = 3.0
_NOT_THERE = 3
_PART = 1 << 20


@dataclass(frozen=True)
class Host:
    """The pod of a place, and the node on which it was made, with the start of its kernel."""

    cluster: Cluster
    wire: Wire
    pod: str
    node: str
    boot: str


class PodUnit:
    """A gateway, a sidecar or a service in a container of its own."""

    #: It does not run on this machine.
    pid: int | None = None

    def __init__(self, host: Host, announced: UnitSpec, sink: Sink, identity: str) -> None:
        self._host, self._spec, self._sink = host, announced, sink
        self._wire = host.wire
        self._slot = container_name(announced.role)
        self.identity = identity
        self.hold = PodHold(host.wire, self._slot, announced.noun)
        self._numbers = itertools.count(1)
        self._waits = self._missing = self._ended = self._removed = self._over = False
        self._began: float | None = None
        self._exit: Exit | None = None
        self._lost = ""
        self._announced = announced
        self._wire.hear(self._slot, self._hear)

    # -- what the agent says ---------------------------------------------------------------

    @property
    def waits(self) -> bool:
        """Whether its container is up, and waits to be started."""
        return self._waits

    def _hear(self, frame: Mapping[str, Any], at: float, data: bytes) -> None:
        self._waits = self._waits or "waits" in frame
        self._missing = self._missing or "missing" in frame
        self._ended = self._ended or "exited" in frame
        if data:
            stream = f"{self._spec.role}.{frame['stream'].rpartition('.')[2]}"
            self._sink(Chunk(stream, at, data, after_gap=frame["gap"]))
        elif "over" in frame:
            threading.Thread(target=self._conclude, args=(at,), daemon=True).start()

    def _conclude(self, at: float) -> None:
        """How it ended is known before its end arrives."""
        self._ended = True
        ran = None if self._began is None else max(0.0, at - self._began)
        try:
            self._exit = self._told(ran)
        except EngineError as error:
            self._lost = str(error)
        self._sink(Chunk(f"{self._spec.role}.out", at, None))
        self._over = True

    def _told(self, ran: float | None) -> Exit:
        """How its container ended, by the kubelet's word. Raises `EngineError`."""
        host, until = self._host, time.monotonic() + _TOLD
        while time.monotonic() < until and not self._removed:
            with host.cluster.call(f"say how the {self._spec.noun} ended"):
                pod = host.cluster.pod(host.pod)
            away = status.taken_away(pod, host.pod)
            end = None if pod is None else status.terminated(pod, self._slot)
            if self._removed:
                break
            if away is not None:
                raise LostError(away)
            if end is not None:
                if status.unseen(end):
                    raise LostError(f"nobody saw how the {self._spec.noun} of {host.pod} ended")
                if end.exitCode:
                    self._node_stands()
                return Exit(end.exitCode, end.reason == "OOMKilled", ran)
            time.sleep(_LOOK)
        if self._removed:
            return Exit(None, ran=ran, gone=True)
        raise LostError(f"node {host.node} does not say how the {self._spec.noun} ended")

    def _node_stands(self) -> None:
        """Raises `LostError` where the node went away meanwhile: then nothing is known."""
        host = self._host
        with host.cluster.call("look at a node"):
            node = host.cluster.node(host.node)
        if node is not None and status.boot_id(node) != host.boot:
            raise LostError(f"node {host.node} was restarted")

    # -- what is done with it --------------------------------------------------------------

    def made(self, spec: UnitSpec) -> None:
        """Take all that is known of it now. Raises `EngineError` for what was not announced."""
        self._spec = spec
        for target, (_, source) in copied(self._announced).items():
            self._fill(target, Path(source))
        self._put(spec.files)

    def _fill(self, target: str, source: Path) -> None:
        """Copy a directory of this machine into a volume; owners and modes stay."""
        if not source.is_dir():
            raise EngineError(
                f"{source} is no directory, so a pod cannot have it as a volume. Write it under"
                " `files`, or use --bootgate-engine docker."
            )
        with tempfile.NamedTemporaryFile(suffix=".tar") as archive:
            with tarfile.open(fileobj=archive, mode="w") as tar:
                tar.add(source, PurePosixPath(target).name)
            archive.flush()
            self._take(f"{ROOT}-{self._slot}{target}", Path(archive.name), target)

    def _put(self, files: Mapping[str, bytes]) -> None:
        if not files:
            return
        mounted = mounted_files(self._announced)
        there = {}
        for path, content in files.items():
            at = self._inside(path)
            if path in mounted:
                at = f"{ROOT}/{mounted[path]}"
            elif at is None:
                raise EngineError(
                    f"File {path} of the {self._spec.noun} was not known when its pod was made. Put"
                    " it below ${dir}."
                )
            there[at] = base64.b64encode(content).decode()
        self._wire.order("put", self._slot, files=there, below=SHARED)

    def _inside(self, path: str) -> str | None:
        """Where the agent has what stands at a path, None where it does not."""
        pure = PurePosixPath(path)
        if ".." in pure.parts or not pure.is_absolute():
            raise EngineError(f"File {path} needs an absolute path inside the container.")
        if pure.is_relative_to(SHARED):
            return path
        state = self._announced.state
        return f"{ROOT}-{self._slot}{path}" if state and pure.is_relative_to(state) else None

    def start(self) -> None:
        """Start it. Raises `EngineError`."""
        words, spec = self._words(), self._spec
        at = self._wire.order(
            "start", self._slot, words=words, env=dict(spec.env), stdin=spec.stdin
        )
        self._began = self._wire.at(at)

    def _words(self) -> list[str]:
        """The whole command: what a cluster runs by itself, only the image's registry knows."""
        spec, entrypoint, command = self._spec, self._spec.container.entrypoint, self._spec.command
        assert spec.image is not None
        if spec.role == "sidecar" and command and entrypoint is None:
            entrypoint = []
        if entrypoint is None:
            told = registry.config(spec.image)
            entrypoint = list(told.entrypoint)
            command = told.command if command is None else command
        words = [*entrypoint, *(command or ())]
        if not words:
            raise EngineError(
                f"Image {spec.image} has no default command. Give the {spec.noun} a command."
            )
        return words

    def send(self, text: str) -> None:
        """Write one line to its standard input. Raises `EngineError`."""
        self._wire.check()
        try:
            self._wire.order("feed", self._slot, text=f"{text}\n")
        except LostError:
            raise
        except EngineError as error:
            raise EngineError(f"The {self._spec.noun} no longer accepts input: {error}.") from error

    def run(
        self, name: str, command: Sequence[str], env: Mapping[str, str] | None = None
    ) -> PodCommand:
        """Run a command inside; its lines arrive under `name`. Raises `EngineError`."""
        if self._ended:
            raise EngineError(f"The {self._spec.noun} is not running, so no command can run in it.")
        host = self._host
        ran = PodCommand(
            host.cluster,
            self._wire,
            host.pod,
            self._spec,
            self._slot,
            next(self._numbers),
            self._sink,
        )
        ran.start(name, command, env or {})
        return ran

    def health_command(self) -> Sequence[str]:
        """The command of its image's health check. Raises `EngineError` where there is none."""
        assert self._spec.image is not None
        if health := registry.config(self._spec.image).health:
            return health
        raise EngineError(
            f"Image {self._spec.image} has no health check. Write its command as a probe:"
            " exec: [...], or take another probe."
        )

    def cpu_seconds(self) -> float | None:
        """CPU seconds since its start by all its processes, None once it has ended."""
        return None if self._ended else cast("float | None", self._wire.order("cpu", self._slot))

    def tasks(self) -> set[int]:
        """None: they are another machine's."""
        return set()

    def sockets(self, ports: Collection[int]) -> Mapping[str, int]:
        """The sockets that listen on these ports of the pod."""
        return cast(Mapping[str, int], self._wire.order("sockets", ports=[*ports]))

    def listens(self, places: Collection[int | str]) -> set[int | str]:  # noqa: ARG002
        """None: that is not known here."""
        return set()

    def exit(self) -> Exit | None:
        """How it ended, None while it runs. Raises `EngineError` where that cannot be known."""
        if self._exit is None:
            if self._lost:
                raise LostError(self._lost)
            self._wire.check()
        elif self._missing:
            raise missing(self._spec, self._words()[0])
        return self._exit

    def stop(self, deadline: float, by: str | None = None) -> Exit:
        """Ask it to end, kill it after `deadline` seconds, and say how it ended."""
        if self._began is None:
            return Exit(None, gone=True)
        if not self._ended:
            self._wire.order("signal", self._slot, signal=by or "SIGTERM")
            if not self._wire.wait(lambda: self._ended, deadline):
                self._wire.order("kill", self._slot)
        until = time.monotonic() + _TOLD
        while (ended := self.exit()) is None:
            if time.monotonic() > until:
                raise EngineError(f"The {self._spec.noun} could not be stopped.")
            time.sleep(_LOOK)
        return ended

    def save(self, path: str, into: Path) -> None:
        """Keep a directory of the pod as a tar file here. Raises `EngineError`."""
        there = self._inside(path)
        if there is None:
            raise EngineError(
                f"{path} of the {self._spec.noun} ends with its container, so it cannot be kept on"
                f" kubernetes. Put the state below ${{dir}}, or use --bootgate-engine docker."
            )
        with into.open("wb") as file:
            code = self._transfer(["pack", there], lambda data: (file.write(data), None)[1])
        if code == _NOT_THERE:
            raise EngineError(f"The {self._spec.noun} has no directory {path} to keep.")
        if code:
            raise EngineError(f"{path} of the {self._spec.noun} could not be read.")

    def load(self, path: str, archive: Path, files: Mapping[str, bytes]) -> None:
        """Bring a directory back, and over it `files`. Raises `EngineError`."""
        there = self._inside(path)
        assert there is not None, path
        self._take(there, archive, path)
        self._put(files)

    def _take(self, there: str, archive: Path, path: str) -> None:
        size = archive.stat().st_size
        if self._transfer(["unpack", there, str(size)], lambda _: None, archive):
            raise EngineError(f"{path} of the {self._spec.noun} could not be written.")

    def _transfer(self, words: list[str], heard: Any, archive: Path | None = None) -> int:
        host = self._host
        try:
            session = Session(host.cluster, host.pod, AGENT, ["python3", PROGRAM, *words], heard)
            if archive is not None:
                with archive.open("rb") as file:
                    while data := file.read(_PART):
                        session.send(data)
            return session.run()
        except SessionError as error:
            raise LostError(f"the connection to pod {host.pod} broke: {error}") from error

    def leave(self) -> None:
        """From now on its end is nobody's concern."""
        self._removed = True

    @property
    def left(self) -> bool:
        """Whether all was heard of it that there is."""
        return self._over

    def remove(self) -> None:
        """End it, running or not."""
        if self._removed:
            return
        self.leave()
        with contextlib.suppress(EngineError):
            self._wire.order("kill", self._slot)
            self._wire.wait(lambda: self._over, _AFTERMATH)
