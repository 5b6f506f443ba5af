"""``bootgate doctor``: could a gate run here, and what is to be done before?"""

from __future__ import annotations

import argparse
import contextlib
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_bootgate.cli import statuses
from pytest_bootgate.cli.found import Finding, Level
from pytest_bootgate.cli.screen import painted
from pytest_bootgate.errors import BootgateError

if TYPE_CHECKING:
    from pytest_bootgate.run import Gate

_COLOURS: dict[Level, str] = {"ok": "green", "warn": "yellow", "FAIL": "red"}
_DEFAULT = Path("bootgate.yaml")
_WIDTH = 80


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What ``bootgate doctor`` takes."""
    from pytest_bootgate.cli.log import add_journal
    from pytest_bootgate.engines import NAMES

    parser.description = (
        "Looks at all that a gate needs, without booting: the engine, the images (also whether"
        " their registries have them), limits, ports and files that must be free, disk, memory,"
        " load, clocks, the journal, and versions. Each line is ok, warn or FAIL, with what to do."
    )
    parser.add_argument(
        "file", nargs="?", type=Path, metavar="FILE", help=f"a gate file ({_DEFAULT}, if there)"
    )
    parser.add_argument(
        "--engine", choices=NAMES, default="auto", help="the engine to look at (auto)"
    )
    add_journal(parser)


def main(options: argparse.Namespace) -> int:
    """Print a line for each thing; return the exit status."""
    seen: list[Level] = []
    for found in _findings(options.file, options.engine, options.journal):
        seen.append(found.level)
        for line in _lines(found):
            print(line, flush=True)
    fails, warns = seen.count("FAIL"), seen.count("warn")
    if not fails:
        print("\nA gate can run here." + (f" {warns} to look at." if warns else ""))
        return statuses.DONE
    print(f"\n{fails} of {len(seen)} fail: a gate could not run here as it should.")
    return statuses.FAILED


def _findings(file: Path | None, wanted: str, journal: Path | None) -> Iterator[Finding]:
    gate, about = _gate(file, wanted)
    yield about
    try:
        for found in _looks(gate, wanted):
            yield found if gate is None else gate.plan.loaded.mask.value(found)
        from pytest_bootgate.cli import doctor_host

        yield doctor_host.journal(journal, (file or Path()).absolute())
    finally:
        if gate is not None:
            gate.close()


def _looks(gate: Gate | None, wanted: str) -> Iterator[Finding]:
    from pytest_bootgate.cli import doctor_engine, doctor_host, doctor_spots

    yield from doctor_host.software()
    engine = yield from doctor_engine.engine(gate, wanted)
    try:
        capacity = yield from doctor_engine.machine(engine)
        yield from doctor_engine.left_over(engine)
        if gate is not None:
            yield from doctor_engine.limits(gate, engine)
            yield from doctor_engine.images(gate, engine)
            yield from doctor_engine.commands(gate, engine)
            yield from doctor_spots.probes(gate, engine)
        yield from doctor_host.host(capacity, gate)
        yield from doctor_engine.clock(engine)
    finally:
        if engine is not None and gate is None:
            with contextlib.suppress(BootgateError):
                engine.close()


def _gate(file: Path | None, wanted: str) -> tuple[Gate | None, Finding]:
    """The gate of a gate file, and what there is to say of it."""
    from pytest_bootgate.gatefile import load
    from pytest_bootgate.run import Gate

    path = file or _DEFAULT
    path = path / _DEFAULT if path.is_dir() else path
    if file is None and not path.exists():
        text = "none here, so only the machine is looked at: `bootgate init` writes one"
        return None, Finding("warn", "gate file", text)
    try:
        gate = Gate(load(path), wanted_engine=wanted)
    except BootgateError as error:
        mistakes = str(error).splitlines()
        more = f" (and {len(mistakes) - 1} more)" if len(mistakes) > 1 else ""
        text = f"{mistakes[0]}{more}: correct it, see `bootgate check {path}`"
        return None, Finding("FAIL", "gate file", text)
    return gate, Finding("ok", "gate file", f"{path}, no mistakes")


def _lines(found: Finding) -> list[str]:
    first = f"{found.level:<4}  {found.about:<11} "
    lines = textwrap.wrap(
        found.text,
        _WIDTH,
        initial_indent=first,
        subsequent_indent=" " * len(first),
        break_on_hyphens=False,
        break_long_words=False,
    )
    mark = painted(found.level, _COLOURS[found.level], bold=found.level == "FAIL")
    return [mark + lines[0][len(found.level) :], *lines[1:]]
