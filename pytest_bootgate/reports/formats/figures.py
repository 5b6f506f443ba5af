"""The durations of a result under the names of its pytest items, for tools that watch numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from pytest_bootgate.records.result import GateResult
from pytest_bootgate.records.verdict import WHOLE
from pytest_bootgate.reports.clean import one_line
from pytest_bootgate.reports.formats.cases import Case, Entry, entries, names, phases, times, used

#: Verdicts as numbers, for tools that know numbers only: the greater, the worse.
VERDICTS = {"pass": 0, "warn": 1, "inconclusive": 2, "fail": 3, "error": 4}


@dataclass(frozen=True, slots=True)
class Duration:
    """How long the candidate's boots took, as a whole or in a phase, in seconds."""

    name: str
    boots: int
    fastest: float
    median: float
    slowest: float


@dataclass(frozen=True, slots=True)
class Figures:
    """What was judged (`name`), its verdict, and all that was timed of it.

    `used` is the share of the timeout that the slowest boot used, None where none started.
    """

    name: str
    case: Case
    durations: tuple[Duration, ...] = ()
    used: float | None = None


def figures(results: Sequence[GateResult], base: Path) -> Iterator[Figures]:
    """The figures of all that was judged; what the gate file leaves out has none."""
    for file, result in zip(names(results, base), results, strict=True):
        for entry in entries(result):
            if entry.whole.verdict is not None:
                yield _of(f"{one_line(file)}::{one_line(entry.label)}", entry)


def _of(name: str, entry: Entry) -> Figures:
    if entry.found is None:
        return Figures(name, entry.whole)
    boots = entry.found.of("candidate")
    durations = []
    for subject in (*phases(entry.found), WHOLE):
        if took := times(boots, subject):
            found = Duration(
                f"{name}::{one_line(subject)}", len(took), min(took), median(took), max(took)
            )
            durations.append(found)
    return Figures(name, entry.whole, tuple(durations), used(entry.found))
