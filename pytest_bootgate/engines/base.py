"""The small interface behind which boots happen.

An engine makes places; a place holds one gateway and its sidecar, which share a network and a
directory; each of the two is a unit. Everything that a unit says arrives at the sink as it was
read, stamped with the engine's clock: where boots are real, this machine's monotonic one. A sink
must not wait: who waits for a reader is the system that is measured.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from pytest_bootgate.engines.clock import Clock
from pytest_bootgate.engines.machines import MachineUse, Waits
from pytest_bootgate.gatefile.model import Container


def python_image() -> str:
    """The image in which programs of the gate run where the gate file names none."""
    return os.environ.get("BOOTGATE_SIDECAR_IMAGE") or _PYTHON_IMAGE


@dataclass(frozen=True, slots=True)
class Chunk:
    """Bytes of a stream and the monotonic second at which they were read; None: its end.

    `stream` is ``gateway.out``, ``gateway.err``, ``sidecar.out``, ``sidecar.err``, or the
    name given to `Unit.run` followed by ``.out`` or ``.err``. One end per unit or command, on
    its ``.out``, after the last bytes of both streams. Before one that is `after_gap`, bytes of
    the stream were left out.
    """

    stream: str
    at: float
    data: bytes | None
    after_gap: bool = False


Sink = Callable[[Chunk], None]
#: Where programs of the gate run if nobody names an image; any image with Python 3.9 will do.
_PYTHON_IMAGE = "python:3.13-alpine"
#: So many bytes are read at once: who reads needs Python's lock each time, and may wait for it
#: while the system writes.
READ = 1 << 20


@dataclass(frozen=True)
class UnitSpec:
    """What to start: `files` maps absolute paths inside the unit to their contents.

    `image` is left out on an engine without images; `command` None means the image's own.
    `cpus` is in cores, `memory` in bytes. `container` is how it is made. `release` is whose
    gateway it is. `state` is the directory that `Unit.load` will fill, empty for none.
    """

    role: str
    image: str | None
    command: Sequence[str] | None
    env: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, bytes] = field(default_factory=dict)
    cpus: float | None = None
    memory: int | None = None
    stdin: bool = False
    container: Container = field(default_factory=Container)
    state: str = ""
    release: str = ""

    @property
    def noun(self) -> str:
        """What it is: ``gateway``, ``sidecar``, ``trial`` or ``service db``."""
        return self.role if self.role in ("gateway", "sidecar", "trial") else f"service {self.role}"

    @property
    def words(self) -> str:
        """What it is, in a sentence: ``gateway of the candidate``."""
        return f"{self.noun} of the {self.release}" if self.release else self.noun


@dataclass(frozen=True, slots=True)
class Exit:
    """How a unit ended. `ran` is its run time in seconds by the engine's own clock.

    `gone` means that it was not there any more: removed by somebody else.
    """

    code: int | None
    oom: bool = False
    ran: float | None = None
    gone: bool = False


class Running(Protocol):
    """A command that runs inside a unit."""

    def exit_code(self) -> int | None:
        """Its exit code, None while it runs."""


#: How a unit is held just now, by the engine's own word.
State = Literal["paused", "starved", ""]


class Hold(Protocol):
    """How a unit is kept from going on, on purpose. All raise `EngineError` where they cannot."""

    def pause(self) -> None:
        """Freeze all its processes."""

    def starve(self) -> None:
        """Leave it 1 % of a core."""

    def release(self) -> None:
        """End what `pause` or `starve` began; nothing where it is not held."""

    def state(self) -> State:
        """How it is held just now, asked of the engine or the kernel."""

    def processes(self) -> Mapping[int, str]:
        """Its processes but the main one and those of `Unit.run`: number and command line."""

    def kill(self, processes: Collection[int]) -> None:
        """Kill some of `processes`, and wait until they are gone."""


class Unit(Protocol):
    """A gateway or a sidecar: a container, or a local process group."""

    @property
    def hold(self) -> Hold:
        """How to keep it from going on."""

    @property
    def identity(self) -> str:
        """What runs: the image's digest, or ``command:`` and a digest of it."""

    @property
    def pid(self) -> int | None:
        """Its main process on this machine, None where it is not known to run here.

        Known from the first `cpu_seconds` on.
        """

    def start(self) -> None:
        """Start it; its streams are already listened to. Raises `EngineError`."""

    def send(self, text: str) -> None:
        """Write one line to its standard input (`text` has no line end). Raises `EngineError`."""

    def run(
        self, name: str, command: Sequence[str], env: Mapping[str, str] | None = None
    ) -> Running:
        """Run a command inside; its lines arrive under `name`. Raises `EngineError`."""

    def health_command(self) -> Sequence[str]:
        """The command of its image's health check. Raises `EngineError` where there is none."""

    def cpu_seconds(self) -> float | None:
        """CPU seconds used since its start by all its processes, None once it has ended."""

    def tasks(self) -> set[int]:
        """The living tasks (threads) of all its processes, by this machine's numbers.

        Empty where `pid` is None. Costs 20 µs and 30 µs more for each task, so that it may be
        asked during a boot.
        """

    def sockets(self, ports: Collection[int]) -> Mapping[str, int]:
        """The sockets that listen on these ports in its network, by an identity of their own.

        None where that is not known here.
        """

    def listens(self, places: Collection[int | str]) -> set[int | str]:
        """On which of these ports, and sockets by path, its processes listen.

        None where that is not known here.
        """

    def exit(self) -> Exit | None:
        """How it ended, None while it runs. Raises `EngineError` where the engine is gone."""

    def stop(self, deadline: float, by: str | None = None) -> Exit:
        """Ask it to end, kill it after `deadline` seconds, and say how it ended.

        It is asked with the signal of the name `by`; by default with SIGTERM, or what its image
        says.
        """

    def save(self, path: str, into: Path) -> None:
        """Keep a directory of one that has ended as a tar file on this machine.

        Raises `EngineError`, also where there is no such directory.
        """

    def load(self, path: str, archive: Path, files: Mapping[str, bytes]) -> None:
        """Give one that was not started a directory that was kept, and over it `files`.

        Owners and modes stay as they were. Raises `EngineError`.
        """

    def remove(self) -> None:
        """Remove it, running or not. Never raises for one that is already gone."""


