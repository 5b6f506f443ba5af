"""Bencher Metric Format: a benchmark for each target and phase, and one for each verdict.

A target that was not measured has no latency, and the greatest number as its verdict.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from pytest_bootgate.records.result import GateResult
from pytest_bootgate.reports.formats.figures import VERDICTS, figures
from pytest_bootgate.whole import write_text

_NANO = 1e9  # the unit of Bencher's own measure `latency`

Benchmarks = dict[str, dict[str, dict[str, float]]]


def write(results: Sequence[GateResult], path: str, base: Path) -> None:
    """Write one file for all results. Raises `OSError`."""
    text = json.dumps(document(results, base), indent=1, allow_nan=False)
    write_text(base / path, f"{text}\n")


def document(results: Sequence[GateResult], base: Path) -> Benchmarks:
    """The whole document."""
    found: Benchmarks = {}
    for figure in figures(results, base):
        measures = found[figure.name] = {}
        measures["verdict"] = {"value": VERDICTS[figure.case.verdict or "error"]}
        if figure.used is not None:
            measures["timeout-used"] = {"value": figure.used}
        for took in figure.durations:
            latency = {
                "value": took.median * _NANO,
                "lower_value": took.fastest * _NANO,
                "upper_value": took.slowest * _NANO,
            }
            found[took.name] = {"latency": latency}
    return found
