"""The pytest options; their parsers are imported only when an option is used."""

from __future__ import annotations

import argparse
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest


def add_options(parser: pytest.Parser) -> None:
    """Add them to pytest's."""
    # As in reports.formats, which is not imported where no gate is.
    formats = sorted(entry_points(group="pytest_bootgate.reports").names)
    group = parser.getgroup("bootgate", "gate upgrades by booting both releases")
    group.addoption(
        "--bootgate",
        action="store_true",
        help="boot every gate file that pytest finds (bootgate.yaml, NAME.bootgate.yaml), not only"
        " those named on the command line",
    )
    group.addoption(
        "--bootgate-require",
        action="store_true",
        help="fail unless a gate was collected and each of its targets was booted and judged",
    )
    group.addoption(
        "--bootgate-engine",
        default="auto",
        type=_engine,
        metavar="ENGINE",
        help="where boots run: docker, process, kubernetes, or auto (default): docker if Docker"
        " answers and every release has an image, otherwise process if every release has a command",
    )
    group.addoption(
        "--bootgate-hosts",
        type=_hosts,
        metavar="HOST,...",
        help="boot on these Docker hosts, each pair of boots on one of them: ssh://USER@HOST,"
        " tcp://HOST:PORT, unix:///PATH, or names of docker contexts",
    )
    group.addoption(
        "--bootgate-boots",
        type=_boots,
        metavar="N",
        help="measured boots of each release and target, overriding the gate file: N or"
        " LEAST..MOST",
    )
    group.addoption(
        "--bootgate-profile",
        action="append",
        metavar="PROFILE",
        help="boot this profile only (repeatable); default: all except those on request",
    )
    group.addoption("--bootgate-host", type=_renamed, help=argparse.SUPPRESS)
    group.addoption(
        "--bootgate-json", type=Path, metavar="FILE", help="write the complete result as JSON"
    )
    group.addoption(
        "--bootgate-html", type=Path, metavar="FILE", help="write the result as one HTML page"
    )
    group.addoption(
        "--bootgate-journal",
        type=Path,
        metavar="PATH",
        help="the journal of boots, events and verdicts (SQLite; default: .bootgate/journal.db in"
        " the rootdir)",
    )
    group.addoption(
        "--bootgate-report",
        action="append",
        type=_report,
        metavar="FORMAT=PATH",
        help=f"write a report in this format (repeatable): {', '.join(formats)}",
    )
    group.addoption(
        "--bootgate-shard",
        type=_shard,
        metavar="N/OF",
        help="boot this share of the checks only, such as 2/5; `bootgate merge` makes one result of"
        " the --bootgate-json of all shards",
    )
    group.addoption(
        "--bootgate-shard-journal",
        type=Path,
        metavar="PATH",
        help="weigh the shares by this journal of earlier runs, which all shards must be given;"
        " without it by the longest possible duration of each check",
    )
    group.addoption("--bootgate-decide", action="store_true", help=argparse.SUPPRESS)
    group.addoption("--bootgate-merge", action="append", help=argparse.SUPPRESS)
    parser.addini("bootgate_file", "the gate file that the fixtures use, relative to the rootdir")
    parser.addini("bootgate_require", "same as --bootgate-require", type="bool", default=False)


def _engine(text: str) -> str:
    if text == "auto":  # the default, of which no run without a gate must import anything
        return text
    from pytest_bootgate.engines import refuse
    from pytest_bootgate.errors import EngineError

    try:
        refuse(text, images=True, commands=True)
    except EngineError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return text


def _boots(text: str) -> Any:
    from pytest_bootgate.quantities import Boots

    try:
        return Boots.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _hosts(text: str) -> str:
    from pytest_bootgate.engines.docker_address import hosts

    try:
        hosts(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return text


def asked_engine(config: pytest.Config) -> tuple[str, list[str]]:
    """The engine, and the Docker hosts to boot on. Raises `UsageError` where others have none."""
    engine = config.getoption("bootgate_engine")
    if (text := config.getoption("bootgate_hosts")) is None:
        return engine, []
    if engine not in ("auto", "docker"):
        raise pytest.UsageError(
            f"--bootgate-hosts names Docker hosts, but --bootgate-engine {engine} boots elsewhere:"
            " leave out one of them."
        )
    from pytest_bootgate.engines.docker_address import hosts

    return "docker", hosts(text)


def _shard(text: str) -> str:
    from pytest_bootgate.records.shard import parse

    try:
        parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return text


def _renamed(_: str) -> None:
    raise argparse.ArgumentTypeError("it is now --bootgate-profile")


def _report(text: str) -> str:
    from pytest_bootgate.reports.formats import parse

    try:
        parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return text  # what it means cannot be sent to a worker of pytest-xdist
