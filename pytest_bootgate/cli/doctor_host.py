"""What a gate needs of this machine: software, CPUs, memory, disk, quiet, a clock, a journal."""

from __future__ import annotations

import errno
import os
import platform
import tempfile
import time
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

import pytest_bootgate
from pytest_bootgate.checks.attribution import BUSY
from pytest_bootgate.checks.host import LEAST_CPUS, LEAST_MEMORY, LONGEST_UP
from pytest_bootgate.cli.found import Finding
from pytest_bootgate.engines.base import Capacity
from pytest_bootgate.errors import BootgateError
from pytest_bootgate.journal import files
from pytest_bootgate.records.machine import Machine
from pytest_bootgate.records.values import HostFacts
from pytest_bootgate.reports.queue import holder_words
from pytest_bootgate.run.host import facts
from pytest_bootgate.run.onlooker import STILL, still, work
from pytest_bootgate.run.turn import queue

if TYPE_CHECKING:
    from pytest_bootgate.run import Gate

_GIB = 2**30
#: Bytes: below the first nothing boots for sure, below the second images soon have no room.
_NO_DISK, _LITTLE_DISK = _GIB // 2, 5 * _GIB
#: Bytes that must be available, so that a boot does not wait for memory.
_LITTLE_AVAILABLE = _GIB // 2
#: Seconds: a mark is noticed within a millisecond, the clock must be far better.
_COARSE = 1e-4
_NOISE = 3.0
_ROUNDS = 2


def software() -> Iterator[Finding]:
    """Versions, and whether pytest knows the plugin."""
    pytest_version = metadata.version("pytest")
    names = {point.value for point in metadata.entry_points(group="pytest11")}
    text = (
        f"pytest-bootgate {pytest_bootgate.__version__}, pytest {pytest_version},"
        f" Python {platform.python_version()}"
    )
    if "pytest_bootgate.plugin" in names:
        yield Finding("ok", "software", text)
    else:
        more = "pytest does not know the plugin: pip install pytest-bootgate for this Python"
        yield Finding("FAIL", "software", f"{text}; {more}")
    found = [_version(name) for name in ("pytest-timeout", "pytest-benchmark", "pytest-xdist")]
    yield Finding("ok", "plugins", ", ".join(found))
    off = os.environ.get("PYTEST_DISABLE_PLUGIN_AUTOLOAD")
    if off:
        text = "PYTEST_DISABLE_PLUGIN_AUTOLOAD is set: unset it, or add -p pytest_bootgate.plugin"
        yield Finding("FAIL", "plugins", text)


def _version(name: str) -> str:
    try:
        return f"{name} {metadata.version(name)}"
    except metadata.PackageNotFoundError:
        return f"{name} not installed (not needed)"


def host(capacity: Capacity | None, gate: Gate | None) -> Iterator[Finding]:
    """What this machine is like just now; it is looked at for a second."""
    seen = facts(capacity)
    yield _cpus(seen)
    yield _memory(seen)
    yield _disk(seen)
    yield _quiet(gate.plan.file.gate.noise if gate is not None else _NOISE)
    days = (seen.uptime or 0.0) / 86400
    long = (seen.uptime or 0.0) > LONGEST_UP
    more = ": restart it before an upgrade, memory fragments and leftovers grow" if long else ""
    yield Finding("warn" if long else "ok", "uptime", f"{days:.1f} days{more}")
    yield _clock()
    yield _queue()


def _queue() -> Finding:
    """Who has the machine; a gate would wait for its turn, so it is only told."""
    try:
        found = queue()
    except BootgateError as error:
        return Finding("FAIL", "queue", str(error))
    if found.holder is None:
        return Finding("ok", "queue", f"no gate boots on this machine ({found.where})")
    more = f", and {found.waiting} more in the queue" if found.waiting else ""
    text = f"{holder_words(found.holder)} has the machine{more}: another gate would wait"
    return Finding("ok", "queue", f"{text} ({found.where})")


def _cpus(seen: HostFacts) -> Finding:
    count = min(float(seen.cpus), seen.cpu_limit or float(seen.cpus))
    limited = f" of {seen.cpus} (a limit of its control group)" if count < seen.cpus else ""
    few = count < LEAST_CPUS
    more = f": give it {LEAST_CPUS:g}, or a boot shares its only one with the gate" if few else ""
    return Finding("warn" if few else "ok", "cpus", f"{count:g}{limited}{more}")


