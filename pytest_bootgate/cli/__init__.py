"""The ``bootgate`` command: one module for each subcommand, imported only when it runs.

No rule of the gate lives here: commands parse arguments, call the rooms below and print.
"""

from __future__ import annotations

import argparse
import difflib
import importlib
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from pytest_bootgate import __version__
from pytest_bootgate.cli import statuses
from pytest_bootgate.errors import BootgateError


@dataclass(frozen=True, slots=True)
class Command:
    """One command; its module has `add_arguments(parser)` and `main(options)`."""

    name: str
    help: str
    module: str


_HERE = "pytest_bootgate.cli."
COMMANDS = (
    Command("init", "write a working gate file with an example service", f"{_HERE}init"),
    Command("check", "list mistakes in gate files, or show the plan", f"{_HERE}check"),
    Command("doctor", "check whether a gate can run here", f"{_HERE}doctor"),
    Command("run", "run gate files with pytest, and require all of them", f"{_HERE}run"),
    Command("merge", "make one result of the results of all shards", f"{_HERE}merge"),
    Command("probe", "boot each target once, for a scheduler", "pytest_bootgate.cli.probe"),
    Command("report", "show a saved run: summary, HTML, JSON", f"{_HERE}report"),
    Command("compare", "compare two runs", f"{_HERE}compare"),
    Command("explain", "explain a verdict or an outcome, and what to do", f"{_HERE}explain"),
    Command("log", "list the boots in a journal, newest first", "pytest_bootgate.cli.log"),
    Command(
        "calibrate",
        "propose limits from recorded runs",
        "pytest_bootgate.cli.calibrate",
    ),
    Command("clean", "remove what killed runs left behind", f"{_HERE}clean"),
    Command("schema", "print a JSON Schema: gate files, results, notices", f"{_HERE}schema"),
    Command("completion", "print a completion script for your shell", f"{_HERE}completion"),
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status. Mistakes are sentences on stderr."""
    words = list(sys.argv[1:] if argv is None else argv)
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a terminal that knows ASCII only
    try:
        status = _run(words)
        sys.stdout.flush()
    except BootgateError as error:
        from pytest_bootgate.reports.clean import clean

        print(clean(str(error)), file=sys.stderr)
        return statuses.MISTAKE
    except BrokenPipeError:  # `bootgate report last | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return statuses.UNREAD
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return statuses.INTERRUPTED
    except OSError as error:  # a file, a directory or a disk, and never worth a traceback
        print(f"{error.filename or 'bootgate'}: {error.strerror or error}.", file=sys.stderr)
        return statuses.MISTAKE
    return status


def _run(words: list[str]) -> int:
    name = next((word for word in words if not word.startswith("-")), None)
    command = next((c for c in COMMANDS if c.name == name), None)
    parsers = parser([] if command is None else [command])
    if name is not None and command is None:
        near = difflib.get_close_matches(name, [one.name for one in COMMANDS], 1)
        meant = f"did you mean `bootgate {near[0]}`? " if near else ""
        parsers.error(f"unknown command {name!r}: {meant}`bootgate --help` lists all")
    rest = words[words.index(command.name) + 1 :] if command is not None else []
    if name in ("run", "merge") and rest[:1] not in (["-h"], ["--help"]):
        # What pytest takes is pytest's business, in any order.
        options = argparse.Namespace(command=name, arguments=rest)
    else:
        options = parsers.parse_args(words)
    assert command is not None  # argparse has said otherwise
    status: int = _module(command).main(options)
    return status


def parser(whole: Sequence[Command] = COMMANDS) -> argparse.ArgumentParser:
    """The command's parser; only the commands in `whole` know their own arguments."""
    top = _Parser(
        prog="bootgate",
        usage="bootgate [-h] [-V] COMMAND ...",
        description="Gate upgrades: boot the old and the new release and time each phase of each"
        " boot. To start: bootgate init. To run a gate: pytest bootgate.yaml.",
        epilog="\n".join(["exit statuses:", *statuses.lines()]),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.description = _folded(top.description or "")
    version = f"pytest-bootgate {__version__}"
    top.add_argument("-V", "--version", action="version", version=version, help="show the version")
    commands = top.add_subparsers(
        dest="command", required=True, metavar="COMMAND", title="commands", prog="bootgate"
    )
    for command in COMMANDS:
        one = commands.add_parser(command.name, help=command.help)
        if command in whole:
            _module(command).add_arguments(one)
            if one.description is None:
                one.description = f"{command.help[0].upper()}{command.help[1:]}."
    return top


def _module(command: Command) -> Any:
    return importlib.import_module(command.module)


def _folded(text: str) -> str:
    import textwrap

    return textwrap.fill(text, 78)


class _Parser(argparse.ArgumentParser):
    """A parser whose mistakes have the status that mistakes have everywhere here."""

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(statuses.MISTAKE, f"{self.prog}: {message}\n")


if __name__ == "__main__":
    sys.exit(main())
