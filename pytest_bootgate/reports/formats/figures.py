"""The durations of a result under the names of its pytest items, for tools that watch numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pytest_bootgate.records.result import GateResult
from pytest_bootgate.records.verdict import WHOLE
from pytest_bootgate.reports.clean import one_line
from pytest_bootgate.reports.formats.cases import Case, Entry, entries, names
from pytest_bootgate.reports.numbers import Took, phases, times, took, used

#: Verdicts as numbers, for tools that know numbers only: the greater, the worse.
VERDICTS = {"pass": 0, "warn": 1, "inconclusive": 2, "fail": 3, "error": 4}


@dataclass(frozen=True, slots=True)
class Figures:
    """What was judged (`name`), its verdict, and all that was timed of it, by name.

    `used` is the share of the timeout that the slowest boot used, None where none started.
    """

    name: str
    case: Case
    durations: Mapping[str, Took] = field(default_factory=dict)
    used: float | None = None


def figures(results: Sequence[GateResult], base: Path) -> Iterator[Figures]:
    """The figures of all that was judged; what the gate file leaves out has none."""
    for file, result in zip(names(results, base), results, strict=True):
        for entry in entries(result):
            if entry.whole.verdict is not None:
                yield _of(f"{one_line(file)}::{one_line(entry.label)}", entry)


def _of(name: str, entry: Entry) -> Figures:
    if entry.timed is None:
        return Figures(name, entry.whole)
    boots = entry.timed.of("candidate")
    found = {
        f"{name}::{one_line(subject)}": one
        for subject in (*phases(entry.timed), WHOLE)
        if (one := took(times(boots, subject)))
    }
    return Figures(name, entry.whole, found, used(entry.timed))
