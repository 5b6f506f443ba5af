"""What a check found: the one interface of all reports, formats, codecs and commands to results."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from pytest_bootgate.records.values import Boot
from pytest_bootgate.records.verdict import Finding, Verdict, worst


@dataclass(frozen=True, slots=True)
class Amount:
    """A number as the result has it, and as people read it."""

    value: float
    text: str


Cell = str | Amount


@dataclass(frozen=True)
class Table:
    """Rows with a head; `name` tells it from the other tables of its check."""

    name: str
    caption: str
    head: Sequence[str]
    rows: Sequence[Sequence[Cell]]


class CheckResult(ABC):
    """What one check found on one profile.

    `target` is the session target that was checked, or the `kind` where a check is of no target.
    `error` is the paragraph that says why the gate could not measure, `left_out` the gate file's
    reason why there was nothing to measure. `listed` is the list of the result's JSON that it
    stands in.
    """

    listed: ClassVar[str] = "checks"
    kind: str
    target: str
    profile: str
    error: str | None

    @property
    def left_out(self) -> str | None:
        """The gate file's reason why the candidate does not have what was to be checked."""
        return None

    @property
    @abstractmethod
    def findings(self) -> tuple[Finding, ...]:
        """All reasons for the verdict."""

    @property
    @abstractmethod
    def boots(self) -> tuple[Boot, ...]:
        """All boots that were made for it, in their order."""

    @property
    def items(self) -> tuple[str, ...]:
        """The names of the pytest items that show it; findings are about one of these."""
        return (self.kind,)

    @property
    def whole(self) -> str:
        """The item that shows all of it; empty where each item shows only a part."""
        return self.items[0] if len(self.items) == 1 else ""

    @property
    def suffix(self) -> str:
        """What tells it from the other checks of its target."""
        return "" if self.target == self.kind else f"::{self.kind}"

    @property
    def verdict(self) -> Verdict | None:
        """The worst finding; without any it passed. None only for what is left out."""
        if self.left_out is not None:
            return None
        if self.error is not None or not self.measured:
            return "error"
        return worst([finding.verdict for finding in self.findings] or ["pass"])

    @property
    def measured(self) -> bool:
        """Whether there is any evidence: without it nothing passes."""
        return bool(self.boots or self.findings)

    def about(self, item: str) -> tuple[Finding, ...]:
        """The findings that an item shows; the first one also those that no other would."""
        unseen = item == self.items[0]
        return tuple(
            finding
            for finding in self.findings
            if finding.subject == item or (unseen and finding.subject not in self.items)
        )

    def verdict_of(self, item: str) -> Verdict | None:
        """The verdict that an item shows."""
        if item == self.whole or self.left_out is not None:
            return self.verdict
        if self.error is not None or not self.measured:
            return "error"
        return worst([finding.verdict for finding in self.about(item)] or ["pass"])

    def seen(self, item: str) -> bool:
        """Whether there is anything that an item could show; optional parts may be missing."""
        del item
        return True

    def versions(self, release: str) -> Iterator[str]:
        """What a release said of its version."""
        for boot in self.boots:
            if boot.release == release and boot.version:
                yield boot.version


@dataclass(frozen=True, kw_only=True)
class PlainResult(CheckResult):
    """The result of a check that needs no class of its own: all that reports show stands in it.

    They show `says` (one line), the findings, the `tables`, the `notes` and `todo`, in this order.
    """

    kind: str
    target: str
    profile: str
    boots: tuple[Boot, ...] = ()
    findings: tuple[Finding, ...] = ()
    error: str | None = None
    left_out: str | None = None
    items: tuple[str, ...] = ()
    says: str = ""
    tables: tuple[Table, ...] = ()
    notes: tuple[str, ...] = ()
    todo: str = ""

    def __post_init__(self) -> None:
        if not self.items:
            object.__setattr__(self, "items", (self.kind,))
