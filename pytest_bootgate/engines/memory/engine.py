"""The engine: places and units of scripted processes."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from pytest_bootgate.engines.base import (
    CONTAINED,
    Capacity,
    Exit,
    Sink,
    State,
    UnitSpec,
)
from pytest_bootgate.engines.machines import MachineUse, Waits, nobody
from pytest_bootgate.engines.memory.clock import MemoryClock
from pytest_bootgate.engines.memory.script import KILLED, Process, Script, World
from pytest_bootgate.engines.memory.sidecar import sidecar
from pytest_bootgate.errors import CommandError, EngineError
from pytest_bootgate.gatefile.model import Container


class MemoryEngine:
    """Plays `programs`: scripts by the first word of a command, or by an image.

    The program beside the gateway is the script ``sidecar``, by default one that does as the real
    one. `down` is why the engine does not answer any more (empty: it does), `slow` how many seconds
    it takes to say whether a unit still runs. `moved` are digests of images whose tag somebody
    moved after they were resolved, `strangers` who listens on ports though nobody started it here.
    """

    name = "memory"
    traits = CONTAINED
    version = "memory"
    environment: Mapping[str, str] = MappingProxyType({})
    waits: Waits = staticmethod(nobody)

    def __init__(self, programs: Mapping[str, Script]) -> None:
        self.programs: dict[str, Script] = {"sidecar": sidecar, **programs}
        self.clock = MemoryClock()
        self.down, self.slow = "", 0.0
        self.moved: dict[str, str] = {}
        self.strangers: dict[int, str] = {}
        #: Its machine, how busy others keep it (of one CPU), and the same engine on other machines.
        self.node, self.busy = "", 0.0
        self.others: list[MemoryEngine] = []
        self.left: list[bool] = []
        #: How many places were made, at most at once, and those that were not removed yet.
        self.made = self.most = 0
        self.places: list[MemoryPlace] = []

    def check(self) -> None:
        """Raises `EngineError` where the engine does not answer."""
        if self.down:
            raise EngineError(self.down)

    def beside(self, most: int) -> Sequence[MemoryEngine]:
        """Those that the test brings."""
        return self.others[:most]

    def leave(self, *, shunned: bool = False) -> None:
        """Is noted."""
        self.left.append(shunned)

    def capacity(self) -> Capacity | None:
        """Nothing is known of a machine elsewhere."""
        self.check()
        return None

    def resolve(self, image: str) -> str:
        """A digest of the image's name."""
        self.check()
        return f"sha256:{hashlib.sha256(image.encode()).hexdigest()}"

    def export(self, volume: str, image: str | None, into: Path) -> None:  # noqa: ARG002
        """There are no volumes. Raises `EngineError`."""
        raise EngineError(f"There is no volume {volume}.")

    def place(
        self,
        ports: Mapping[str, int],
        network: Container | None = None,  # noqa: ARG002 (there is one)
    ) -> MemoryPlace:
        """A new place."""
        self.check()
        self.made += 1
        self.places.append(MemoryPlace(self, dict(ports)))
        self.most = max(self.most, len(self.places))
        return self.places[-1]

    def close(self) -> None:
        """Remove what is left."""
        for place in [*self.places]:
            place.remove()


class MemoryPlace:
    """Where scripts share files and ports."""

    dir = "/memory"

    def __init__(self, engine: MemoryEngine, ports: Mapping[str, int]) -> None:
        self.engine, self.ports, self.world = engine, ports, World()
        self.units: list[MemoryUnit] = []

    def expect(self, specs: Sequence[UnitSpec], helper: str | None) -> None:
        """Nothing: each is made when it is created."""

    def create(self, spec: UnitSpec, sink: Sink) -> MemoryUnit:
        """A unit whose script begins when it is started."""
        self.engine.check()
        self.world.files.update(spec.files)
        self.units.append(MemoryUnit(self, spec, sink))
        return self.units[-1]

    def strangers(self, ports: Collection[int]) -> Mapping[int, str]:
        """Those of the engine."""
        return {port: who for port, who in self.engine.strangers.items() if port in ports}

    def machine(self) -> MachineUse | None:
        """Others have used it for as much of the time as the engine says."""
        engine = self.engine
        return MachineUse(engine.busy * engine.clock.now(), 1) if engine.node else None

    def remove(self) -> None:
        """Remove all of it, also where the engine does not answer any more."""
        for unit in self.units:
            unit.remove()
        if self in self.engine.places:
            self.engine.places.remove(self)


