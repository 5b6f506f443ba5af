"""``bootgate merge``: one result, one verdict and all reports from the results of all shards.

This process becomes pytest, which boots nothing: the items, the reports, the notices and the exit
status are those of a run.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from pytest_bootgate.cli.run import DECIDES
from pytest_bootgate.errors import BootgateError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What ``bootgate merge`` takes; only for its help, since all options are pytest's."""
    parser.usage = "bootgate merge FILE ... [PYTEST OPTION ...]"
    parser.description = (
        "Make one result of what all shards of a gate wrote with --bootgate-json, and report it as"
        " one run: items, verdict, reports, notifications, exit status. Nothing is booted. It is an"
        " error unless all shards belong together and each planned check is there exactly once."
        " Run it in the directory where pytest ran, with the gate file if somebody is to be"
        " notified."
    )
    parser.add_argument(
        "files", nargs="*", metavar="FILE", help="the results of all shards, before all options"
    )
    parser.add_argument(
        "options",
        nargs="*",
        metavar="PYTEST OPTION",
        help="any pytest option, such as --bootgate-json FILE, --bootgate-html FILE,"
        " --bootgate-report FORMAT=PATH, --junitxml FILE, -q",
    )


def main(options: argparse.Namespace) -> int:
    """Become pytest; returns only where that cannot be. Raises `BootgateError` for mistakes."""
    words = command(options.arguments)
    sys.stdout.flush()
    os.execv(sys.executable, words)


def command(arguments: Sequence[str]) -> list[str]:
    """The command line of pytest for what the user asked for. Raises `BootgateError`."""
    first = next((n for n, word in enumerate(arguments) if word.startswith("-")), len(arguments))
    files, rest = arguments[:first], arguments[first:]
    if not files:
        raise BootgateError(
            "Name the results of all shards, before any option: bootgate merge shard-*.json"
            " --bootgate-html report.html."
        )
    merged = [f"--bootgate-merge={name}" for name in files]
    return [sys.executable, "-m", "pytest", DECIDES, *merged, *rest]
