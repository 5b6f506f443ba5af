"""The pure parts of ci/bench: resampled campaigns give the figures that are known of the rule."""

from __future__ import annotations

import importlib
import json
import random
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from pytest_bootgate.stats.schedule import order

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
    assert "| lag | a third | 1 ms | ≤ 1 ms | **inconclusive** |" in page
    assert "**inconclusive**: a third. It is noisy." in page
    assert [report.at_most(1, figure, 1.0) for figure in (0.9, 1.1)] == [True, False]
    assert "Never said" not in page


def test_a_share_that_was_never_seen_is_not_taken_for_none(benchmarks):
    report = benchmarks("report")
    assert report.bound(0.0, 100) == pytest.approx(3 / 100, rel=0.02)
    assert 0.95 < report.bound(0.95, 1000) < 0.97
    assert report.at_least(0.98, 1.0, 1 - report.bound(0.0, 10)) is None
    assert report.at_least(0.98, 0.97, 0.9) is False


def test_campaigns_are_windows_in_run_order_that_go_round(benchmarks):
    recordings = benchmarks("recordings")
    every = recordings.recordings()
    quiet = every["docker, quiet"]
    assert {name: one.pairs for name, one in every.items()} == {
        "docker, quiet": 130,
        "docker, noisy": 145,
        "docker, heavy load": 35,
        "process": 400,
        "loaded 1, wall": 1568,
        "loaded 1, net": 1568,
        "loaded 2, wall": 2162,
        "loaded 2, net": 2162,
    }
    first, second = quiet.circles[0][:2]
    assert order(0) == ("baseline", "candidate")
    assert order(1) == ("candidate", "baseline")
    plain = quiet.campaign(recordings.Place(0, 0, turned=False), 131, 0.5)
    assert plain[0][:2] == [first[0], second[1]]
    assert plain[1][:2] == [first[1].grown(0.5), second[0].grown(0.5)]
    assert {plain[0][130], plain[1][130]} <= {first[0], first[1], first[0].grown(0.5)} | {
        first[1].grown(0.5)
    }
    turned = quiet.campaign(recordings.Place(0, 0, turned=True), 2)
    assert turned == ([first[1], second[0]], [first[0], second[1]])
    places = quiet.places(random.Random(1), 10_000)
    assert len(places) == len(set(places)) == 2 * (130 + 126)


def test_net_time_is_that_of_the_gate(benchmarks):
    recordings = benchmarks("recordings").recordings()
    wall, net = (recordings[f"loaded 1, {how}"].circles[0][0][0] for how in ("wall", "net"))
    assert wall.wall == pytest.approx(0.2959)
    assert net.wall == pytest.approx(0.2959 - 0.1079)
    assert net.cpu == wall.cpu


def test_known_figures(benchmarks):
    campaigns = benchmarks("campaigns")
    still = campaigns.play(campaigns.Cell("docker, quiet", 0.0, 40))
    half = campaigns.play(campaigns.Cell("docker, quiet", 0.5, 20))
    rule, stored = campaigns.RULE, campaigns.STORED
    assert (still.red(rule), still.same(rule)) == (0, pytest.approx(1, abs=0.05))
    assert half.red(rule) == 1
    assert half.used(rule) <= 12
    assert still.red(stored) > 0.1
    assert 8 <= still.independent(rule) <= 20
    assert campaigns.of_ten(0.01) == pytest.approx(0.0956, abs=0.001)
    assert campaigns.drawn(still.said[rule], 20) == 0


def test_the_whole_of_truth_with_few_campaigns(benchmarks):
    truth = benchmarks("truth")
    section = truth.measure(truth.Campaigns(harmless=4, slower=2, simulated=4))
    assert len(section.rows) == 9 * 4
    assert all(len(row) == len(section.header) for row in section.rows)
    # So few campaigns prove no promise.
    assert not any(target.met for target in section.targets)


def test_a_sweep_and_its_picture(benchmarks):
    sweep = benchmarks("sweep")
    section = sweep.measure(3)
    process = section.data["process 0.25"]
    assert (process[0]["red"], process[-1]["red"]) == (0, 1)
    picture = sweep.picture(section)
    root = ET.fromstring(picture)
    curves = [e for e in root.iter() if "solid" in e.get("class", "")]
    assert len(curves) == len(sweep.NAMES) * len(sweep.TOLERANCES)
    assert len(picture) <= 40_000


def test_the_picture_in_the_documentation_is_small_and_shown():
    docs = CI.parent / "docs"
    assert (docs / "tolerance.svg").stat().st_size <= 40_000
    assert "(tolerance.svg)" in (docs / "statistics.md").read_text()


def test_recorded_baselines(benchmarks):
    recorded = benchmarks("recorded")
    section = recorded.measure(20)
    assert len(section.rows) == len(recorded.SETS) * len(recorded.BOOTS)
    assert section.data["process 10 0.75"]["slower"] >= 0.9
    assert section.data["process 10 0"]["slower"] == 0


def test_real_gates_are_kept_and_go_on(benchmarks, tmp_path):
    aa = benchmarks("aa")
    kept = tmp_path / "gates.jsonl"
    row = {"engine": "process", "at": "", "seconds": 40.0, "load": 0.5}
    target = {"verdict": "pass", "why": [], "seconds": [0.1, 0.2], "compared": "same", "pairs": 5}
    slower = target | {"verdict": "fail", "why": ["fail: slower"], "compared": "slower"}
    rows = [
        row | {"verdict": "pass", "targets": [target] * 10},
        row | {"verdict": "fail", "targets": [target] * 9 + [slower]},
    ]
    kept.write_text("".join(json.dumps(one) + "\n" for one in rows))
    section = aa.measure("an image", {"process": 2, "docker": 0}, kept)
    assert section.rows[0][:4] == ("process", "2", "50 %", "1 pass, 1 fail")
    assert [t.met for t in section.targets] == [False, False]
    assert "fail: slower" in section.targets[0].why
