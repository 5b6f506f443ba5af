"""Lies of a baseline that fails: without it there is nothing to compare with."""

from __future__ import annotations

import json

import pytest

from tests.lies.conftest import check, verdicts

GOOD = ["engine ready", "persona loaded", "ring"]
SLOW = ["engine ready", 0.5, "persona loaded", "ring"]
CRASH = ["engine ready", "exit:3"]
PAIRS = "{boots: 5, noise: 1000, retries: 0, inconclusive: fail}"
ENGINES = [
    pytest.param("process", id="process"),
    pytest.param("docker", id="docker", marks=pytest.mark.docker),
    pytest.param("kubernetes", id="kubernetes", marks=pytest.mark.kubernetes),
]


def env(plan, **more) -> dict[str, str]:
    return {"PLAN": json.dumps(plan), **more}


@pytest.mark.lie("the baseline crashes once, and the candidate is many times slower")
def test_a_baseline_that_crashes_once(lying, told, pytester):
    """Where the baseline keeps count of its boots: in a file, which a container does not keep."""
    counter = str(pytester.path / "boots-of-the-baseline")
    plans = [GOOD, GOOD, GOOD, CRASH, GOOD]
    releases = {
        "baseline": env(plans, COUNTER=counter, VERSION="1"),
        "candidate": env(SLOW, VERSION="2"),
    }
    result, found = lying(releases=releases, gate=PAIRS)
    check(told, result, found)
    crashed = [b for b in found["targets"][0]["boots"] if b["outcome"] == "crashed"]
    assert [(b["release"], b["number"]) for b in crashed] == [("baseline", 3)]


@pytest.mark.lie("the baseline never starts, and the candidate does")
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("boots", [1, 5])
def test_a_baseline_that_never_starts(lying, told, engine, boots):
    releases = {"baseline": env(CRASH, VERSION="1"), "candidate": env(GOOD, VERSION="2")}
    gate = f"{{boots: {boots}, noise: 1000, retries: 0}}"
    result, found = lying(releases=releases, gate=gate, engine=engine)
    check(told, result, found)


@pytest.mark.parametrize("engine", ENGINES)
def test_both_releases_without_the_proof_are_no_fault_of_the_upgrade(lying, engine):
    """It was `fail: Keep the old release in production` for a pattern that is wrong."""
    plan = ["Engine Ready", "exit:3"]
    releases = {"baseline": env(plan, VERSION="1"), "candidate": env(plan, VERSION="2")}
    result, found = lying(releases=releases, gate=PAIRS, engine=engine)
    assert result.ret == 1
    assert verdicts(found) == {"error"}
    text = result.stdout.str()
    assert "the baseline ends the same way" in text
    assert "Keep the old release" not in text
    assert len(found["targets"][0]["boots"]) == 3
    for release in ("candidate", "baseline"):
        assert f"{release}, the warm-up boot:" in text or f"{release}, boot" in text


@pytest.mark.lie("a mark that the old release shows is gone in the new one, and the task starts")
@pytest.mark.parametrize("engine", ENGINES)
def test_a_mark_that_only_the_baseline_shows(lying, told, engine):
    lost = ["engine ready", "persona dropped: connect timeout", "ring"]
    releases = {"baseline": env(GOOD, VERSION="1"), "candidate": env(lost, VERSION="2")}
    result, found = lying(releases=releases, gate=PAIRS, engine=engine)
    check(told, result, found)
    assert len(found["targets"][0]["boots"]) == 4


@pytest.mark.lie("the new release ends in an error right after its proof, and the old one goes on")
@pytest.mark.parametrize("engine", ENGINES)
def test_one_that_ends_right_after_its_proof(lying, told, engine):
    ends = [*GOOD, 0.2, "exit:3"]
    releases = {"baseline": env(GOOD, VERSION="1"), "candidate": env(ends, VERSION="2")}
    result, found = lying(releases=releases, gate=PAIRS, engine=engine)
    check(told, result, found)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_mark_that_no_boot_shows_ends_after_the_first_pair(lying, engine):
    plan = ["engine ready", "Persona was loaded", "ring"]
    releases = {"baseline": env(plan, VERSION="1"), "candidate": env(plan, VERSION="2")}
    result, found = lying(releases=releases, gate=PAIRS, engine=engine)
    assert result.ret == 1
    assert verdicts(found) == {"error"}
    result.stdout.fnmatch_lines(
        ["*error: persona: neither release showed the mark of this phase, although 4 boots *"]
    )
    assert len(found["targets"][0]["boots"]) == 4
