"""The options of the gate; what they mean is imported where they are given."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import pytest


def add_options(parser: pytest.Parser) -> None:
    """Add them to pytest's."""
    group = parser.getgroup("bootgate", "gate upgrades by booting both releases")
    group.addoption(
        "--bootgate",
        action="store_true",
        help="boot every gate file that is found (bootgate.yaml, NAME.bootgate.yaml), not only"
        " those named on the command line",
    )
    group.addoption(
        "--bootgate-require",
        action="store_true",
        help="fail unless there was a gate, and each of its targets was booted and judged",
    )
    group.addoption(
        "--bootgate-engine",
        default="auto",
        metavar="ENGINE",
        help="where boots happen: docker, process, or auto (default): docker where an engine"
        " answers and images are given, else process where commands are",
    )
    group.addoption(
        "--bootgate-boots",
        type=_boots,
        metavar="N",
        help="measured boots of each release and target, instead of the gate file's: N, or"
        " LEAST..MOST",
    )
    group.addoption(
        "--bootgate-profile",
        action="append",
        metavar="PROFILE",
        help="a profile of the gate file (repeatable); by default all but those on request",
    )
    group.addoption("--bootgate-host", type=_renamed, help=argparse.SUPPRESS)
    group.addoption(
        "--bootgate-json", type=Path, metavar="FILE", help="write the complete result as JSON"
    )
    group.addoption(
        "--bootgate-html", type=Path, metavar="FILE", help="write what was found as one HTML page"
    )
    group.addoption(
        "--bootgate-journal",
        type=Path,
        metavar="PATH",
        help="where boots, events and verdicts are kept (SQLite; by default .bootgate/journal.db"
        " below the rootdir)",
    )
    group.addoption(
        "--bootgate-report",
        action="append",
        type=_report,
        metavar="FORMAT=PATH",
        help="write the result in another format (repeatable): junit, github, gitlab, openmetrics,"
        " prometheus, bencher, benchmark-action, ctrf, otel",
    )
    parser.addini("bootgate_file", "the gate file of the fixtures, relative to the rootdir")
    parser.addini("bootgate_require", "as --bootgate-require", type="bool", default=False)


def _boots(text: str) -> Any:
    from pytest_bootgate.gatefile.quantities import Boots

    try:
        return Boots.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _renamed(_: str) -> None:
    raise argparse.ArgumentTypeError("it is called --bootgate-profile now")


def _report(text: str) -> str:
    from pytest_bootgate.reports.formats import parse

    try:
        parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return text  # what it means cannot be sent to a worker of pytest-xdist
