"""``bootgate compare``: two saved runs side by side."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from pytest_bootgate.cli.log import add_journal
from pytest_bootgate.cli.saved import RUN, one
from pytest_bootgate.cli.screen import show
from pytest_bootgate.cli.side_by_side import sides
from pytest_bootgate.errors import BootgateError
from pytest_bootgate.records.result import GateResult
from pytest_bootgate.reports.layout import Styled
from pytest_bootgate.run.recorded import differences
from pytest_bootgate.stats.regression import DRIFT

#: How the differences between the two are told.
_WORDS = (
    "in the first",
    "in the second",
    "everything except releases and rules counts, and the gate files measure different things",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What ``bootgate compare`` takes."""
    parser.description = (
        "Compare the candidates of two runs, target by target. If both runs have at least five"
        " boots with the same gate file, host class and engine, report slowdowns of at least"
        f" {DRIFT * 100:.0f} %, the smallest that two runs can show. This is not a gate: the exit"
        " status does not depend on what it shows."
    )
    parser.add_argument("first", metavar="RUN", help=RUN)
    parser.add_argument("second", metavar="RUN", help="the run to compare it with")
    parser.add_argument(
        "--release",
        choices=["candidate", "baseline"],
        default="candidate",
        help="which release of both runs to compare (default: candidate)",
    )
    add_journal(parser)


def main(options: argparse.Namespace) -> int:
    """Print both runs; return the exit status."""
    first = one(options.first, options.journal)
    second = one(options.second, options.journal)
    if first.run == second.run:
        raise BootgateError(f"Both are run {first.run}. Name two runs: `bootgate log` shows them.")
    show(_whole(first, second, options.release))
    return 0


def _whole(first: GateResult, second: GateResult, release: str) -> Iterator[Styled]:
    for name, result in (("first", first), ("second", second)):
        yield Styled(f"{name:<7} {_what(result, release)}")
    apart = [one.words(*_WORDS) for one in differences(first, second)]
    if apart:
        yield Styled("")
        yield Styled("NOT COMPARABLE:", "yellow", bold=True)
        yield from (Styled(f"  {text}", "yellow") for text in apart)
        yield Styled("  The figures are shown without a conclusion.")
    yield from sides(first, second, release, judged=not apart)


def _what(result: GateResult, release: str) -> str:
    facts = result.releases.get(release)
    said = [part for part in (facts.image, facts.version) if part] if facts is not None else []
    what = " ".join([release, *dict.fromkeys(said)]) if facts is not None else f"no {release}"
    when = result.at[:16].replace("T", " ")
    return f"{result.verdict.upper()}, run {result.run}, {when} UTC, {what}, {result.engine}"
