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

from benchmarks import aa, cycle, delay, journal, lag, middle, truth, unused
from benchmarks.report import Machine, Section, as_json, markdown, memory_gib, processor

_ROOT = Path(__file__).parents[2]
_RESULTS = _ROOT / "ci" / "bench-results.md"


def main() -> int:
    """Run what was asked for; the exit status does not depend on figures."""
    image = os.environ["BOOTGATE_PYTHON_IMAGE"]
    benches: dict[str, Callable[[], Section]] = {
        "lag": lambda: lag.measure(image),
        "cycle": lambda: cycle.measure(image),
        "truth": truth.measure,
        "unused": unused.measure,
        "middle": middle.measure,
        "journal": journal.measure,
    }
    parser = argparse.ArgumentParser(prog="ci/bench", description=__doc__)
    long: dict[str, Callable[[], Section]] = {
        "aa": aa.measure,
        "delay": lambda: delay.measure(image),
    }
    parser.add_argument(
        "--long",
        action="store_true",
        help="also a hundred real A/A campaigns, and boots beside busy loops (half an hour more)",
    )
    parser.add_argument(
        "--only",
        action="append",
        choices=[*benches, *long],
        metavar="NAME",
        help=f"only this benchmark ({', '.join([*benches, *long])}; repeatable); keeps no results",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures as JSON")
    asked = parser.parse_args()
    chosen = asked.only or [*benches, *(long if asked.long else [])]
    benches |= long

    began, loads, sections = time.monotonic(), [os.getloadavg()[0]], []
    for name in chosen:
        print(f"ci/bench: {name} …", file=sys.stderr, flush=True)
        sections.append(benches[name]())
        loads.append(os.getloadavg()[0])
    machine = _machine(time.monotonic() - began, loads)
    page = markdown(sections, machine)
    print(page)
    if not asked.only:
        _RESULTS.write_text(page)
    if asked.json is not None:
        asked.json.write_text(as_json(sections, machine))
    return 0


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
