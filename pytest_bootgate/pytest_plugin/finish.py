"""The end of a run: what was not judged, who is told, what is written, and whether it is red."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_bootgate.pytest_plugin.listeners import mask_of
from pytest_bootgate.pytest_plugin.publish import publish
from pytest_bootgate.pytest_plugin.require import require
from pytest_bootgate.pytest_plugin.session import KEY, PASSING, is_gate_file
from pytest_bootgate.pytest_plugin.summary import show_errors

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_bootgate.pytest_plugin.session import Session
    from pytest_bootgate.records.result import GateResult

#: How a run of ``bootgate run`` ends of which nobody knows; `cli.statuses` says so as well.
UNMEASURED = 6


def finish(run: pytest.Session) -> None:
    """Judge the run as a whole, tell and write what was asked for; red where that fails."""
    ours, config = run.config.stash[KEY], run.config
    if ours.ran:
        require(ours, run.exitstatus)
    elif ours.required and ours.lists:
        ours.missing.append(f"--bootgate-require: nothing was booted: {ours.lists} runs no test")
    if ours.merges and ours.ran:
        from pytest_bootgate.pytest_plugin.merging import conclude

        conclude(ours)
    if run.exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED and ours.ran:
        from pytest_bootgate.pytest_plugin.shards import nothing_to_boot

        if nothing_to_boot(ours.outcomes()):
            run.exitstatus = pytest.ExitCode.OK
    if ours.required and not ours.missing and run.exitstatus in PASSING:
        # An xfail, or a plugin that turns failures into skips, hides no verdict that is required.
        asked = "bootgate merge" if ours.merges else "--bootgate-require"
        ours.missing += [
            f"{asked}: {ours.shown(Path(result.file))}: its verdict is"
            f" {result.verdict}, but no test failed"
            for result in ours.results()
            if result.verdict in ("fail", "error")
        ]
    if not _interrupted(run):
        _inform(ours)
    if ours.missing or ours.uninformed:
        _red(run, "")  # the summary says what and why
        reporter = config.pluginmanager.get_plugin("terminalreporter")
        if reporter is not None and config.getoption("no_summary"):
            show_errors(reporter, ours)  # pytest before 9.2 leaves ours out, too
    _correct(ours)
    ours.close()
    results = ours.results()
    shown = {found.error for result in results for found in result.checks}
    for text in ours.unheard():
        _red(run, "" if text in shown else text)
    for text in publish(run):
        _red(run, text)
    if config.getoption("bootgate_decide") and results:
        _decide(run, ours, results)


def _decide(run: pytest.Session, ours: Session, results: Sequence[GateResult]) -> None:
    """End with a status of its own where nothing failed and not all was measured."""
    from pytest_bootgate.reports.decision import worst_of

    page = run.config.getoption("bootgate_html") or ""
    ours.decision = worst_of(results).with_page(str(page))
    verdicts: set[str | None] = {result.verdict for result in results}
    verdicts |= {found.verdict for result in results for found in result.checks}
    unmeasured = "error" in verdicts and "fail" not in verdicts
    reporter = run.config.pluginmanager.get_plugin("terminalreporter")
    stats = reporter.stats if reporter is not None else {}
    red = [report.nodeid for kind in ("failed", "error") for report in stats.get(kind, ())]
    others = any(not is_gate_file(Path(nodeid.partition("::")[0])) for nodeid in red)
    failed = run.exitstatus == pytest.ExitCode.TESTS_FAILED
    if failed and unmeasured and not others and not ours.uninformed:
        run.exitstatus = UNMEASURED


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


def _inform(ours: Session) -> None:
    """Tell those who asked to be told of a verdict, in the process that knows all results."""
    if not (results := ours.results()):
        return
    from pytest_bootgate.errors import BootgateError
    from pytest_bootgate.reports.notify import notify

    asked = {str(path): gate.plan.file.notify for path, gate in ours.gates.items()}
    asked |= ours.notify_of_workers
    if left := [name for r in results if r.shard is not None for name in r.shard.notifies]:
        names = ", ".join(dict.fromkeys(left))
        ours.informed.append(f"not notified: {names} (a shard is no verdict; `bootgate merge` is)")
    for result in results:
        if result.shard is not None:
            continue
        try:
            told, untold = notify(
                result, asked.get(result.file, {}), ours.hear, mask_of(ours, result.file)
            )
        except BootgateError as error:  # nor could the journal keep that somebody was not told
            told, untold = [], [str(error)]
        ours.informed += [f"notified {name}: {result.verdict}" for name in told]
        ours.uninformed += untold


def _correct(ours: Session) -> None:
    """Tell the end of runs once more whose workers could not know all of it."""
    from pytest_bootgate.errors import BootgateError
    from pytest_bootgate.records.events import RunEnded

    told = {result.run: result for result in ours.from_workers}
    for result in ours.results():
        if result.run in told and result != told[result.run]:
            try:
                ours.hear(RunEnded(run=result.run, wall=time.time(), result=result))
            except BootgateError as error:
                ours.unheard_of_workers.append(mask_of(ours, result.file).text(str(error)))
