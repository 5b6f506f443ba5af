"""One local process group as a unit, and the commands that run beside it."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
import signal
import threading
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import psutil

from pytest_bootgate.engines.base import Exit, Sink, UnitSpec
from pytest_bootgate.engines.launch import Launcher
from pytest_bootgate.engines.listeners import held, sockets
from pytest_bootgate.engines.local_command import LocalCommand
from pytest_bootgate.engines.local_hold import LocalHold
from pytest_bootgate.engines.processes import (
    UNIT_LABEL,
    carriers,
    cpu_seconds,
    descendants,
    kill,
)
from pytest_bootgate.engines.tasks import of_processes
from pytest_bootgate.engines.tree import pack, unpack
from pytest_bootgate.errors import EngineError

_KILL_DEADLINE = 5.0


class LocalUnit:
    """A gateway or a sidecar as a process group; as in a container, its main process is all."""

    def __init__(
        self,
        spec: UnitSpec,
        directory: str,
        environment: Mapping[str, str],
        ports: Mapping[str, int],
        sink: Sink,
    ) -> None:
        self._spec, self._dir, self._sink = spec, directory, sink
        self._label = secrets.token_hex(8)
        self._environment = {**environment, UNIT_LABEL: self._label}
        self.identity = _identity(spec.command or (), directory, ports)
        self._main: LocalCommand | None = None
        self._launcher: Launcher | None = None
        if spec.role == "gateway":
            self._launcher = Launcher(
                spec.command or (), self._environment, directory, stdin=spec.stdin
            )
        self._commands: list[LocalCommand] = []
        self._carriers: list[psutil.Process] = []
        self.hold = LocalHold(spec.role, self.living, self._not_below)
        self._sending = threading.Lock()

    @property
    def pid(self) -> int | None:
        """Of the main process, once started."""
        return self._main.pid if self._main is not None else None

    @property
    def running(self) -> bool:
        """Whether it was started and has not ended."""
        return self._main is not None and self._main.exit is None

    def start(self) -> None:
        """Start it. Raises `EngineError`."""
        self._main = LocalCommand(
            self._spec.role,
            self._spec.words,
            self._spec.command or (),
            self._environment,
            self._dir,
            self._sink,
            stdin=self._spec.stdin,
            after=self._kill_rest,
            launcher=self._launcher,
        )

    @property
    def role(self) -> str:
        """``gateway`` or ``sidecar``."""
        return self._spec.role

    def living(self) -> set[psutil.Process]:
        """All its processes, as a container has them: the commands run inside among them."""
        found = set(carriers(UNIT_LABEL, self._label))
        for pid in [command.pid for command in self._commands] + self._roots():
            found.update(descendants(pid))
        with contextlib.suppress(psutil.Error):
            if self._main is not None and self._main.exit is None:
                found.add(psutil.Process(self._main.pid))
        return found

    def _roots(self) -> list[int]:
        """Above all that the main process started: itself, and the parent of its orphans."""
        launcher = [self._launcher.pid] if self._launcher is not None else []
        return [*launcher, *([self._main.pid] if self._main is not None else [])]

    def _not_below(self) -> list[int]:
        """The main process, then the commands run beside it."""
        commands = [command.pid for command in self._commands]
        return [self._main.pid, *commands] if self._main is not None else commands

    def _kill_rest(self) -> None:
        """A container's processes end with its main process; so do these."""
        kill(carriers(UNIT_LABEL, self._label))

    def send(self, text: str) -> None:
        """Write one line to its standard input. Raises `EngineError`."""
        if self._main is None:
            raise EngineError(f"The {self._spec.noun} was not started, so it accepts no input.")
        with self._sending:
            self._main.write(text.encode() + b"\n")

    def run(
        self, name: str, command: Sequence[str], env: Mapping[str, str] | None = None
    ) -> LocalCommand:
        """Run a command beside it; its lines arrive under `name`. Raises `EngineError`."""
        if not self.running:
            raise EngineError(f"The {self._spec.noun} is not running, so no command can run in it.")
        environment = {**self._environment, **(env or {})}
        ran = LocalCommand(name, self._spec.role, command, environment, self._dir, self._sink)
        self._commands = [*(one for one in self._commands if one.exit is None), ran]
        return ran

    def health_command(self) -> Sequence[str]:
        """There is no image. Raises `EngineError`."""
        raise EngineError(
            "The process engine has no images, so there is no health check. Write its command as a"
            " probe: exec: [...], or use --bootgate-engine docker."
        )

    def cpu_seconds(self) -> float | None:
        """CPU seconds used since its start by all its processes, None once it has ended."""
        if self._main is None or self._main.exit is not None:
            return None
        self._carriers = carriers(UNIT_LABEL, self._label)
        above = None if self._launcher is None else self._launcher.pid
        return cpu_seconds(self._main.pid, self._carriers, above)

    def tasks(self) -> set[int]:
        """The tasks of all its processes; the label's as the last `cpu_seconds` found them.

        Its launcher's are among them, which only waits.
        """
        running = {command.pid for command in self._commands if command.exit is None}
        if self.running:
            running.update(self._roots())
        return of_processes({*running, *(process.pid for process in self._carriers)})

    def sockets(self, ports: Collection[int]) -> Mapping[str, int]:
        """The sockets that listen on these ports in its network, where it runs on this machine."""
        return sockets(self.pid, ports)

    def listens(self, places: Collection[int | str]) -> set[int | str]:
        """On which of these ports and sockets its processes listen."""
        return held([process.pid for process in self.living()], places)

    def exit(self) -> Exit | None:
        """How it ended, None while it runs."""
        return self._main.exit if self._main is not None else None

    def stop(self, deadline: float, by: str | None = None) -> Exit:
        """Send a signal to the main process, kill all after `deadline` seconds."""
        if self._main is None:
            return Exit(None, gone=True)
        self._main.end(signal.Signals[by or "SIGTERM"], deadline)
        self.remove()
        return self._main.exit or Exit(None, gone=True)

    def save(self, path: str, into: Path) -> None:
        """Keep a directory of the place as a tar file. Raises `EngineError`."""
        pack(inside(path, self._dir), into)

    def load(self, path: str, archive: Path, files: Mapping[str, bytes]) -> None:
        """Bring a directory back, and over it `files`. Raises `EngineError`."""
        unpack(archive, inside(path, self._dir))
        write(files, self._dir)

    def remove(self) -> None:
        """Kill whatever is left of it."""
        if self._main is None:
            if self._launcher is not None:
                self._launcher.discard()
                self._launcher = None
            return
        all_commands = [*self._commands, self._main]
        roots = [*self._roots(), *(command.pid for command in self._commands)]
        below = [process for root in roots for process in descendants(root)]
        for command in all_commands:
            command.end(signal.SIGKILL, _KILL_DEADLINE)
        kill(below)
        self._kill_rest()
        for command in all_commands:
            command.join(_KILL_DEADLINE)


def write(files: Mapping[str, bytes], directory: str) -> None:
    """Write files below a place's directory. Raises `EngineError` where it cannot."""
    for path, content in files.items():
        target = inside(path, directory)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        except OSError as error:
            shown = path.replace(directory, "${dir}")
            raise EngineError(
                f"The file {shown} of the gate file cannot be written: {error.strerror or error}."
                " Correct its path, or free disk space there."
            ) from error


def inside(path: str, directory: str) -> Path:
    """A path below a place's directory. Raises `EngineError` for one that lies elsewhere."""
    target = Path(os.path.normpath(path))
    if not target.is_relative_to(directory):
        raise EngineError(
            f"The process engine puts files only below a boot's own directory, not at {path}."
            " Write ${dir}/… instead, or use --bootgate-engine docker."
        )
    return target


def _identity(command: Sequence[str], directory: str, ports: Mapping[str, int]) -> str:
    """A digest of the command that stays the same from place to place."""
    text = json.dumps(list(command)).replace(directory, "${dir}")
    for name, port in ports.items():
        text = text.replace(str(port), f"${{port.{name}}}")
    return f"command:{hashlib.sha256(text.encode()).hexdigest()}"
