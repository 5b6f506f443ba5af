"""Put what came of one regression into the table.

usage: table.py results.md CASE.bootgate.yaml CASE.json
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from pathlib import Path
from statistics import median

from pytest_bootgate.records.codec import read
from pytest_bootgate.records.result import TargetResult
from pytest_bootgate.records.values import Boot

HEAD = """\
# Public regressions of OpenClaw, measured

Made by `run`; each row is what one gate found. Seconds are medians of the boots that started: wall
clock from the trigger (or the start) to the proof, and CPU.

| report | upgrade | target | verdict | how | phase | baseline, s (CPU) | candidate | told by |\
 boots | machine | day |
| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |
"""


def figures(boots: list[Boot]) -> str:
    """The median wall and CPU seconds of boots that started."""
    started = [boot for boot in boots if boot.seconds is not None]
    if not started:
        return "never" if boots else "-"
    cpu = [boot.cpu_seconds for boot in started if boot.cpu_seconds is not None]
    wall = median(boot.seconds for boot in started if boot.seconds is not None)
    return f"{wall:.3g} ({median(cpu):.3g})" if cpu else f"{wall:.3g}"


def measured(boots: tuple[Boot, ...], release: str) -> list[Boot]:
    """The boots of a release; the warm-ups only where there are no others."""
    every = [boot for boot in boots if boot.release == release]
    return [boot for boot in every if not boot.warm_up] or every


def row(gate: Path, path: Path) -> list[str]:
    """The cells of one target."""
    (result,) = read(path)
    number = gate.name.partition(".")[0]
    named = re.findall(r"[}]:([0-9.]+(?:-beta\.[0-9]+)?)\"", gate.read_text())
    link = f"[{number}](https://github.com/openclaw/openclaw/issues/{number})"
    (found,) = [one for one in result.checks if isinstance(one, TargetResult)]
    by = {name: measured(found.boots, name) for name in ("baseline", "candidate")}
    bad = [boot for boot in by["candidate"] if not boot.started]
    findings = [one for one in found.findings if one.verdict == found.verdict]
    how = ", ".join(f"{n} {outcome}" for outcome, n in Counter(b.outcome for b in bad).items())
    phase = next((p.name for p in bad[0].phases if p.at is None), "") if bad else ""
    compared = found.judgement.regression if found.judgement else None
    if not bad and compared is not None and compared.verdict == "slower":
        how = compared.verdict
    if not bad and found.judgement is not None and found.judgement.attribution is not None:
        slower = found.judgement.attribution
        phase = ", ".join(shift.name for shift in (slower.phases[0], *slower.stages[:1]))
    how = how or ", ".join(dict.fromkeys(one.kind for one in findings)) or "started"
    told = dict.fromkeys(
        s.name for boot in bad for s in boot.signals if s.at is not None and s.means != "ok"
    )
    about = f"{result.machine.cpus} CPUs, load {result.machine.load:.1f}"
    return [
        link, " → ".join(named), f"`{found.target}`", found.verdict or "", how, phase,
        figures(by["baseline"]), figures(by["candidate"]),
        (", ".join(told) or "nobody") if bad else "-",
        f"{len(by['baseline'])} + {len(by['candidate'])}", about, result.at[:10],
    ]  # fmt: skip


def main(table: str, gate: str, found: str) -> None:
    """Replace the row of this case, or add it."""
    path = Path(table)
    rows = path.read_text().splitlines()[len(HEAD.splitlines()) :] if path.exists() else []
    cells = row(Path(gate), Path(found))
    kept = [
        line for line in rows if line.startswith("| [") and not line.startswith(f"| {cells[0]} ")
    ]
    path.write_text(HEAD + "\n".join(sorted([*kept, f"| {' | '.join(cells)} |"])) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
