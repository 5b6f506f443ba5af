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
from pytest_bootgate.result import GateResult, TargetResult
from pytest_bootgate.session import KEY, Session

GITHUB, GITLAB = "GITHUB_ACTIONS", "GITLAB_CI"


def wanted(config: pytest.Config) -> list[formats.Wanted]:
    """The reports that the options ask for. Raises `pytest.UsageError` for one path twice."""
    found = [formats.parse(text) for text in config.getoption("bootgate_report") or ()]
    paths = [one.path for one in found]
    for path in paths:
        if paths.count(path) > 1:
            raise pytest.UsageError(f"--bootgate-report: two reports cannot both be {path}")
    return found


def publish(config: pytest.Config) -> Iterator[str]:
    """Write all reports, each whatever becomes of the others; a sentence for each failure."""
    if config.getoption("collectonly"):
        return
    results, base = complete(config.stash[KEY]), config.invocation_params.dir
    asked = wanted(config)
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

    for line in github.commands(results, base):
        _say(config, line)
    path = os.environ.get("GITHUB_STEP_SUMMARY")
    if os.environ.get(GITHUB) == "true" and path:
        try:
            github.append(results, Path(path), base)
        except OSError as error:
            yield f"The job summary could not be written to {path}: {error.strerror or error}."


def _say(config: pytest.Config, line: str) -> None:
    """Write a line, be it without pytest's own reporter."""
    reporter: Any = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None:
        print(line)
        return
    reporter.ensure_newline()
    reporter.write_line(line)


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


def complete(session: Session) -> list[GateResult]:
    """All results, and what should be among them: what never had its turn is broken.

    That is a gate that a lost worker took with it, and a target that was selected and not booted.
    """
    results = session.results()
    known = {result.file for result in results}
    due = {path for path, _, _ in session.selected}
    for path, gate in session.gates.items():
        file = str(gate.loaded.path)
        if file not in known and (session.lost_workers or not known or path in due):
            results.append(gate.outcome())
    return [_with_missing(session, result) for result in results]


def _with_missing(session: Session, result: GateResult) -> GateResult:
    gate = session.gates.get(Path(result.file))
    booted = {(target.host, target.target) for target in result.targets}
    missing = []
    for path, host, name in session.selected:
        if gate is None or path != Path(result.file) or (host, name) in booted:
            continue
        left_out = gate.left_out(name)
        why = f"{name} was selected and not booted: the run ended before its turn."
        missing.append(
            TargetResult(
                name,
                host,
                gate.file.targets[name].as_ or name,
                gate.rules(host, name),
                left_out=left_out,
                broken=why if left_out is None else None,
            )
        )
    return replace(result, targets=(*result.targets, *missing)) if missing else result
