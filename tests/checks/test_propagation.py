"""From a held boot to its verdict."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_bootgate.checks.propagation import judge_propagation, properties
from pytest_bootgate.records.result import PropagationResult
from pytest_bootgate.records.stall import Stall
from pytest_bootgate.records.values import Boot, Phase, SignalReport
from pytest_bootgate.reports.propagation import PropagationView, heading, sentence


def boot(**marks: float | None) -> Boot:
    return Boot(
        target="isolated",
        release="candidate",
        profile="default",
        number=0,
        start="cold",
        held="pause",
        outcome="timed_out",
        detail="",
        timeout=60,
        ended=60,
        phases=tuple(Phase(name, at) for name, at in marks.items()),
        signals=(SignalReport("run log", "failed"),),
    )


QUIET = SignalReport("container log", "failed")
STALL = Stall(
    hold="pause",
    phase="setup",
    timeout=60,
    boot=boot(accepted=0.1, setup=None, task=None),
    began=0.5,
    ended=75,
    watched=135,
    speaks_from=75,
    signals=(SignalReport("run log", "failed", 76.2, "setup timed out"), QUIET),
    evidence="the engine said paused",
)
NOBODY = replace(STALL, signals=(SignalReport("run log", "failed"), QUIET))


def verdict(stall: Stall) -> str:
    return PropagationResult("isolated", "default", stall, judge_propagation(stall)).verdict


def why(stall: Stall) -> str:
    return " ".join(finding.text for finding in judge_propagation(stall))


def test_told():
    assert verdict(STALL) == "pass"
    assert sentence(STALL) == (
        "reported by run log in 1.20 s (76.2 s after the trigger); no report from container log"
    )
    assert list(properties(STALL)) == []


def test_told_by_all_and_before_the_timeout():
    starved = replace(
        STALL, hold="starve", speaks_from=60, signals=(replace(STALL.signals[0], at=59),)
    )
    assert sentence(starved) == "reported by run log before the timeout (59.0 s after the trigger)"


def test_told_never():
    assert verdict(NOBODY) == "fail"
    assert sentence(NOBODY) == "no report from run log and container log"
    assert "declares no" not in why(NOBODY)
    bare = replace(NOBODY, boot=replace(NOBODY.boot, signals=()))
    assert "declares no signals" in why(bare)


def test_nothing_ends_the_boot():
    late = replace(NOBODY, proof=84.1, boot=boot(accepted=0.1, setup=80, task=84.1))
    assert verdict(late) == "fail"
    (text,) = properties(late)
    assert "nothing ends the boot: the release has no boot timeout" in text
    assert "9.1 s after the hold, 84.1 s after the trigger" in text


def test_a_property_is_no_reason_to_pass_or_fail():
    (text,) = properties(replace(STALL, proof=84.1))
    assert text == "observed: the task started anyway, 84.1 s after the trigger"
    (text,) = properties(NOBODY)
    assert "the end of the boot is not visible" in text


@pytest.mark.parametrize(
    ("marks", "says"),
    [
        ({"accepted": 0.1, "setup": 30, "task": None}, "setup was reached 29.5 s after it began"),
        ({"accepted": 0.1, "setup": 0.6, "task": 0.7}, "the task started 0.2 s after it began"),
    ],
)
def test_the_stall_did_not_hold(marks, says):
    slipped = replace(STALL, boot=boot(**marks))
    assert verdict(slipped) == "error"
    assert f"the hold failed: {says}, while the gateway was paused" in why(slipped)


def test_what_was_on_its_way_when_the_hold_began_does_not_count():
    assert verdict(replace(STALL, boot=boot(accepted=0.1, setup=0.6, task=None))) == "pass"


def test_what_came_after_the_hold_does_not_count():
    assert verdict(replace(STALL, boot=boot(accepted=0.1, setup=80, task=90), proof=90)) == "pass"


@pytest.mark.parametrize(
    ("stall", "says"),
    [
        (replace(STALL, slipped="the engine says running"), "the engine says running"),
        (replace(STALL, began=None, why_not="it had started"), "not be held: it had started"),
        (replace(NOBODY, ended=50), "it ended before the timeout"),
        (replace(STALL, boot=replace(boot(), outcome="lost"), proof=40.0), "started during it"),
    ],
)
def test_error(stall, says):
    assert verdict(stall) == "error"
    assert says in why(stall)
    result = PropagationResult("isolated", "default", stall, judge_propagation(stall))
    assert heading(result) == "not tested"
    assert any(says in line for line in PropagationView(result).told)


def test_a_mute_stub_that_proves_the_start():
    mute = replace(
        NOBODY,
        hold="mute",
        holds_task=True,
        proof=0.4,
        boot=boot(accepted=0.1, setup=0.3, task=0.4),
    )
    assert verdict(mute) == "fail"
    assert "the task never got an answer" in why(mute)
    assert any("nothing ends the task" in text for text in properties(mute))


def test_an_ok_while_it_was_held_is_a_lie():
    said = replace(
        NOBODY.boot,
        signals=(SignalReport("finished", "ok", 3.0), SignalReport("run log", "failed")),
    )
    assert "finished reported ok 3.0 s after the trigger, while the boot was held" in why(
        replace(NOBODY, boot=said)
    )

    assert verdict(replace(STALL, boot=said)) == "fail"


def test_a_test_that_could_not_be_made():
    result = PropagationResult("isolated", "default", error="No engine answers.")
    assert result.verdict == "error"
    assert PropagationView(result).told == ["not tested", "No engine answers."]
