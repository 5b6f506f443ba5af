"""A child that outlives the test process and removes what that left behind, however it died.

It waits on a pipe whose other end only the test process holds: the pipe ends when the process
does, by exit, ``os._exit``, SIGKILL, or a timeout plugin that pulls the plug.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import weakref
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_bootgate.engines.base import Engine

#: Seconds to watch on: what the engine was just asked to create may still appear.
WATCH = 1.5
_DEADLINE = 30.0
_CLEAN = b"."


class Reaper:
    """The gate's end of the pipe."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        _reapers.add(self)

    @property
    def pid(self) -> int:
        """Of the child."""
        return self._process.pid

    def stop(self, *, clean: bool = False) -> None:
        """Let it go. `clean`: nothing is left, so it need not look; else it looks, unattended."""
        pipe = self._process.stdin
        if pipe is None or pipe.closed:
            return
        with contextlib.suppress(OSError):
            if clean:
                pipe.write(_CLEAN)
        self.let_go()
        threading.Thread(target=self._process.wait, daemon=True).start()

    def let_go(self) -> None:
        """Close the pipe. A fork must: it would keep the pipe open after its parent's death."""
        if self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.close()


_reapers: weakref.WeakSet[Reaper] = weakref.WeakSet()


def _let_go_all() -> None:
    for reaper in _reapers:
        reaper.let_go()


os.register_at_fork(after_in_child=_let_go_all)


def start(run: str, engine: Engine) -> Reaper:
    """Start the child for one run. It finds Docker as this process does, by the environment."""
    environment = {
        **os.environ,
        **engine.environment,
        "TMPDIR": tempfile.gettempdir(),
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
    }
    for label in ("BOOTGATE_RUN", "BOOTGATE_OWNER"):  # a gate inside a gate must not reap itself
        environment.pop(label, None)
    program = f"from {__name__} import main; main()"
    process = subprocess.Popen(
        [sys.executable, "-P", "-c", program, engine.name, run],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environment,
        start_new_session=True,
        cwd="/",
        bufsize=0,
    )
    return Reaper(process)


def main() -> None:
    """Wait for the end of the pipe, then sweep until two sweeps in a row find nothing."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    engine, run = sys.argv[1:]
    if sys.stdin.buffer.read() == _CLEAN:
        return
    for directory in Path(tempfile.gettempdir()).glob(f"bootgate-{run}-state-*"):
        shutil.rmtree(directory, ignore_errors=True)
    ended = time.monotonic()
    empty = 0
    while time.monotonic() - ended < _DEADLINE:
        try:
            sweep = importlib.import_module(f"pytest_bootgate.engines.{engine}").sweep
            empty = 0 if sweep(run) else empty + 1
        except Exception:  # an engine that restarts must not leave containers behind
            empty = 0
        if empty >= 2 and time.monotonic() - ended >= WATCH:
            return
        time.sleep(0.2)
