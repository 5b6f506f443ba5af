"""A fork of the test's process that does something as if it were a process of its own.

It has its own pid, streams, signals and exit status, and may be killed. What a new interpreter
costs it does not: all modules are there already, and importing them is most of what a short run
takes.
"""

from __future__ import annotations

import atexit
import contextlib
import fcntl
import gc
import io
import os
import sys
import tempfile
import threading
import traceback
import warnings
import weakref
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

# pytester forgets what was first imported during a test, but packages keep their submodules:
# imported again later, requests would be made of two halves that do not know each other.
import docker  # noqa: F401

#: What a new interpreter does not warn of.
_QUIET = (DeprecationWarning, PendingDeprecationWarning, ImportWarning, ResourceWarning)


@dataclass(frozen=True)
class Done:
    """How it ended: its exit status (minus a signal's number), and what it printed."""

    status: int
    out: str
    err: str


def forked(
    work: Callable[[], Any], *, cwd: Path, streams: Path, env: Mapping[str, str] | None = None
) -> Done:
    """Do `work` in a fork, and wait for it. What it prints goes by way of files in `streams`."""
    files = [streams / name for name in (".forked-out", ".forked-err")]
    targets = [os.open(file, os.O_RDWR | os.O_CREAT | os.O_TRUNC) for file in files]
    pid = fork()
    if pid == 0:
        be(work, cwd, [os.open(os.devnull, os.O_RDONLY), *targets], env)
    _, status = os.waitpid(pid, 0)
    texts = []
    for file, target in zip(files, targets, strict=True):
        os.close(target)
        texts.append(file.read_bytes().decode("utf-8", "replace"))
        file.unlink()
    return Done(os.waitstatus_to_exitcode(status), *texts)


def fork(how: Callable[[], Any] = os.fork) -> Any:
    """As `os.fork`; what the other threads of a worker of pytest-xdist hold is known."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return how()


def be(
    work: Callable[[], Any],
    cwd: Path | str,
    streams: Sequence[int],
    env: Mapping[str, str] | None,
) -> NoReturn:
    """In a fork: leave nothing of who was forked that would show, or run at the end; do `work`."""
    status = 1
    try:
        # Not below 3, where one of them would be overwritten before it is copied.
        for place, stream in enumerate([fcntl.fcntl(each, fcntl.F_DUPFD, 3) for each in streams]):
            os.dup2(stream, place)
            os.close(stream)
        for number in [int(entry.name) for entry in Path("/proc/self/fd").iterdir()]:
            with contextlib.suppress(OSError):  # that of the list itself
                if number > 2 and not os.get_inheritable(number):
                    os.close(number)
        sys.stdin = io.TextIOWrapper(io.BufferedReader(io.FileIO(0, closefd=False)))
        sys.__stdin__ = sys.stdin  # type: ignore[misc]
        sys.stdout, sys.stderr = sys.__stdout__, sys.__stderr__
        encoding = (env or os.environ).get("PYTHONIOENCODING", "utf-8")
        for name, number in (("stdout", 1), ("stderr", 2)):
            raw = io.FileIO(number, "w", closefd=False)
            writer = io.TextIOWrapper(io.BufferedWriter(raw), encoding, write_through=True)
            setattr(sys, name, writer)
            setattr(sys, f"__{name}__", writer)
        sys.unraisablehook, sys.excepthook = sys.__unraisablehook__, sys.__excepthook__
        threading.excepthook = threading.__excepthook__
        warnings.resetwarnings()
        for category in _QUIET:
            warnings.simplefilter("ignore", category)
        atexit._clear()
        weakref.finalize._registry.clear()  # type: ignore[attr-defined]
        weakref.finalize._registered_with_atexit = False  # type: ignore[attr-defined]
        gc.freeze()
        os.chdir(cwd)
        if env is not None:
            os.environ.clear()
            os.environ.update(env)
        tempfile.tempdir = None  # which TMPDIR names anew
        status = _status(work())
    except SystemExit as error:
        status = _status(error.code)
    except BaseException:
        traceback.print_exc()
    finally:
        threading._shutdown()  # type: ignore[attr-defined]
        atexit._run_exitfuncs()
        for each in (sys.stdout, sys.stderr):
            each.flush()
        os._exit(status)


def _status(code: Any) -> int:
    return int(code) if code is not None else 0
