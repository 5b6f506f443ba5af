"""A campaign replays recorded boots just as it drives real ones."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from pytest_bootgate.checks.campaign import Ask, campaign, plan
from pytest_bootgate.checks.startup import judge
from pytest_bootgate.records.outcomes import OUTCOMES
from pytest_bootgate.records.values import Boot, Phase
from pytest_bootgate.records.verdict import Limits, Rules

RULES = Rules(timeout=10.0, fail_at=0.8, warn_at=0.6, least=5, most=30, retries=0)
FEW = Rules(timeout=10.0, fail_at=0.8, warn_at=0.6, least=2, most=2, retries=0)
BOTH = ["baseline", "candidate"]


def boot(release="candidate", number=1, seconds=1.0, outcome="started", **more) -> Boot:
    started = outcome == "started"
    reached = more.pop("reached", False)
    middle = Phase("setup", 0.5, 0.5) if started or reached else Phase("setup")
    last = Phase("task_started", seconds, seconds - 0.5) if started else Phase("task_started")
    values = {
        "target": "isolated",
        "profile": "default",
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


def test_pairs_alternate_in_thue_morse_order_after_a_boot_each_that_is_thrown_away():
    asked = plan(BOTH, RULES, warm=False)
    assert len(asked) == 2 + 2 * 60
    assert asked[:8] == [
        Ask("baseline", 0),
        Ask("candidate", 0),
        Ask("baseline", 1),
        Ask("candidate", 1),
        Ask("candidate", 2),
        Ask("baseline", 2),
        Ask("candidate", 3),
        Ask("baseline", 3),
    ]
    assert plan(BOTH, RULES, warm=True) == asked


def test_where_nothing_is_compared_nothing_is_thrown_away():
    assert [a.number for a in plan(["candidate"], RULES, warm=False)] == [1, 2, 3, 4, 5]
    assert [a.number for a in plan(BOTH, FEW, warm=False)] == [1, 1, 2, 2]


def test_warm_boots_begin_with_one_that_is_thrown_away():
    asked = plan(["candidate"], FEW, warm=True)
    assert [(a.number, a.warm_up) for a in asked] == [(0, True), (1, False), (2, False)]


def test_five_good_boots_pass():
    asked, judgement, boots = replay(
        campaign(["candidate"], RULES, warm=False), lambda ask: boot(number=ask.number)
    )
    assert (len(asked), len(boots), judgement.verdict) == (5, 5, "pass")


def test_a_candidate_that_timed_out_ends_the_target_at_once():
    asked, judgement, _ = replay(
        campaign(BOTH, FEW, warm=False),
        lambda ask: boot(
            ask.release,
            ask.number,
            outcome="timed_out" if ask.release == "candidate" else "started",
        ),
    )
    assert asked == [Ask("baseline", 1), Ask("candidate", 1)]
    assert judgement.verdict == "fail"
    assert judgement.stopped == "the candidate did not start"


# -- boot timeouts that are tried again --------------------------------------------------------

RETRY = replace(RULES, retries=1)


def tried(*outcomes, rules=RETRY, releases=("candidate",), warm=False):
    """A campaign whose candidate's boots end like this, one after the other, the rest started."""
    left = list(outcomes)

    def answer(ask):
        outcome = left.pop(0) if ask.release == "candidate" and left else "started"
        return boot(ask.release, ask.number, outcome=outcome, attempt=ask.attempt, reached=True)

    return replay(campaign(list(releases), rules, warm=warm), answer)


def test_timed_out_and_then_started_is_at_best_a_warning():
    asked, judgement, _ = tried("timed_out")
    assert asked[:3] == [Ask("candidate", 1), Ask("candidate", 1, 2), Ask("candidate", 2)]
    assert len(asked) == 6
    assert judgement.verdict == "warn"
    assert [f.text for f in judgement.about("boot")] == [
        "1 of 6 boots timed out, and started on retry (boot 1 in phase task_started)"
    ]
    assert judgement.headroom.boots == 5