class Place(Protocol):
    """Where one gateway and its sidecar live together."""

    @property
    def dir(self) -> str:
        """The directory both share, as a path inside."""

    @property
    def ports(self) -> Mapping[str, int]:
        """The port behind each name, as seen inside."""

    def expect(self, specs: Sequence[UnitSpec], helper: str | None) -> None:
        """All units that will be created here, each once, as far as they are known.

        Where nothing can be added to a place that is made, it is made now: image, limits,
        `container`, `state` and the paths of `files` hold. `helper` is an image with Python.
        Raises `EngineError`.
        """

    def create(self, spec: UnitSpec, sink: Sink) -> Unit:
        """Make a unit, not started yet, and listen to it. The sidecar comes first."""

    def strangers(self, ports: Collection[int]) -> Mapping[int, str]:
        """Who listens on these ports though nobody started it here: a process in words, by port.

        Nothing where the network is the place's own, and where the kernel does not tell.
        """

    def machine(self) -> MachineUse | None:
        """How busy a machine elsewhere is that they run on, the gateway not over yet there.

        Raises `EngineError`.

        None for this one, whose kernel can be asked, and where nobody knows.
        """

    def remove(self) -> None:
        """Remove the units and the shared directory."""


@dataclass(frozen=True, slots=True)
class Capacity:
    """The machine of an engine that may be elsewhere: memory in bytes.

    `root` is the directory, there, in which it keeps its data.
    """

    cpus: int
    memory: int
    root: str


@dataclass(frozen=True, slots=True)
class Traits:
    """What the boots of an engine have, whatever its name is.

    `images`: a file system of their own, from an image; else they are commands of this machine.
    `limits`: of CPU and memory, where a profile asks for them. `own_network`: ports that nobody
    else on the machine has. `leases`: it sees to it itself that one gate at a time boots on a
    machine. `closed`: nothing can be added to a place once it is made.
    """

    images: bool
    limits: bool
    own_network: bool
    leases: bool = False
    closed: bool = False


#: Of containers, and of what runs on this machine as it is.
CONTAINED = Traits(images=True, limits=True, own_network=True)
LOCAL = Traits(images=False, limits=False, own_network=False)


class Engine(Protocol):
    """Where boots happen."""

    @property
    def name(self) -> str:
        """``docker``, ``process``, ``kubernetes``, or ``memory`` in tests."""

    @property
    def version(self) -> str:
        """The engine and its version, for people."""

    @property
    def traits(self) -> Traits:
        """What boots on it have."""

    @property
    def environment(self) -> Mapping[str, str]:
        """What another process needs in its environment to find it as this one does."""

    @property
    def clock(self) -> Clock:
        """By which its chunks are stamped, and by which whoever boots on it waits."""

    @property
    def node(self) -> str:
        """The machine that boots are on, empty where it has but one. Raises `EngineError`.

        Where others have all machines it waits for one, and `waits` is told.
        """

    #: Told who has the machines that it waits for, and for how many seconds so far: again and
    #: again, and in the end with nobody, once it has one.
    waits: Waits

    def beside(self, most: int) -> Sequence[Engine]:
        """The same engine on other machines alike that are free just now, at most so many.

        Each is this run's until `leave`. Raises `EngineError`.
        """

    def leave(self, *, shunned: bool = False) -> None:
        """Give its machine back, on which nothing runs any more; `shunned`: never take it again."""

    def capacity(self) -> Capacity | None:
        """Its machine as it tells it, None for this one. Raises `EngineError`."""

    def resolve(self, image: str) -> str:
        """The digest of an image, pulled where it is missing. Raises `EngineError`."""

    def export(self, volume: str, image: str | None, into: Path) -> None:
        """Keep what is in a volume as a tar file. Raises `EngineError`.

        It is read through a container of an image that is here, which is never started.
        """

    def place(self, ports: Mapping[str, int], network: Container | None = None) -> Place:
        """A new place; `ports` are the numbers to use inside where the network is its own.

        Of `network` the host name, the hosts and the network hold for all its units.
        """

    def close(self) -> None:
        """Remove what is left of this run."""
