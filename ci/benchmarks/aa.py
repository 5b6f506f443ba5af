"""Real A/A campaigns: a release against itself, through the real drive, a hundred times."""

from __future__ import annotations

import json
import sys
import tempfile
from collections import Counter
from pathlib import Path
from statistics import fmean, median

from benchmarks.report import Section, Target, percent
from pytest_bootgate.drive import Gate
from pytest_bootgate.gatefile import Loaded, load
from pytest_bootgate.result import TargetResult

_RUNNER = """\
import argparse, asyncio, decimal, email.message, http.client, json, sqlite3, time, unittest
sum(number * number for number in range(1_000_000))
print("ready", flush=True)
time.sleep(60)
"""
_GATE_FILE = """\
releases:
  baseline: {{command: {command}, env: {{RELEASE: one}}}}
  candidate: {{command: {command}, env: {{RELEASE: two}}}}
targets: {{boot: {{timeout: 30s, proof: {{line: "^ready$"}}}}}}
gate: {{boots: 5..30}}
"""


def measure(campaigns: int = 100) -> Section:
    """Gate a small Python program against itself on the process engine."""
    with tempfile.TemporaryDirectory() as directory:
        runner = Path(directory, "runner.py")
        runner.write_text(_RUNNER)
        path = Path(directory, "bootgate.yaml")
        path.write_text(_GATE_FILE.format(command=json.dumps([sys.executable, str(runner)])))
        loaded = load(path)
        return _section([_campaign(loaded) for _ in range(campaigns)])


def _campaign(loaded: Loaded) -> TargetResult:
    gate = Gate(loaded, wanted_engine="process")
    try:
        result = gate.result(*gate.plan.pairs[0])
    finally:
        gate.close()
    if result.judgement is None or result.judgement.regression is None:
        raise RuntimeError(f"nothing was compared: {result.broken or result.judgement}")
    return result


def _section(results: list[TargetResult]) -> Section:
    judged = [r.judgement.regression for r in results if r.judgement and r.judgement.regression]
    verdicts: Counter[str] = Counter(regression.verdict for regression in judged)
    pairs = [regression.pairs for regression in judged]
    seconds = [b.seconds for r in results for b in r.boots if b.seconds and not b.warm_up]
    same, slower = verdicts["same"] / len(judged), verdicts["slower"] / len(judged)
    scatter = "Boots of the same code scattered too much, beside whatever else the machine did."
    return Section(
        title="real A/A campaigns",
        how=(
            f"{len(judged)} campaigns of 5 to 15 pairs on the process engine, baseline and"
            " candidate the same Python program that imports some modules and computes a little"
            f" (boots of {median(seconds) * 1e3:.0f} ms in the median, {min(seconds) * 1e3:.0f} to"
            f" {max(seconds) * 1e3:.0f})."
        ),
        header=("campaigns", "same", "slower", "faster", "unsure", "measured boots on average"),
        rows=[
            (
                str(len(judged)),
                *(percent(verdicts[v] / len(judged)) for v in _VERDICTS),
                f"{2 * fmean(pairs):.1f}",
            )
        ],
        targets=[
            Target("A/A ends `same`", percent(same), "≥ 90 %", same >= 0.90, scatter),
            Target("A/A ends `slower`", percent(slower), "≤ 2 %", slower <= 0.02, scatter),
        ],
        data={
            "verdicts": dict(verdicts),
            "pairs": pairs,
            "ratios": [regression.ratio for regression in judged],
        },
    )


_VERDICTS = ("same", "slower", "faster", "unsure")
