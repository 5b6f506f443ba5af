"""The reports that were asked for, and those that GitHub and GitLab get by themselves."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pytest_bootgate.errors import BootgateError
from pytest_bootgate.reports import formats
from pytest_bootgate.result import GateResult
from pytest_bootgate.session import KEY, Session

#: How a run ends that got to its end.
_FINISHED = (
    pytest.ExitCode.OK,
    pytest.ExitCode.TESTS_FAILED,
    pytest.ExitCode.NO_TESTS_COLLECTED,
)
GITHUB, GITLAB = "GITHUB_ACTIONS", "GITLAB_CI"


def wanted(config: pytest.Config) -> list[formats.Wanted]:
    """The reports that the options ask for. Raises `pytest.UsageError` for one path twice."""
    found = [formats.parse(text) for text in config.getoption("bootgate_report") or ()]
    paths = [one.path for one in found]
    for path in paths:
        if paths.count(path) > 1:
            raise pytest.UsageError(f"--bootgate-report: two reports cannot both be {path}")
    return found


def publish(run: pytest.Session) -> Iterator[str]:
    """Write all reports, each whatever becomes of the others; a sentence for each failure."""
    config = run.config
    session, base = config.stash[KEY], config.invocation_params.dir
    results = finished(session, run.exitstatus) if session.ran else []
    asked = wanted(config)
    if not results:
        if asked and session.ran:
            _say(config, "bootgate: no gate was to be booted, so no --bootgate-report was written")
        return
    _add_to_junitxml(config, results, base)
    for one in asked:
        try:
            formats.write(one.format, results, one.path, base)
        except BootgateError as error:
            yield str(error)
    if os.environ.get(GITHUB) == "true" or any(one.format == "github" for one in asked):
        yield from _github(config, results, base)
    if os.environ.get(GITLAB) == "true":
        from pytest_bootgate.reports.formats import gitlab

        directory = next((one.path for one in asked if one.format == "gitlab"), None)
        _say(config, f"bootgate: {gitlab.hint(directory)}")


def _github(config: pytest.Config, results: list[GateResult], base: Path) -> Iterator[str]:
    """Annotations on the terminal, and the job summary where GitHub collects it."""
    from pytest_bootgate.reports.formats import github

    if commands := github.commands(results, base):
        _say(config, "\n".join(["", *commands]))  # a command stands at the beginning of a line
    path = os.environ.get("GITHUB_STEP_SUMMARY")
    if os.environ.get(GITHUB) == "true" and path:
        try:
            github.append(results, Path(path), base)
        except OSError as error:
            yield f"The job summary could not be written to {path}: {error.strerror or error}."


def _say(config: pytest.Config, text: str) -> None:
    """Write lines, be it without pytest's own reporter."""
    reporter: Any = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None:
        print(text)
        return
    reporter.ensure_newline()
    reporter.write_line(text)


def _add_to_junitxml(config: pytest.Config, results: list[GateResult], base: Path) -> None:
    """What pytest's own JUnit XML does not get from the items: properties of its suite."""
    if not config.getoption("xmlpath", None):
        return
    from _pytest.junitxml import xml_key

    from pytest_bootgate.reports.formats import cases

    xml = config.stash.get(xml_key, None)
    if xml is not None:
        for name, result in zip(cases.names(results, base), results, strict=True):
            for key, value in cases.properties(result):
                xml.add_global_property(f"{name}::{key}", value)


def finished(session: Session, status: int) -> list[GateResult]:
    """The results; broken where the run ended before all was judged that it should have."""
    results = session.outcomes()
    if not (session.ended_early or status not in _FINISHED):
        return results
    from pytest_bootgate.require import insufficient, why

    reason = why(ended_early=True, lost_workers=session.lost_workers)
    texts = insufficient(results, reason, lost=session.lost_results)
    return [replace(r, broken=r.broken or texts.get(r.file)) for r in results]
