"""Cost when unused: what an installed plugin adds to a test run that has nothing to do with it."""

from __future__ import annotations

import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import median

from benchmarks.report import Section, Spread, Target, at_most, number
from pytest_bootgate.stats.rank_test import interval, shift
from pytest_bootgate.stats.schedule import Schedule

_BARE = "pytest, no plugins"
_OURS = "pytest-bootgate"
_WHOLE = "pytest-bootgate and the two plugins it brings"
#: What a run is told to load beside pytest itself.
CONTENDERS: Mapping[str, Sequence[str]] = {
    _BARE: (),
    _OURS: ("pytest_bootgate.plugin",),
    "pytest-benchmark": ("pytest_benchmark.plugin",),
    "pytest-docker": ("pytest_docker",),
    "testcontainers (imported)": ("testcontainers.core.container",),
    _WHOLE: ("pytest_bootgate.plugin", "pytest_benchmark.plugin", "pytest_timeout"),
}
_WITHOUT, _WITH = "installed, `-p no:bootgate`", "installed, unused"
_IMPORTS = (
    "pytest_bootgate.plugin",
    "pytest_benchmark.plugin",
    "pytest_docker.plugin",
    "testcontainers.core.container",
)
_LINE = re.compile(r"import time:\s*\d+ \|\s*(\d+) \| (\S+)")
_LIMIT = 5e-3


def measure(rounds: int = 60, others: int = 14, imports: int = 15) -> Section:
    """Run pytest on one empty test with and without the plugin, and beside them with others.

    `others` is how often a peer gets its turn, in place of one of the first rounds.
    """
    runs: dict[str, list[tuple[float, float]]] = {}
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        (directory / "test_empty.py").write_text("def test_empty():\n    pass\n")
        for number_of_round in range(rounds + 1):
            for what, command, autoload in _commands(
                number_of_round, peers=number_of_round <= others
            ):
                took = _run(command, directory, autoload=autoload)
                if number_of_round:  # the first writes what Python compiled
                    runs.setdefault(what, []).append(took)
        for module in _IMPORTS:
            _import(module, directory)  # so that all are compiled
        loads: dict[str, list[float]] = {module: [] for module in _IMPORTS}
        for _ in range(imports):
            for module in _IMPORTS:
                loads[module].append(_import(module, directory))
    return _section(runs, loads, (rounds, others, imports))


def _commands(turn: int, *, peers: bool) -> list[tuple[str, list[str], bool]]:
    """(name, options, whether installed plugins are loaded), each round in another order."""
    found = [(_WITHOUT, ["-p", "no:bootgate"], True), (_WITH, [], True)]
    for name, plugins in CONTENDERS.items() if peers else ():
        found.append((name, [word for plugin in plugins for word in ("-p", plugin)], False))
    turn %= len(found)
    return found[turn:] + found[:turn]


def _run(options: Sequence[str], directory: Path, *, autoload: bool) -> tuple[float, float]:
    """(CPU seconds, wall seconds) of one test run."""
    environment = _environment(directory)
    environment["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "" if autoload else "1"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options]
    before, began = _cpu_of_children(), time.perf_counter()
    subprocess.run(command, cwd=directory, env=environment, check=True, capture_output=True)
    return _cpu_of_children() - before, time.perf_counter() - began


def _environment(directory: Path) -> dict[str, str]:
    """With compiled modules for everybody: pip compiles what it installs, but no checkout."""
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": str(directory / "compiled")}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    return environment


def _cpu_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _import(module: str, directory: Path) -> float:
    """Seconds that an import takes in a process that has pytest already."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", f"import pytest; import {module}"],
        cwd=directory,
        env=_environment(directory),
        capture_output=True,
        text=True,
        check=True,
    )
    top = module.partition(".")[0]
    # A package stands beside what was imported from it, at the outermost level.
    found = [
        int(match[1])
        for line in done.stderr.splitlines()
        if (match := _LINE.fullmatch(line)) and match[2].partition(".")[0] == top
        if line.split("|")[2].startswith(f" {top}")
    ]
    return sum(found) / 1e6


def _interval(without: Sequence[float], beside: Sequence[float]) -> tuple[float, float]:
    """The 95 % interval of the shift in seconds, by the gate's own test."""
    starts = range(0, len(without), 5)
    return interval([(without[i : i + 5], beside[i : i + 5]) for i in starts])


def _section(
    runs: Mapping[str, Sequence[tuple[float, float]]],
    loads: Mapping[str, Sequence[float]],
    times: tuple[int, int, int],
) -> Section:
    def extra(name: str, base: str, which: int) -> Spread:
        """The shift between both, as the gate itself takes it, and the extremes of a round."""
        both = [[run[which] for run in runs[one]] for one in (base, name)]
        rounds = [b - a for a, b in zip(*both, strict=True)]
        strata = Schedule.of(len(rounds), len(rounds)).strata(len(rounds))
        return Spread(shift((both[0], both[1]), strata), min(rounds), max(rounds))

    bases = {_WITH: _WITHOUT, **{name: _BARE for name in CONTENDERS if name != _BARE}}
    cpu = {name: extra(name, base, 0) for name, base in bases.items()}
    wall = {name: extra(name, base, 1) for name, base in bases.items()}
    own = cpu[_WITH].median
    low, high = _interval(*([run[0] for run in runs[name]] for name in (_WITHOUT, _WITH)))
    bare = median(r[0] for r in runs[_BARE])
    spreads = {module: Spread.of(seconds) for module, seconds in loads.items()}
    least = spreads["pytest_bootgate.plugin"].median
    rows = [
        (
            f"{name} over {bases[name]}",
            f"{number(1 + cpu[name].median / bare)} ×",
            cpu[name].text(1e3, "ms"),
            wall[name].text(1e3, "ms"),
        )
        for name in bases
    ]
    rows += [
        (
            f"`import {module}`",
            f"{number(spread.median / least)} × bootgate's",
            spread.text(1e3, "ms"),
            "",
        )
        for module, spread in spreads.items()
    ]
    why = (
        f"Its own modules take {number(least * 1e3)} ms to import; the rest is its hooks and"
        " options, and what the machine's noise leaves of it."
    )
    brought = (
        "Installing it also installs pytest-benchmark and pytest-timeout, which pytest then loads"
        f" by itself: all three together {cpu[_WHOLE].text(1e3, 'ms')} of CPU time."
    )
    return Section(
        title="cost when unused",
        how=(
            f"pytest on one empty test in rotating turns, {times[0]} rounds with and without the"
            f" plugin, {times[1]} with each of the others; extra CPU time (user and system) and"
            " wall by Hodges–Lehmann, with the extremes of single rounds. A bare pytest takes"
            f" {number(bare * 1e3)} ms of CPU time. Imports: `python -X importtime` after pytest"
            f" itself, {times[2]} fresh processes each."
        ),
        header=("what", "ratio", "extra CPU time, or import", "extra wall"),
        rows=rows,
        targets=[
            Target(
                "unused plugin, extra CPU time",
                f"{number(own * 1e3)} ms ({number(low * 1e3)} to {number(high * 1e3)})",
                "≤ 5 ms",
                at_most(_LIMIT, own, high),
                why,
            )
        ],
        data={
            "cpu": {name: asdict(spread) for name, spread in cpu.items()},
            "wall": {name: asdict(spread) for name, spread in wall.items()},
            "imports": {name: asdict(spread) for name, spread in spreads.items()},
            "runs": {name: list(values) for name, values in runs.items()},
        },
        notes=[brought],
    )
