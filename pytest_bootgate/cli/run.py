"""``bootgate run``: pytest on gate files, for pipelines that do not speak pytest.

This process becomes pytest, with this interpreter: signals and Ctrl-C are pytest's own, and so is
the exit status, but for a gate that could not measure. The last line says what to do.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from pytest_bootgate.cli import statuses
from pytest_bootgate.errors import BootgateError

DEFAULT = "bootgate.yaml"
REQUIRE = "--bootgate-require"
#: The option by which pytest ends with a status and a line of what to do.
DECIDES = "--bootgate-decide"
#: Options that choose a part of a gate, or boot nothing: then not all of it can be required.
_PARTS = (
    *("-k", "-m", "--deselect", "--lf", "--last-failed", "--sw", "--stepwise", "--ignore"),
    *("--collect-only", "--collectonly", "--co", "--setup-plan", "--setupplan", "--setup-only"),
    *("--setuponly", "--fixtures", "--funcargs", "--fixtures-per-test", "--markers"),
    "--bootgate-shard",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What ``bootgate run`` takes; only for its help, since all options are pytest's."""
    parser.usage = "bootgate run [FILE ...] [PYTEST OPTION ...]"
    parser.description = (
        "Run gate files with pytest, and fail unless everything in them was booted and judged"
        f" ({REQUIRE}). That is not required if an option selects a part (-k, -m, --lf,"
        " --bootgate-shard, a node id such as bootgate.yaml::isolated, ...). The exit status is"
        f" pytest's, but {statuses.UNMEASURED} where nothing failed and not all was measured; the"
        " last line says whether to ship."
    )
    parser.add_argument(
        "files", nargs="*", metavar="FILE", help=f"gate files or their directories ({DEFAULT})"
    )
    parser.add_argument(
        "options",
        nargs="*",
        metavar="PYTEST OPTION",
        help="any pytest option, such as --bootgate-json FILE, -q, -x, -k isolated",
    )


def main(options: argparse.Namespace) -> int:
    """Become pytest; returns only where that cannot be. Raises `BootgateError` for mistakes."""
    words = command(options.arguments)
    sys.stdout.flush()
    os.execv(sys.executable, words)


def command(arguments: Sequence[str]) -> list[str]:
    """The command line of pytest for what the user asked for. Raises `BootgateError`."""
    first = next((n for n, word in enumerate(arguments) if word.startswith("-")), len(arguments))
    files = [_gate_file(word) for word in arguments[:first]]
    rest = [word for word in arguments[first:] if word != "--"]
    if not files and not any(_names_gate(word) for word in rest):
        files = [_gate_file(DEFAULT)]
    part = any(_chooses(word) for word in rest) or any("::" in word for word in [*files, *rest])
    require = [] if part or REQUIRE in rest else [REQUIRE]
    return [sys.executable, "-m", "pytest", *files, DECIDES, *require, *rest]


def _chooses(word: str) -> bool:
    short = word[:2] in ("-k", "-m") and not word.startswith("--")
    return short or word.partition("=")[0] in _PARTS


def _names_gate(word: str) -> bool:
    path = Path(word.partition("::")[0])
    return not word.startswith("-") and _is_gate_file(path) and path.is_file()


def _is_gate_file(path: Path) -> bool:
    from pytest_bootgate.pytest_plugin.session import is_gate_file  # imports pytest

    return is_gate_file(path)


def _gate_file(word: str) -> str:
    """A gate file, or that of a directory; a node id keeps what follows the file."""
    name, colons, node = word.partition("::")
    path = Path(name)
    directory = path.is_dir() or word == DEFAULT
    path = path / DEFAULT if path.is_dir() else path
    if not path.is_file() and directory:
        from pytest_bootgate.cli.found import none_in

        raise BootgateError(none_in(path.parent))
    if not path.is_file():
        raise BootgateError(
            f"There is no gate file {path}. Give its path, or change to its directory."
        )
    if not _is_gate_file(path):
        raise BootgateError(
            f"{path} is not named like a gate file, so pytest would ignore it. Call it"
            " bootgate.yaml or NAME.bootgate.yaml."
        )
    return f"{path}{colons}{node}"
