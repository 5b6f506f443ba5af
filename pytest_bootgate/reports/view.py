"""The result of a check in words: the one interface of all reports to what a check found.

`View` knows how any result is shown. A kind with more to say has a view of its own in `views`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Generic, TypeVar

from pytest_bootgate.records.check import CheckResult, PlainResult, Table
from pytest_bootgate.records.result import GateResult, TargetResult
from pytest_bootgate.records.verdict import VERDICTS, WHOLE, Finding, Verdict
from pytest_bootgate.reports.amounts import NONE
from pytest_bootgate.reports.boots import rows
from pytest_bootgate.reports.layout import columns
from pytest_bootgate.reports.numbers import outcome_words

Found = TypeVar("Found", bound=CheckResult, covariant=True)


def by_weight(findings: Sequence[Finding]) -> list[Finding]:
    """Findings, worst first."""
    return sorted(findings, key=lambda f: -VERDICTS.index(f.verdict))


class View(Generic[Found]):
    """What reports say of a result, in the order in which they say it.

    `others` are the targets beside which it is told.
    """

    def __init__(self, found: Found, others: Sequence[TargetResult] = ()) -> None:
        self.found, self.others = found, others

    # -- what it is called -----------------------------------------------------------------

    @property
    def noun(self) -> str:
        """What such checks are counted as."""
        return f"{self.found.kind} check"

    @property
    def subject(self) -> str:
        """What was checked."""
        return self.found.target

    @property
    def aspect(self) -> str:
        """How, where its target has other checks."""
        return f", {self.found.kind}" if self.found.suffix else ""

    def named(self, result: GateResult) -> str:
        """What was checked, with its profile where there are several."""
        return result.label(self.subject, self.found.profile) + self.aspect

    def on(self, profile: str) -> str:
        """The same in a sentence; without a profile where there is one only."""
        return f"{self.subject}{self.aspect}" + (f" on {profile}" if profile else "")

    # -- what is said of it ----------------------------------------------------------------

    @property
    def says(self) -> str:
        """What came of it, in one line."""
        if isinstance(self.found, PlainResult) and self.found.says:
            return self.found.says
        return outcome_words(self.found.boots)

    @property
    def heading(self) -> str:
        """The same, where it stands alone."""
        return self.says

    @property
    def reasons(self) -> list[tuple[Verdict, str]]:
        """Why the verdict is what it is: each reason with a verdict of its own."""
        if self.found.error is not None:
            return [("error", self.found.error)]
        return [(f.verdict, self._line(f)) for f in self.found.findings]

    def _line(self, finding: Finding) -> str:
        about = "" if finding.subject in (WHOLE, self.found.whole) else f"{finding.subject}: "
        return f"{finding.verdict}: {about}{finding.text}"

    @property
    def tables(self) -> Sequence[Table]:
        """What is best shown in rows."""
        return self.found.tables if isinstance(self.found, PlainResult) else ()

    def lines(self) -> Iterator[str]:
        """The tables for a terminal."""
        for table in self.tables:
            cells = [[c if isinstance(c, str) else c.text for c in row] for row in table.rows]
            yield from columns([list(table.head), *cells])

    def boots(self) -> Iterator[str]:
        """All boots for a terminal, for those who want to know more."""
        if self.found.boots:
            yield from rows(self.found.boots)

    @property
    def notes(self) -> Sequence[str]:
        """What changes no verdict."""
        return self.found.notes if isinstance(self.found, PlainResult) else ()

    @property
    def last(self) -> list[str]:
        """The last words of who failed."""
        return []

    @property
    def todo(self) -> str:
        """What to do about it."""
        return self.found.todo if isinstance(self.found, PlainResult) else ""

    @property
    def told(self) -> list[str]:
        """All that belongs together, a line each."""
        notes = [] if self.found.error is not None else [f"note: {text}" for text in self.notes]
        last = self.last if self.found.verdict == "fail" else []
        return [self.heading, *(text for _, text in self.reasons), *notes, *last]

    def of_item(self, item: str) -> str:
        """What an item says that fails."""
        failed = self.found.verdict_of(item) == "fail"
        if item == self.found.whole and failed:
            return "\n".join(self.told)
        found = self.found.about(item)
        if failed:
            return "\n".join(f"{finding.verdict}: {finding.text}" for finding in found)
        return "\n".join(finding.text for finding in found if finding.verdict == "error")

    # -- the answers of a page -------------------------------------------------------------

    @property
    def worst(self) -> str:
        """The first reason."""
        findings = by_weight(self.found.findings)
        return self.found.error or (findings[0].text if findings else self.heading)

    @property
    def step(self) -> str:
        """Where it went wrong."""
        subjects = [finding.subject for finding in by_weight(self.found.findings)]
        return next((s for s in subjects if s != self.found.whole), NONE)

    @property
    def near(self) -> str:
        """How near it came to its timeout, or why there is no such thing."""
        return NONE

    def since(self, new: str, old: str) -> str:
        """Since when; `new` and `old` are the releases in words."""
        del old
        return new
