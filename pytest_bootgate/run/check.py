"""A check: one thing that a gate judges. This is the one interface of all checks.

A kind of check is one class, made known by `register`. What it finds is a `CheckResult`, which
every report, format, codec and command shows without knowing which check it is of.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from pytest_bootgate.records.check import CheckResult, PlainResult
from pytest_bootgate.reports.amounts import count

if TYPE_CHECKING:
    from pytest_bootgate.run.bench import Bench
    from pytest_bootgate.run.plan import Plan

Found = TypeVar("Found", bound=CheckResult, covariant=True)


@dataclass(frozen=True)
class Check(ABC, Generic[Found]):
    """One check of a gate file, of a target on a profile.

    `target` is the kind itself for a check that is of no target. `during` is what the journal says
    that its boots were made for.
    """

    plan: Plan
    profile: str
    target: str

    kind: ClassVar[str]

    @classmethod
    def of(cls, plan: Plan) -> Iterator[Check[CheckResult]]:
        """All checks of this kind that a gate file asks for; here one for each target."""
        for profile, target in plan.pairs:
            if plan.left_out(target) is None:
                yield cls(plan, profile, target)

    # -- what it is called -----------------------------------------------------------------

    @property
    def during(self) -> str:
        """What the journal says that its boots were made for."""
        return self.kind

    @property
    def of_target(self) -> bool:
        """Whether it is of a session target, which may be called like a kind of check."""
        return self.target in self.plan.file.targets

    @property
    def name(self) -> str:
        """What the journal calls its verdict."""
        return f"{self.target}::{self.kind}" if self.of_target else self.target

    @property
    def subject(self) -> str:
        """What it is, for a sentence that begins with: the first boot of."""
        return f"the {self.kind} check of {self.target}"

    @property
    def items(self) -> tuple[str, ...]:
        """The names of its pytest items, in their order."""
        return (self.kind,)

    @property
    def asked(self) -> tuple[str, ...]:
        """The items without which the gate is not judged as a whole."""
        return self.items

    def place(self, item: str = "") -> tuple[str, ...]:
        """The keys of the gate file that ask for the check, or for one of its items."""
        del item
        return "targets", self.target

    @property
    def takes(self) -> tuple[AnyCheck, ...]:
        """Other checks whose results it takes: a shard that has one of them has all."""
        return ()

    # -- what it costs ---------------------------------------------------------------------

    @property
    def boots(self) -> tuple[int, int] | None:
        """How many boots it takes at least and at most; None where nobody can tell."""
        return None

    @abstractmethod
    def budget(self) -> float:
        """The seconds that it may take at the very most."""

    def planned(self) -> Iterator[tuple[str, str]]:
        """What it does, for ``bootgate check``: (a word, or nothing; a line)."""
        least, most = self.boots or (0, 0)
        yield "", f"  and {span(least, most)} for {self.kind}" if most else f"  and {self.kind}"

    # -- doing it --------------------------------------------------------------------------

    @abstractmethod
    def measure(self, bench: Bench) -> Found:
        """Boot what it needs and judge it. Raises `BootgateError` where it cannot measure."""

    @abstractmethod
    def failed(self, error: str) -> Found:
        """Its result where it could not measure, and why."""


class PlainCheck(Check[PlainResult]):
    """A check whose result needs no class of its own."""

    def result(self, **found: Any) -> PlainResult:
        """Its result; `found` are the other fields of `PlainResult`."""
        return PlainResult(
            kind=self.kind, target=self.target, profile=self.profile, items=self.items, **found
        )

    def failed(self, error: str) -> PlainResult:
        """Its result where it could not measure, and why."""
        return self.result(error=error)


AnyCheck = Check[CheckResult]

#: All kinds of checks, in the order in which reports show them.
KINDS: dict[str, type[AnyCheck]] = {}


def register(kind: type[AnyCheck]) -> type[AnyCheck]:
    """Make a kind of check known; a decorator."""
    KINDS[kind.kind] = kind
    return kind


def span(least: int, most: int) -> str:
    """So many boots, in words."""
    return count(most, "boot") if least == most else f"{least} to {most} boots"
