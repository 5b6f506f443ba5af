"""The queue of this machine as files: a ticket for each gate, locked as long as it is in there.

Every process that wants to boot puts a ticket into one directory: a file that it keeps locked. The
oldest locked ticket has the machine; every other one waits for the lock of the one before it, which
the kernel takes away when its process ends, however it ends.

The directory is open to all users. Nobody can write into or remove the ticket of another one there;
whatever else lies in it is neither followed, nor written to, nor waited for. So a user can make the
others wait, as long as his process lives, and nothing else.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import secrets
import stat
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from pytest_bootgate.errors import BootgateError

#: Names a directory of one's own for the queue; the gates that share it queue together.
VARIABLE = "BOOTGATE_QUEUE_DIR"
#: The same for all users and any TMPDIR; the first that all may write in.
_PLACES = ("/run/lock", "/dev/shm", "/tmp")  # noqa: S108 (opened as a stranger may be there)
_NAME = re.compile(r"bootgate-turn\.(\d{1,20})\.(\d{1,10})")
_MOST = 65536  # bytes that are read of a ticket; a path has 4096 at most


def directory() -> Path:
    """Where the gates of this machine queue. Raises `BootgateError` where none can."""
    if named := os.environ.get(VARIABLE):
        path = Path(named).absolute()
        if not path.is_dir():
            raise BootgateError(
                f"{VARIABLE} names {path}, which is not a directory, so no gate can queue there."
                " Create it (mode 1777 if several users share it), or unset the variable."
            )
        return path
    shared = (place for place in map(Path, _PLACES) if _for_all(place))
    return next(shared, Path(tempfile.gettempdir()))


def _for_all(place: Path) -> bool:
    """Whether everybody may make files in a directory, and nobody remove those of others."""
    try:
        found = place.stat()
    except OSError:
        return False
    everybody = stat.S_ISVTX | stat.S_IRWXU | stat.S_IRWXG | stat.S_IRWXO
    sticky = stat.S_ISDIR(found.st_mode) and found.st_mode & everybody == everybody
    return sticky and found.st_uid == 0 and os.access(place, os.R_OK | os.W_OK | os.X_OK)


@dataclass(frozen=True, slots=True, order=True)
class Ticket:
    """A ticket by its name: when it was drawn, in nanoseconds of the monotonic clock, by whom."""

    stamp: int
    pid: int
    where: Path

    @property
    def path(self) -> Path:
        """The file."""
        return self.where / f"bootgate-turn.{self.stamp}.{self.pid}"


@dataclass(frozen=True, slots=True)
class Said:
    """What a ticket says: its owner's user id, the gate file, and when its turn began, if it did.

    `began` is on the monotonic clock of this machine, in seconds.
    """

    uid: int
    file: str
    began: float | None


class Own:
    """A ticket of this process, locked as long as it is in the queue.

    It is locked and says all that it has to say before others can see it.
    """

    def __init__(self, where: Path, file: Path) -> None:
        self.ticket = Ticket(time.monotonic_ns(), os.getpid(), where)
        new = where / f"bootgate-turn.new.{secrets.token_hex(8)}"
        flags = os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC
        self.lock = os.open(new, flags, 0o644)
        try:
            os.fchmod(self.lock, 0o644)  # whatever the umask: others must be able to wait for it
            fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._say({"ticket": self.ticket.path.name, "file": str(file)})
            new.rename(self.ticket.path)
        except OSError:
            os.close(self.lock)
            new.unlink(missing_ok=True)
            raise

    def begin(self) -> None:
        """Note that it has its turn."""
        with contextlib.suppress(OSError):  # on a full disk the others do not see since when
            self._say({"began": time.monotonic()})

    def _say(self, what: dict[str, object]) -> None:
        os.write(self.lock, json.dumps(what).encode() + b"\n")

    def ahead(self) -> list[Ticket]:
        """Those that came before, the one that has the machine first."""
        return [other for other in living(self.ticket.where) if other < self.ticket]

    def withdraw(self) -> None:
        """Leave the queue."""
        with contextlib.suppress(OSError):
            self.ticket.path.unlink()
        os.close(self.lock)


def draw(where: Path, file: Path) -> Own:
    """Draw the last ticket. Raises `BootgateError` where there is no place for one."""
    while True:
        try:
            own = Own(where, file)
        except OSError as error:
            raise BootgateError(_no_place(where, error)) from None
        # Somebody who drew later and was quicker did not see this one: it must not come before.
        if all(other <= own.ticket for other in living(where)):
            return own
        own.withdraw()


def living(where: Path) -> list[Ticket]:
    """The tickets in the queue, in their order; those of the dead are removed where possible."""
    try:
        names = [path.name for path in where.iterdir()]
    except OSError as error:
        raise BootgateError(_no_place(where, error)) from None
    matches = [match for name in names if (match := _NAME.fullmatch(name))]
    now, found = time.monotonic_ns(), []
    for match in matches:
        ticket = Ticket(int(match[1]), int(match[2]), where)
        # One from the future is no ticket: nobody could ever come after it.
        if ticket.stamp <= now and (opened := _open(ticket)) is not None:
            lock, _ = opened
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                found.append(ticket)
            else:
                with contextlib.suppress(OSError):  # another user's stays, and is no ticket
                    ticket.path.unlink()
            finally:
                os.close(lock)
    return sorted(found)


def _no_place(where: Path, error: OSError) -> str:
    return (
        f"No gate can queue in {where}: {error.strerror}. Gates on one machine wait for each other"
        f" there, so give this user read and write access, or set {VARIABLE} to another directory."
    )


def read(ticket: Ticket) -> Said | None:
    """Read a ticket; None where it is gone."""
    if (opened := _open(ticket)) is None:
        return None
    lock, said = opened
    os.close(lock)
    return said


def _open(ticket: Ticket) -> tuple[int, Said] | None:
    """Open and read a ticket; None for what is gone, or is no ticket whatever its name says."""
    try:
        # Without waiting for the other end of a FIFO, or for the holder of a lease.
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        lock = os.open(ticket.path, flags)
    except OSError:
        return None
    try:
        found = os.fstat(lock)
        if stat.S_ISREG(found.st_mode):
            lines = os.pread(lock, _MOST, 0).splitlines()
            # Not another file, nor another's ticket, that somebody gave a second name.
            first = json.loads(lines[0])
            if first["ticket"] == ticket.path.name:
                return lock, Said(found.st_uid, str(first["file"]), _began(lines[1:]))
    except (OSError, ValueError, TypeError, LookupError, RecursionError):
        pass
    os.close(lock)
    return None


def _began(lines: list[bytes]) -> float | None:
    try:
        began = json.loads(lines[0])["began"]
        return float(began) if 0 <= began <= time.monotonic() else None
    except (ValueError, TypeError, LookupError, RecursionError):
        return None


def released(ticket: Ticket) -> threading.Event:
    """An event that is set as soon as nobody has a ticket any more."""
    event = threading.Event()
    if (opened := _open(ticket)) is None:
        event.set()
        return event
    lock, _ = opened

    def wait() -> None:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH)
        finally:
            os.close(lock)
            event.set()

    # A thread, because Python handles no signal while its main one waits in the kernel.
    name = "bootgate waits for another gate on this machine"
    threading.Thread(target=wait, name=name, daemon=True).start()
    return event
