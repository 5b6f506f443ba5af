"""What a gate needs of this machine: disk, quiet, clocks, its turn, a journal."""

from __future__ import annotations

import errno
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest_bootgate
from pytest_bootgate.checks.attribution import BUSY
from pytest_bootgate.cli.doctor_engine import apart
from pytest_bootgate.cli.found import Wrong
from pytest_bootgate.cli.project import journal_of
from pytest_bootgate.engines.base import Engine
from pytest_bootgate.errors import BootgateError
from pytest_bootgate.journal import files
from pytest_bootgate.records.machine import Machine
from pytest_bootgate.reports.queue import holder_words
from pytest_bootgate.run.host import facts
from pytest_bootgate.run.onlooker import STILL, still, work
from pytest_bootgate.run.turn import queue

if TYPE_CHECKING:
    from pytest_bootgate.run import Gate

_GIB = 2**30
#: Bytes: below the first nothing boots for sure, below the second images soon have no room.
_NO_DISK, _LITTLE_DISK = _GIB // 2, 5 * _GIB
#: Seconds: a mark is noticed within a millisecond, the clock must be far better.
_COARSE = 1e-4
#: Seconds by which the clock of an engine elsewhere may differ before logs are hard to match.
_APART = 2.0
_NOISE = 3.0
_ROUNDS = 2


def disk(engine: Engine | None) -> Iterator[Wrong]:
    """Whether there is room for images and boots."""
    try:
        seen = facts(engine.capacity() if engine is not None else None)
    except BootgateError as error:
        yield "FAIL", str(error)
        return
    if seen.disk_free is None:
        yield "warn", f"free space at {seen.disk} is unknown: check it there"
        return
    text = f"{seen.disk_free / _GIB:.1f} GiB free at {seen.disk}"
    if seen.disk_free < _NO_DISK:
        yield "FAIL", f"{text}: free disk space (docker system df shows what uses it)"
    elif seen.disk_free < _LITTLE_DISK:
        yield "warn", f"{text}: images need disk space, so free some before a gate"


def quiet(gate: Gate | None) -> Iterator[Wrong]:
    """Whether durations mean anything here just now; it is looked at for a second."""
    noise = gate.plan.file.gate.noise if gate is not None else _NOISE
    rounds = tuple(work() for _ in range(_ROUNDS))
    beside = still(STILL)
    spread = Machine(here=True, work=rounds, still=(beside,)).spread or 1.0
    text = (
        f"other processes use {beside.busy * 100:.0f} % of the CPU time; a fixed workload took up"
        f" to {spread:.1f} times its best time"
    )
    if spread > noise:
        yield (
            "warn",
            f"{text}; more than {noise:g} (noise): stop other work, or timings are inconclusive",
        )
    elif max(beside.busy, beside.cpu or 0.0, beside.io or 0.0) >= BUSY:
        yield "warn", f"{text}: stop what you can, an idle host needs fewer boots"


def clock(engine: Engine | None) -> Iterator[Wrong]:
    """Whether clocks are fine enough, set, and agree; boots are timed by that of this machine."""
    info = time.get_clock_info("monotonic")
    if not info.monotonic or info.resolution > _COARSE:
        yield "FAIL", f"its resolution is {info.resolution:g} s, too coarse: use another machine"
    if time.time() < Path(pytest_bootgate.__file__).stat().st_mtime - 86400:
        wall = time.strftime("%Y-%m-%d %H:%M")
        yield "warn", f"it is {wall}, earlier than this installation: set it (NTP)"
    ahead = apart(engine) if engine is not None and engine.traits.images else 0.0
    if abs(ahead) > _APART:
        which = "ahead" if ahead > 0 else "behind"
        text = f"the engine's clock is {abs(ahead):.2f} s {which}: set both (NTP)"
        yield "warn", f"{text}, or times in its logs do not match those of the gate"


def turn() -> Iterator[Wrong]:
    """Who has the machine, for whom a gate would wait."""
    try:
        found = queue()
    except BootgateError as error:
        yield "FAIL", str(error)
        return
    if found.holder is not None:
        more = f", and {found.waiting} more in the queue" if found.waiting else ""
        yield "warn", f"{holder_words(found.holder)} is running{more}: another gate would wait"


def journal(named: Path | None, file: Path) -> Iterator[Wrong]:
    """Whether the journal can be written; nothing is made or changed."""
    here = file if file.is_dir() else file.parent
    every = [directory / files.DEFAULT for directory in (here, *here.parents)]
    named = named or journal_of(file)
    path = named or next((path for path in every if path.exists()), every[0])
    above = next(p for p in path.absolute().parents if p.exists())
    try:
        if not above.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
        with tempfile.TemporaryFile(dir=above):  # it needs files of its own beside it
            pass
        if path.exists():
            with files.reading(path):
                pass
            if not os.access(path, os.W_OK):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except BootgateError as error:
        yield "FAIL", str(error)
    except OSError as error:
        way_out = "use another one with --bootgate-journal PATH"
        yield "FAIL", f"{path} cannot be written in {above} ({error.strerror}): {way_out}"
