"""``bootgate calibrate``: results in, entries to put into the gate file out."""

from __future__ import annotations

import argparse
import sys
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path

import yaml

from pytest_bootgate.cli import statuses
from pytest_bootgate.cli.calibration.evidence import Evidence, gather, read, told
from pytest_bootgate.cli.calibration.proposals import Limit, Proposals, propose, spread_words
from pytest_bootgate.gatefile import load
from pytest_bootgate.gatefile.source import read as read_tree
from pytest_bootgate.gatefile.tree import Map, Mistakes, Place, shown
from pytest_bootgate.reports.amounts import share
from pytest_bootgate.reports.clean import clean
from pytest_bootgate.stats import thresholds
from pytest_bootgate.stats.headroom import LEAST_FOR_TAIL

_WIDTH = 96


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What ``bootgate calibrate`` takes."""
    parser.description = (
        "Propose limits, fail_at and warn_at from recorded boots. The output is YAML to merge into"
        " the gate file; a comment above each number says which boots it comes from."
    )
    parser.add_argument("file", type=Path, metavar="FILE", help="the gate file")
    parser.add_argument(
        "results",
        nargs="+",
        type=Path,
        metavar="RESULT",
        help="a result written by pytest FILE --bootgate-json RESULT",
    )
    parser.add_argument("--profile", metavar="PROFILE", help="use the boots of this profile only")
    parser.add_argument(
        "--release",
        choices=["candidate", "baseline"],
        default="candidate",
        help="use the boots of this release (default: candidate)",
    )
    parser.add_argument("--all", action="store_true", help="replace existing limits that fit, too")


def main(options: argparse.Namespace) -> int:
    """Print the entries on stdout and what was left out on stderr; return the exit status."""
    loaded = load(options.file)
    name = shown(loaded.path)
    own = read_tree(loaded.path, Mistakes()) or Map(Place(loaded.path), Place(loaded.path))
    evidence = gather(loaded, read(options.results), options.release)
    proposals = propose(loaded, evidence, own, profile=options.profile, again=options.all)
    remarks = list(proposals.remarks)
    if not proposals.limits and proposals.shares is None:
        remarks.append("nothing to change")
    elif len(evidence.sources) == 1:
        remarks.append(
            "all boots come from one run; add results of other days to cover how much the machine"
            " varies"
        )
    for remark in remarks:
        print(clean(f"{name}: {remark}"), file=sys.stderr)
    if proposals.limits or proposals.shares is not None:
        # The targets that a file names are all it has, so those of the preset are named too.
        targets = [] if isinstance(own.below("targets"), Map) else list(loaded.gate.targets)
        print("\n".join(_entries(str(name), evidence, proposals, targets)))
    return statuses.DONE


def _entries(
    name: str, evidence: Evidence, proposals: Proposals, targets: Sequence[str]
) -> Iterator[str]:
    """The lines of the YAML; `targets` are all that must be named, if there are limits."""
    yield from _comment(f"Merge into {name}. From boots of {_provenance(evidence)}")
    yield from _comment(_rule(proposals))
    found = proposals.limits
    if found:
        yield "targets:"
    for target in dict.fromkeys([*(targets if found else ()), *(one.target for one in found)]):
        limits = [limit for limit in found if limit.target == target]
        yield f"  {_key(target)}:{'' if limits else ' {}'}"
        if limits:
            yield "    phases:"
        for limit in limits:
            yield from _comment(f"{target}.{limit.phase}.limit: {_why(limit)}", 6)
            yield f"      {_key(limit.phase)}: {{limit: {_value(limit.seconds)}}}"
    if proposals.shares is not None:
        yield "gate:"
        yield from _comment(f"gate.fail_at, gate.warn_at: {'; '.join(proposals.because)}", 2)
        yield f"  fail_at: {proposals.shares.fail_at:.0%}"
        yield f"  warn_at: {proposals.shares.warn_at:.0%}"


def _comment(text: str, indent: int = 0) -> list[str]:
    # What a result says may hold line breaks and control characters; a comment must not.
    mark = " " * indent + "# "
    words = clean(" ".join(text.split()))
    return textwrap.wrap(words, _WIDTH, initial_indent=mark, subsequent_indent=f"{mark}  ")


def _key(name: str) -> str:
    """A name as YAML writes it: in quotes only where it needs them."""
    return yaml.safe_dump(name, allow_unicode=True, width=10_000).splitlines()[0]


def _value(seconds: float | None) -> str:
    return "null" if seconds is None else thresholds.written(seconds)


def _why(limit: Limit) -> str:
    if limit.spread is None:
        return f"as it is now, whatever {limit.profile} gets"
    was = "" if limit.old is None else f"; was {thresholds.written(limit.old)}"
    return f"{spread_words(limit.spread)} on {limit.profile}{was}"


def _rule(proposals: Proposals) -> str:
    sure, boots, runs = thresholds.CONFIDENCE, thresholds.BOOTS_BELOW, thresholds.RUNS_BELOW
    what = f"{share(boots)} of all boots"
    if proposals.run >= LEAST_FOR_TAIL:
        run = proposals.run
        what += f" and, in {share(runs)} of its runs, the gate's own bound from {run} boots"
    return (
        f"A limit is the bound / warn_at ({share(proposals.warn_at)}), rounded up. With"
        f" {share(sure)} confidence {what} stay below the bound."
    )


def _provenance(evidence: Evidence) -> str:
    """Of what, where and when: ``the candidate 1.1 …, docker 20.10 (Linux …); result.json …``."""
    results = [source.result for source in evidence.sources]
    engines = dict.fromkeys(result.engine for result in results)
    machines = dict.fromkeys(
        f"{m.system}, {m.cpus} CPUs, {m.memory / 1024**3:.0f} GiB"
        for m in (result.machine for result in results)
    )
    files = ", ".join(f"{s.path.name} of {s.result.at[:10]}" for s in evidence.sources)
    return (
        f"the {evidence.release} {told(evidence.facts)}, {' and '.join(engines)}"
        f" ({'; '.join(machines)}); {files}."
    )
