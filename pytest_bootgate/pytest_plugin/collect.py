"""From a gate file to pytest items: one for each phase, and ``boot`` for the whole."""

from __future__ import annotations

import types
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_bootgate.errors import BootgateError
from pytest_bootgate.gatefile.rules import UPGRADE
from pytest_bootgate.pytest_plugin.items import GateFunction, check
from pytest_bootgate.pytest_plugin.planned import plan_item
from pytest_bootgate.pytest_plugin.propagation import PropagationItem
from pytest_bootgate.pytest_plugin.session import KEY
from pytest_bootgate.pytest_plugin.upgrade import UpgradeNode
from pytest_bootgate.records.verdict import WHOLE
from pytest_bootgate.reports.failure import failure

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_bootgate.records.result import TargetResult
    from pytest_bootgate.records.verdict import Finding
    from pytest_bootgate.run import Gate


class GateModule(pytest.Module):
    """A gate file."""

    def _getobj(self) -> types.ModuleType:
        # There is no Python behind it, but fixtures of module scope ask for one.
        return types.ModuleType(self.path.stem)

    def collect(self) -> Iterator[TargetNode | UpgradeNode]:
        """The upgrade in place and the targets, each once for every profile."""
        session = self.config.stash[KEY]
        try:
            gate = session.gate(self.path)
        except BootgateError as error:
            if session.is_worker:
                raise self.CollectError(str(error)) from None
            session.mistakes[self.path] = str(error)  # told as a usage error after collection
            return
        for profile in gate.plan.profile_names if gate.plan.in_place else ():
            yield UpgradeNode.from_parent(
                self, name=gate.plan.label(profile, UPGRADE), gate=gate, profile=profile
            )
        for profile, target in gate.plan.pairs:
            yield TargetNode.from_parent(
                self,
                name=gate.plan.label(profile, target),
                gate=gate,
                profile=profile,
                target=target,
            )


class TargetNode(pytest.Collector):
    """A session target on a profile."""

    def __init__(self, *, gate: Gate, profile: str, target: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.gate, self.profile, self.target = gate, profile, target

    def collect(self) -> Iterator[GateItem | PropagationItem]:
        """The phases in their order, then the whole boot, then the one that is held."""
        for subject in (*self.gate.plan.file.targets[self.target].phases, WHOLE):
            item = GateItem.from_parent(self, name=subject, callobj=check)
            plan_item(item, self.gate)
            yield item
        if self.gate.plan.may_be_held(self.target):
            yield PropagationItem.of(self, self.gate)


class GateItem(GateFunction):
    """A phase of a target, or the whole boot."""

    parent: TargetNode

    @property
    def key(self) -> tuple[Path, str, str]:
        """Gate file, profile and target."""
        return self.path.resolve(), self.parent.profile, self.parent.target

    def setup(self) -> None:
        """Boot the target, unless an item before this one did."""
        super().setup()
        result = self.measure(self._result)
        failed = [f.text for f in self._findings(result) if f.verdict == "error"]
        if result.verdict == "error" if self.name == WHOLE else failed:
            text = failure(result, ()) if self.name == WHOLE else "\n".join(failed)
            session = self.config.stash[KEY]
            session.first_time(text)
            if self.name == WHOLE:
                session.in_full.add(self.key)
            self.stop(text)

    def check(self) -> None:
        """Judge: fail, warn, skip what the release does not have, or pass."""
        session, result = self.config.stash[KEY], self._result()
        if result.left_out is not None:
            pytest.skip(f"{self.parent.name} is left out by the gate file: {result.left_out}")
        if self.name == WHOLE and result.verdict in ("fail", "error"):
            try:
                others = session.contrast(self.path.resolve(), result)
            finally:
                session.progress.end()
            text = failure(result, others)
            session.first_time(text)
            session.in_full.add(self.key)
            self.stop(text)
        found = self._findings(result)
        if any(finding.verdict == "fail" for finding in found):
            self.stop("\n".join(f"{f.verdict}: {f.text}" for f in found))
        for finding in found:
            self.remark(f"{self.parent.name}: {finding.text}")
        if self.name != WHOLE and self._never_seen(result):
            pytest.skip(f"optional, and not seen in any boot of {self.parent.name}")

    def _result(self) -> TargetResult:
        return self.parent.gate.result(self.parent.profile, self.parent.target)

    def _findings(self, result: TargetResult) -> tuple[Finding, ...]:
        return result.judgement.about(self.name) if result.judgement is not None else ()

    def _never_seen(self, result: TargetResult) -> bool:
        return not any(
            phase.at is not None
            for boot in result.boots
            if boot.release == "candidate" and (phase := boot.phase(self.name)) is not None
        )

    def reportinfo(self) -> tuple[Path, int, str]:
        """The line of the gate file that this item stands for."""
        keys = ["targets", self.parent.target]
        if self.name != WHOLE:
            keys += ["phases", self.name]
        line = self.parent.gate.plan.loaded.line(*keys)
        return self.path, line - 1, self.nodeid.partition("::")[2]
