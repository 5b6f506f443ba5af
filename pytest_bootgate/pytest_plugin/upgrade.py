"""The upgrade in place as pytest items: one for each thing that it is judged by."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pytest_bootgate.gatefile.rules import UPGRADE
from pytest_bootgate.pytest_plugin.items import GateFunction, check
from pytest_bootgate.pytest_plugin.planned import plan_item
from pytest_bootgate.pytest_plugin.session import KEY
from pytest_bootgate.reports.upgrade import story

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pytest_bootgate.records.result import UpgradeResult
    from pytest_bootgate.run import Gate


class UpgradeNode(pytest.Collector):
    """The upgrade in place on a profile."""

    target = UPGRADE

    def __init__(self, *, gate: Gate, profile: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.gate, self.profile = gate, profile

    def collect(self) -> Iterator[UpgradeItem]:
        """What an upgrade in place is judged by, in the order it happens."""
        for subject in self.gate.plan.upgrade_subjects:
            item = UpgradeItem.from_parent(self, name=subject, callobj=check)
            plan_item(item, self.gate)
            yield item


class UpgradeItem(GateFunction):
    """One thing that an upgrade in place is judged by."""

    parent: UpgradeNode

    def setup(self) -> None:
        """Let the candidate take over the state, unless an item before this one did."""
        super().setup()
        self.measure(self._result)

    def check(self) -> None:
        """Judge: fail with the findings, and once with the whole story; warn, or pass."""
        result = self._result()
        found = result.about(self.name)
        lines = [f"{finding.verdict}: {finding.text}" for finding in found]
        if any(finding.verdict in ("fail", "error") for finding in found):
            whole = "\n".join(story(result))
            if whole and self.config.stash[KEY].first_time(whole):
                lines.append(whole)
            self.stop("\n".join(lines))
        for finding in found:
            text = f"{self.parent.name}: {finding.text}"
            self.remark(text)

    def _result(self) -> UpgradeResult:
        return self.parent.gate.upgrade(self.parent.profile)

    def reportinfo(self) -> tuple[Path, int, str]:
        """The line of the gate file that switches the upgrade in place on."""
        line = self.parent.gate.plan.loaded.line("upgrade")
        return self.path, line - 1, self.nodeid.partition("::")[2]
