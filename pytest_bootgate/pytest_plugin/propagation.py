"""The propagation test as a pytest item, under its target."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_bootgate.gatefile.propagation_rules import PROPAGATION
from pytest_bootgate.pytest_plugin.items import GateFunction, check
from pytest_bootgate.pytest_plugin.planned import plan_item
from pytest_bootgate.pytest_plugin.session import KEY

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_bootgate.pytest_plugin.collect import TargetNode
    from pytest_bootgate.records.result import PropagationResult
    from pytest_bootgate.run import Gate


class PropagationItem(GateFunction):
    """Whether anybody is told of a boot that is held beyond its timeout."""

    parent: TargetNode

    @classmethod
    def of(cls, parent: TargetNode, gate: Gate) -> PropagationItem:
        """The item of a target."""
        item = cls.from_parent(parent, name=PROPAGATION, callobj=check)
        plan_item(item, gate)
        return item

    def setup(self) -> None:
        """Hold a boot, unless that was done before."""
        super().setup()
        result = self.measure(self._result)
        if result.verdict == "error":
            self.stop("\n".join(finding.text for finding in result.findings))

    def check(self) -> None:
        """Judge: fail where nobody was told, or pass."""
        from pytest_bootgate.reports.propagation import details, heading
        from pytest_bootgate.reports.story import last_lines

        result = self._result()
        if result.verdict == "fail":
            said = last_lines(result.stall.boot) if result.stall is not None else []
            text = "\n".join([heading(result), *details(result), *said])
            self.config.stash[KEY].first_time(text)
            self.stop(text)

    def _result(self) -> PropagationResult:
        return self.parent.gate.propagation(self.parent.profile, self.parent.target)

    def reportinfo(self) -> tuple[Path, int, str]:
        """The line of the gate file that asks for the test."""
        line = self.parent.gate.plan.loaded.line("targets", self.parent.target, PROPAGATION)
        return self.path, line - 1, self.nodeid.partition("::")[2]
