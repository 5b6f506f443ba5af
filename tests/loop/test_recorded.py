"""A baseline that was recorded; and what a plan says before anything boots."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_bootgate.errors import BootgateError
from pytest_bootgate.records.codec import encode
from tests.loop.played import FACTS, PHASES, serves
from tests.loop.test_campaigns import takes

RECORDED = "{baseline: {recorded: old.json}, candidate: {image: new}}"


@pytest.fixture
def record(play, tmp_path):
    """Record the release `then`."""

    def call(boots="6", then=None, **parts):
        parts.setdefault("releases", "{candidate: {image: then}}")
        played = play(boots=boots, programs={"then": then or serves()}, **parts)
        played.result()
        file = tmp_path / "old.json"
        file.write_bytes(encode(played.gate.outcome()))
        return file

    return call


def test_a_recording_stands_in_for_the_baseline(play, record):
    record()
    played = play(releases=RECORDED, boots="5")
    result = played.result()
    assert (result.verdict, result.error) == ("pass", None)
    assert result.judgement.regression is not None
    assert {boot.release for boot in result.boots if not boot.recorded} == {"candidate"}
    assert len([boot for boot in result.boots if boot.recorded]) == 6
    assert played.gate.outcome().releases["baseline"].recorded.endswith("in old.json")


def test_much_slower_than_the_recording(play, record):
    record()
    result = play(takes(then=4.0), releases=RECORDED, boots="5").result()
    assert result.verdict == "fail"
    assert result.judgement.has("slower")


def edited(file):
    file.write_text(file.read_text().replace('"seconds": 1.5', '"seconds": 9.5'))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (edited, "was changed after it was written"),
        (lambda file: file.write_text("{}"), "cannot be used"),
        (lambda file: file.unlink(), "there is no file"),
    ],
)
def test_a_recording_that_cannot_be_used(play, record, change, words):
    change(record())
    with pytest.raises(BootgateError, match=words):
        play(releases=RECORDED)


@pytest.mark.parametrize(
    ("then", "now", "words"),
    [
        ({"boots": "2"}, {}, "has 2 measured boots of main"),
        ({"then": serves(1.0)}, {}, "has verdict fail for main"),
        ({"facts": replace(FACTS, cpus=2)}, {}, "2 CPUs there, 8 here"),
        ({"facts": replace(FACTS, memory=1 << 30)}, {}, "1.0 GiB there, 16.0 GiB here"),
        ({"facts": replace(FACTS, system="Other 1")}, {}, "Other 1 there, memory here"),
        ({"gateway": "settle: 1s"}, {}, "the gate file measured different things at that time"),
        ({"releases": "{candidate: {image: new}}"}, {}, "is the candidate itself"),
    ],
)
def test_a_recording_that_cannot_be_compared(play, record, then, now, words):
    record(**then)
    result = play(releases=RECORDED, boots="5", **now).result()
    assert result.verdict == "error"
    assert words in result.error


def test_a_plan_says_how_many_boots_and_how_long(play):
    plan = play(serves(), serves(), boots="5..30", rules="retries: 1").gate.plan
    assert plan.check("boot", "default", "main").boots == (12, 2 + 2 * 60 + 1 + 3)
    assert plan.budget() > 12 * 10
    assert [(c.profile, c.target, item) for c, item in plan.asked()] == [
        ("default", "main", "boot")
    ]
    assert (plan.in_place, plan.label("default", "main")) == (False, "main")


def test_a_plan_of_several_profiles(play):
    more = "profiles: {big: {cpus: 4}, small: {cpus: 1}, rare: {cpus: 2, on_request: true}}"
    played = play(more=more, target=f"start: warm\n  {PHASES}")
    plan = played.gate.plan
    assert plan.pairs == [("big", "main"), ("small", "main")]
    assert plan.label("small", "main") == "main@small"
    assert (plan.rules("small", "main").cpus, plan.budget() > 0) == (1, True)
    found = played.gate.result("small", "main")
    played.close()
    assert (found.verdict, found.profile) == ("pass", "small")


def test_only_profiles_that_are_on_request(play):
    with pytest.raises(BootgateError, match="is on request"):
        play(more="profiles: {rare: {cpus: 2, on_request: true}}")
