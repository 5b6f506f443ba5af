"""`ci/bench`: run the benchmarks, show them, and keep them."""

from __future__ import annotations

import argparse
import datetime as dt
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import docker

from benchmarks import (
    aa,
    cluster,
    cycle,
    delay,
    flood,
    good,
    journal,
    lag,
    middle,
    recorded,
    sweep,
    truth,
    unused,
)
from benchmarks.report import Machine, Section, as_json, markdown, memory_gib, processor

_ROOT = Path(__file__).parents[2]
_RESULTS = _ROOT / "ci" / "bench-results.md"
_PICTURE = _ROOT / "docs" / "tolerance.svg"


def main() -> int:
    """Run what was asked for; the exit status does not depend on figures."""
    image = os.environ["BOOTGATE_PYTHON_IMAGE"]
    benches: dict[str, Callable[[], Section]] = {
        "lag": lambda: lag.measure(image),
        "cycle": lambda: cycle.measure(image),
        "truth": truth.measure,
        "sweep": _sweep,
        "recorded": recorded.measure,
        "unused": unused.measure,
        "middle": middle.measure,
        "journal": journal.measure,
        "flood": lambda: flood.measure(image),
    }
    if cluster.there():
        benches = {"cluster": cluster.measure}  # its images are those of no other engine
    parser = argparse.ArgumentParser(prog="ci/bench", description=__doc__)
    long: dict[str, Callable[[], Section]] = {
        "aa": lambda: aa.measure(image, gates, asked.gates_file),
        "delay": lambda: delay.measure(image),
        "good": lambda: good.measure(asked.good_gates),
    }
    parser.add_argument(
        "--long",
        action="store_true",
        help="also real A/A gates of ten targets, boots beside busy loops, and the good example"
        " again and again (four hours more)",
    )
    parser.add_argument(
        "--only",
        action="append",
        choices=[*benches, *long],
        metavar="NAME",
        help=f"only this benchmark ({', '.join([*benches, *long])}; repeatable); keeps no results",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures as JSON")
    for engine, usual in aa.GATES.items():
        parser.add_argument(
            f"--{engine}-gates",
            type=int,
            default=usual,
            metavar="N",
            help=f"so many A/A gates on this engine (default {usual})",
        )
    parser.add_argument(
        "--good-gates",
        type=int,
        default=good.GATES,
        metavar="N",
        help=f"how often the good example is gated (default {good.GATES})",
    )
    parser.add_argument(
        "--gates-file",
        type=Path,
        metavar="FILE",
        help="keep each A/A gate as a line of this file; those that are in it count",
    )
    asked = parser.parse_args()
    chosen = asked.only or [*benches, *(long if asked.long else [])]
    gates = {engine: getattr(asked, f"{engine}_gates") for engine in aa.GATES}
    benches |= long

    began, loads, sections = time.monotonic(), [os.getloadavg()[0]], []
    for name in chosen:
        print(f"ci/bench: {name} …", file=sys.stderr, flush=True)
        sections.append(benches[name]())
        loads.append(os.getloadavg()[0])
    machine = _machine(time.monotonic() - began, loads)
    page = markdown(sections, machine)
    print(page)
    if not asked.only and not cluster.there():
        _RESULTS.write_text(page)
    if asked.json is not None:
        asked.json.write_text(as_json(sections, machine))
    return 0


def _sweep() -> Section:
    """The sweep, and its picture in the documentation."""
    found = sweep.measure()
    _PICTURE.write_text(sweep.picture(found))
    return found


def _machine(seconds: float, loads: list[float]) -> Machine:
    client = docker.APIClient(version="auto")
    commit = subprocess.run(
        ["git", "describe", "--always", "--dirty", "--exclude=*"],
        cwd=_ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return Machine(
        date=dt.datetime.now(dt.UTC).strftime("%Y-%m-%d %H:%M UTC"),
        system=f"{platform.system()} {platform.release()}",
        processor=processor(),
        cpus=os.cpu_count() or 1,
        memory_gib=memory_gib(),
        python=platform.python_version(),
        engine=f"Docker {client.version()['Version']}",
        commit=commit.stdout.strip() or "an unknown commit",
        seconds=seconds,
        loads=loads,
    )


if __name__ == "__main__":
    sys.exit(main())
