"""Results in the formats of others: chosen by name, each written by a module of its own."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pytest_bootgate.errors import BootgateError
from pytest_bootgate.records.result import GateResult

#: Each format and what it writes, in the order in which they are listed.
HOLDS = {
    "junit": "JUnit XML",
    "github": "a job summary for GitHub Actions, and its annotations on the terminal",
    "gitlab": "a directory with JUnit XML and OpenMetrics for GitLab",
    "openmetrics": "OpenMetrics text",
    "prometheus": "a file for the textfile collector of Prometheus' node exporter",
    "bencher": "Bencher Metric Format JSON",
    "benchmark-action": "customSmallerIsBetter JSON of github-action-benchmark",
    "ctrf": "Common Test Report Format JSON",
    "otel": "OpenTelemetry spans, as OTLP JSON lines or to http(s)://",
}
#: Formats that need an extra: what it installs, and its name.
_EXTRAS = {"otel": ("opentelemetry.sdk", "opentelemetry.exporter.otlp.proto.http")}


@dataclass(frozen=True, slots=True)
class Wanted:
    """A report that was asked for: a format, and where it goes."""

    format: str
    path: str

    def files(self, base: Path) -> list[tuple[Path, str]]:
        """The files that it is, each with its format; none where it is sent to a URL."""
        if self.format == "gitlab":
            from pytest_bootgate.reports.formats.gitlab import JUNIT, METRICS

            held = {JUNIT: "junit", METRICS: "openmetrics"}
            return [(base / self.path / name, kind) for name, kind in held.items()]
        sent = self.path.startswith(("http://", "https://"))
        return [] if sent else [(base / self.path, self.format)]


def names() -> list[str]:
    """The names of all formats."""
    return list(HOLDS)


def parse(text: str) -> Wanted:
    """What ``FORMAT=PATH`` asks for. Raises `ValueError` for what it does not mean."""
    name, equals, path = text.partition("=")
    if not equals or not path.strip():
        raise ValueError(f"{text!r} is not FORMAT=PATH; the formats are {', '.join(HOLDS)}")
    if name not in HOLDS:
        raise ValueError(f"there is no format {name!r}; the formats are {', '.join(HOLDS)}")
    if not all(_installed(module) for module in _EXTRAS.get(name, ())):
        raise ValueError(f"{name} needs an extra: pip install 'pytest-bootgate[{name}]'")
    return Wanted(name, path)


def _installed(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def write(name: str, results: Sequence[GateResult], path: str, base: Path) -> None:
    """Write results in a format; a path is relative to `base`, and so are the names of gate files.

    Raises `BootgateError` where it cannot be written, whatever the reason.
    """
    module = importlib.import_module(f"{__name__}.{name.replace('-', '_')}")
    try:
        module.write(results, path, base)
    except OSError as error:
        why = error.strerror or str(error)
        where = error.filename or path
        raise BootgateError(
            f"The report {name} could not be written to {where}: {why}. Give --bootgate-report"
            f" {name}= a path that can be written."
        ) from None
    except BootgateError:
        raise
    except Exception as error:
        # One format's mistake must not cost the others, nor pass for a report.
        raise BootgateError(
            f"The report {name} could not be made: {type(error).__name__}: {error}. This is a"
            " mistake in pytest-bootgate; please report it with the --bootgate-json of this run."
        ) from error
