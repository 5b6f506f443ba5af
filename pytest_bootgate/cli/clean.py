"""``bootgate clean``: remove what runs left that were killed together with all that would do so."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator

from pytest_bootgate.cli import statuses
from pytest_bootgate.errors import BootgateError

#: Nobody wants a cluster touched that a kubeconfig happens to name.
HERE = ("docker", "process")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What ``bootgate clean`` takes."""
    from pytest_bootgate.engines import NAMES

    parser.description = (
        "Remove containers, volumes, processes and directories of runs whose process is gone. The"
        " next gate does the same. Active runs are not touched."
    )
    parser.add_argument(
        "--engine", choices=NAMES[1:], help="only on this engine (default: docker and process)"
    )
    parser.add_argument(
        "--all",
        action="store_true",
        help="include runs whose state is unknown: runs of other machines, runs in containers, and"
        " runs from before this machine was restarted",
    )


def main(options: argparse.Namespace) -> int:
    """Print a line for each run; return the exit status."""
    lines = 0
    for engine in [options.engine] if options.engine else HERE:
        try:
            for line in _cleaned(engine, unknown=options.all):
                print(line)
                lines += 1
        except BootgateError as error:
            if options.engine:
                raise
            print(f"{engine}: {str(error).splitlines()[0]}", file=sys.stderr)
    if not lines:
        print("No run left anything behind.")
    return statuses.DONE


def _cleaned(engine: str, *, unknown: bool) -> Iterator[str]:
    from pytest_bootgate.engines import remove, runs

    for run, owner in runs(engine).items():
        if owner == "lives":
            yield f"{engine}: run {run} is still active, so it was not touched"
        elif owner == "unknown" and not unknown:
            yield (
                f"{engine}: run {run} was not touched: it may still be active (another machine, a"
                " container, or before the last restart of this machine). To remove it: bootgate"
                " clean --all"
            )
        else:
            yield f"{engine}: run {run}: removed {remove(engine, run)} leftovers"
