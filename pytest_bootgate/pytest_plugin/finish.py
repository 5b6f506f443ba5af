"""The end of a run: what was not judged, who is told, what is written, and whether it is red."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_bootgate.pytest_plugin.publish import publish
from pytest_bootgate.pytest_plugin.session import KEY, PASSING
from pytest_bootgate.pytest_plugin.summary import show_errors
from pytest_bootgate.pytest_plugin.tell import correct, inform


def finish(run: pytest.Session) -> None:
    """Judge the run as a whole, tell and write what was asked for; red where that fails."""
    ours, config = run.config.stash[KEY], run.config
    if ours.ran:
        ours.require(run.exitstatus)
    elif ours.required and config.getoption("collectonly"):
        ours.missing.append(
            "--bootgate-require: nothing was booted, --collect-only lists items only"
        )
    if not _interrupted(run):
        inform(ours)
    if ours.missing or ours.uninformed:
        _red(run, "")  # the summary says what and why
        reporter = config.pluginmanager.get_plugin("terminalreporter")
        if reporter is not None and config.getoption("no_summary"):
            show_errors(reporter, ours)  # pytest before 9.2 leaves ours out, too
    correct(ours)
    ours.close()
    results = ours.results()
    shown = {found.error for result in results for found in result.checks}
    for text in ours.unheard():
        _red(run, "" if text in shown else text)
    for text in publish(run):
        _red(run, text)


def _interrupted(run: pytest.Session) -> bool:
    """Whether somebody ended the run; -x under pytest-xdist ends it with the same status."""
    stopped = getattr(run.config.pluginmanager.get_plugin("dsession"), "shouldstop", False)
    return run.exitstatus == pytest.ExitCode.INTERRUPTED and not stopped


def _red(run: pytest.Session, text: str) -> None:
    """Make the run red, with a text unless it is shown elsewhere."""
    if run.exitstatus in PASSING:
        run.exitstatus = pytest.ExitCode.TESTS_FAILED
    reporter: Any = run.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None and text:
        reporter.ensure_newline()
        reporter.write_line(f"ERROR: {text}", red=True)
