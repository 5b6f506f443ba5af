"""Starts one command and is the parent of whatever that leaves behind, until all of it has ended.

It is a program of its own (``python -I -S launcher.py ORDERS REPORTS``, the numbers of two pipes).
A helper that detaches from its gateway (a session, a directory and an environment of its own) would
become a child of init, and nothing would tell whose it was. Here it becomes a child of the
launcher, which is its "child subreaper" (Linux), and ends with the gateway as a container's
processes do.

It comes up before a boot is measured, with the command's process waiting for its exec, and uses no
CPU after that. So it imports next to nothing, and speaks in plain bytes: it takes an order (its
length in eight bytes, then command, environment and directory), reports ``PID``, is told ``g``,
reports an empty line or why the command cannot run, and in the end the exit code; a line each.
Where the pipe of its orders ends, or brings anything more, it ends everything.
"""

from __future__ import annotations

import _thread
import ctypes
import marshal
import os
import sys
import time

_PR_SET_CHILD_SUBREAPER = 36
_KILL = 9
#: SIGPIPE and SIGXFSZ, which Python ignores and a command should not.
_IGNORED = (13, 25)
_AGAIN = 0.01  # what is being killed may just be starting another one


def main() -> None:
    """Carry out one order."""
    orders, reports = map(int, sys.argv[1:])
    for pipe in (orders, reports):
        os.set_inheritable(pipe, False)
    libc = ctypes.CDLL(None)
    if hasattr(libc, "prctl"):
        libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    order = marshal.loads(_read(orders, int.from_bytes(_read(orders, 8), "big")))  # noqa: S302
    problems, problem = os.pipe()  # which an exec closes
    pid = os.fork()
    if pid == 0:
        try:
            _become(libc, orders, *order)
        except Exception as error:
            os.write(problem, str(getattr(error, "strerror", None) or error).encode())
        finally:
            os._exit(127)
    os.close(problem)
    null = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):  # those are the command's alone
        os.dup2(null, stream)
    _report(reports, str(pid))
    why = os.read(problems, 4096).decode("utf-8", "replace")
    _report(reports, " ".join(why.split()))
    _thread.start_new_thread(_await_end, (orders, pid))
    _report(reports, str(_reap(pid)))
    os._exit(0)


def _become(
    libc: ctypes.CDLL,
    orders: int,
    command: list[bytes],
    environment: dict[bytes, bytes],
    directory: bytes,
) -> None:
    """Turn into the command, once told to."""
    os.setsid()
    os.chdir(directory)
    for number in _IGNORED:
        libc.signal(number, None)
    if os.read(orders, 1):
        os.execvpe(command[0], command, environment)


def _reap(pid: int) -> int | None:
    """The exit code of the command (-n for signal n), once whatever it left has ended too."""
    code = None
    while True:
        try:
            ended, status = os.waitpid(-1, 0 if code is None else os.WNOHANG)
        except ChildProcessError:
            return code
        if ended == pid:
            code = os.waitstatus_to_exitcode(status)
        elif ended == 0:
            _kill_children()
            time.sleep(_AGAIN)


def _await_end(orders: int, pid: int) -> None:
    os.read(orders, 1)
    while True:  # the main thread ends the process once nobody is left
        _kill(pid)
        _kill_children()
        time.sleep(_AGAIN)


def _kill_children() -> None:
    """Kill every child; what those leave behind become children."""
    own = str(os.getpid())
    for name in os.listdir("/proc") if os.path.isdir("/proc") else ():  # noqa: PTH112, PTH208
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", errors="replace") as file:  # noqa: PTH123
                    # pid (name, which may hold anything) state ppid
                    fields = file.read().rpartition(")")[2].split()
            except OSError:
                continue
            if fields[1:2] == [own]:
                _kill(int(name))


def _kill(pid: int) -> None:
    try:  # noqa: SIM105 (contextlib takes its time to come up)
        os.kill(pid, _KILL)
    except OSError:
        pass


def _read(pipe: int, size: int) -> bytes:
    """So many bytes; where the pipe ends before, nothing was ordered."""
    found = b""
    while len(found) < size:
        part = os.read(pipe, size - len(found))
        if not part:
            os._exit(0)
        found += part
    return found


def _report(pipe: int, text: str) -> None:
    try:  # noqa: SIM105
        os.write(pipe, text.encode() + b"\n")
    except OSError:  # nobody is there any more
        pass


if __name__ == "__main__":
    main()