def test_timed_out_twice_is_a_failure():
    asked, judgement, _ = tried("timed_out", "timed_out")
    assert asked == [Ask("candidate", 1), Ask("candidate", 1, 2)]
    assert judgement.verdict == "fail"
    assert judgement.about("boot")[0].text.startswith("2 of 2 boots timed out")
    assert "ended in this phase" in judgement.about("task_started")[0].text


def test_the_retries_are_for_the_whole_campaign():
    asked, judgement, _ = tried("timed_out", "started", "started", "timed_out")
    assert asked[-1] == Ask("candidate", 3)
    assert judgement.verdict == "fail"
    assert judgement.about("boot")[0].text.startswith("2 of 4 boots timed out")


def test_two_retries_forgive_two_timeouts_and_no_third():
    twice = replace(RETRY, retries=2)
    asked, judgement, _ = tried("timed_out", "timed_out", rules=twice)
    assert [a.attempt for a in asked[:4]] == [1, 2, 3, 1]
    assert judgement.verdict == "warn"
    assert tried(*["timed_out"] * 3, rules=twice)[1].verdict == "fail"


@pytest.mark.parametrize(
    "outcome", [word for word in OUTCOMES if word not in ("started", "timed_out")]
)
def test_only_timeouts_are_retried_and_a_retry_hides_nothing(outcome):
    asked, judgement, _ = tried(outcome)
    assert len(asked) == 1
    assert judgement.verdict in ("fail", "error")
    asked, judgement, _ = tried("timed_out", outcome)
    assert len(asked) == 2
    assert judgement.verdict in ("fail", "error")
    texts = [f.text for f in judgement.about("boot")]
    assert any(text.startswith("1 of 2 boots timed out") for text in texts)
    assert any(outcome in text or "lost" in text for text in texts)


def test_a_boot_that_the_gate_did_not_see_is_repeated_and_told():
    def unlucky(*numbers: int):
        made: list[int] = []

        def answer(ask: Ask) -> Boot:
            made.append(ask.number)
            if len(made) in numbers:
                detail = "the gate itself was stalled for 6.0 s"
                lost = {"outcome": "lost", "detail": detail, "stalled": 6.0}
                return boot(ask.release, ask.number, attempt=ask.attempt, **lost)
            return boot(ask.release, ask.number, attempt=ask.attempt)

        return replay(campaign(["candidate"], RULES, warm=False), answer)

    asked, judgement, _ = unlucky(2, 5)
    assert [(a.number, a.attempt) for a in asked] == [
        *((1, 1), (2, 1), (2, 2), (3, 1)),
        *((4, 1), (4, 2), (5, 1)),
    ]
    assert judgement.verdict == "warn"
    assert [finding.text for finding in judgement.about("boot")] == [
        "boot 2 was repeated: the gate itself was stalled for 6.0 s",
        "boot 4 was repeated: the gate itself was stalled for 6.0 s",
    ]
    asked, judgement, _ = unlucky(2, 3, 4)
    assert len(asked) == 4
    assert judgement.verdict == "error"


def test_what_a_repeat_shows_counts():
    def answer(ask: Ask) -> Boot:
        if ask.attempt == 1:
            return boot(number=ask.number, outcome="lost", stalled=6.0)
        return boot(number=ask.number, outcome="crashed", attempt=2)

    asked, judgement, _ = replay(campaign(["candidate"], RULES, warm=False), answer)
    assert len(asked) == 2
    assert judgement.verdict == "fail"


def test_a_judge_without_retries_forgives_nothing():
    boots = [boot(outcome="timed_out"), boot(attempt=2), *(boot(number=n) for n in range(2, 6))]
    assert judge(boots, RETRY).verdict == "warn"
    assert judge(boots, RULES).verdict == "fail"


def test_a_warm_up_that_timed_out_counts_the_same():
    asked, judgement, _ = tried("timed_out", releases=BOTH)
    assert asked[:4] == [
        Ask("baseline", 0),
        Ask("candidate", 0),
        Ask("candidate", 0, 2),
        Ask("baseline", 1),
    ]
    assert judgement.verdict == "warn"
    assert judgement.regression is not None


