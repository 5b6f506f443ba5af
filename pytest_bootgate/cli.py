"""The ``bootgate`` command."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from pytest_bootgate import __version__
from pytest_bootgate import probe as probing
from pytest_bootgate.errors import BootgateError
from pytest_bootgate.journal import command as journal


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status."""
    parser = argparse.ArgumentParser(
        prog="bootgate",
        description="Tools for gate files. To run a gate: pytest bootgate.yaml",
    )
    parser.add_argument("--version", action="version", version=f"pytest-bootgate {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("schema", help="print the JSON Schema of gate files, for editors")
    check = commands.add_parser("check", help="read gate files and list all their mistakes")
    check.add_argument("files", nargs="+", type=Path, metavar="FILE")
    calibrate = commands.add_parser(
        "calibrate", help="propose limits, near and warn from recorded runs, as a patch"
    )
    calibrate.add_argument("file", type=Path, metavar="FILE", help="the gate file")
    calibrate.add_argument(
        "results",
        nargs="+",
        type=Path,
        metavar="RESULT",
        help="what pytest FILE --bootgate-json RESULT wrote",
    )
    calibrate.add_argument("--host", metavar="PROFILE", help="take the boots of one host profile")
    calibrate.add_argument(
        "--release",
        choices=["candidate", "baseline"],
        default="candidate",
        help="take the boots of this release (default: candidate)",
    )
    calibrate.add_argument(
        "--all", action="store_true", help="replace limits that are there and well kept, too"
    )
    calibrate.add_argument("--write", action="store_true", help="change the gate file as well")
    log = commands.add_parser("log", help="the boots of a journal, the newest first")
    journal.add_arguments(log)
    probe = commands.add_parser(
        "probe",
        help="boot each target once and say how near its timeout it came; for a scheduler",
        description="Boots each target of the candidate once. Exit status: 0 well below warn,"
        " 1 started but above warn (nothing has failed yet), 2 failed, 3 could not be measured,"
        " 4 mistakes in the gate file.",
    )
    probing.add_arguments(probe)
    asked = parser.parse_args(argv)
    if asked.command == "schema":
        return _schema()
    if asked.command == "log":
        return journal.log(journal.asked_for(asked))
    if asked.command == "probe":
        return probing.probe(probing.asked_for(asked))
    return _check(asked.files) if asked.command == "check" else _calibrate(asked)


def _schema() -> int:
    from pytest_bootgate.gatefile.schema import json_schema

    print(json.dumps(json_schema(), indent=2))
    return 0


def _check(files: Sequence[Path]) -> int:
    from pytest_bootgate.gatefile import load

    status = 0
    for path in files:
        try:
            load(path)
            print(f"{path}: no mistakes")
        except BootgateError as error:
            print(error, file=sys.stderr)
            status = 4
    return status


def _calibrate(asked: argparse.Namespace) -> int:
    from pytest_bootgate.calibrate.command import Asked, calibrate

    return calibrate(
        Asked(
            file=asked.file,
            results=asked.results,
            host=asked.host,
            release=asked.release,
            again=asked.all,
            write=asked.write,
        )
    )


if __name__ == "__main__":
    sys.exit(main())
