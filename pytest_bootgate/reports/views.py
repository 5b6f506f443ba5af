"""The views of results that have a class of their own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pytest_bootgate.records.check import CheckResult
from pytest_bootgate.records.result import (
    GateResult,
    PropagationResult,
    TargetResult,
    UpgradeResult,
)
from pytest_bootgate.reports.propagation import PropagationView
from pytest_bootgate.reports.startup import StartupView
from pytest_bootgate.reports.upgrade import UpgradeView
from pytest_bootgate.reports.view import View

VIEWS: dict[type[CheckResult], type[View[Any]]] = {
    TargetResult: StartupView,
    UpgradeResult: UpgradeView,
    PropagationResult: PropagationView,
}


def view(found: CheckResult, others: Sequence[TargetResult] = ()) -> View[CheckResult]:
    """The view of a result, beside other targets."""
    return VIEWS.get(type(found), View)(found, others)


def views(result: GateResult) -> list[View[CheckResult]]:
    """The views of all checks of a run."""
    return [view(found, result.beside(found)) for found in result.checks]
