"""``bootgate log``: the boots of a journal, the newest first."""

from __future__ import annotations

import argparse
import datetime as dt
import os
import re
import shutil
import sqlite3
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from pytest_bootgate.cli.project import journal_of
from pytest_bootgate.errors import BootgateError, JournalError
from pytest_bootgate.journal import files, queries
from pytest_bootgate.journal.queries import WANTED, Filter
from pytest_bootgate.reports import boot_table as table
from pytest_bootgate.reports.clean import clean

_AGO = re.compile(r"([0-9]{1,6})([smhdw])")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
_SINCE = "write 7d, 12h, 30m, or a day or time as in 2026-11-22 or 2026-11-22T08:30"


@dataclass(frozen=True, slots=True)
class Asked:
    """What the user asked for; `journal` None is the nearest default one upwards."""

    journal: Path | None
    boots: Filter
    events: bool = False
    as_json: bool = False


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What ``bootgate log`` takes."""
    add_journal(parser)
    parser.add_argument("--run", metavar="ID", help="one run: its id, or how it begins")
    parser.add_argument("--release", metavar="NAME", help="candidate, baseline, or a version")
    parser.add_argument("--target", metavar="TARGET", help="a target, or target@profile")
    parser.add_argument(
        "--outcome", choices=WANTED, metavar="OUTCOME", help=f"one of {', '.join(WANTED)}"
    )
    parser.add_argument(
        "--since", type=since, metavar="WHEN", help="since 7d, 12h, 30m ago, or since 2026-11-22"
    )
    parser.add_argument(
        "--limit",
        type=_positive,
        default=20,
        metavar="N",
        help="at most this many boots (default: 20)",
    )
    parser.add_argument(
        "--events",
        action="store_true",
        help="list the events of these boots instead, oldest first",
    )
    parser.add_argument("--json", action="store_true", help="print JSON, one line for each")


def add_journal(parser: argparse.ArgumentParser) -> None:
    """The option that names a journal."""
    parser.add_argument(
        "--journal",
        type=Path,
        metavar="PATH",
        help=f"the journal (default: {files.DEFAULT}, here or in the nearest parent directory)",
    )


def asked_for(options: argparse.Namespace) -> Asked:
    """What the options say."""
    return Asked(
        journal=options.journal,
        boots=Filter(
            run=options.run,
            release=options.release,
            target=options.target,
            outcome=options.outcome,
            since=options.since,
            limit=options.limit,
        ),
        events=options.events,
        as_json=options.json,
    )


def main(options: argparse.Namespace) -> int:
    """Do what the options say; return the exit status."""
    return log(asked_for(options))


def log(asked: Asked) -> int:
    """Print what was asked for on stdout; return the exit status."""
    try:
        with files.reading(nearest(asked.journal)) as journal:
            lines = list(_lines(journal, asked))
    except BootgateError as error:
        print(clean(str(error)), file=sys.stderr)
        return 4
    try:
        for line in lines:
            print(line if asked.as_json else clean(line))
        sys.stdout.flush()
    except BrokenPipeError:  # `bootgate log | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _lines(journal: sqlite3.Connection, asked: Asked) -> Iterator[str]:
    boots = asked.boots
    if boots.run is not None:
        boots = replace(boots, run=queries.find_run(journal, boots.run))
    rows = queries.boots(journal, boots)
    if asked.events:
        found = queries.events(journal, rows, boots.run)
        yield from (table.events_as_json(found) if asked.as_json else table.events(found, rows))
        return
    if asked.as_json:
        yield from table.boots_as_json(rows)
        return
    if len(rows) == boots.limit:
        boots = replace(boots, since=rows[-1].began)
    without = queries.runs_without_boots(journal, boots)
    yield from table.boots(rows, without, _width())
    if not rows and not without:
        print("No boot in this journal matches.", file=sys.stderr)


def nearest(named: Path | None) -> Path:
    """The journal that is named, here or in the ini file, else the nearest default one upwards.

    Raises `BootgateError`.
    """
    if named is not None:
        return named
    here = Path.cwd()
    if (named := journal_of(here)) is not None:
        return named
    for directory in (here, *here.parents):
        if (directory / files.DEFAULT).exists():
            return directory / files.DEFAULT
    raise JournalError(
        f"There is no {files.DEFAULT} here or above. Name a journal with --journal PATH."
    )


def since(text: str) -> float:
    """An instant in Unix seconds: so long ago, or a day or time (this machine's, without a zone).

    Raises `argparse.ArgumentTypeError` where it is none.
    """
    if found := _AGO.fullmatch(text):
        return time.time() - int(found[1]) * _UNITS[found[2]]
    try:
        return dt.datetime.fromisoformat(text).timestamp()
    except (ValueError, OverflowError):
        raise argparse.ArgumentTypeError(f"{text!r} is not a time: {_SINCE}") from None


def _positive(text: str) -> int:
    number = int(text) if text.isascii() and text.isdigit() else 0
    if not 0 < number < 2**31:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of boots: write 20")
    return number


def _width() -> int:
    return shutil.get_terminal_size((80, 24)).columns
