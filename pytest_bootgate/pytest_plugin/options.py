"""The pytest options; their parsers are imported only when an option is used."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, Literal

import pytest

from pytest_bootgate.pytest_plugin.given import OPTION, variable


@dataclass(frozen=True, slots=True)
class Setting:
    """An option that a project may also set once, in its ini file: ``bootgate_NAME``.

    `parse` raises `argparse.ArgumentTypeError` for a text that is no value. A `bool` needs none;
    of a `linelist` there may be several. `path` is set where the text is, or ends with, a path.
    """

    name: str
    help: str
    metavar: str = ""
    kind: Literal["string", "linelist", "bool"] = "string"
    parse: Callable[[str], Any] = str
    path: bool = False

    @property
    def option(self) -> str:
        """What it is called on the command line."""
        return f"--bootgate-{self.name}"

    @property
    def key(self) -> str:
        """What it is called in an ini file, and in pytest's options."""
        return f"bootgate_{self.name}"


def settings() -> tuple[Setting, ...]:
    """All options that an ini file may set, in the order of ``--help``."""
    # As in reports.formats, which is not imported where no gate is.
    formats = sorted(entry_points(group="pytest_bootgate.reports").names)
    return (
        Setting(
            "require",
            "fail unless a gate was collected and each of its targets was booted and judged",
            kind="bool",
        ),
        Setting(
            "engine",
            "where boots run: docker, process, kubernetes, or auto (default): docker if Docker"
            " answers and every release has an image, otherwise process if every release has a"
            " command",
            "ENGINE",
            parse=_engine,
        ),
        Setting(
            "hosts",
            "boot on these Docker hosts, each pair of boots on one of them: ssh://USER@HOST,"
            " tcp://HOST:PORT, unix:///PATH, or names of docker contexts",
            "HOST,...",
            parse=_hosts,
        ),
        Setting(
            "boots",
            "measured boots of each release and target, overriding the gate file: N or LEAST..MOST",
            "N",
            parse=_boots,
        ),
        Setting(
            "profile",
            "boot this profile only (repeatable); default: all except those on request",
            "PROFILE",
            kind="linelist",
        ),
        Setting("json", "write the complete result as JSON", "FILE", parse=Path, path=True),
        Setting("html", "write the result as one HTML page", "FILE", parse=Path, path=True),
        Setting(
            "journal",
            "the journal of boots, events and verdicts (SQLite; default: .bootgate/journal.db in"
            " the rootdir)",
            "PATH",
            parse=Path,
            path=True,
        ),
        Setting(
            "report",
            f"write a report in this format (repeatable): {', '.join(formats)}",
            "FORMAT=PATH",
            kind="linelist",
            parse=_report,
            path=True,
        ),
    )


def add_options(parser: pytest.Parser) -> None:
    """Add them to pytest's."""
    group = parser.getgroup("bootgate", "gate upgrades by booting both releases")
    group.addoption(
        "--bootgate",
        action="store_true",
        help="boot every gate file that pytest finds (bootgate.yaml, NAME.bootgate.yaml), not only"
        " those named on the command line",
    )
    for one in settings():
        if one.kind == "bool":
            group.addoption(one.option, action="store_true", default=None, help=one.help)
        else:
            action = "append" if one.kind == "linelist" else "store"
            group.addoption(
                one.option, action=action, type=one.parse, metavar=one.metavar, help=one.help
            )
        parser.addini(one.key, f"same as {one.option}", type=one.kind, default=None)
    group.addoption(
        OPTION,
        action="append",
        type=variable,
        metavar="NAME=VALUE",
        help="a variable of the gate file, ${NAME} (repeatable); it is an error if a gate file"
        " boots the same without it",
    )
    group.addoption("--bootgate-host", type=_renamed, help=argparse.SUPPRESS)
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
