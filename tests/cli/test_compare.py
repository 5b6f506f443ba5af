"""`bootgate compare`: two runs side by side, and what can be told from them."""

from __future__ import annotations

import re
from dataclasses import replace
from statistics import median

import pytest

from pytest_bootgate.records import codec
from pytest_bootgate.records.machine import Machine, Work
from pytest_bootgate.reports.amounts import duration
from pytest_bootgate.stats.regression import compare_recorded
from tests.cli.conftest import bootgate


def saved(path):
    (result,) = codec.read(path)
    return result


def seconds(path) -> list[float]:
    """How long the boots of the candidate took; one that was lost was repeated."""
    boots = saved(path).targets[0].of("candidate")
    return [boot.seconds for boot in boots if boot.outcome == "started"]


@pytest.fixture
def compare(runs):
    def call(*args: str, **environ: str):
        return bootgate("compare", *args, cwd=runs.here, **environ)

    return call


@pytest.fixture
def changed(runs, tmp_path):
    """The slower run with something else in its result, as a file."""

    def write(of_target=None, **of_result) -> str:
        result = replace(saved(runs.slower), **of_result)
        (target,) = result.targets
        target = replace(target, **(of_target or {}))
        path = tmp_path / "changed.json"
        codec.write([replace(result, checks=(target,))], path)
        return str(path)

    return write


def cells(said, label: str) -> list[str]:
    (line,) = [line for line in said.lines if line.startswith(f"  {label} ")]
    return line[len(label) + 2 :].split("  ")


def row(said, label: str) -> list[str]:
    return [cell.strip() for cell in cells(said, label) if cell.strip()]


def test_the_numbers_are_those_of_the_results(runs, compare):
    first, second = saved(runs.green), saved(runs.slower)
    said = compare(first.run, "slower.json")
    assert said.status == 0, said.err
    assert said.lines[0].startswith(f"first   PASS, run {first.run}, {first.at[:10]} ")
    assert said.lines[1].startswith(f"second  FAIL, run {second.run}, {second.at[:10]} ")
    assert row(said, "verdict") == ["pass", "fail"]
    shown = [re.sub(r"\d+ lost, ", "", cell) for cell in row(said, "boots")]
    assert shown == ["5 started", "10 started"]  # five confirm that it is slower
    medians = [median(seconds(path)) for path in (runs.green, runs.slower)]
    change = f"{round((medians[1] / medians[0] - 1) * 100):+d} %"
    assert row(said, "whole boot") == [*map(duration, medians), change]
    rooms = [result.targets[0].judgement.headroom for result in (first, second)]
    shown = [f"{room.used * 100:.0f} %" for room in rooms]
    assert row(said, "used, slowest boot")[:2] == shown
    shown = [f"{room.bound_used * 100:.0f} %" for room in rooms]
    assert row(said, "used, next boot")[:2] == shown
    assert row(said, "plugins")[2].startswith("+")
    assert max(map(len, said.lines)) <= 90


def test_slower_is_what_the_test_for_recorded_boots_says(runs, compare):
    sides = [seconds(path) for path in (runs.green, runs.slower)]
    found = compare_recorded((sides[0], sides[1][-5:]), 0.10)
    assert found.verdict == "slower"
    said = compare("green.json", "slower.json")
    text = " ".join(said.out.split())
    assert f"slower: {round((found.ratio - 1) * 100):+d} % (95 % interval " in text
    assert f"5 boots each, exact p = {found.p:.2g}" in text
    assert "faster: " in compare("slower.json", "green.json").out


def test_the_same_release_twice(runs, compare):
    said = compare("green.json", "slower.json", "--release", "baseline")
    # The first run may have had other neighbours than the second.
    assert any(f"  {word}: " in said.out for word in ("same", "inconclusive", "faster"))
    assert "two runs cannot show less" in " ".join(said.out.split()) or "  same: " not in said.out
    assert "used, next boot" not in said.out


@pytest.mark.parametrize(
    ("what", "text"),
    [
        ({"engine": "docker 27.1"}, "engine local processes in the first, docker 27.1 in the"),
        ({"measures": "other"}, "the gate files measure different things"),
        ("machine", "CPUs in the first, 64 CPUs in the second"),
    ],
)
def test_what_cannot_be_compared_is_not_judged(runs, compare, changed, what, text):
    if what == "machine":
        what = {"machine": replace(saved(runs.slower).machine, cpus=64)}
        text = text.replace("64 CPUs", "64")
    said = compare("green.json", changed(**what))
    assert said.status == 0
    assert "NOT COMPARABLE:" in said.lines
    assert text in said.out
    assert "shown without a conclusion." in said.out
    assert "slower:" not in said.out
    assert row(said, "verdict") == ["pass", "fail"]


def test_boots_that_did_not_start_are_not_judged(runs, compare, changed):
    target = saved(runs.slower).targets[0]
    late = replace(target.boots[-1], outcome="timed_out", seconds=None)
    boots = (*target.boots[:-1], late) if late.release == "candidate" else ()
    boots = boots or tuple(
        replace(b, outcome="timed_out", seconds=None) if b.release == "candidate" else b
        for b in target.boots
    )
    said = compare("green.json", changed({"boots": boots}))
    assert "not judged: not all boots of the second run started" in said.out
    assert row(said, "used, slowest boot")[1] == "100 %"


def test_a_busy_host_is_not_judged(runs, compare, changed):
    machine = Machine(here=True, work=(Work(0.001, 0.005),))
    rules = replace(saved(runs.slower).targets[0].rules, noise=3.0)
    said = compare("green.json", changed({"machine": machine, "rules": rules}))
    assert "not judged: the host was too busy to measure in the second run" in said.out
    assert "note: the verdicts use different rules: noise" in said.out


def test_a_target_with_an_error_is_not_judged(runs, compare, changed):
    said = compare("green.json", changed({"error": "The sidecar died."}))
    assert "not judged: the second run could not measure" in said.out


def test_too_few_boots_are_not_judged(runs, compare):
    said = compare("green.json", "error.json")
    assert "NOT COMPARABLE:" not in said.out
    assert "not judged: " in said.out


def test_a_target_that_only_one_run_has(runs, compare, changed):
    said = compare("green.json", changed({"target": "other"}))
    assert "boot: only in the first run" in said.lines
    assert "other: only in the second run" in said.lines


def test_a_run_with_itself(runs, compare):
    said = compare("green.json", saved(runs.green).run)
    assert said.status == 4
    assert "Name two runs" in said.err


def test_a_file_with_several_results(runs, compare, tmp_path):
    path = tmp_path / "two.json"
    codec.write([saved(runs.green), saved(runs.slower)], path)
    said = compare("green.json", str(path))
    assert said.status == 4
    assert "holds the results of 2 gate files (bootgate.yaml, bootgate.yaml)" in said.err
