"""A local process in a session of its own."""

from __future__ import annotations

import contextlib
import fcntl
import os
import selectors
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import IO

from pytest_bootgate.engines.base import READ, Chunk, Exit, Sink
from pytest_bootgate.engines.launch import Launcher
from pytest_bootgate.engines.processes import kill_group
from pytest_bootgate.errors import CommandError, EngineError, lacking

_SEND_DEADLINE = 10.0


class LocalCommand:
    """A process in a session of its own; its exit is known before its end arrives."""

    def __init__(
        self,
        name: str,
        role: str,
        command: Sequence[str],
        environment: Mapping[str, str],
        directory: str,
        sink: Sink,
        *,
        stdin: bool = False,
        after: Callable[[], None] = lambda: None,
        launcher: Launcher | None = None,
    ) -> None:
        self._role, self._after, self._launcher = role, after, launcher
        self._started = time.monotonic()
        self.exit: Exit | None = None
        try:
            if launcher is not None:
                launcher.start()
                #: Of the command, which is also its group.
                self.pid, self._process = launcher.command, launcher.process
            else:
                self._process = subprocess.Popen(
                    list(command),
                    stdin=subprocess.PIPE if stdin else subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    env=dict(environment),
                    cwd=directory,
                    start_new_session=True,
                    bufsize=0,
                )
                self.pid = self._process.pid
        except (OSError, ValueError, IndexError) as error:
            if lacking(error):
                raise
            # Without its arguments, which may hold a key.
            words = command[0] if command else "an empty command"
            why = getattr(error, "strerror", None) or error
            raise CommandError(
                f"The {role} cannot run `{words}`: {why}. Correct the command, or use"
                " --bootgate-engine docker if only the image has it."
            ) from error
        if self._process.stdin is not None:
            os.set_blocking(self._process.stdin.fileno(), False)
        waiter = threading.Thread(target=self._wait, daemon=True)
        self._listener = threading.Thread(
            target=self._listen, args=(name, sink, waiter), daemon=True
        )
        waiter.start()
        self._listener.start()

    def exit_code(self) -> int | None:
        """Its exit code, None while it runs; 128 + n if signal n ended it."""
        return self.exit.code if self.exit is not None else None

    def write(self, data: bytes) -> None:
        """Write to its standard input. Raises `EngineError`, also where it reads not for 10 s."""
        pipe = self._process.stdin
        until = time.monotonic() + _SEND_DEADLINE
        try:
            with selectors.DefaultSelector() as ready:
                ready.register(pipe, selectors.EVENT_WRITE)  # type: ignore[arg-type]
                while data:
                    if not ready.select(until - time.monotonic()) and time.monotonic() > until:
                        raise TimeoutError(f"it read nothing for {_SEND_DEADLINE:g} s")
                    data = data[os.write(pipe.fileno(), data) :]  # type: ignore[union-attr]
        except (OSError, ValueError, AttributeError) as error:
            raise EngineError(f"The {self._role} no longer accepts input: {error}.") from error

    def end(self, how: signal.Signals, deadline: float) -> None:
        """Signal it, then kill its group after `deadline` seconds."""
        if self.exit is None:
            if how == signal.SIGKILL:
                kill_group(self.pid)
            else:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(self.pid, how)
            until = time.monotonic() + deadline
            while self.exit is None and time.monotonic() < until:
                time.sleep(0.005)
            if self.exit is None:
                kill_group(self.pid)

    def join(self, deadline: float) -> None:
        """Wait until all its lines have arrived."""
        if threading.current_thread() is not self._listener:
            self._listener.join(deadline)

    def _wait(self) -> None:
        launcher = self._launcher
        code = self._process.wait() if launcher is None else launcher.wait()
        ran = time.monotonic() - self._started
        kill_group(self.pid)
        self.exit = Exit(128 - code if code < 0 else code, ran=ran)
        self._after()

    def _listen(self, name: str, sink: Sink, waiter: threading.Thread) -> None:
        pipes: list[tuple[IO[bytes] | None, str]] = [
            (self._process.stdout, f"{name}.out"),
            (self._process.stderr, f"{name}.err"),
        ]
        with selectors.DefaultSelector() as ready:
            for pipe, stream in pipes:
                assert pipe is not None
                _widen(pipe.fileno())
                ready.register(pipe, selectors.EVENT_READ, stream)
            while ready.get_map():
                for key, _ in ready.select():
                    data = os.read(key.fd, READ)
                    if data:
                        sink(Chunk(key.data, time.monotonic(), data))
                    else:
                        ready.unregister(key.fileobj)
        ended = time.monotonic()
        waiter.join()
        for end in (self._process.stdin, self._process.stdout, self._process.stderr):
            if end is not None:
                with contextlib.suppress(OSError):
                    end.close()
        sink(Chunk(f"{name}.out", ended, None))


def _widen(pipe: int) -> None:
    """Let a pipe hold as much as is read at once, where the kernel allows it (Linux)."""
    with contextlib.suppress(AttributeError, OSError):
        fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, READ)
