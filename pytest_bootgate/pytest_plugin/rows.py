"""Rows of pytest-benchmark: one for each phase of a target that booted, and one for the whole boot.

They are made from the results at the end of the run, so that they are the same for items of a gate
file, for tests that use the fixtures, and under pytest-xdist, whose workers have no rows of their
own. pytest-benchmark has no documented way to take durations that were measured elsewhere; what is
used here is the class of its rows, which has stayed as it is since pytest-benchmark 3.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from pytest_bootgate.pytest_plugin.planned import GATE
from pytest_bootgate.pytest_plugin.session import KEY
from pytest_bootgate.records.result import GateResult, TargetResult
from pytest_bootgate.records.verdict import WHOLE
from pytest_bootgate.reports.formats.cases import entries, names
from pytest_bootgate.reports.numbers import phases, times

#: What a phase of less takes is no matter, and nothing is a multiple of 0 seconds.
_LEAST = 1e-6


def add_rows(config: pytest.Config) -> None:
    """Give pytest-benchmark its rows; where it is to write a file and has none, say why."""
    benchmarks, session = config.pluginmanager.get_plugin("pytest-benchmark"), config.stash[KEY]
    if benchmarks is None or not (results := session.results()):
        return
    option = config.getoption
    switched_off = [
        name
        for name in ("skip", "disable")
        if option(f"benchmark_{name}") and not option("benchmark_enable")
    ]
    why = "no boot of a candidate started"
    if switched_off:
        why = f"--benchmark-{switched_off[0]} switches pytest-benchmark off"
    else:
        try:
            own = bool(benchmarks.benchmarks)
            benchmarks.benchmarks.extend(_rows(results, config))
            # The summary of the gate has it all; this table is for those who want it.
            if not own and not _asked(config):
                benchmarks.quiet = True
        except (AttributeError, ImportError, TypeError) as error:
            why = f"this version of pytest-benchmark is not supported yet ({error})"
    if not benchmarks.benchmarks:
        asked = [name for name in ("json", "save", "autosave") if option(f"benchmark_{name}")]
        session.informed += [
            f"--benchmark-{name}: nothing was written, because {why}; --bootgate-json has all"
            " results"
            for name in asked
        ]


def _asked(config: pytest.Config) -> bool:
    """Whether somebody wants pytest-benchmark's table: by an option of it, or with -v."""
    given = [*config.invocation_params.args, *config.getini("addopts")]
    given += os.environ.get("PYTEST_ADDOPTS", "").split()
    options = (str(word).startswith("--benchmark") for word in given)
    return config.get_verbosity() > 0 or any(options)


def _rows(results: Sequence[GateResult], config: pytest.Config) -> Iterator[Any]:
    from pytest_benchmark.stats import Metadata

    for file, result in zip(names(results, config.rootpath), results, strict=True):
        booted = {e.label: e.timed for e in entries(result) if e.timed is not None}
        for label, target in booted.items():
            started = [boot for boot in target.of("candidate") if boot.started]
            for subject in (*phases(target), WHOLE):
                row = Metadata(
                    SimpleNamespace(
                        name=subject,
                        fullname=f"{file}::{label}::{subject}",
                        group=label,
                        param=None,
                        params=None,
                        extra_info=_extra(target, subject),
                        cprofile_stats=None,
                        has_error=False,
                    ),
                    iterations=1,
                    options={"timer": "bootgate"},
                )
                for seconds in times(started, subject):
                    row.update(max(seconds, _LEAST))
                if row:
                    yield row


def _extra(target: TargetResult, subject: str) -> dict[str, Any]:
    limits = target.rules.phases.get(subject)
    return {
        "target": target.target,
        "profile": target.profile,
        "timeout_s": target.rules.timeout,
        "limit_s": limits.limit if limits is not None else None,
        "deadline_s": limits.deadline if limits is not None else None,
    }


@contextlib.contextmanager
def counted(config: pytest.Config, items: Sequence[pytest.Item]) -> Iterator[None]:
    """Let pytest-benchmark take what boots for benchmarks, while it looks for others to skip."""
    lent = []
    if config.getoption("benchmark_only", default=False):
        for item in items:
            wanted: list[str] = getattr(item, "fixturenames", [])
            if GATE in item.stash and "benchmark" not in wanted:
                wanted.append("benchmark")
                lent.append(wanted)
    try:
        yield
    finally:
        for wanted in lent:
            wanted.remove("benchmark")
