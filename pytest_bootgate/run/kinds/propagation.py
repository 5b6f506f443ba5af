"""The propagation test: one boot of the candidate, held on purpose, in a pair of its own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_bootgate.checks.campaign import Ask
from pytest_bootgate.checks.propagation import judge_propagation
from pytest_bootgate.gatefile.model import Propagation
from pytest_bootgate.gatefile.propagation_rules import PROPAGATION
from pytest_bootgate.records.result import PropagationResult
from pytest_bootgate.records.stall import Stall, hold_until
from pytest_bootgate.reports.amounts import limit
from pytest_bootgate.run.check import Check
from pytest_bootgate.run.hold import HeldPair
from pytest_bootgate.run.lost import Lost

if TYPE_CHECKING:
    from pytest_bootgate.run.bench import Bench
    from pytest_bootgate.run.plan import Plan


class PropagationCheck(Check[PropagationResult]):
    """Whether anybody is told of a boot of a target that is held beyond its timeout."""

    kind = PROPAGATION
    boots = (1, 1)

    @classmethod
    def of(cls, plan: Plan) -> Iterator[PropagationCheck]:
        for profile, target in plan.pairs:
            asks = plan.file.targets[target].propagation is not None
            if asks and plan.left_out(target) is None:
                yield cls(plan, profile, target)

    @property
    def subject(self) -> str:
        return f"the propagation test of {self.target}"

    def place(self, item: str = "") -> tuple[str, ...]:
        return (*super().place(), PROPAGATION) if item else super().place()

    @property
    def _how(self) -> Propagation:
        asked = self.plan.file.targets[self.target].propagation
        assert asked is not None
        return asked

    @property
    def _timeout(self) -> float:
        return float(self._how.timeout or self.plan.file.targets[self.target].timeout)

    def budget(self) -> float:
        target, how = self.plan.file.targets[self.target], self._how
        first_word = max(float(how.listen or self._timeout), float(target.listen))
        held = hold_until(how, self._timeout) + (how.after or 0.0) + first_word + target.listen
        return held + self.plan.around_boot

    def planned(self) -> Iterator[tuple[str, str]]:
        where = f" in {self._how.in_}" if self._how.in_ else ""
        how = f"({self._how.hold}{where}) beyond {limit(self._timeout)}"
        yield "", f"  and 1 held on purpose {how}"

    def measure(self, bench: Bench) -> PropagationResult:
        engine = bench.ready()
        bench.take_turn(self)
        recipe = bench.machinery.recipe(self.profile, self.target, "candidate")
        watch = bench.watcher(self, Ask("candidate", 0))
        state = bench.state(self.profile)

        def hold() -> Stall:
            pair = HeldPair(engine, recipe, watch, state=state, hear=bench.hear)
            try:
                return pair.hold()
            finally:
                pair.close()

        lost = Lost()
        seen = lost.repeat(hold)
        seen = replace(seen, boot=replace(seen.boot, notes=(*seen.boot.notes, *lost.notes)))
        return PropagationResult(self.target, self.profile, seen, judge_propagation(seen))

    def failed(self, error: str) -> PropagationResult:
        return PropagationResult(self.target, self.profile, error=error)