def _memory(seen: HostFacts) -> Finding:
    total = min(seen.memory, seen.memory_limit or seen.memory)
    available = total if seen.available is None else min(total, seen.available)
    text = f"{total / _GIB:.1f} GiB, {available / _GIB:.1f} GiB available"
    if total < LEAST_MEMORY:
        return Finding("warn", "memory", f"{text}: give it 2 GiB, or images do not stay in caches")
    if available < _LITTLE_AVAILABLE:
        return Finding("warn", "memory", f"{text}: end what else uses it before a gate")
    return Finding("ok", "memory", text)


def _disk(seen: HostFacts) -> Finding:
    if seen.disk_free is None:
        return Finding("warn", "disk", f"what is free at {seen.disk} cannot be seen: look there")
    text = f"{seen.disk_free / _GIB:.1f} GiB free at {seen.disk}"
    if seen.disk_free < _NO_DISK:
        return Finding("FAIL", "disk", f"{text}: make room (docker system df shows what uses it)")
    if seen.disk_free < _LITTLE_DISK:
        return Finding("warn", "disk", f"{text}: images need room, so make some before a gate")
    return Finding("ok", "disk", text)


def _quiet(noise: float) -> Finding:
    """Whether durations mean anything here just now."""
    rounds = tuple(work() for _ in range(_ROUNDS))
    beside = still(STILL)
    spread = Machine(here=True, work=rounds, still=(beside,)).spread or 1.0
    load = os.getloadavg()[0]
    waits = max(beside.cpu or 0.0, beside.io or 0.0)
    text = (
        f"others use {beside.busy * 100:.0f} % of the CPU time, load {load:.1f}, fixed work up to"
        f" {spread:.1f} times its best time"
    )
    if spread > noise:
        more = f"more than {noise:g} (noise), so durations would be inconclusive: stop other work"
        return Finding("warn", "quiet", f"{text}; {more}")
    if beside.busy >= BUSY or waits >= BUSY:
        return Finding("warn", "quiet", f"{text}; a quiet host needs fewer boots: end what you can")
    return Finding("ok", "quiet", text)


def _clock() -> Finding:
    info = time.get_clock_info("monotonic")
    text = f"monotonic clock counts in {info.resolution * 1e9:g} ns"
    if not info.monotonic or info.resolution > _COARSE:
        return Finding("FAIL", "clock", f"{text}, too coarse for boots: use another machine")
    installed = Path(pytest_bootgate.__file__).stat().st_mtime
    if time.time() < installed - 86400:
        wall = time.strftime("%Y-%m-%d %H:%M")
        return Finding("warn", "clock", f"it is {wall}, before this was installed: set it (NTP)")
    return Finding("ok", "clock", f"{text}, wall clock says {time.strftime('%Y-%m-%d %H:%M %Z')}")


def journal(named: Path | None, file: Path) -> Finding:
    """Whether the journal can be written; nothing is made or changed."""
    here = file if file.is_dir() else file.parent
    every = [directory / files.DEFAULT for directory in (here, *here.parents)]
    path = named or next((path for path in every if path.is_file()), every[0])
    way_out = "name another one with --bootgate-journal PATH"
    above = next(p for p in path.absolute().parents if p.exists())
    try:
        if not above.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
        with tempfile.TemporaryFile(dir=above):  # it needs files of its own beside it
            pass
    except OSError as error:
        text = f"{path} cannot be written in {above} ({error.strerror}): {way_out}"
        return Finding("FAIL", "journal", text)
    if not path.is_file():
        return Finding("ok", "journal", f"{path} will be made")
    try:
        with files.reading(path) as kept:
            runs = kept.execute("SELECT count(*) FROM runs").fetchone()[0]
    except BootgateError as error:
        return Finding("FAIL", "journal", str(error))
    if not os.access(path, os.W_OK):
        return Finding("FAIL", "journal", f"{path} cannot be written: {way_out}")
    return Finding("ok", "journal", f"{path}, {runs} run{'' if runs == 1 else 's'}")
