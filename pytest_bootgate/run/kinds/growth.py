"""The growth of a target with a quantity, from the boots that it makes at each value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from pytest_bootgate.checks.growth import Grew, growth
from pytest_bootgate.records.check import PlainResult
from pytest_bootgate.records.result import TargetResult
from pytest_bootgate.records.verdict import WHOLE, Finding, Verdict
from pytest_bootgate.reports import growth as words
from pytest_bootgate.run.check import PlainCheck

if TYPE_CHECKING:
    from pytest_bootgate.run.bench import Bench
    from pytest_bootgate.run.plan import Plan

#: Boots of a release at each value below which no growth is seen.
_FEW = "raise gate: {boots: ...} to at least 3"


class GrowthCheck(PlainCheck):
    """Whether the candidate grows faster than the baseline; it boots nothing of its own.

    Its `profile` is what varies, on one of the gate file's profiles.
    """

    kind = "growth"
    boots = (0, 0)

    @classmethod
    def of(cls, plan: Plan) -> Iterator[GrowthCheck]:
        for name, _ in plan.growing:
            for target in plan.file.targets:
                if plan.left_out(target) is None:
                    yield cls(plan, name, target)

    @property
    def subject(self) -> str:
        return f"The growth of {self.target} was"

    def place(self, item: str = "") -> tuple[str, ...]:
        return "vary", self._quantity

    @property
    def _quantity(self) -> str:
        (name,) = self.plan.file.vary
        return name

    @property
    def _profiles(self) -> Mapping[float, str]:
        return dict(self.plan.growing)[self.profile]

    def budget(self) -> float:
        return 0.0

    def planned(self) -> Iterator[tuple[str, str]]:
        values = ", ".join(f"{value:g}" for value in self._profiles)
        yield "growth", f"{self.target}: with {self._quantity} ({values}), from these boots"

    def measure(self, bench: Bench) -> PlainResult:
        rows = {}
        for value, profile in self._profiles.items():
            found = bench.carry_out(self.plan.check(WHOLE, profile, self.target))
            assert isinstance(found, TargetResult)
            rows[value] = found
        boots = {value: row.boots for value, row in rows.items()}
        first = next(iter(rows.values()))
        releases = list(dict.fromkeys(b.release for each in boots.values() for b in each))
        grew = growth(boots, releases, first.rules)
        return self.result(
            findings=tuple(self._findings(grew, rows)),
            says=words.summary(grew, self._quantity, first.rules.fail_at),
            tables=(words.table(grew, self._quantity, list(rows)),) if grew.of("candidate") else (),
            todo=(
                f"Look at what the candidate does for each {self._quantity} in"
                f" {', '.join(name for name in grew.steeper if name != WHOLE) or 'its boot'}."
                if grew.steeper
                else ""
            ),
        )

    def _findings(self, grew: Grew, rows: Mapping[float, TargetResult]) -> Iterator[Finding]:
        rules = next(iter(rows.values())).rules
        unsure: Verdict = "fail" if rules.inconclusive == "fail" else "inconclusive"
        missing = sorted({value for values in grew.missing.values() for value in values})
        if grew.of("candidate") is None:
            few = missing and len(rows) - len(missing) < 2
            text = (
                f"nothing was measured at {_listed(missing)}, so no growth can be seen"
                if few
                else f"too few boots to see growth: {_FEW}"
            )
            yield Finding("error" if few else unsure, self.kind, text)
            return
        if missing:
            text = f"nothing was measured at {_listed(missing)}, so the growth beyond is unknown"
            yield Finding(unsure, self.kind, text)
        busy = [
            m.spread
            for row in rows.values()
            if (m := row.machine) is not None and m.here and m.spread is not None
        ]
        noisy = max(busy, default=0.0) > rules.noise
        if WHOLE in grew.steeper:
            text = words.steeper(grew, self._quantity)
            if noisy:
                text += "; but the host was too busy to be sure"
            yield Finding(unsure if noisy else "fail", self.kind, text, timed=True, kind="grows")
        elif not missing:
            yield Finding("pass", self.kind, words.summary(grew, self._quantity, rules.fail_at))


def _listed(values: list[float]) -> str:
    return ", ".join(f"{value:g}" for value in values)
