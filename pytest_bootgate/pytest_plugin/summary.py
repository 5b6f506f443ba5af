"""The summary of pytest's own terminal."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pytest_bootgate.pytest_plugin.session import Session
from pytest_bootgate.records.result import GateResult
from pytest_bootgate.reports.layout import laid_out
from pytest_bootgate.reports.terminal import summary

#: What pytest calls its options that choose items.
_OPTIONS = {"-k": "keyword", "-m": "markexpr"}


def show_results(reporter: Any, session: Session, results: Sequence[GateResult]) -> None:
    """What each gate found, as much of it as the verbosity asks for."""
    verbosity = session.config.get_verbosity()
    width = reporter._tw.fullwidth if reporter.isatty else None  # noqa: SLF001
    encoding = getattr(reporter._tw._file, "encoding", None)  # noqa: SLF001
    for result in results:
        if verbosity >= 0:
            reporter.section(f"bootgate: {session.shown(Path(result.file))}")
        page = session.config.getoption("bootgate_html") or ""
        none = "" if result.tried else _nothing_chosen(session, result)
        lines = summary(result, lost=session.lost_results, page=str(page), none=none)
        for line in laid_out(lines, verbosity=verbosity, width=width, encoding=encoding):
            markup = {line.colour: True} if line.colour else {}
            reporter.write_line(line.text, bold=line.bold, **markup)
        if result.tried and verbosity >= 0:
            journal = session.shown(session.journal_path)
            reporter.write_line(f"journal: {journal}, run {result.run}")
    if session.written and verbosity >= 0:
        reporter.write_line(f"written: {', '.join(session.written)}")


def _nothing_chosen(session: Session, result: GateResult) -> str:
    """That the options of pytest choose no item of a gate; empty where something else did."""
    option = session.config.getoption
    asked = [f"{name} {text!r}" for name in ("-k", "-m") if (text := option(_OPTIONS[name], ""))]
    path = Path(result.file).resolve()
    if not asked or session.lost_results or any(one[0] == path for one in session.selected):
        return ""
    targets = dict.fromkeys(result.label(one.target, one.profile) for one in result.unjudged)
    name = session.shown(Path(result.file))
    return f"{' with '.join(asked)} matches nothing in {name}; targets: {', '.join(targets)}"


def show_errors(reporter: Any, session: Session) -> None:
    """What makes the run red by itself, said once."""
    errors = [*session.uninformed, *session.missing]
    session.uninformed, session.missing = [], []
    for text in errors:
        reporter.ensure_newline()
        reporter.write_line(f"ERROR: {text}", red=True, bold=True)
