"""Real A/A gates: a release against itself, ten targets each, through the real drive."""

from __future__ import annotations

import datetime as dt
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import fmean, median
from typing import Any

from benchmarks.report import Section, Target, at_most, bound, percent
from pytest_bootgate.gatefile import Loaded, load
from pytest_bootgate.records.result import TargetResult
from pytest_bootgate.run import Gate

#: How many gates of each engine stand behind a figure.
GATES = {"process": 100, "docker": 20}
_TEN = 10
_PROGRAM = """\
import argparse, asyncio, decimal, email.message, http.client, json, sqlite3, time, unittest
sum(number * number for number in range(1_000_000))
print("ready", flush=True)
time.sleep(60)
"""
#: How a release of it is written in a gate file, by engine.
_RELEASES: Mapping[str, Callable[[str], dict[str, Any]]] = {
    "process": lambda _: {"command": [sys.executable, "-c", _PROGRAM]},
    "docker": lambda image: {"image": image, "command": ["python3", "-c", _PROGRAM]},
}
#: One gate as one line of a file: its engine, its verdict and those of its targets.
Row = Mapping[str, Any]


def measure(image: str, gates: Mapping[str, int], kept: Path | None = None) -> Section:
    """Gate a small Python program against itself, so many times by each engine.

    Each gate is added to the file `kept` as soon as it is over, and those that are there already
    count: a run that was interrupted goes on where it ended.
    """
    with tempfile.TemporaryDirectory() as directory:
        kept = kept or Path(directory, "gates.jsonl")
        kept.touch()
        for engine, wanted in gates.items():
            loaded = _loaded(Path(directory, f"{engine}.yaml"), _RELEASES[engine](image))
            for number in range(len(_rows(kept, engine)), wanted):
                row = _row(loaded, engine)
                print(f"ci/bench: aa: {engine} {number + 1}: {row['verdict']}", file=sys.stderr)
                with kept.open("a") as file:
                    file.write(json.dumps(row) + "\n")
        return section({e: rows for e in GATES if (rows := _rows(kept, e))})


def _rows(kept: Path, engine: str) -> list[Row]:
    rows: list[Row] = [json.loads(line) for line in kept.read_text().splitlines()]
    return [row for row in rows if row["engine"] == engine]


def _loaded(path: Path, release: Mapping[str, Any]) -> Loaded:
    target = {"timeout": "30s", "proof": {"line": "^ready$"}}
    document = {
        "releases": {"baseline": release, "candidate": release},
        "targets": {f"target-{number}": target for number in range(_TEN)},
        "gate": {"allow": "same-image"},
    }
    path.write_text(json.dumps(document))  # JSON is YAML
    return load(path)


def _row(loaded: Loaded, engine: str) -> Row:
    """One gate, from the first boot of the first target to the verdict of the last."""
    began = time.monotonic()
    gate = Gate(loaded, wanted_engine=engine)
    try:
        targets = [_target(gate.result(profile, target)) for profile, target in gate.plan.pairs]
        verdict, load_average = gate.outcome().verdict, gate.outcome().machine.load
    finally:
        gate.close()
    return {
        "engine": engine,
        "at": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "seconds": round(time.monotonic() - began, 1),
        "load": load_average,
        "verdict": verdict,
        "targets": targets,
    }


def _target(result: TargetResult) -> dict[str, Any]:
    """What a gate found of one target; `why` is all that is not a pass."""
    judged = result.judgement
    compared = judged.regression if judged else None
    findings = [] if judged is None else [f"{f.verdict}: {f.text}" for f in judged.findings]
    row: dict[str, Any] = {
        "verdict": result.verdict,
        "why": [*findings, *filter(None, [result.error])],
        "seconds": [round(b.seconds, 4) for b in result.boots if b.seconds and not b.warm_up],
    }
    if compared is not None:
        row |= {
            "compared": compared.verdict,
            "pairs": compared.pairs,
            "ratio": round(compared.ratio, 4),
            "stragglers": compared.stragglers,
        }
    return row


def section(gates: Mapping[str, Sequence[Row]]) -> Section:
    """What all gates of each engine found."""
    rows, targets = [], []
    for engine, found in gates.items():
        each = [target for gate in found for target in gate["targets"]]
        verdicts = Counter(str(gate["verdict"]) for gate in found)
        compared = Counter(str(target.get("compared", "not compared")) for target in each)
        pairs = [target["pairs"] for target in each if "pairs" in target]
        red = sum(verdicts[verdict] for verdict in _RED) / len(found)
        same = compared["same"] / len(each)
        boots = [second for target in each for second in target["seconds"]]
        loads = [gate["load"] for gate in found]
        rows.append(
            (
                engine,
                str(len(found)),
                percent(red),
                _counted(verdicts),
                _counted(Counter(str(target["verdict"]) for target in each)),
                _counted(compared),
                f"{fmean(pairs):.1f}" if pairs else "–",
                f"{median(boots) * 1e3:.0f} ({min(boots) * 1e3:.0f} to {max(boots) * 1e3:.0f})",
                f"{median(gate['seconds'] for gate in found):.0f}",
                f"{min(loads):.1f} to {max(loads):.1f}",
            )
        )
        why = Counter(text for t in each if t["verdict"] in _RED for text in t["why"])
        high, seen = bound(red, len(found)), "; ".join(text for text, _ in why.most_common(5))
        sure = f"Gates: {len(found)}, so less than {percent(high)} with 95 % certainty. {seen}"
        others = Counter(text for t in each if t.get("compared") != "same" for text in t["why"])
        targets += [
            Target(
                f"gates of ten that are red, {engine}",
                percent(red),
                "≤ 0.5 %",
                at_most(0.005, red, high),
                sure.strip(),
            ),
            Target(
                f"targets that are called the same, {engine}",
                percent(same),
                "≥ 98 %",
                same >= 0.98,
                "; ".join(text for text, _ in others.most_common(5)),
            ),
        ]
    return Section(
        title="real A/A gates",
        how=(
            f"Gates of {_TEN} targets and `boots: 5..30`, baseline and candidate the same Python"
            " program that imports some modules and computes a little, through the real drive of"
            " each engine. Red is `fail` or `error`. Load averages are those at the gates' begin."
        ),
        header=(
            *("engine", "gates", "red gates", "gates", "targets", "comparisons", "pairs"),
            *("boots, ms", "a gate, s", "load"),
        ),
        rows=rows,
        targets=targets,
        data={engine: list(found) for engine, found in gates.items()},
    )


_RED = ("fail", "error")


def _counted(counter: Counter[str]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counter.most_common())
