"""``bootgate probe``: boot each target once, say how near its timeout it came, and end.

Made for a scheduler: one line a target on stdout, and the exit status of a monitoring plugin.
"""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NoReturn

import msgspec

from pytest_bootgate.cli.project import journal_of
from pytest_bootgate.engines import NAMES
from pytest_bootgate.errors import BootgateError
from pytest_bootgate.gatefile import Loaded, load
from pytest_bootgate.journal import files
from pytest_bootgate.journal.queries import usage
from pytest_bootgate.journal.store import Journal
from pytest_bootgate.quantities import Boots
from pytest_bootgate.records import codec
from pytest_bootgate.records.outcomes import is_share
from pytest_bootgate.reports import places
from pytest_bootgate.reports.clean import clean
from pytest_bootgate.reports.notify import notify
from pytest_bootgate.reports.probing import Status, line, status, worst
from pytest_bootgate.reports.queue import WaitingLog
from pytest_bootgate.run import Gate, Progress
from pytest_bootgate.stats.trend import Trend, trend

#: The exit status for mistakes in a gate file or the options, as pytest has it.
MISTAKES = 4


@dataclass(frozen=True, slots=True)
class Asked:
    """What the user asked for; empty `targets` and `profiles` mean all, `days` is the trend's."""

    file: Path
    engine: str = "auto"
    targets: Sequence[str] = ()
    profiles: Sequence[str] = ()
    release: str = "candidate"
    journal: Path | None = None
    json: Path | None = None
    days: int = 14


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What ``bootgate probe`` takes."""
    parser.description = (
        "Boot each target of the candidate once and report how close it came to its timeout. Exit"
        " status: 0 started below warn_at, 1 started above warn_at (nothing has failed yet), 2"
        " failed, 3 could not be measured, 4 mistakes in the gate file or the options."
    )
    parser.add_argument("file", type=Path, metavar="FILE", help="the gate file, or its directory")
    parser.add_argument(
        "--target",
        action="append",
        default=[],
        metavar="TARGET",
        help="only this target (repeatable)",
    )
    parser.add_argument(
        "--profile",
        action="append",
        default=[],
        metavar="PROFILE",
        help="only this profile (repeatable)",
    )
    parser.add_argument("--engine", choices=NAMES, default="auto", help="where to boot")
    parser.add_argument(
        "--release",
        choices=["candidate", "baseline"],
        default="candidate",
        help="the release to boot (default: candidate)",
    )
    parser.add_argument(
        "--journal",
        type=Path,
        metavar="PATH",
        help=f"the journal (default: {files.DEFAULT} beside the gate file or above it)",
    )
    parser.add_argument("--json", type=Path, metavar="PATH", help="write the complete result")
    parser.add_argument(
        "--days", type=int, default=14, metavar="N", help="days in the trend (default: 14)"
    )


def asked_for(options: argparse.Namespace) -> Asked:
    """What the options say."""
    return Asked(
        file=options.file,
        engine=options.engine,
        targets=options.target,
        profiles=options.profile,
        release=options.release,
        journal=options.journal,
        json=options.json,
        days=options.days,
    )


def main(options: argparse.Namespace) -> int:
    """Do what the options say; return the exit status."""
    return probe(asked_for(options))


def probe(asked: Asked) -> int:
    """Boot, print a line for each target; return the exit status (see `Status`, `MISTAKES`)."""
    try:
        if asked.json is not None:
            places.check(asked.json, "json")
        file = asked.file / "bootgate.yaml" if asked.file.is_dir() else asked.file
        loaded = _alone(load(file.resolve()), asked)
    except BootgateError as error:
        print(clean(str(error)), file=sys.stderr)
        return MISTAKES
    signal.signal(signal.SIGTERM, _stop)
    try:
        with closing(Journal(_journal(asked.journal, loaded.path))) as journal:
            return int(_probe(loaded, asked, journal))
    except BootgateError as error:
        print(clean(f"{Status.UNKNOWN.name} {error}"))
        return int(Status.UNKNOWN)
    except KeyboardInterrupt:
        print(f"{Status.UNKNOWN.name} interrupted: the remaining targets were not measured")
        return int(Status.UNKNOWN)


def _probe(loaded: Loaded, asked: Asked, journal: Journal) -> Status:
    with closing(
        Gate(
            loaded,
            wanted_engine=asked.engine,
            boots=Boots(1, 1),
            profiles=asked.profiles,
            watch=_teller(),
            hear=journal.hear,
        )
    ) as gate:
        found = []
        for profile, target in gate.plan.pairs:
            result = gate.result(profile, target)
            gate.note_shown(profile, target)
            if (one := status(result)) is not None:
                found.append(one)
            trend = _trend(gate, journal, asked, profile, target)
            print(clean(line(gate.plan.label(profile, target), result, trend)))
            sys.stdout.flush()
        if not found:
            print(f"{Status.UNKNOWN.name} nothing was booted: the gate file leaves all targets out")
        outcome = gate.outcome()
        _, untold = notify(outcome, loaded.gate.notify, journal.hear, loaded.mask)
        for text in untold:
            print(clean(f"{Status.CRITICAL.name} {text}"))
            found.append(Status.CRITICAL)
        if asked.json is not None:
            codec.write([outcome], asked.json)
    return worst(found)


def _teller() -> Callable[[Progress], None]:
    """Tell on stderr that the probe waits; stdout has the targets."""
    log = WaitingLog()

    def tell(progress: Progress) -> None:
        if progress.waiting is not None and (line := log.line(progress.waiting)) is not None:
            print(clean(line), file=sys.stderr, flush=True)

    return tell


def _trend(gate: Gate, journal: Journal, asked: Asked, profile: str, target: str) -> Trend | None:
    """Where the candidate's share of the timeout is going, by all that the journal has of it."""
    if asked.release != "candidate":
        return None  # the journal tells the baseline's boots apart, and they are another's trend
    since = time.time() - asked.days * 86400
    with files.reading(journal.path) as kept:
        boots = usage(kept, gate.plan.loaded.path, target, profile, since)
    used = [(b.wall, b.share) for b in boots if is_share(b.outcome)]
    return trend(used)


def _alone(loaded: Loaded, asked: Asked) -> Loaded:
    """A gate file with one release, fresh starts, and the targets that are asked for.

    Raises `BootgateError` for targets and releases that it does not have.
    """
    file = loaded.gate
    unknown = [name for name in asked.targets if name not in file.targets]
    if unknown:
        raise BootgateError(
            f"{asked.file} has no target {unknown[0]!r}; it has {', '.join(file.targets)}."
        )
    chosen = file.releases.candidate if asked.release == "candidate" else file.releases.baseline
    if chosen is None or chosen.recorded is not None:
        raise BootgateError(f"{asked.file} has no baseline that can be booted.")
    targets = {n: t for n, t in file.targets.items() if not asked.targets or n in asked.targets}
    alone = msgspec.structs.replace(
        file,
        upgrade="fresh",
        releases=msgspec.structs.replace(file.releases, candidate=chosen, baseline=None),
        targets=targets,
    )
    return replace(loaded, gate=alone)


def _journal(named: Path | None, file: Path) -> Path:
    if named is not None:
        return named
    if (named := journal_of(file)) is not None:
        return named
    above = [directory / files.DEFAULT for directory in file.parents]
    return next((path for path in above if path.exists()), above[0])


def _stop(*_: object) -> NoReturn:
    """A scheduler that stops the probe gets what it stopped removed first."""
    raise KeyboardInterrupt
