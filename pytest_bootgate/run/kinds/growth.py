"""The growth of a target with a quantity, from the boots that it makes at each value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from pytest_bootgate.checks.growth import Grew, growth
from pytest_bootgate.gatefile.vary import written
from pytest_bootgate.records.check import PlainResult
from pytest_bootgate.records.result import TargetResult
from pytest_bootgate.records.verdict import WHOLE, Finding, Verdict
from pytest_bootgate.reports import growth as words
from pytest_bootgate.run.check import AnyCheck, PlainCheck
from pytest_bootgate.stats.regression import Comparison

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
        return f"the growth of {self.target}"

    def place(self, item: str = "") -> tuple[str, ...]:
        return "vary", self._quantity

    @property
    def _quantity(self) -> str:
        (name,) = self.plan.file.vary
        return name

    @property
    def _profiles(self) -> Mapping[float, str]:
        return dict(self.plan.growing)[self.profile]

    @property
    def takes(self) -> tuple[AnyCheck, ...]:
        return tuple(self.plan.check(WHOLE, p, self.target) for p in self._profiles.values())

    @property
    def _written(self) -> dict[float, str]:
        """Its values as the gate file has them."""
        return {value: written(profile) for value, profile in self._profiles.items()}

    def budget(self) -> float:
        return 0.0

    def planned(self) -> Iterator[tuple[str, str]]:
        values = ", ".join(self._written.values())
        yield "growth", f"{self.target}: with {self._quantity} ({values}), from these boots"

    def measure(self, bench: Bench) -> PlainResult:
        rows = {}
        for value, profile in self._profiles.items():
            found = bench.carry_out(self.plan.check(WHOLE, profile, self.target))
            assert isinstance(found, TargetResult)
            rows[value] = found
        boots = {value: row.boots for value, row in rows.items()}
        rules = next(iter(rows.values())).rules
        grew = growth(boots, self._releases, rules)
        phases = ", ".join(name for name in grew.steeper if name != WHOLE)
        look = (
            f"Look at what the candidate does for each {self._quantity} in {phases or 'its boot'}."
        )
        return self.result(
            findings=tuple(self._findings(grew, list(rows.values()))),
            says=words.summary(grew, self._quantity, rules.fail_at),
            tables=(words.table(grew, self._quantity, self._written),)
            if grew.of("candidate")
            else (),
            todo=look if WHOLE in grew.steeper else "",
        )

    @property
    def _releases(self) -> list[str]:
        """Those that have the target."""
        there = [name for name, why in self.plan.unsupported(self.target).items() if why is None]
        return ["baseline", *there] if self.plan.recorded is not None else there

    def _findings(self, grew: Grew, rows: Sequence[TargetResult]) -> Iterator[Finding]:
        unsure: Verdict = "fail" if rows[0].rules.inconclusive == "fail" else "inconclusive"
        missing = sorted({value for values in grew.missing.values() for value in values})
        nowhere = f"nothing was measured at {', '.join(self._written[value] for value in missing)}"
        if len(rows) - len(missing) < 2:
            yield Finding("error", self.kind, f"{nowhere}, so no growth can be seen")
        elif any(grew.of(release) is None for release in grew.missing):
            yield Finding(unsure, self.kind, f"too few boots to see growth: {_FEW}")
        elif missing:
            yield Finding(unsure, self.kind, f"{nowhere}, so the growth beyond is unknown")
        else:
            judgement = rows[-1].judgement
            regression = judgement.regression if judgement is not None else None
            last = "inconclusive" if regression is None else regression.verdict
            yield self._compared(grew, last, unsure)

    def _compared(self, grew: Grew, last: Comparison, unsure: Verdict) -> Finding:
        """What the growths say together with `last`, the comparison at the last value.

        That one was confirmed by fresh boots, and does not suppose that boots vary alike at all
        values: without it nothing fails, and what it excludes needs no other proof.
        """
        if grew.of("baseline") is None:
            return Finding("pass", self.kind, "there is no baseline whose growth it could exceed")
        text = words.steeper(grew, self._quantity, self._written)
        if WHOLE not in grew.steeper:
            if grew.alike or last in ("same", "faster"):
                return Finding("pass", self.kind, "the candidate grows no faster than the baseline")
            text = words.unclear(grew, self._quantity)
            return Finding(unsure, self.kind, text, timed=True)
        if last == "slower":
            return Finding("fail", self.kind, text, timed=True, kind="grows")
        if last in ("same", "faster"):
            text = f"{text}; there it is not slower yet"
            return Finding("warn", self.kind, text, timed=True, kind="grows")
        text = f"{text}; but the boots there could not be compared"
        return Finding(unsure, self.kind, text, timed=True, kind="grows")
