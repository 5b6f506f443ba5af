"""A recorded baseline, from a run of the toy gateway to the refusals."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from pytest_bootgate.errors import BootgateError
from pytest_bootgate.run.recorded import Recorded
from pytest_bootgate.stats.regression import DRIFT, compare_recorded
from tests.pytest_plugin.conftest import GOOD, gate, here, played  # noqa: F401

SLOW = [0.5, "engine ready", 0.02, "persona loaded", 0.02, "ring"]


@pytest.fixture
def recorded(gate, played, pytester):  # noqa: F811
    """Record the toy gateway of this plan; then a gate file with that baseline is written."""

    def record(plan, boots="5", pytest=played):
        gate(plan)
        pytest("bootgate.yaml", "--bootgate-boots", boots, "--bootgate-json", "old.json")
        return pytester.path / "old.json"

    return record


def with_baseline(path) -> None:
    text = path.read_text()
    path.write_text(text.replace("releases:\n", "releases:\n  baseline: {recorded: old.json}\n"))


def test_a_release_is_held_against_its_own_recording(recorded, gate, here):  # noqa: F811
    """Both really run."""
    recorded(GOOD, pytest=here)
    with_baseline(gate(GOOD, boots=5))
    result = here("bootgate.yaml")
    assert result.ret == 0
    result.stdout.fnmatch_lines(
        [
            "baseline 1, recorded * in old.json: not booted now, so slowdowns below 35 % *",
            # On a noisy machine it may be inconclusive.
            "*S* isolated, cold: 5 started (baseline: 5 started)",
            "*: * (95 % interval *), 5 boots each, recorded, *; tolerance 35 %*",
        ]
    )


def test_what_is_much_slower_than_its_recording_fails(recorded, gate, played):  # noqa: F811
    recorded(GOOD)
    with_baseline(gate(SLOW, boots=5))
    result = played("bootgate.yaml")
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        ["*fail: * times as long (*), 5 boots each, recorded, *; tolerance 35 %; a slowdown of *"]
    )
    result.stdout.fnmatch_lines(["*fail: engine: +* ms, the whole boot +* ms*"])


def test_another_gate_file_is_refused(recorded, gate, played):  # noqa: F811
    recorded(GOOD)
    with_baseline(gate(GOOD, boots=5, timeout="7s"))
    result = played("bootgate.yaml")
    assert result.ret == 1
    result.assert_outcomes(errors=1, skipped=3)
    result.stdout.fnmatch_lines(
        ["*old.json (*) cannot be compared with: the gate file measured different things at *"]
    )
    result.stdout.fnmatch_lines(["*at that time (*targets*). Boot both releases*"])


def test_too_few_recorded_boots_are_refused(recorded, gate, played):  # noqa: F811
    recorded(GOOD, boots="2")
    with_baseline(gate(GOOD, boots=5))
    result = played("bootgate.yaml")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*old.json has 2 measured boots of isolated*at least 5*"])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"engine": "docker 27.1"}, " there, docker 27.1 here"),
        ({"machine": {"cpus": 64}}, "CPUs there, 64 here"),
        ({"machine": {"memory": 2**40}}, "1024.0 GiB here"),
        ({"machine": {"system": "Darwin 24"}}, "Darwin 24 here"),
    ],
)
def test_another_host_class_or_engine_is_refused(recorded, change, words):
    old = Recorded.read(recorded(GOOD))
    machine = replace(old.result.machine, **change.get("machine", {}))
    now = replace(old.result, engine=change.get("engine", old.result.engine), machine=machine)
    with pytest.raises(BootgateError, match="cannot be compared") as raised:
        old.check(now, "default", "isolated", same_image=False)
    assert words in str(raised.value)
    old.check(old.result, "default", "isolated", same_image=False)


@pytest.mark.parametrize(
    ("measured", "words"),
    [
        ({"state": "2", "files": "1", "gone": "1"}, "at that time (state, contents of files)."),
        ({}, "at that time (or only its files and state, of which a result of an older version"),
    ],
)
def test_the_refusal_says_what_differs(recorded, measured, words):
    old = Recorded.read(recorded(GOOD))
    then = replace(old.result, measures="1", measured=measured)
    now = replace(old.result, measures="2", measured={"state": "1", "files": "2", "gone": "1"})
    with pytest.raises(BootgateError) as raised:
        replace(old, result=then).check(now, "default", "isolated", same_image=False)
    assert words in str(raised.value)


def test_one_that_failed_is_refused(recorded, gate, played):  # noqa: F811
    recorded(["engine ready", 9])
    with_baseline(gate(GOOD, boots=5))
    result = played("bootgate.yaml")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*old.json (*) has verdict fail for isolated, so it is no valid*"])


def test_one_that_was_changed_is_refused(recorded, gate, played):  # noqa: F811
    """A figure that nobody measured; the file reads as before."""
    path = recorded(GOOD)
    result = json.loads(path.read_text())
    result["targets"][0]["boots"][0]["seconds"] *= 3
    path.write_text(json.dumps(result))
    with_baseline(gate(GOOD, boots=5))
    done = played("bootgate.yaml")
    assert done.ret != 0
    assert "old.json was changed after it was written" in done.stdout.str() + done.stderr.str()


def test_the_candidate_itself_is_refused(recorded):
    old = Recorded.read(recorded(GOOD))
    facts = replace(old.result.releases["candidate"], identity="sha256:" + 64 * "0")
    same = replace(old.result, releases={"candidate": facts})
    with pytest.raises(BootgateError, match=r"old\.json is the candidate itself"):
        replace(old, result=same).check(same, "default", "isolated", same_image=False)
    replace(old, result=same).check(same, "default", "isolated", same_image=True)


def test_what_is_no_result_is_refused(gate, played, pytester):  # noqa: F811
    (pytester.path / "old.json").write_text(json.dumps({"schema": "something else"}))
    with_baseline(gate(GOOD))
    result = played("bootgate.yaml")
    assert result.ret == 4
    assert "The recorded baseline" in result.stderr.str()
    assert "Traceback" not in result.stderr.str()


def test_nothing_below_the_drift_is_told_from_a_recording():
    before = [1.0 + n / 1000 for n in range(10)]
    for effect, verdict in ((1.2, "same"), (1.0 + DRIFT * 1.1, "slower"), (0.5, "faster")):
        after = [value * effect for value in before]
        assert compare_recorded((before, after), 0.10).verdict == verdict