def test_a_warm_retry_begins_with_a_boot_that_is_thrown_away():
    asked, judgement, _ = tried("started", "timed_out", warm=True)
    wanted = [(0, 1), (1, 1), (0, 2), (1, 2), (2, 1)]
    assert [(a.number, a.attempt) for a in asked[:5]] == wanted
    assert judgement.verdict == "warn"
    assert "(boot 1 in phase" in judgement.about("boot")[0].text


def test_a_warm_retry_whose_thrown_away_boot_times_out():
    outcomes = ["started", "timed_out", "timed_out"]
    assert tried(*outcomes, warm=True)[1].verdict == "fail"
    asked, judgement, _ = tried(*outcomes, rules=replace(RETRY, retries=2), warm=True)
    wanted = [(0, 1), (1, 1), (0, 2), (0, 3), (1, 3), (2, 1)]
    assert [(a.number, a.attempt) for a in asked[:6]] == wanted
    assert judgement.verdict == "warn"


def test_a_baseline_is_tried_again_for_the_comparison_and_judges_nothing():
    late = iter(["started", "started", "timed_out"])

    def answer(ask):
        outcome = next(late, "started") if ask.release == "baseline" else "started"
        return boot(ask.release, ask.number, outcome=outcome, attempt=ask.attempt)

    asked, judgement, _ = replay(campaign(BOTH, RETRY, warm=False), answer)
    assert [a for a in asked if a.attempt == 2] == [Ask("baseline", 2, 2)]
    assert (judgement.verdict, judgement.findings) == ("pass", ())
    assert judgement.regression.pairs == 5


def beside(*, baseline=(), candidate=(), rules=RULES, fields=None, warm=False, effect=1.0):
    """A campaign whose boots end like this, release by release, the rest started."""
    left = {"baseline": list(baseline), "candidate": list(candidate)}
    rng = random.Random(4)

    def answer(ask):
        mine = left[ask.release]
        outcome = mine.pop(0) if mine else "started"
        seconds = rng.gauss(1.0, 0.01) * (effect if ask.release == "candidate" else 1.0)
        more = (fields or {}).get(ask.release, {})
        return boot(ask.release, ask.number, seconds, outcome=outcome, attempt=ask.attempt, **more)

    return replay(campaign(BOTH, rules, warm=warm), answer)


@pytest.mark.parametrize("outcome", ["crashed", "timed_out", "silent_exit", "lost", "false_ok"])
def test_a_baseline_boot_that_failed_is_repeated_and_compared_all_the_same(outcome):
    failing = ["started", "started", "started", outcome]
    asked, judgement, boots = beside(baseline=failing, effect=5.0)
    assert [a for a in asked if a.attempt == 2] == [Ask("baseline", 3, 2)]
    assert (judgement.verdict, judgement.regression.verdict) == ("fail", "slower")
    assert sum(b.outcome == outcome for b in boots) == 1


@pytest.mark.parametrize(("policy", "verdict"), [("warn", "inconclusive"), ("fail", "fail")])
def test_a_baseline_that_fails_too_often_is_inconclusive_with_the_reason_first(policy, verdict):
    rules = replace(RULES, inconclusive=policy)
    failing = ["started", "started", "crashed", "crashed", "crashed", "crashed"]
    asked, judgement, _ = beside(baseline=failing, rules=rules, effect=5.0)
    assert [a.release for a in asked].count("baseline") == 6
    assert judgement.verdict == verdict
    assert judgement.has("uncompared")
    text = judgement.about("boot")[0].text
    assert text.startswith(
        "4 of 6 boots (warm-ups included) of the baseline failed (4 crashed: ), so pairs are"
        " missing: "
    )
    assert judgement.stopped == "the baseline failed too often"


def test_a_warm_baseline_that_failed_begins_anew_with_a_boot_that_is_thrown_away():
    asked, judgement, _ = beside(baseline=["started", "crashed"], warm=True)
    again = [(a.number, a.attempt) for a in asked if a.attempt > 1]
    assert again == [(0, 2), (1, 2)]
    assert judgement.verdict == "pass"


def test_a_baseline_that_never_starts_is_an_error_after_two_boots_and_one_of_the_candidate():
    asked, judgement, _ = beside(baseline=["crashed"] * 9)
    assert [a.release for a in asked] == ["baseline", "baseline", "candidate"]
    assert judgement.verdict == "error"
    assert judgement.has("baseline")
    text = "the baseline never started (2 of 2 boots of the baseline failed (2 crashed: ))"
    assert judgement.about("boot")[0].text.startswith(text)


