"""``bootgate check``: the mistakes of gate files, or what would be booted."""

from __future__ import annotations

import argparse
import re
import shlex
import sys
import textwrap
from collections.abc import Iterable, Iterator
from pathlib import Path

from pytest_bootgate.cli import statuses
from pytest_bootgate.errors import BootgateError
from pytest_bootgate.reports.clean import clean

_DEFAULT = Path("bootgate.yaml")
_WIDTH = 80
#: Where a gate file says to yaml-language-server what its schema is.
_MODELINE = re.compile(r"^#\s+yaml-language-server\s*:.*?\$schema=(\S+)", re.MULTILINE)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What ``bootgate check`` takes."""
    parser.description = (
        "List all mistakes in gate files with line and column. If there are none, show the plan:"
        " the engine, the releases, the number of boots and the longest possible duration. Nothing"
        " is booted, and no registry is contacted."
    )
    parser.add_argument(
        "files", nargs="*", type=Path, metavar="FILE", help=f"gate files ({_DEFAULT})"
    )
    parser.add_argument(
        "-q", "--quiet", action="store_true", help="print mistakes only; do not look for an engine"
    )


def main(options: argparse.Namespace) -> int:
    """Print mistakes on stderr, plans on stdout; return the exit status."""
    status = statuses.DONE
    for path in options.files or [_DEFAULT]:
        try:
            lines = list(_checked(path, quiet=options.quiet))
        except BootgateError as error:
            print(clean(str(error)), file=sys.stderr)
            status = statuses.MISTAKE
            continue
        for line in lines:
            print(line)
    return status


def _checked(path: Path, *, quiet: bool) -> Iterator[str]:
    """The plan of one gate file. Raises `BootgateError` for its mistakes."""
    from pytest_bootgate.cli.found import none_in
    from pytest_bootgate.cli.plan import closed, plan
    from pytest_bootgate.cli.project import gate_for
    from pytest_bootgate.gatefile import load

    if path.is_dir() or (path == _DEFAULT and not path.exists()):
        path = path / _DEFAULT if path.is_dir() else path
        if not path.exists():
            raise BootgateError(none_in(path.parent))
    with closed(gate_for(load(path))) as gate:
        try:
            gate.plan.refuse_same()
        except BootgateError as error:
            raise BootgateError(f"{path}: {error}") from error
        if quiet:
            return
        yield f"{path}: no mistakes"
        yield from _table([*plan(gate), *_editor(path)])


def _editor(path: Path) -> Iterator[tuple[str, str]]:
    """What is wrong with the schema that a gate file names for editors."""
    from pytest_bootgate.cli import schema
    from pytest_bootgate.gatefile.schema import ID

    named = _MODELINE.search(path.read_text(errors="replace"))
    if named is None or named[1] == "none" or "://" in named[1]:
        return
    file = path.parent / named[1]
    renew = f"bootgate schema > {shlex.quote(str(file))}"
    if not file.is_file():
        yield "editor", f"the schema that it names for editors is missing: {renew}"
    elif ID in (text := file.read_text(errors="replace")) and text != schema.text():
        yield "editor", f"{file} is the schema of another version: {renew}"


def _table(lines: Iterable[tuple[str, str]]) -> Iterator[str]:
    for what, how in lines:
        first = f"  {what:<10} "
        yield from textwrap.wrap(
            how,
            _WIDTH,
            initial_indent=first,
            subsequent_indent=" " * len(first),
            break_on_hyphens=False,
            break_long_words=False,
            drop_whitespace=True,
        )
