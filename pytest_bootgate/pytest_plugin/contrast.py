"""What stands beside a target that failed: the other targets, one of them booted for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_bootgate.records.result import TargetResult

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_bootgate.pytest_plugin.session import Session
    from pytest_bootgate.records.check import CheckResult


def contrast(session: Session, path: Path, result: CheckResult) -> list[TargetResult]:
    """The other targets on the same host, one of them booted now if none was so far.

    Only targets are told beside others. Only a target that this run boots anyway is booted for it.
    """
    if not isinstance(result, TargetResult):
        return []
    gate = session.gate(path)
    others = [
        (profile, target)
        for profile, target in gate.plan.pairs
        if profile == result.profile and target != result.target
    ]
    known = [found for key in others if (found := gate.known(*key)) is not None]
    failed = result.error is None and any(
        not b.started for b in result.of("candidate") or result.boots
    )
    telling = [f for f in known if f.of("candidate") and f.runs_as != result.runs_as]
    if failed and not telling:
        chosen = {(h, t) for p, h, t in session.selected if p == path}
        for profile, target in others:
            runs_as = gate.plan.file.targets[target].extends or target
            new = (profile, target) in chosen and gate.known(profile, target) is None
            if new and runs_as != result.runs_as:
                known.append(gate.result(profile, target))
                break
    return known
