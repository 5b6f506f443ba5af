"""How local processes are kept from going on: stopped, or the runner among them killed."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Collection, Mapping, Sequence

import psutil

from pytest_bootgate.engines.base import State
from pytest_bootgate.engines.processes import descendants
from pytest_bootgate.errors import EngineError

_DEADLINE = 5.0
_GONE = (psutil.Error, OSError)


class LocalHold:
    """Holds one unit; `living` are its processes, `without` the main one, then commands beside."""

    def __init__(
        self,
        role: str,
        living: Callable[[], Collection[psutil.Process]],
        without: Callable[[], Sequence[int]],
    ) -> None:
        self._role, self._living, self._without = role, living, without

    def pause(self) -> None:
        """Stop all its processes with SIGSTOP. Raises `EngineError`."""
        until = time.monotonic() + _DEADLINE
        while not self._all_stopped():  # one that is not stopped yet may start another
            if time.monotonic() > until:
                raise EngineError(f"The {self._role} could not be paused within {_DEADLINE:g} s.")
            for process in self._living():
                with contextlib.suppress(*_GONE):
                    process.suspend()

    def starve(self) -> None:
        """Not here: raises `EngineError`."""
        raise EngineError(
            "The process engine cannot limit a process's CPU. Use propagation: {hold: pause}, or"
            " use --bootgate-engine docker."
        )

    def release(self) -> None:
        """Let all its processes go on with SIGCONT."""
        for process in self._living():
            with contextlib.suppress(*_GONE):
                process.resume()

    def state(self) -> State:
        """Paused where every process is stopped (``T`` in /proc)."""
        return "paused" if self._all_stopped() else ""

    def _all_stopped(self) -> bool:
        living = [status for process in self._living() if (status := _status(process))]
        return bool(living) and all(status == psutil.STATUS_STOPPED for status in living)

    def processes(self) -> Mapping[int, str]:
        """Its processes but the main one and commands run beside: number and command line."""
        main, *commands = self._without() or [0]
        without = {main, *commands}
        for command in commands:
            without |= {process.pid for process in descendants(command)}
        found = {}
        for process in self._living():
            with contextlib.suppress(*_GONE):
                if process.pid not in without and process.status() != psutil.STATUS_ZOMBIE:
                    found[process.pid] = " ".join(process.cmdline()) or process.name()
        return found

    def kill(self, processes: Collection[int]) -> None:
        """Kill some of `processes` and wait until they are gone."""
        doomed = [process for process in self._living() if process.pid in processes]
        for process in doomed:
            with contextlib.suppress(*_GONE):
                process.kill()
        psutil.wait_procs(doomed, _DEADLINE)


def _status(process: psutil.Process) -> str:
    """Its status; empty for one that has ended."""
    with contextlib.suppress(*_GONE):
        status = str(process.status())
        return "" if status == psutil.STATUS_ZOMBIE else status
    return ""
