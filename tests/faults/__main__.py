"""The table of faults: each row through the real gate, and what the gate said (see ci/faults)."""

from __future__ import annotations

import argparse
import os
import re
import sys
import time

from tests.faults.rows import ROWS
from tests.faults.runner import BOTH, Found, judge

HEADER = ("fault", "engine", "verdict", "the gate said", "s", "left", "secrets", "MiB", "right")
WIDTH = 110


def main() -> int:
    parser = argparse.ArgumentParser(prog="ci/faults", description=__doc__)
    parser.add_argument("--only", metavar="PATTERN", default="", help="faults with this in them")
    parser.add_argument("--engine", choices=BOTH, help="on this engine only")
    parser.add_argument("--quick", action="store_true", help="the rows that take little time")
    options = parser.parse_args()
    chosen = [
        (row, engine)
        for row in ROWS
        for engine in row.engines
        if re.search(options.only, row.fault) and options.engine in (None, engine)
        if row.quick or not options.quick
    ]
    if not chosen:
        parser.error("no row is chosen")
    began = time.monotonic()
    print(_line(HEADER), _line(["---"] * len(HEADER)), sep="\n", flush=True)
    wrong, left_out = [], 0
    for row, engine in chosen:
        if row.root and os.geteuid() != 0:
            print(f"ci/faults: left out, for it takes root: {row.fault}", file=sys.stderr)
            left_out += 1
            continue
        found = judge(row, engine)
        print(_line(_cells(found)), flush=True)
        if found.wrong:
            wrong.append(found)
            _complain(found)
    minutes = (time.monotonic() - began) / 60
    print(f"\n{len(chosen) - left_out} rows in {minutes:.1f} min, {len(wrong)} wrong", end="")
    print(f", {left_out} left out" if left_out else "")
    return 1 if wrong else 0


def _cells(found: Found) -> list[str]:
    said = " ".join(found.said.split())
    said = said if len(said) <= WIDTH else said[:WIDTH] + " …"
    return [
        *(found.row.fault, found.engine, found.verdict, f"`{said}`" if said else "(nothing)"),
        *(f"{found.seconds:.1f}", str(len(found.left)), str(len(found.secrets))),
        *(f"{found.memory:.0f}", "no" if found.wrong else "yes"),
    ]


def _line(cells: list[str] | tuple[str, ...]) -> str:
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"


def _complain(found: Found) -> None:
    print(f"\nci/faults: WRONG: {found.row.fault} ({found.engine})", file=sys.stderr)
    for wrong in found.wrong:
        print(f"  {wrong}", file=sys.stderr)
    for line in found.output.splitlines()[-40:]:
        print(f"    > {line[:200]}", file=sys.stderr)
    print(f"  all of it: {found.kept}\n", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
