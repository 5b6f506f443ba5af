"""``bootgate doctor``: could a gate run here, and what is to be done before?"""

from __future__ import annotations

import argparse
import contextlib
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_bootgate.cli import statuses
from pytest_bootgate.cli.found import Finding, Level, Wrong, none_in
from pytest_bootgate.cli.project import settings, where
from pytest_bootgate.cli.screen import painted
from pytest_bootgate.errors import BootgateError, GateFileError

if TYPE_CHECKING:
    from pytest_bootgate.engines.base import Engine
    from pytest_bootgate.run import Gate

_COLOURS: dict[Level, str] = {"ok": "green", "warn": "yellow", "FAIL": "red"}
_DEFAULT = Path("bootgate.yaml")
_WIDTH = 80


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What ``bootgate doctor`` takes."""
    from pytest_bootgate.cli.found import add_hosts
    from pytest_bootgate.cli.log import add_journal
    from pytest_bootgate.engines import NAMES

    parser.description = (
        "Check what a gate needs, without booting: the engine, images (here or in their registries)"
        " or programs, limits, ports and files that must be free, leftovers, disk, load, clocks,"
        " the queue and the journal. Each line that is not ok says what to do."
    )
    parser.add_argument(
        "file",
        nargs="?",
        type=Path,
        metavar="FILE",
        help=f"a gate file (default: {_DEFAULT} if it exists)",
    )
    parser.add_argument(
        "--engine",
        choices=NAMES,
        help="the engine to check (default: that of the ini file, or auto)",
    )
    add_hosts(parser, "check these Docker hosts")
    add_journal(parser)


def main(options: argparse.Namespace) -> int:
    """Print a line for each thing; return the exit status."""
    seen: list[Level] = []
    engine, hosts = options.engine or "auto", options.hosts or []
    if options.engine is None and not hosts:
        engine, hosts = where(settings(options.file or Path.cwd()))
    for found in _findings(options.file, engine, hosts, options.journal):
        seen.append(found.level)
        for line in _lines(found):
            print(line, flush=True)
    fails, warns = seen.count("FAIL"), seen.count("warn")
    if not fails:
        print("\nA gate can run here." + (f" {warns} to look at." if warns else ""))
        return statuses.DONE
    print(f"\n{fails} of {len(seen)} checks failed: a gate cannot run here.")
    return statuses.FAILED


def _findings(
    file: Path | None, wanted: str, hosts: Sequence[str], journal: Path | None
) -> Iterator[Finding]:
    """What is wrong, and a bare ``ok`` for each thing of which nothing is."""
    from pytest_bootgate.cli import doctor_engine

    gate, about = _gate(file, wanted, hosts)
    yield about
    engine = None
    try:
        engine, found = doctor_engine.engine(gate, wanted, hosts)
        yield _masked(gate, found)
        if hosts and engine is not None:
            yield from doctor_engine.hosts(engine)
        for name, check in _checks(gate, engine, journal, (file or Path()).absolute()):
            wrong = [Finding(level, name, text) for level, text in check]
            yield from (_masked(gate, found) for found in wrong or [Finding("ok", name, "")])
    finally:
        if gate is not None:
            gate.close()
        elif engine is not None:
            with contextlib.suppress(BootgateError):
                engine.close()


def _masked(gate: Gate | None, found: Finding) -> Finding:
    return found if gate is None else gate.plan.loaded.mask.value(found)


def _checks(
    gate: Gate | None, engine: Engine | None, journal: Path | None, file: Path
) -> Iterator[tuple[str, Iterator[Wrong]]]:
    from pytest_bootgate.cli import doctor_engine, doctor_host, doctor_spots

    if engine is not None:
        cluster = engine.name == "kubernetes"
        if cluster:
            yield "rights", doctor_engine.rights(engine)
        yield "leftovers", doctor_engine.leftovers(engine)
        if gate is not None:
            yield "limits", doctor_engine.limits(gate, engine)
            if not engine.traits.images:
                yield "programs", doctor_engine.programs(gate)
                yield "probes", doctor_spots.probes(gate)
            elif not cluster:  # only its nodes know what they can pull
                yield "images", doctor_engine.images(gate, engine)
                yield "probes", doctor_engine.health_checks(gate, engine)
    yield "disk", doctor_host.disk(engine)
    yield "quiet", doctor_host.quiet(gate)
    yield "clock", doctor_host.clock(engine)
    yield "queue", doctor_host.turn()
    yield "journal", doctor_host.journal(journal, file)


def _gate(file: Path | None, wanted: str, hosts: Sequence[str]) -> tuple[Gate | None, Finding]:
    """The gate of a gate file, and what there is to say of it."""
    from pytest_bootgate.gatefile import load
    from pytest_bootgate.run import Gate

    path = file or _DEFAULT
    path = path / _DEFAULT if path.is_dir() else path
    if file is None and not path.exists():
        text = "none here, so only the machine is checked; `bootgate init` writes one"
        return None, Finding("warn", "gate file", text)
    if not path.exists() and path.name == _DEFAULT.name:
        return None, Finding("FAIL", "gate file", none_in(path.parent))
    try:
        gate = Gate(load(path), wanted_engine=wanted, hosts=hosts)
        gate.plan.refuse_same()
    except GateFileError as error:
        mistakes = error.mistakes
        more = f" (and {len(mistakes) - 1} more)" if len(mistakes) > 1 else ""
        text = f"{mistakes[0].splitlines()[0]}{more}: correct it, see `bootgate check {path}`"
        return None, Finding("FAIL", "gate file", text)
    except BootgateError as error:
        return None, Finding("FAIL", "gate file", str(error))
    return gate, Finding("ok", "gate file", f"{path}")


def _lines(found: Finding) -> list[str]:
    first = f"{found.level:<4}  {found.about:<11} "
    lines = textwrap.wrap(
        found.text,
        _WIDTH,
        initial_indent=first,
        subsequent_indent=" " * len(first),
        break_on_hyphens=False,
        break_long_words=False,
    ) or [first.rstrip()]
    mark = painted(found.level, _COLOURS[found.level], bold=found.level == "FAIL")
    return [mark + lines[0][len(found.level) :], *lines[1:]]
