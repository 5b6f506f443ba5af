"""A campaign replays recorded boots just as it drives real ones."""

from __future__ import annotations

from pytest_bootgate.boot.values import Boot, Phase
from pytest_bootgate.gate.campaign import Ask, campaign, plan
from pytest_bootgate.gate.verdict import Limits, Rules, judge

RULES = Rules(timeout=10.0, near=0.8, warn=0.6, boots=5)


def boot(release="candidate", number=1, seconds=1.0, outcome="started", **more) -> Boot:
    started = outcome == "started"
    middle = Phase("setup", 0.5, 0.5) if started or more.pop("reached", False) else Phase("setup")
    last = Phase("task_started", seconds, seconds - 0.5) if started else Phase("task_started")
    values = {
        "target": "isolated",
        "host": "default",
        "start": "cold",
        "detail": "",
        "timeout": 10.0,
        "ended": seconds,
        "seconds": seconds if started else None,
        "phases": (middle, last),
        "warm_up": number == 0,
    }
    return Boot(release=release, number=number, outcome=outcome, **{**values, **more})


def replay(asking, answer):
    """Drive a campaign with `answer(ask) -> Boot`; return what it asked and what it judged."""
    asked = []
    try:
        ask = next(asking)
        while True:
            asked.append(ask)
            ask = asking.send(answer(ask))
    except StopIteration as stop:
        return asked, *stop.value


def test_cold_boots_take_turns():
    assert plan(["baseline", "candidate"], 2, warm=False) == [
        Ask("baseline", 1),
        Ask("candidate", 1),
        Ask("baseline", 2),
        Ask("candidate", 2),
    ]


def test_warm_boots_begin_with_one_that_is_thrown_away():
    asked = plan(["candidate"], 2, warm=True)
    assert [(a.number, a.warm_up) for a in asked] == [(0, True), (1, False), (2, False)]


def test_five_good_boots_pass():
    asked, judgement, boots = replay(
        campaign(["candidate"], RULES, warm=False), lambda ask: boot(number=ask.number)
    )
    assert (len(asked), len(boots), judgement.verdict) == (5, 5, "pass")


def test_a_candidate_that_timed_out_ends_the_target_at_once():
    asked, judgement, _ = replay(
        campaign(["baseline", "candidate"], RULES, warm=False),
        lambda ask: boot(
            ask.release,
            ask.number,
            outcome="timed_out" if ask.release == "candidate" else "started",
        ),
    )
    assert asked == [Ask("baseline", 1), Ask("candidate", 1)]
    assert judgement.verdict == "fail"


def test_a_baseline_that_did_not_start_is_not_asked_again_and_does_not_judge():
    asked, judgement, _ = replay(
        campaign(["baseline", "candidate"], RULES, warm=False),
        lambda ask: boot(
            ask.release, ask.number, outcome="crashed" if ask.release == "baseline" else "started"
        ),
    )
    assert [a.release for a in asked].count("baseline") == 1
    assert judgement.verdict == "pass"


def test_a_failed_warm_up_is_thrown_away_as_a_measurement_only():
    asked, judgement, _ = replay(
        campaign(["candidate"], RULES, warm=True), lambda _: boot(number=0, outcome="timed_out")
    )
    assert len(asked) == 1
    assert judgement.verdict == "fail"
    assert "warm-up" in judgement.findings[0].text


def test_no_boot_is_broken_and_never_a_pass():
    assert judge([], RULES).verdict == "broken"
    assert judge([boot("baseline")], RULES).verdict == "broken"
    assert judge([boot(number=0)], RULES).verdict == "broken"


def test_fewer_boots_than_asked_for_are_broken():
    assert judge([boot(number=n) for n in range(1, 5)], RULES).verdict == "broken"


def test_a_lost_boot_is_broken():
    assert judge([boot(outcome="lost")], RULES).verdict == "broken"


def test_a_phase_that_never_appeared_is_broken_although_the_task_started():
    phases = (Phase("setup"), Phase("task_started", 1.0, 1.0))
    boots = [boot(number=n, phases=phases) for n in range(1, 6)]
    judgement = judge(boots, RULES)
    assert judgement.verdict == "broken"
    assert "never appeared" in judgement.about("setup")[0].text


def test_an_optional_phase_may_stay_away():
    phases = (Phase("setup", optional=True), Phase("task_started", 1.0, 1.0))
    assert judge([boot(number=n, phases=phases) for n in range(1, 6)], RULES).verdict == "pass"


def test_every_phase_after_the_last_one_seen_fails_too():
    judgement = judge([boot(outcome="timed_out")], RULES)
    assert "ended in this phase" in judgement.about("setup")[0].text
    assert "never reached this phase" in judgement.about("task_started")[0].text


def test_limits_of_a_phase_are_held_against_near_and_warn_too():
    rules = Rules(10.0, 0.8, 0.6, 5, {"setup": Limits(limit=0.6), "task_started": Limits(by=1.5)})
    judgement = judge([boot(number=n) for n in range(1, 6)], rules)
    assert judgement.verdict == "fail"
    assert [f.verdict for f in judgement.about("setup")] == ["fail"]
    assert [f.verdict for f in judgement.about("task_started")] == ["warn"]
