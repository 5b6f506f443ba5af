"""Results as values: what a run of a gate would have written, with durations of one's own."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from math import exp
from pathlib import Path
from typing import Any

import pytest

from pytest_bootgate.gatefile import load
from pytest_bootgate.records import codec
from pytest_bootgate.records.result import SCHEMA, GateResult, ReleaseFacts, TargetResult
from pytest_bootgate.records.values import Boot, HostFacts, Phase
from pytest_bootgate.records.verdict import Limits, Rules

GATE = """\
# my gate
releases:
  candidate: {image: "app:2"}
targets:
  isolated:
    timeout: 60s
    trigger: {exec: [run]}
    phases:
      accepted: {line: a}
      setup: {line: b}          # the long one
      prep: {line: c}
      done: {stub: true}
sidecar: {stub: {port: 80}}
gate: {fail_at: 80%, warn_at: 60%, boots: 5}
"""
SECONDS = {"accepted": 0.004, "setup": 8.0, "prep": 0.4, "done": 0.05}


def durations(median: float, count: int, spread: float = 0.1) -> list[float]:
    """Log-normal durations, the same ones every time."""
    rolls = random.Random(f"{median} {count}")
    return [median * exp(rolls.gauss(0, spread)) for _ in range(count)]


def boots(target: str, phases: Mapping[str, float], count: int, **other: Any) -> tuple[Boot, ...]:
    """Measured boots with phases of these medians; `other` are fields of `Boot`."""
    took = {name: durations(median, count) for name, median in phases.items()}
    made = []
    for i in range(count):
        at, marks = 0.0, []
        for name in phases:
            at += took[name][i]
            marks.append(Phase(name, at, took[name][i]))
        values: dict[str, Any] = {
            "release": "candidate",
            "profile": "default",
            "start": "cold",
            "outcome": "started",
            "detail": "",
            "timeout": 60.0,
            "ended": at,
            "seconds": at,
            "phases": tuple(marks),
        }
        made.append(Boot(target=target, number=i + 1, **{**values, **other}))
    return tuple(made)


Writing = Callable[..., Path]


@pytest.fixture
def gate(tmp_path, monkeypatch) -> Path:
    """A gate file in the current directory."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "bootgate.yaml"
    path.write_text(GATE)
    return path


@pytest.fixture
def write(gate) -> Writing:
    """Write a result of `boots` for the gate file as it is now; fields of `GateResult` as named."""

    def make(made: Sequence[Boot], name: str = "result.json", **other: Any) -> Path:
        targets = load(gate).gate.targets
        named = dict.fromkeys((boot.target, boot.profile) for boot in made)

        def phases(target: str) -> dict[str, Limits]:
            return {name: Limits() for name in targets[target].phases} if target in targets else {}

        results = [
            TargetResult(
                target=target,
                profile=profile,
                runs_as=target,
                rules=Rules(
                    timeout=60.0, fail_at=0.8, warn_at=0.6, least=5, most=15, phases=phases(target)
                ),
                boots=tuple(b for b in made if (b.target, b.profile) == (target, profile)),
            )
            for target, profile in named
        ]
        values: dict[str, Any] = {
            "schema": SCHEMA,
            "file": str(gate),
            "at": "2026-11-20T10:00:00+00:00",
            "bootgate": "0.1.0",
            "run": name,
            "engine": "docker 20.10",
            "engine_name": "docker",
            "why_engine": "",
            "machine": HostFacts("Linux 6.1", "3.11", 2, 8 * 1024**3, 0.5),
            "releases": {"candidate": ReleaseFacts("app:2", "sha256:" + "ab" * 32, "2.0")},
            "checks": tuple(results),
        }
        path = gate.parent / name
        codec.write([GateResult(**{**values, **other})], path)
        return path

    return make


@pytest.fixture
def calibrate(gate, capsys):
    """Run the command; what it printed on stdout, what on stderr, and its exit status."""
    from pytest_bootgate.cli import main

    def call(*args: str | Path) -> tuple[str, str, int]:
        status = main(["calibrate", str(gate), *map(str, args)])
        said = capsys.readouterr()
        return said.out, said.err, status

    return call
