"""GitLab: one directory with the two reports that it shows in a merge request."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from pytest_bootgate.records.result import GateResult
from pytest_bootgate.reports.formats import Format, junit, metrics

JUNIT, METRICS = "junit.xml", "metrics.txt"
_HELD = {JUNIT: junit.FORMAT, METRICS: metrics.OPENMETRICS}


class _Directory(Format):
    """The two reports under their names."""

    def files(self, path: str, base: Path) -> list[tuple[Path, bytes]]:
        return [(base / path / name, one.begins) for name, one in _HELD.items()]

    def write(self, results: Sequence[GateResult], path: str, base: Path) -> None:
        for name, one in _HELD.items():
            one.write(results, str(Path(path) / name), base)


FORMAT = _Directory(junit.document, junit.FORMAT.begins)


def hint(directory: str | None) -> str:
    """One line: how to make GitLab show the reports of a directory; None where none is written."""
    first = "" if directory is not None else "add --bootgate-report gitlab=bootgate, and "
    where = PurePosixPath(directory or "bootgate")
    return (
        f"to see this in GitLab's merge request, {first}declare in the job: artifacts: {{when:"
        f" always, reports: {{junit: {where / JUNIT}, metrics: {where / METRICS}}}}}"
    )
