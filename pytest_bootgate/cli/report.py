"""``bootgate report``: a saved run again, in the terminal, as HTML, as JSON."""

from __future__ import annotations

import argparse
from pathlib import Path

from pytest_bootgate.cli.log import add_journal, nearest
from pytest_bootgate.cli.saved import RUN, saved
from pytest_bootgate.cli.screen import painted, show
from pytest_bootgate.errors import BootgateError
from pytest_bootgate.records import codec
from pytest_bootgate.records.result import GateResult
from pytest_bootgate.reports import places
from pytest_bootgate.reports.clean import clean
from pytest_bootgate.reports.terminal import summary


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What ``bootgate report`` takes."""
    parser.description = (
        "Show a saved run: print its summary, or write files. Nothing is booted or judged again."
        " The exit status is 0 even if the run failed."
    )
    parser.add_argument("run", metavar="RUN", help=RUN)
    parser.add_argument("--html", type=Path, metavar="FILE", help="write the HTML report")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the complete result")
    parser.add_argument(
        "--text", action="store_true", help="print the summary even if files are written"
    )
    parser.add_argument(
        "-v", "--verbose", action="count", default=0, help="print more, as in pytest (-vv: all)"
    )
    parser.add_argument("-q", "--quiet", action="count", default=0, help="print less")
    add_journal(parser)


def main(options: argparse.Namespace) -> int:
    """Show and write what was asked for; return the exit status."""
    results = saved(options.run, options.journal)
    if options.text or not (options.html or options.json):
        for result in results:
            print(painted(_heading(result), bold=True))
            show(summary(result), options.verbose - options.quiet)
            if result.error is not None:
                print(painted(clean(f"ERROR: {result.error}"), "red", bold=True))
    for path, kind in ((options.json, "json"), (options.html, "html")):
        if path is not None:
            places.check(path, kind)
    if options.json:
        codec.write(results, options.json)
        print(f"Wrote {options.json}.")
    if options.html:
        _write_html(results, options.html, options.journal)
        print(f"Wrote {options.html}.")
    return 0


def _heading(result: GateResult) -> str:
    return f"run {result.run} of {Path(result.file).name}, {result.at[:16].replace('T', ' ')} UTC"


def _write_html(results: list[GateResult], path: Path, named: Path | None) -> None:
    """The HTML report, with the trend where there is a journal."""
    from pytest_bootgate.reports.html import page

    try:
        journal = nearest(named)
    except BootgateError:
        journal = None  # a result file without a journal beside it has no trend to show
    page.write(results, path, journal=journal)
