"""The upgrade in place: the candidate takes over the state that the baseline left."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_bootgate.checks.upgrade import judge_upgrade
from pytest_bootgate.gatefile.rules import UPGRADE
from pytest_bootgate.records.result import UpgradeResult
from pytest_bootgate.records.upgrade import ROLLBACK, SUBJECTS
from pytest_bootgate.run.check import Check
from pytest_bootgate.run.upgrade import upgrade_budget

if TYPE_CHECKING:
    from pytest_bootgate.run.bench import Bench
    from pytest_bootgate.run.plan import Plan


class UpgradeCheck(Check[UpgradeResult]):
    """The upgrade in place on a profile; it is of no target."""

    kind = UPGRADE
    subject = "the upgrade in place"

    @classmethod
    def of(cls, plan: Plan) -> Iterator[UpgradeCheck]:
        for profile in plan.profile_names if plan.in_place else ():
            yield cls(plan, profile, UPGRADE)

    @property
    def items(self) -> tuple[str, ...]:
        return (*SUBJECTS, ROLLBACK) if self.plan.file.state.rollback else SUBJECTS

    def place(self, item: str = "") -> tuple[str, ...]:
        return (UPGRADE,)

    def budget(self) -> float:
        return upgrade_budget(self.plan.file)

    def planned(self) -> Iterator[tuple[str, str]]:
        subjects = ", ".join(self.items)
        yield UPGRADE, f"in place, on a copy of the baseline's state: {subjects}"

    def measure(self, bench: Bench) -> UpgradeResult:
        assert bench.in_place is not None
        site = bench.site(self.profile)
        bench.take_turn(self)
        seen = bench.in_place.upgrade(site)
        source = bench.machinery.source(self.profile)
        if source is not None and source.redacted:
            seen = replace(seen, notes=(*seen.notes, source.redacted))
        return UpgradeResult(self.profile, seen, judge_upgrade(seen))

    def failed(self, error: str) -> UpgradeResult:
        return UpgradeResult(self.profile, error=error)