def test_where_nothing_is_thrown_away_a_baseline_that_never_starts_is_an_error_too():
    asked, judgement, _ = beside(baseline=["crashed"] * 9, rules=FEW)
    assert [a.release for a in asked] == ["baseline", "baseline", "candidate"]
    assert judgement.verdict == "error"


@pytest.mark.parametrize("rules", [RULES, FEW, RETRY])
def test_both_failing_alike_is_no_fault_of_the_upgrade(rules):
    late = ["timed_out"] * 9
    asked, judgement, _ = beside(baseline=late, candidate=late, rules=rules)
    assert [a.release for a in asked] == ["baseline", "baseline", "candidate"]
    assert judgement.verdict == "error"
    assert judgement.has("alike")
    assert "check the gate file and its environment" in judgement.about("boot")[0].text
    assert {f.verdict for f in judgement.findings} == {"error"}


def test_both_failing_alike_names_what_came_nearest_to_the_proof():
    near = {"nearest": {"setup": ("Setup ready",)}}
    fields = {"baseline": near, "candidate": near}
    late = ["timed_out"] * 9
    _, judgement, _ = beside(baseline=late, candidate=late, fields=fields)
    assert judgement.about("boot")[0].text.endswith("(nearest: 'Setup ready')")


def test_both_failing_each_in_its_own_way_is_red_and_says_both():
    _, judgement, _ = beside(baseline=["timed_out"] * 9, candidate=["crashed"])
    assert judgement.verdict == "error"
    assert [f.verdict for f in judgement.about("boot")] == ["error", "fail"]


def test_a_candidate_that_fails_beside_a_baseline_that_started_is_a_failure():
    _, judgement, _ = beside(baseline=["crashed", "started"], candidate=["crashed"])
    assert judgement.verdict == "fail"


LACKS = {"phases": (Phase("setup"), Phase("task_started", 1.0, 1.0))}


def test_a_mark_that_only_the_baseline_shows_fails_after_the_first_pair():
    asked, judgement, _ = beside(fields={"candidate": LACKS})
    assert len(asked) == 4
    assert judgement.verdict == "fail"
    assert judgement.about("setup")[0].text == (
        "the candidate no longer shows this mark: seen in none of its 2 boots (warm-ups"
        " included) that started, and in all 2 boots (warm-ups included) of the baseline"
    )


def test_a_mark_that_no_boot_shows_is_an_error_after_the_first_pair():
    near = {**LACKS, "nearest": {"setup": ("Setup ready", "set-up")}}
    asked, judgement, _ = beside(fields={"candidate": near, "baseline": LACKS})
    assert len(asked) == 4
    assert judgement.verdict == "error"
    assert judgement.about("setup")[0].text == (
        "neither release showed the mark of this phase, although 4 boots (warm-ups included)"
        " started: correct its probe in the gate file (nearest: 'Setup ready' / 'set-up')"
    )


def test_a_mark_that_the_candidate_lacks_and_no_baseline_started_blames_not_both():
    judgement = judge([boot("baseline", outcome="lost"), boot(**LACKS)], RULES)
    assert judgement.verdict == "error"
    assert judgement.about("setup")[0].text == (
        "no boot of the candidate showed the mark of this phase, although 1 boot started, and none"
        " of the baseline started"
    )
    assert not judgement.has("unseen", "alike")


def test_a_mark_that_comes_and_goes_is_an_error():
    complete = [boot("baseline", n) for n in range(1, 6)] + [boot(number=n) for n in range(1, 5)]
    judgement = judge([*complete, boot(number=5, **LACKS)], RULES)
    assert judgement.verdict == "error"
    assert "never appeared" in judgement.about("setup")[0].text


def test_a_failed_warm_up_is_thrown_away_as_a_measurement_only():
    asked, judgement, _ = replay(
        campaign(["candidate"], RULES, warm=True), lambda _: boot(number=0, outcome="timed_out")
    )
    assert len(asked) == 1
    assert judgement.verdict == "fail"
    assert "warm-up" in judgement.findings[0].text


