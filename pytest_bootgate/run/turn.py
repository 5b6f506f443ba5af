"""Whose turn it is on this machine: gates queue, first come, first served."""

from __future__ import annotations

import os
import pwd
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pytest_bootgate.engines.machines import Held
from pytest_bootgate.run.tickets import Own, Ticket, directory, draw, living, read, released

_SHOWN = 1.0  # seconds between two looks at the queue, for whoever watches


@dataclass(frozen=True, slots=True)
class Holder:
    """The gate that has the machine.

    `booting` is for how many seconds it has had it, None where that is unknown; `stopped` where its
    process was stopped by a signal. `file` is empty where its ticket does not say.
    """

    file: str
    user: str
    pid: int
    booting: float | None = None
    stopped: bool = False


@dataclass(frozen=True, slots=True)
class Waiting:
    """A gate that has waited for `seconds`; `place` 1 is the next one, 0 has its turn.

    Where it waits for a machine elsewhere, `machines` says who has those it could take.
    """

    seconds: float
    place: int
    holder: Holder | None = None
    machines: Sequence[Held] = ()


@dataclass(frozen=True, slots=True)
class Queue:
    """The queue of this machine: its directory, who has the machine, and how many wait for it."""

    where: Path
    holder: Holder | None
    waiting: int


def queue() -> Queue:
    """The queue as it is just now. Raises `BootgateError` as `take` does."""
    where = directory()
    tickets = living(where)
    return Queue(where, _holder(tickets[0]) if tickets else None, max(0, len(tickets) - 1))


class Turn:
    """The machine, had by a gate until it leaves."""

    def __init__(self) -> None:
        self._left = False

    def leave(self) -> None:
        """Let the next gate have its turn, once nobody in this process needs the machine."""
        if not self._left:
            self._left = True
            _process.leave()


def take(file: Path, watch: Callable[[Waiting], None]) -> Turn:
    """Wait until it is the turn of a gate file, for as long as it takes.

    `watch` is told at once that it has to wait, then every second, and in the end that it has its
    turn; nothing where it need not wait. A process that has the machine already gets it again.
    Raises `BootgateError` where there is no place for a ticket.
    """
    _process.take(file, watch)
    return Turn()


def _holder(ticket: Ticket) -> Holder:
    said = read(ticket)
    if said is None:
        return Holder("", "unknown", ticket.pid)
    booting = None if said.began is None else time.monotonic() - said.began
    return Holder(said.file, _user(said.uid), ticket.pid, booting, _stopped(ticket.pid, said.uid))


def _user(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _stopped(pid: int, uid: int) -> bool:
    import psutil

    try:
        process = psutil.Process(pid)
        stopped = process.status() in (psutil.STATUS_STOPPED, psutil.STATUS_TRACING_STOP)
        return stopped and process.uids().effective == uid
    except psutil.Error:  # of another PID namespace, or gone
        return False


# -- this process ------------------------------------------------------------------------------


class _Process:
    """What all gates of this process share: one ticket, and how many need it."""

    def __init__(self) -> None:
        self._own: Own | None = None
        self._gates = 0

    def take(self, file: Path, watch: Callable[[Waiting], None]) -> None:
        if self._own is None:
            came, self._own = time.monotonic(), draw(directory(), file)
            try:
                self._wait(self._own, came, watch)
            except BaseException:
                self._own.withdraw()
                self._own = None
                raise
        self._gates += 1

    def _wait(self, own: Own, came: float, watch: Callable[[Waiting], None]) -> None:
        waited = False
        while ahead := own.ahead():
            gone = released(ahead[-1])
            while ahead and not gone.is_set():
                waited = True
                watch(Waiting(time.monotonic() - came, len(ahead), _holder(ahead[0])))
                if not gone.wait(_SHOWN):
                    ahead = own.ahead()
        own.begin()
        if waited:
            watch(Waiting(time.monotonic() - came, 0))

    def leave(self) -> None:
        self._gates = max(0, self._gates - 1)
        if self._own is not None and not self._gates:
            self._own.withdraw()
            self._own = None

    def forked(self) -> None:
        """A child of a fork must not keep the machine when its parent is gone."""
        if self._own is not None:
            os.close(self._own.lock)
            self._own, self._gates = None, 0


_process = _Process()
os.register_at_fork(after_in_child=_process.forked)
