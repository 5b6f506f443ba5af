"""GitLab: one directory with the two reports that it shows in a merge request."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from pytest_bootgate.records.result import GateResult
from pytest_bootgate.reports.formats import junit, openmetrics

JUNIT, METRICS = "junit.xml", "metrics.txt"


def write(results: Sequence[GateResult], path: str, base: Path) -> None:
    """Write both files into a directory. Raises `OSError`."""
    junit.write(results, str(Path(path) / JUNIT), base)
    openmetrics.write(results, str(Path(path) / METRICS), base)


def hint(directory: str | None) -> str:
    """One line: how to make GitLab show the reports of a directory; None where none is written."""
    first = "" if directory is not None else "add --bootgate-report gitlab=bootgate, and "
    where = PurePosixPath(directory or "bootgate")
    return (
        f"to see this in GitLab's merge request, {first}declare in the job: artifacts: {{when:"
        f" always, reports: {{junit: {where / JUNIT}, metrics: {where / METRICS}}}}}"
    )