def test_no_boot_is_an_error_and_never_a_pass():
    assert judge([], RULES).verdict == "error"
    assert judge([boot("baseline")], RULES).verdict == "error"
    assert judge([boot(number=0)], RULES).verdict == "error"


def test_fewer_boots_than_asked_for_are_an_error():
    assert judge([boot(number=n) for n in range(1, 5)], RULES).verdict == "error"


def test_a_lost_boot_is_an_error():
    assert judge([boot(outcome="lost")], RULES).verdict == "error"


def test_a_phase_that_never_appeared_is_an_error_although_the_task_started():
    phases = (Phase("setup"), Phase("task_started", 1.0, 1.0))
    boots = [boot(number=n, phases=phases) for n in range(1, 6)]
    judgement = judge(boots, RULES)
    assert judgement.verdict == "error"
    assert "no boot showed the mark of this phase" in judgement.about("setup")[0].text


def test_an_optional_phase_may_stay_away():
    phases = (Phase("setup", optional=True), Phase("task_started", 1.0, 1.0))
    assert judge([boot(number=n, phases=phases) for n in range(1, 6)], RULES).verdict == "pass"


def test_every_phase_after_the_last_one_seen_fails_too():
    judgement = judge([boot(outcome="timed_out")], RULES)
    assert "ended in this phase" in judgement.about("setup")[0].text
    assert "never reached this phase" in judgement.about("task_started")[0].text


def test_limits_of_a_phase_are_held_against_near_and_warn_too():
    limits = {"setup": Limits(limit=0.6), "task_started": Limits(deadline=1.5)}
    rules = replace(RULES, phases=limits)
    judgement = judge([boot(number=n) for n in range(1, 6)], rules)
    assert judgement.verdict == "fail"
    assert [f.verdict for f in judgement.about("setup")] == ["fail"]
    assert [f.verdict for f in judgement.about("task_started")] == ["warn"]


# -- the candidate beside the baseline ---------------------------------------------------------


def compared(effect, *, rules=RULES, spread=0.02, seed=1, **more):
    """A campaign whose candidate takes `effect` times as long; `more` are fields of each boot."""
    rng = random.Random(seed)

    def answer(ask):
        seconds = rng.gauss(1.0, spread) * (effect if ask.release == "candidate" else 1.0)
        values = {k: v(ask, seconds) if callable(v) else v for k, v in more.items()}
        return boot(ask.release, ask.number, seconds, **values)

    return replay(campaign(BOTH, rules, warm=False), answer)


def test_the_same_ends_as_soon_as_it_is_clear():
    asked, judgement, _ = compared(1.0)
    assert judgement.verdict == "pass"
    assert judgement.regression.verdict == "same"
    assert len(asked) == 12
    assert judgement.stopped == "the evidence was clear after 5 pairs"


def test_slower_fails_and_names_the_phase():
    _, judgement, _ = compared(1.5)
    assert judgement.verdict == "fail"
    assert judgement.about("boot")[0].text.startswith("50 % slower (95 % interval ")
    assert judgement.about("task_started")[0].text.startswith("+")
    assert judgement.attribution.phase == "task_started"


def test_faster_passes_and_says_so():
    _, judgement, _ = compared(0.5)
    assert (judgement.verdict, judgement.regression.verdict) == ("pass", "faster")


@pytest.mark.parametrize(("policy", "verdict"), [("warn", "inconclusive"), ("fail", "fail")])
def test_what_stays_inconclusive_goes_to_the_last_look(policy, verdict):
    rules = replace(RULES, inconclusive=policy)
    asked, judgement, _ = compared(1.10, rules=rules, spread=0.15, seed=5)
    assert judgement.verdict == verdict
    assert len(asked) == 2 + 2 * 30
    assert judgement.next_look is None
    assert "more pairs would" in judgement.about("boot")[0].text
    assert judgement.stopped == "more than 30 pairs would not settle it"


def test_too_few_pairs_are_inconclusive_never_the_same():
    _, judgement, _ = compared(1.0, rules=FEW)
    assert judgement.verdict == "inconclusive"
    assert "at least 5 are needed" in judgement.findings[0].text