class MemoryUnit:
    """One scripted process, its children, and the commands that run beside it."""

    pid: int | None = None

    def __init__(self, place: MemoryPlace, spec: UnitSpec, sink: Sink) -> None:
        self._place, self._spec, self._sink = place, spec, sink
        self._engine, self._clock = place.engine, place.engine.clock
        self._main: Process | None = None
        self._commands: list[Process] = []
        self.frozen = False
        self.hold = MemoryHold(self, self._engine.check)

    @property
    def identity(self) -> str:
        """The image's digest, or one of the command."""
        if (image := self._spec.image) is not None:
            return self._engine.moved.get(image) or self._engine.resolve(image)
        text = json.dumps([*(self._spec.command or ())])
        return f"command:{hashlib.sha256(text.encode()).hexdigest()}"

    def start(self) -> None:
        """Let its script begin."""
        self._engine.check()
        command = list(self._spec.command or ())
        key = command[0] if command else self._spec.image or ""
        if self._spec.role == "sidecar":
            key = "sidecar"
        self._main = self._play(self._spec.role, key, command, self._spec.env)

    def _play(self, name: str, key: str, command: Sequence[str], env: Mapping[str, str]) -> Process:
        if key not in self._engine.programs:
            raise CommandError(f"The {self._spec.words} cannot run `{key}`: no such program.")
        return Process(
            name,
            self._engine.programs[key],
            self._place.world,
            self._clock,
            self._sink,
            command=command,
            env=env,
            image=self._spec.image or "",
            dir=self._place.dir,
            ports=self._place.ports,
            frozen=lambda: self.frozen,
            over=self._ended,
        )

    def _ended(self, process: Process) -> None:
        if process is self._main:
            for command in self._commands:
                command.end(Exit(KILLED))

    def send(self, text: str) -> None:
        """Hand a line to its script."""
        self._engine.check()
        if (main := self._main) is None or main.exit is not None:
            raise EngineError(f"The {self._spec.noun} no longer accepts input.")
        main.stdin.put(text)

    def run(
        self, name: str, command: Sequence[str], env: Mapping[str, str] | None = None
    ) -> MemoryCommand:
        """Play another script beside."""
        self._engine.check()
        if self._main is None or self._main.exit is not None:
            raise EngineError(f"The {self._spec.noun} does not run, so nothing can run inside.")
        played = self._play(name, command[0], command, {**self._spec.env, **(env or {})})
        self._commands.append(played)
        return MemoryCommand(played)

    def health_command(self) -> Sequence[str]:
        """The program that is called as its image, with `-health`."""
        return [f"{self._spec.image}-health"]

    def cpu_seconds(self) -> float | None:
        """What its scripts say that they used."""
        self._engine.check()
        if self._main is None or self._main.exit is not None:
            return None
        return sum(process.cpu for process in self.every())

    def every(self) -> list[Process]:
        """All its scripts, also those that have ended."""
        return [] if self._main is None else [self._main, *self._main.children, *self._commands]

    def children(self) -> list[Process]:
        """The living ones that its main script started."""
        every = [] if self._main is None else self._main.children
        return [child for child in every if child.exit is None]

    def tasks(self) -> set[int]:
        """None of this machine."""
        return set()

    def sockets(self, ports: Collection[int]) -> Mapping[str, int]:  # noqa: ARG002
        """None: ports are no sockets here."""
        return {}

    def listens(self, places: Collection[int | str]) -> set[int | str]:
        """On which of these ports and sockets its scripts listen."""
        own, world = self.every(), self._place.world
        return {
            port for port, (process, _) in world.ports.items() if port in places and process in own
        }

    def exit(self) -> Exit | None:
        """How it ended."""
        self._engine.check()
        if self._engine.slow:
            self._clock.stall(self._engine.slow)
        return None if self._main is None else self._main.exit

    def stop(self, deadline: float, by: str | None = None) -> Exit:
        """Ask its script to end, then kill it."""
        self._engine.check()
        main = self._main
        if main is None:
            return Exit(None)
        if main.exit is None and by != "SIGKILL":
            main.signal(by or "SIGTERM")
            self._clock.until(lambda: main.exit is not None, deadline)
        main.end(Exit(KILLED))
        assert main.exit is not None
        return main.exit

    def save(self, path: str, into: Path) -> None:
        """Keep the files below a path."""
        self._engine.check()
        prefix = path.rstrip("/") + "/"
        kept = {f: data for f, data in self._place.world.files.items() if f.startswith(prefix)}
        if not kept:
            raise EngineError(f"The gateway left no {path}. Correct state: path.")
        with tarfile.open(into, "w") as tar:
            for file, data in kept.items():
                entry = tarfile.TarInfo(file.removeprefix(prefix))
                entry.size = len(data)
                tar.addfile(entry, io.BytesIO(data))

    def load(self, path: str, archive: Path, files: Mapping[str, bytes]) -> None:
        """Take over the files that were kept."""
        self._engine.check()
        with tarfile.open(archive) as tar:
            for entry in tar:
                data = tar.extractfile(entry)
                if data is None:  # a directory
                    continue
                self._place.world.files[f"{path.rstrip('/')}/{entry.name}"] = data.read()
        self._place.world.files.update(files)

    def remove(self) -> None:
        """End it, whatever it is at."""
        self.frozen = False
        if self._main is not None:
            self._main.end(Exit(KILLED))


class MemoryCommand:
    """A script that is played beside a unit."""

    def __init__(self, process: Process) -> None:
        self._process = process

    def exit_code(self) -> int | None:
        """None while it goes on."""
        return None if self._process.exit is None else self._process.exit.code


class MemoryHold:
    """Freezes the scripts of a unit."""

    def __init__(self, unit: MemoryUnit, check: Callable[[], None]) -> None:
        self._unit, self._check = unit, check
        self._state: State = ""
        #: For tests of what lies: it says so whatever is so.
        self.says: State | None = None

    def pause(self) -> None:
        """Freeze all."""
        self._set("paused")

    def starve(self) -> None:
        """Freeze all: what 1 % of a core would do may be left out."""
        self._set("starved")

    def release(self) -> None:
        """Let all go on."""
        self._set("")
        for process in self._unit.every():
            process.thaw()

    def _set(self, state: State) -> None:
        self._check()
        self._state = state
        self._unit.frozen = bool(state)

    def state(self) -> State:
        """As it was set."""
        self._check()
        return self._state if self.says is None else self.says

    def processes(self) -> Mapping[int, str]:
        """The living children of its script."""
        self._check()
        return {child.pid: " ".join(child.command) for child in self._unit.children()}

    def kill(self, processes: Collection[int]) -> None:
        """Kill some of them."""
        for child in self._unit.children():
            if child.pid in processes:
                child.end(Exit(KILLED))
