"""The gate's end of a launcher, under which a gateway and all its orphans run."""

from __future__ import annotations

import contextlib
import marshal
import os
import select
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from pytest_bootgate.engines.processes import RUN_LABEL, kill_group
from pytest_bootgate.errors import EngineError

_PROGRAM = Path(__file__).with_name("launcher.py")
_UP_DEADLINE = 30.0
_END_DEADLINE = 5.0
#: What it needs of the gateway's environment; by the label it is found when a run is swept.
_ENVIRONMENT = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", RUN_LABEL)
_KILLED = -9


class Launcher:
    """Holds one command ready to be started; `process` has its pipes, `command` is its pid.

    Raises `EngineError` where it does not come up, `ValueError` for what is no command.
    """

    def __init__(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        directory: str,
        *,
        stdin: bool,
    ) -> None:
        order = marshal.dumps(
            (
                [os.fsencode(word) for word in command],
                {os.fsencode(name): os.fsencode(text) for name, text in environment.items()},
                os.fsencode(directory),
            )
        )
        pipes: list[int] = []
        try:
            pipes.extend(os.pipe())
            pipes.extend(os.pipe())
            theirs, self._orders, heard, reports = pipes
            self.process = subprocess.Popen(
                [sys.executable, "-I", "-S", str(_PROGRAM), str(theirs), str(reports)],
                stdin=subprocess.PIPE if stdin else subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env={name: environment[name] for name in _ENVIRONMENT if name in environment},
                cwd=directory,
                start_new_session=True,
                bufsize=0,
                pass_fds=[theirs, reports],
            )
        except OSError:
            for pipe in pipes:
                os.close(pipe)
            raise
        self._heard = os.fdopen(heard, "rb")
        os.close(theirs)
        os.close(reports)
        self._tell(len(order).to_bytes(8, "big") + order)
        up, _, _ = select.select([self._heard], [], [], _UP_DEADLINE)
        said = self._hear() if up else None
        if not said:
            self.discard()
            raise EngineError("The launcher that starts gateways did not start. Rerun.")
        self.command = int(said)

    @property
    def pid(self) -> int:
        """Of the launcher itself, the ancestor of all that belongs to the gateway."""
        return self.process.pid

    def start(self) -> None:
        """Start the command. Raises `OSError` where that cannot be."""
        self._tell(b"g")
        why = self._hear()
        if why != "":
            raise OSError(why or "its launcher exited")

    def wait(self) -> int:
        """The exit code of the command (-n for signal n), once it and all it left have ended."""
        code = self._hear()
        if not code:  # it was killed itself
            kill_group(self.command)
        self.close()
        return int(code or _KILLED)

    def close(self) -> None:
        """End it, and with it all that it started."""
        self._tell(b"x")
        with contextlib.suppress(OSError):
            os.close(self._orders)
        try:
            self.process.wait(_END_DEADLINE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._heard.close()

    def discard(self) -> None:
        """End one that started nothing."""
        self.close()
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            if pipe is not None:
                pipe.close()

    def _tell(self, what: bytes) -> None:
        with contextlib.suppress(OSError):
            while what:
                what = what[os.write(self._orders, what) :]

    def _hear(self) -> str | None:
        """The next line, None where it has ended."""
        try:
            line = self._heard.readline()
        except (OSError, ValueError):
            return None
        return line.decode("utf-8", "replace").strip() if line else None