def test_a_release_that_was_busy_while_it_waited_makes_it_inconclusive():
    asked, judgement, _ = compared(1.0, waiting_cores=lambda a, _: 0.4 * (a.release == "candidate"))
    assert judgement.verdict == "inconclusive"
    assert "the baseline used 0.40 cores while idle" in judgement.findings[0].text
    assert len(asked) == 12


def test_files_that_were_not_equally_warm_make_it_inconclusive():
    _, judgement, _ = compared(1.5, disk_read=lambda a, _: 5e7 * (a.release == "candidate"))
    assert judgement.verdict == "inconclusive"
    assert "not equally warm" in judgement.findings[0].text


def test_a_busy_host_is_said_and_changes_nothing():
    _, judgement, _ = compared(1.0, others_busy=0.5)
    assert judgement.verdict == "pass"
    assert "the host was busy: other processes used 50 %" in judgement.notes[0]


@pytest.mark.parametrize(
    ("cpu", "others", "kind"),
    [
        (lambda _, seconds: seconds, 0.0, "more work"),
        (0.5, 0.0, "more waiting"),
        (1.2, 0.6, None),
        (0.1, 0.6, "more waiting"),
    ],
)
def test_cpu_and_wall_time_name_the_kind(cpu, others, kind):
    _, judgement, _ = compared(2.0, cpu_seconds=cpu, others_busy=others)
    assert judgement.attribution.kind == kind


def test_on_a_fraction_of_a_core_work_takes_longer_than_its_cpu_time():
    rules = replace(RULES, cpus=0.25)
    cpu = {"cpu_seconds": lambda _, seconds: seconds / 4}
    assert compared(2.0, **cpu)[1].attribution.kind == "more waiting"
    assert compared(2.0, rules=rules, **cpu)[1].attribution.kind == "more work"


@pytest.mark.parametrize("against", ["limit", "deadline"])
def test_a_limit_is_that_of_its_phase_whatever_its_name_is(against):
    limits = {"load": Limits(), "load:cache": Limits(**{against: 1.0})}
    phases = (Phase("load", 0.1, 0.1), Phase("load:cache", 2.1, 2.0), Phase("done", 3.0, 0.9))
    rules = replace(FEW, least=1, most=1, phases=limits)
    judgement = judge([boot(seconds=3.0, phases=phases)], rules)
    assert [(f.verdict, f.kind) for f in judgement.about("load:cache")] == [("fail", "room")]
    assert not judgement.about("load")
    assert [(r.subject, r.against) for r in judgement.headrooms[1:]] == [("load:cache", against)]


def hanging(ask, *, others):
    """Three boots of the candidate take four times as long as all others.

    `others` is how much CPU time other processes used while its tasks were ready to run.
    """
    hangs = ask.release == "candidate" and ask.number in (3, 8, 12)
    steady = 1 + 0.001 * (ask.number * 7 % 5)
    if not hangs:
        return boot(ask.release, ask.number, steady)
    cpu = {"cpu_seconds": 0.5, "throttled": 0.0, "run_delay": 1.0, "others_cpu": others}
    return boot(ask.release, ask.number, 4.0, **cpu)


@pytest.mark.parametrize(
    ("others", "inconclusive", "verdict"),
    [
        (0.01, "warn", "fail"),
        (None, "warn", "fail"),
        (2.0, "warn", "inconclusive"),
        (2.0, "fail", "fail"),
    ],
)
def test_a_candidate_that_sometimes_hangs_fails_unless_its_host_was_busy(
    others, inconclusive, verdict
):
    rules = replace(RULES, inconclusive=inconclusive)
    _, judgement, _ = replay(
        campaign(BOTH, rules, warm=False), lambda ask: hanging(ask, others=others)
    )
    found = next(f for f in judgement.findings if f.kind == "stragglers")
    assert judgement.verdict == found.verdict == verdict
    assert "3 of 30 boots took more than 2 times as long as usual" in found.text
    assert "baseline: 0" in found.text
    assert ("waited for a CPU" in found.text) == (others == 2.0)
