"""The way in: every check in one table, targets by profiles, each a link to its section."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from pytest_bootgate.records.check import CheckResult
from pytest_bootgate.records.result import GateResult, TargetResult
from pytest_bootgate.records.verdict import VERDICTS, WHOLE, Verdict
from pytest_bootgate.reports.amounts import NONE, duration, limit, share
from pytest_bootgate.reports.clean import clean
from pytest_bootgate.reports.html.charts import RELEASES, difference
from pytest_bootgate.reports.numbers import NEVER, compared, used
from pytest_bootgate.reports.story import failed_boot
from pytest_bootgate.reports.view import View

#: Identifiers that the page has for itself.
_TAKEN = re.compile(r"(g\d+(-\w+)?|[ov]-.*|(show|on)-.*|ended)$")


class Anchors:
    """Stable marks: each is what pytest calls a check, and none is on a page twice."""

    def __init__(self) -> None:
        self._given: set[str] = set()

    def of(self, name: str) -> str:
        """The mark of a name; white space is none."""
        mark = re.sub(r"\s", "_", clean(name))
        while mark in self._given or _TAKEN.match(mark):
            mark = f"~{mark}"
        self._given.add(mark)
        return mark


@dataclass(frozen=True, slots=True)
class Entry:
    """A check in short: `used` is the share of the timeout, and `near` says so in words.

    `times` are the medians of both releases, `change` how they differ, `where` is the phase that
    made it so. Where it is no target, `where` is what came of it.
    """

    mark: str
    verdict: Verdict | None
    used: float | None = None
    near: str = ""
    times: str = ""
    change: str = ""
    where: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """What was checked, and its entry on each profile, None where it has none."""

    name: str
    entries: tuple[Entry | None, ...]


@dataclass(frozen=True, slots=True)
class Matrix:
    """Lines by profiles, the worst first; `verdicts` are how many have which."""

    profiles: tuple[str, ...]
    lines: tuple[Line, ...]
    verdicts: dict[str, int]


def matrix(made: Sequence[tuple[View[CheckResult], str]], result: GateResult) -> Matrix:
    """The matrix of checks and their marks, in the order in which they are given."""
    here = dict.fromkeys(one.found.profile for one, _ in made)
    profiles = [*(p for p in result.profiles if p in here), *here]
    profiles = list(dict.fromkeys(profiles))
    rows: dict[str, list[Entry | None]] = {}
    for one, mark in made:
        row = rows.setdefault(one.subject + one.aspect, [None] * len(profiles))
        row[profiles.index(one.found.profile)] = entry(one, mark)
    lines = [Line(name, tuple(entries)) for name, entries in rows.items()]
    words = [one.found.verdict or "left out" for one, _ in made]
    ordered = [word for word in (*reversed(VERDICTS), "left out") if word in words]
    return Matrix(tuple(profiles), tuple(lines), {word: words.count(word) for word in ordered})


def entry(one: View[CheckResult], mark: str) -> Entry:
    """A check in short."""
    found = one.found
    if found.left_out is not None:
        return Entry(mark, None, where=found.left_out)
    if found.error is not None:
        return Entry(mark, found.verdict, where="not measured")
    if not isinstance(found, TargetResult):
        return Entry(mark, found.verdict, where=one.says)
    part, timeout = used(found), limit(found.rules.timeout)
    near = f"{NONE if part is None else share(part)} of {timeout}"
    medians = " → ".join(_medians(found)) + compared(found, "candidate")[1]
    return Entry(mark, found.verdict, part, near, medians, difference(found, WHOLE), _where(found))


def _where(found: TargetResult) -> str:
    failed = failed_boot(found)
    if failed is not None:
        return f"{failed.outcome} in {failed.ended_in}" if failed.ended_in else failed.outcome
    attribution = found.judgement.attribution if found.judgement is not None else None
    return f"mostly in {attribution.phase}" if attribution is not None else ""


def weight(found: CheckResult) -> tuple[int, float]:
    """How much a check weighs: by its verdict, then by how near it came to its timeout."""
    verdict = VERDICTS.index(found.verdict) if found.verdict else -1
    return verdict, (used(found) or 0.0) if isinstance(found, TargetResult) else 0.0


def _medians(found: TargetResult) -> Iterator[str]:
    for release in RELEASES:
        if found.of(release):
            walls, _ = compared(found, release)
            yield duration(median(walls)) if walls else NEVER
