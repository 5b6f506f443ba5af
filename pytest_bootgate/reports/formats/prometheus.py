"""Prometheus text, for the textfile collector of the node exporter."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pytest_bootgate.records.result import GateResult
from pytest_bootgate.reports.formats.metrics import families, sample
from pytest_bootgate.whole import write_text


def write(results: Sequence[GateResult], path: str, base: Path) -> None:
    """Write one file for all results, by rename: a scrape never sees half. Raises `OSError`."""
    write_text(base / path, document(results, base))


def document(results: Sequence[GateResult], base: Path) -> str:
    """The whole text."""
    lines = []
    for family in families(results, base):
        lines.append(f"# HELP {family.name} {family.help}")
        lines.append(f"# TYPE {family.name} gauge")
        lines += [sample(family.name, labels, value) for labels, value in family.samples]
    return "\n".join([*lines, ""])
