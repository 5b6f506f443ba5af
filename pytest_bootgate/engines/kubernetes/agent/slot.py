"""One thing that waits to be started in a container, and the pipes between it and the agent."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import shlex
import time
from collections.abc import Mapping, Sequence

from pytest_bootgate.engines.kubernetes.agent import ROOT

_F_SETPIPE_SZ = 1031
#: So much may be on its way: what is measured must not wait for its reader.
_PIPE = 1 << 20
#: How long one that said that it waits may take to do so, in seconds.
_WAITS = 2.0
_PIPES = ("go", "said", "in", "out", "err")


def make_pipes(directory: str) -> None:
    """Make a slot's directory; everybody may write there, for nobody knows as whom it will run."""
    os.makedirs(directory, exist_ok=True)
    for pipe in _PIPES:
        with contextlib.suppress(FileExistsError):
            os.mkfifo(f"{directory}/{pipe}", 0o666)


class Slot:
    """What runs, or will, in the directory `name` below the units; `unit` is whose container.

    `pid` is known once it waits, `code` of a command once it has ended. `open` are the streams
    that have not ended.
    """

    def __init__(self, name: str, stream: str) -> None:
        self.name, self.stream = name, stream
        self.unit, _, command = name.partition("/")
        self.is_command = bool(command)
        self.pid: int | None = None
        self.owner = (0, 0)
        self.env: dict[str, str] = {}
        self.code: int | None = None
        self.exited: int | None = None
        self.over = False
        self._directory = f"{ROOT}/units/{name}"
        make_pipes(self._directory)
        # Opened for both, so that it never ends.
        self.said = self._opened("said", os.O_RDWR)
        self._in = self._opened("in", os.O_RDWR)
        self.open = {
            self._opened("out", os.O_RDONLY): "out",
            self._opened("err", os.O_RDONLY): "err",
        }

    def _opened(self, pipe: str, mode: int) -> int:
        number = os.open(f"{self._directory}/{pipe}", mode | os.O_NONBLOCK)
        with contextlib.suppress(OSError):  # above what a user may have
            fcntl.fcntl(number, _F_SETPIPE_SZ, _PIPE)
        return number

    def go(self, words: Sequence[str], env: Mapping[str, str], *, stdin: bool) -> None:
        """Let it go on as a command."""
        self.env = dict(env)
        lines = [f"export {name}={shlex.quote(text)}" for name, text in env.items()]
        first, command = shlex.quote(words[0]), " ".join(map(shlex.quote, words))
        source = '"$0/in"' if stdin else "/dev/null"
        streams = f'<{source} >"$0/out" 2>"$0/err"'
        # What opens no stream would never end one.
        gone = 'echo missing >"$0/said"; : >"$0/out" 2>"$0/err"; exit 127'
        lines.append(f"command -v {first} >/dev/null || {{ {gone}; }}")
        if self.is_command:
            lines.append(f'{command} {streams}; echo "code $?" >"$0/said"')
        else:
            lines.append(f"exec {command} {streams}")
        go = self._gate()
        os.set_blocking(go, True)
        with open(go, "w", encoding="utf-8", errors="surrogateescape") as file:
            file.write("\n".join(lines) + "\n")

    def _gate(self) -> int:
        """The pipe from which it takes what to do. Raises OSError where nobody waits."""
        until = time.monotonic() + _WAITS
        while True:
            try:
                return os.open(f"{self._directory}/go", os.O_WRONLY | os.O_NONBLOCK)
            except OSError as error:
                # It said that it is there just before it began to read.
                if error.errno != errno.ENXIO or time.monotonic() > until:
                    raise
            time.sleep(0.001)

    def feed(self, data: bytes) -> None:
        """Write to its standard input. Raises OSError where nobody reads."""
        while data:
            data = data[os.write(self._in, data) :]

    def close(self) -> None:
        """Nothing more will come."""
        for number in (self.said, self._in, *self.open):
            os.close(number)
        self.open.clear()
