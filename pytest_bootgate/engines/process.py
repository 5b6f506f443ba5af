"""Boots without containers: one place is a temporary directory, a unit is a process group."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import socket
import tempfile
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import psutil

from pytest_bootgate.engines import owner
from pytest_bootgate.engines.base import LOCAL, Sink, UnitSpec
from pytest_bootgate.engines.clock import REAL
from pytest_bootgate.engines.listeners import strangers
from pytest_bootgate.engines.local_unit import LocalUnit, write
from pytest_bootgate.engines.machines import MachineUse, OneMachine
from pytest_bootgate.engines.processes import OWNER_LABEL, RUN_LABEL, carriers, kill
from pytest_bootgate.errors import EngineError
from pytest_bootgate.gatefile.model import Container

_OWNER = ".owner"
_RUN = re.compile(r"[a-z0-9]{1,40}")
_SWEEPS = 10  # a process may still have been forking

#: What a unit gets of this process's environment: what finds programs, and who and where it is.
INHERITED = (
    *("PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "LC_ALL", "LC_CTYPE", "TZ"),
    *("TMPDIR", "XDG_RUNTIME_DIR", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "SSL_CERT_FILE"),
)


class ProcessEngine(OneMachine):
    """The machine itself; every process is labelled ``BOOTGATE_RUN=<run>`` in its environment."""

    name = "process"
    traits = LOCAL
    clock = REAL
    environment: Mapping[str, str] = MappingProxyType({})

    def __init__(self, run: str) -> None:
        self._run = run

    @property
    def version(self) -> str:
        """The engine, for people."""
        return "local processes"

    def capacity(self) -> None:
        """Nothing: its machine is this one."""

    def resolve(self, image: str) -> str:
        """Always raises `EngineError`: there are no images here."""
        raise EngineError(
            f"The process engine cannot boot image {image}. Give the release a command, or use"
            " --bootgate-engine docker."
        )

    def export(self, volume: str, image: str | None, into: Path) -> None:  # noqa: ARG002
        """There are no volumes. Raises `EngineError`."""
        raise EngineError(
            f"The process engine has no volumes, so it cannot copy {volume}. Use --bootgate-engine"
            " docker, or name a directory."
        )

    def place(
        self,
        ports: Mapping[str, int],
        network: Container | None = None,  # noqa: ARG002 (each unit is asked for its own)
    ) -> LocalPlace:
        """A new place, with a free port for each name."""
        with contextlib.suppress(OSError), _owner_file(self._run).open("x") as file:
            file.write(owner.own())
        return LocalPlace(self._run, ports)

    def close(self) -> None:
        """Kill and delete what is left of this run."""
        for _ in range(_SWEEPS):
            if not sweep(self._run):
                return


class LocalPlace:
    """A temporary directory, and ports of this machine that nobody else uses."""

    def __init__(self, run: str, ports: Mapping[str, int]) -> None:
        self._run = run
        # The real path, which is what processes see as theirs: macOS has links before /tmp.
        self.dir = str(Path(tempfile.mkdtemp(prefix=f"bootgate-{run}-")).resolve())
        self.ports: Mapping[str, int] = _free_ports(ports)
        self._units: list[LocalUnit] = []

    def expect(self, specs: Sequence[UnitSpec], helper: str | None) -> None:
        """Nothing: each is made when it is created."""

    def create(self, spec: UnitSpec, sink: Sink) -> LocalUnit:
        """Make a unit, not started yet. Raises `EngineError`."""
        if spec.command is None:
            beside = spec.role not in ("gateway", "sidecar")
            why = "; a release is no image here, which would have one" if beside else ""
            raise EngineError(
                f"The {spec.noun} has no command, which the process engine needs{why}. Name one, or"
                " use --bootgate-engine docker."
            )
        if spec.cpus is not None or spec.memory is not None:
            raise EngineError(
                "The process engine cannot limit CPU or memory. Use --bootgate-engine docker, or"
                " leave `cpus` and `memory` out of the profile."
            )
        if spec.container != Container():
            raise EngineError(
                f"The process engine starts no containers, so {spec.role}: {{container: ...}} has"
                " no meaning. Use --bootgate-engine docker, or leave it out; put what the command"
                " needs into its arguments, `env` and `files`."
            )
        write(spec.files, self.dir)
        environment = {name: os.environ[name] for name in INHERITED if name in os.environ}
        environment |= {**spec.env, RUN_LABEL: self._run, OWNER_LABEL: owner.own()}
        unit = LocalUnit(spec, self.dir, environment, self.ports, sink)
        self._units.append(unit)
        return unit

    def strangers(self, ports: Collection[int]) -> Mapping[int, str]:
        """Who listens on these ports though nobody started it here: a process in words, by port."""
        begun = any(unit.role == "gateway" and unit.pid is not None for unit in self._units)
        return strangers(ports, self._living, begun=begun, directory=self.dir)

    def _living(self) -> set[psutil.Process]:
        return {process for unit in self._units for process in unit.living()}

    def machine(self) -> MachineUse | None:
        """Its own, or nobody knows."""
        return None

    def remove(self) -> None:
        """End the units and delete the directory."""
        while self._units:
            self._units.pop().remove()
        shutil.rmtree(self.dir, ignore_errors=True)


def sweep(run: str) -> int:
    """Kill and delete all that belongs to a run; how much that was."""
    found = carriers(RUN_LABEL, run, _prefix(run))
    kill(found)
    name = re.compile(rf"bootgate-{re.escape(run)}-(state-)?\w{{8}}")
    directories = [
        path
        for path in Path(tempfile.gettempdir()).glob(f"bootgate-{run}-*")
        if name.fullmatch(path.name) and path.lstat().st_uid == os.getuid()
    ]
    for directory in directories:
        shutil.rmtree(directory, ignore_errors=True)
    with contextlib.suppress(OSError):
        _owner_file(run).unlink(missing_ok=True)
    return len(found) + len([path for path in directories if not path.exists()])


def runs() -> dict[str, str]:
    """Of all runs of this user that have processes or directories here, the owner."""
    found = {}
    for file in Path(tempfile.gettempdir()).glob(f"bootgate-*{_OWNER}"):
        with contextlib.suppress(OSError, UnicodeDecodeError):
            if file.lstat().st_uid == os.getuid() and file.is_file() and not file.is_symlink():
                run = file.name.removeprefix("bootgate-").removesuffix(_OWNER)
                found[run] = file.read_text()
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            environment = process.environ() if process.uids().real == os.getuid() else {}
            if RUN_LABEL in environment:
                found.setdefault(environment[RUN_LABEL], environment.get(OWNER_LABEL, ""))
    # A label may say anything, and what is removed is named after it.
    return {run: owner for run, owner in found.items() if _RUN.fullmatch(run)}


def _owner_file(run: str) -> Path:
    return Path(tempfile.gettempdir(), f"bootgate-{run}{_OWNER}")


def _prefix(run: str) -> str:
    return str(Path(tempfile.gettempdir()).resolve() / f"bootgate-{run}-")


def _free_ports(names: Mapping[str, int]) -> dict[str, int]:
    with contextlib.ExitStack() as held:  # all at once, so that none is given twice
        ports = {}
        for name in names:
            probe = held.enter_context(socket.socket())
            probe.bind(("127.0.0.1", 0))
            ports[name] = int(probe.getsockname()[1])
        return ports
