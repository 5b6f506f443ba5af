"""github-action-benchmark, as its tool ``customSmallerIsBetter`` reads it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pytest_bootgate.records.result import GateResult
from pytest_bootgate.reports.amounts import count, duration
from pytest_bootgate.reports.clean import clean
from pytest_bootgate.reports.formats.figures import VERDICTS, figures
from pytest_bootgate.whole import write_text

_SCALE = ", ".join(f"{number} {word}" for word, number in VERDICTS.items())


def write(results: Sequence[GateResult], path: str, base: Path) -> None:
    """Write one file for all results. Raises `OSError`."""
    text = json.dumps(document(results, base), indent=1, allow_nan=False)
    write_text(base / path, f"{text}\n")


def document(results: Sequence[GateResult], base: Path) -> list[dict[str, Any]]:
    """The whole document: the verdict of each target, its share of the timeout, its durations."""
    found: list[dict[str, Any]] = []
    for figure in figures(results, base):
        verdict = figure.case.verdict or "error"
        found.append(
            {
                "name": f"{figure.name} [verdict]",
                "unit": _SCALE,
                "value": VERDICTS[verdict],
                "extra": clean(f"{verdict}\n{figure.case.text}"),
            }
        )
        if figure.used is not None:
            value = figure.used * 100
            found.append({"name": f"{figure.name} [timeout used]", "unit": "%", "value": value})
        found += [
            {
                "name": took.name,
                "unit": "s",
                "value": took.median,
                "range": f"{duration(took.fastest)} to {duration(took.slowest)}",
                "extra": f"median of {count(took.boots, 'boot')}; verdict: {verdict}",
            }
            for took in figure.durations
        ]
    return found
