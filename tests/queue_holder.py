"""A small program that takes its turn on the machine as a gate does, and its handle for tests.

    python queue_holder.py FILE [UID]

It prints "waits PLACE USER" as often as it is told who has the machine, "has it" when it has it
itself, and leaves when its stdin is closed.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import psutil  # noqa: F401  here, because another user may not be able to import it later

from pytest_bootgate.run.turn import Waiting, take


class Holder:
    """The program, running for a gate file; as another user where `uid` names one.

    `python` starts it: `subprocess.Popen`, or that of tests/nursery.py.
    """

    def __init__(
        self,
        file: str,
        uid: int | None = None,
        python: type[subprocess.Popen] = subprocess.Popen,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        user = [] if uid is None else [str(uid)]
        self.process = python(
            [sys.executable, "-u", "-m", "tests.queue_holder", file, *user],
            cwd=Path(__file__).parents[1],
            env={**os.environ, **(environ or {})},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def _said(self, word: str) -> list[str]:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.startswith(word):
                return line.split()
        raise AssertionError(f"it ended before it said {word!r}")

    def waits(self) -> tuple[int, str]:
        """Its place in the queue, and the user of who has the machine, as soon as it waits."""
        _, place, user = self._said("waits")
        return int(place), user

    def has_it(self) -> None:
        """Wait until it has the machine."""
        self._said("has it")

    def leave(self) -> None:
        """Let it leave, and wait for its end."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        assert self.process.wait() == 0

    def kill(self) -> None:
        """End it as nobody can prevent."""
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None and not pipe.closed:
                pipe.close()


def tell(waiting: Waiting) -> None:
    """Say who has the machine."""
    if waiting.place:
        print("waits", waiting.place, waiting.holder and waiting.holder.user, flush=True)


def main(file: str, uid: str | None = None) -> None:
    """Queue, hold, leave."""
    if uid is not None:
        os.setgroups([])
        os.setgid(int(uid))
        os.setuid(int(uid))
    turn = take(Path(file), tell)
    print("has it", flush=True)
    sys.stdin.read()
    turn.leave()


if __name__ == "__main__":
    main(*sys.argv[1:])
