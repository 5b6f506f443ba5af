"""The ``bootgate`` command."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from pytest_bootgate import __version__
from pytest_bootgate.errors import BootgateError


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
    asked = parser.parse_args(argv)
    return _schema() if asked.command == "schema" else _check(asked.files)


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


if __name__ == "__main__":
    sys.exit(main())
