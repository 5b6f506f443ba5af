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
    from pytest_bootgate.cli.found import add_hosts
    from pytest_bootgate.engines import NAMES

    parser.description = (
        "Remove containers, volumes, processes and directories of runs whose process is gone. The"
        " next gate does the same. Active runs are not touched."
    )
    parser.add_argument(
        "--engine", choices=NAMES[1:], help="only on this engine (default: docker and process)"
    )
    add_hosts(parser, "only on these Docker hosts")
    parser.add_argument(
        "--all",
        action="store_true",
        help="include runs whose state is unknown: runs of other machines, runs in containers, and"
        " runs from before this machine was restarted",
    )


def main(options: argparse.Namespace) -> int:
    """Print a line for each run; return the exit status."""
    lines, failed = 0, False
    hosts = options.hosts or []
    places = [("docker", host) for host in hosts] or [(engine, "") for engine in HERE]
    if options.engine and not hosts:
        places = [(options.engine, "")]
    for engine, host in places:
        try:
            for line in _cleaned(engine, host, unknown=options.all):
                print(f"{host or engine}: {line}")
                lines += 1
        except BootgateError as error:
            if options.engine:
                raise
            print(f"{host or engine}: {str(error).splitlines()[0]}", file=sys.stderr)
            failed = failed or bool(host)
    if failed:
        return statuses.MISTAKE
    if not lines:
        print("No run left anything behind.")
    return statuses.DONE


def _cleaned(engine: str, host: str, *, unknown: bool) -> Iterator[str]:
    from pytest_bootgate.engines import remove, runs

    where: tuple[dict[str, str], ...] = ()
    if host:
        from pytest_bootgate.engines.docker_address import HOSTS

        where = ({HOSTS: host},)
    for run, owner in runs(engine, *where).items():
        if owner == "lives":
            yield f"run {run} is still active, so it was not touched"
        elif owner == "unknown" and not unknown:
            yield (
                f"run {run} was not touched: it may still be active (another machine, a container,"
                " or before the last restart of this machine). To remove it: bootgate clean --all"
            )
        else:
            yield f"run {run}: removed {remove(engine, run, *where)} leftovers"
