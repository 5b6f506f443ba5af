"""The pure parts of ci/bench: resampled campaigns give the figures that are known of the rule."""

from __future__ import annotations

import importlib
import random
import sys
from pathlib import Path

import pytest

from pytest_bootgate.gate.regression import order

CI = Path(__file__).parent.parent / "ci"


@pytest.fixture
def benchmarks(monkeypatch):
    """Import a module of ci/benchmarks, and forget it afterwards."""

    def load(name: str):
        monkeypatch.syspath_prepend(str(CI))
        return importlib.import_module(f"benchmarks.{name}")

    yield load
    for name in [n for n in sys.modules if n.partition(".")[0] == "benchmarks"]:
        del sys.modules[name]


def test_numbers_for_people(benchmarks):
    report = benchmarks("report")
    shown = [report.number(n) for n in (0, 0.000123, 0.7361, 12.34, 496.4, 388_412, 3_720_111)]
    assert shown == ["0", "0.000123", "0.736", "12.3", "496", "388 000", "3 720 000"]
    assert [report.percent(s) for s in (0.0, 0.013, 0.97)] == ["0 %", "1.3 %", "97 %"]


def test_what_was_not_met_is_said_with_its_reason(benchmarks):
    report = benchmarks("report")
    targets = [
        report.Target("a claim", "2 ms", "≤ 1 ms", met=False, why="The engine takes 2 ms."),
        report.Target("a third", "1 ms", "≤ 1 ms", report.at_most(1, 0.9, 1.2), "It is noisy."),
        report.Target("another", "1 ms", "≤ 1 ms", met=True, why="Never said."),
    ]
    section = report.Section("lag", "How.", ("x",), [("1",)], targets, {})
    versions = {"pytest": "9"}
    machine = report.Machine(
        "today", "Linux", "CPU", 2, 4.0, "3.13", "Docker", "c0ffee", 1.0, [0.1, 0.2], versions
    )
    page = report.markdown([section], machine)
    assert "| lag | a claim | 2 ms | ≤ 1 ms | **NOT met** |" in page
    assert "| lag | another | 1 ms | ≤ 1 ms | met |" in page
    assert "**NOT met**: a claim. The engine takes 2 ms." in page
    assert "| lag | a third | 1 ms | ≤ 1 ms | **unsure** |" in page
    assert "**unsure**: a third. It is noisy." in page
    assert [report.at_most(1, figure, 1.0) for figure in (0.9, 1.1)] == [True, False]
    assert "Never said" not in page


def test_resampled_campaigns(benchmarks):
    truth = benchmarks("truth")
    record = truth.recorded("quiet")
    assert [len(block) for block in record.same] == [70, 70]
    baseline, candidate = truth.same_code(record, random.Random(1), 0.5)
    assert len(baseline) == len(candidate) == 15
    first = {name: side[0] for name, side in (("baseline", baseline), ("candidate", candidate))}
    undone = truth.Took(first["candidate"].wall / 1.5, first["candidate"].cpu / 1.5)
    block = next(b for b in record.same if first["baseline"] in b)
    place = list(block).index(first["baseline"])
    assert order(0) == ("baseline", "candidate")
    assert block[place + 1] == pytest.approx(undone)


def test_known_figures(benchmarks):
    truth = benchmarks("truth")
    record, chance = truth.recorded("quiet"), random.Random(2)
    plain = [truth.same_code(record, chance, 0.0) for _ in range(60)]
    half = [truth.same_code(record, chance, 0.5) for _ in range(30)]
    alarms = [truth.staged(pairs, by_cpu=True) for pairs in plain]
    found = [truth.staged(pairs, by_cpu=True) for pairs in half]
    stored = [truth.stored(record, chance, 0.0) for _ in range(60)]
    assert truth.share(alarms, "slower") <= 0.05
    assert truth.share(alarms, "same") >= 0.75
    assert truth.share(found, "slower") == 1
    assert max(said.boots for said in found) <= 14
    assert truth.share(stored, "slower") > 0.1
