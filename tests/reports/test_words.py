"""What people read, from plain values."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_bootgate.checks.startup import judge
from pytest_bootgate.observe.observation import TAIL
from pytest_bootgate.records.outcomes import OUTCOMES
from pytest_bootgate.records.result import TargetResult
from pytest_bootgate.records.retry import made
from pytest_bootgate.records.values import Boot, Phase, SignalReport
from pytest_bootgate.records.verdict import WHOLE, Finding, Rules
from pytest_bootgate.reports.advice import advice
from pytest_bootgate.reports.amounts import bar, count, duration, limit
from pytest_bootgate.reports.boots import rows
from pytest_bootgate.reports.failure import failure
from pytest_bootgate.reports.story import last_lines, story, told

RULES = Rules(timeout=60.0, fail_at=0.8, warn_at=0.6, least=1, most=1)


def boot(**more) -> Boot:
    values = {
        "target": "isolated",
        "release": "candidate",
        "profile": "default",
        "number": 1,
        "start": "cold",
        "outcome": "timed_out",
        "detail": "no proof within 60 s",
        "timeout": 60.0,
        "ended": 60.0,
        "accepted": 0.006,
        "phases": (Phase("accepted", 0.006, 0.006), Phase("setup"), Phase("task_started")),
    }
    return Boot(**{**values, **more})


def result(*boots: Boot, target="isolated", runs_as=None) -> TargetResult:
    return TargetResult(target, "default", runs_as or target, RULES, boots, judge(boots, RULES))


STARTED = {"outcome": "started", "detail": "", "seconds": 2.4, "ended": 2.4}


def test_every_outcome_has_an_advice_of_its_own():
    failed = [word for word in OUTCOMES if word not in ("started", "lost")]
    said = {advice(result(boot(outcome=word, detail="x")), []) for word in failed}
    assert len(said) == len(failed)
    assert not any("was lost" in text for text in said)


@pytest.mark.parametrize(
    ("identity", "outcome", "line", "told"),
    [
        ("sha256:1", "crashed", "PermissionError: [Errno 1] Operation not permitted", True),
        ("sha256:1", "silent_exit", "chown: /data: Permission denied", True),
        ("sha256:1", "crashed", "fork: Resource temporarily unavailable", True),
        ("sha256:1", "crashed", "no such file", False),
        ("sha256:1", "timed_out", "setns: Operation not permitted", True),
        ("command:1", "crashed", "bind: Permission denied", False),
    ],
)
def test_a_container_that_ends_for_want_of_a_right_is_told_of_the_gate_files_way(
    identity, outcome, line, told
):
    lines = {"gateway.out": ("up",), "gateway.err": (line, *["at main"] * 7)}
    ended = boot(outcome=outcome, detail="x", identity=identity, tails=lines)
    assert ("capabilities" in advice(result(ended), [])) is told


@pytest.mark.parametrize(
    ("outcome", "line", "died"),
    [
        ("timed_out", "Traceback (most recent call last):", True),
        ("timed_out", "panic: runtime error: index out of range", True),
        # What Python says to the signal by which the gate asks for held-back output.
        ("timed_out", "Traceback (most recent call last):\nKeyboardInterrupt", False),
        ("timed_out", "no panic: still waiting for the database", False),
        ("crashed", "Traceback (most recent call last):", False),
    ],
)
def test_a_task_that_died_below_its_gateway_is_not_said_to_wait(outcome, line, died):
    lines = {"gateway.err": (*line.splitlines(), *["  at main"] * 12), "sidecar.err": ("panic: x",)}
    text = advice(result(boot(outcome=outcome, tails=lines)), [])
    assert ("has probably died" in text) is died
    assert ("waits for in" in text) is (outcome == "timed_out" and not died)


def test_only_a_boot_that_was_begun_ended_in_a_phase():
    assert boot().ended_in == boot(triggered=False).ended_in == "setup"
    none = tuple(Phase(phase.name) for phase in boot().phases)
    for more in ({"triggered": False, "never_ready": True}, {"outcome": "not_accepted"}):
        never = boot(phases=none, **more)
        assert never.ended_in is None
        texts = [f.text for f in result(never).judgement.findings]
        assert not any("this phase" in text for text in texts if "never reached" not in text)


def test_the_table_of_boots_says_how_each_ended_and_who_reported_it():
    heard = (SignalReport("run log", "failed", 69.0, "setup timed out"),)
    head, row = rows([boot(signals=heard)])
    assert head.split("  ")[-2:] == ["ended in", "reported by"]
    assert row.endswith("setup     run log 69.0 s")


def test_the_table_of_boots_names_the_machine_where_there_are_several():
    head, *_, last = rows([boot(number=n, node=f"node-{n}") for n in (1, 2)])
    assert head.split()[-5:] == ["machine", "ended", "in", "reported", "by"]
    assert "node-2" in last
    assert "machine" not in next(rows([boot(node="node-1")] * 2))


def test_boots_are_counted_with_their_warm_ups_and_say_so():
    assert [made([boot()]), made([boot()] * 2)] == ["1 boot", "2 boots"]
    assert made([boot(warm_up=True), boot()]) == "2 boots (warm-ups included)"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0061, "6.1 ms"),
        (0.0421, "42 ms"),
        (0.9991, "999 ms"),
        (1.2, "1.20 s"),
        (60.04, "60.0 s"),
        (118.9, "118.9 s"),
        (154.2, "2 min 34 s"),
        (179.7, "3 min 0 s"),
        (None, "-"),
    ],
)
def test_durations(seconds, text):
    assert duration(seconds) == text


def test_limits_have_no_more_digits_than_somebody_wrote():
    assert [limit(0.25), limit(60.0), limit(1.5)] == ["250 ms", "60 s", "1.5 s"]


def test_a_bar_shows_where_the_lines_are():
    assert bar(0.5, (0.6, 0.8)) == "█" * 15 + "···│·····│·····"
    assert bar(3.0, (0.6, 0.8)) == "█" * 30


def test_counts():
    assert [count(1, "boot"), count(2, "boot")] == ["1 boot", "2 boots"]


def test_the_story_of_a_timeout_names_the_phase_and_who_was_told():
    failed = boot(
        ended=60.0,
        signals=(
            SignalReport("run log", "failed", 69.0, "setup timed out"),
            SignalReport("container log", "failed"),
        ),
    )
    assert story(failed, result(failed), []) == [
        "trigger accepted in 6.0 ms",
        "the task never started: task_started was not seen in time",
        "last phase: setup, last mark accepted at 6.0 ms",
        "ended after 60.0 s: timed_out (no proof within 60 s)",
        "reported by: run log after 69.0 s: setup timed out; container log: no report",
    ]


def test_a_system_whose_start_is_the_trigger_has_no_task():
    failed = boot(ended=60.0, triggered=False)
    lines = story(failed, result(failed), [])
    assert lines[:2] == [
        "the start itself is the trigger",
        "it never started: task_started was not seen in time",
    ]


def test_told_is_unknown_where_nothing_is_declared():
    assert "unknown" in told(boot())
    assert (
        told(boot(signals=(SignalReport("log", "failed"),)))
        == "reported by: nobody (log: no report)"
    )


def test_another_session_target_tells_the_runner_from_the_gateway():
    failed = boot()
    main = result(boot(target="main", **STARTED), target="main")
    assert (
        "main started in 2.40 s on the same host: the problem is in the runner's boot, not in"
        " the gateway"
    ) in (story(failed, result(failed), [main]))
    down = result(boot(target="main"), target="main")
    assert "main did not start either: check the gateway first" in (
        story(failed, result(failed), [down])
    )


def test_the_same_session_target_warm_tells_nothing_about_the_gateway():
    failed = boot()
    warm = result(boot(target="isolated-warm"), target="isolated-warm", runs_as="isolated")
    assert not any("gateway first" in line for line in story(failed, result(failed), [warm]))


def test_a_refused_trigger_is_told_as_such():
    refused = boot(outcome="not_accepted", detail="the trigger was rejected: 503", accepted=None)
    assert story(refused, result(refused), [])[0] == "the trigger was rejected: 503"


def test_a_failure_does_not_repeat_itself_phase_by_phase():
    failed = boot()
    text = failure(result(failed), [])
    assert text.count("boot 1") == 1


def test_the_reason_comes_before_its_warnings():
    found = result(replace(boot(), outcome="started", seconds=5.0, ended=5.0, phases=()))
    warns = Finding("warn", WHOLE, "the next boot may use 63 %")
    fails = Finding("fail", "migrated", "3.4 times as long")
    judged = replace(found.judgement, findings=(warns, fails))
    text = failure(replace(found, judgement=judged), [])
    assert text.startswith("fail: migrated: 3.4 times as long\nwarn: ")


def test_what_was_not_triggered_and_what_needs_no_trigger_are_told_apart():
    buffered = boot(triggered=False, notes=("its output is held in a buffer",))
    assert story(buffered, result(buffered), [])[0] == "the start itself is the trigger"
    why = "the gateway exited with 3 during its settle time"
    never = boot(triggered=False, never_ready=True, outcome="crashed", detail=why, notes=(why,))
    assert story(never, result(never), [])[0] == "nothing was triggered"


def test_a_gate_file_whose_only_signals_mean_ok_does_not_declare_none():
    assert told(boot(signals=(SignalReport("log", "ok"),))) == (
        "reported by: unknown, the gate file declares no signal of failures"
        " (log: no report of success either)"
    )


TAILS = {
    "app.out": tuple(f"app {i}" for i in range(9)),
    "gateway.err": ("Traceback", "KeyError: TAX_RATE is not set"),
    "gateway.out": ("starting",),
    "redis.out": tuple(f"redis {i}" for i in range(9)),
    "sidecar.err": ("no",),
}


def test_last_lines_begin_with_the_gateway_and_end_with_a_few_of_services():
    assert last_lines(boot(tails=TAILS)) == [
        *("all 2 lines of gateway.err:", "    Traceback", "    KeyError: TAX_RATE is not set"),
        *("the only line of gateway.out:", "    starting"),
        *("last 3 of 9 lines of app.out:", "    app 6", "    app 7", "    app 8"),
        *("last 3 of 9 lines of redis.out:", "    redis 6", "    redis 7", "    redis 8"),
    ]


@pytest.mark.parametrize(
    ("more", "end"),
    [
        ({"exit_code": 1}, "exited with 1; it printed: KeyError: TAX_RATE is not set"),
        ({"exit_code": 1, "tails": {"gateway.out": ("bye",)}}, "exited with 1; it printed: bye"),
        ({"exit_code": 1, "tails": {"redis.err": ("error",)}}, "exited with 1"),
        ({}, "exited with 1"),  # it goes on, so no line of it is the reason
    ],
)
def test_the_sentence_of_a_crash_has_the_line_that_says_why(more, end):
    crashed = boot(**{"outcome": "crashed", "detail": "exited with 1", "tails": TAILS, **more})
    first = judge([crashed], RULES).findings[0]
    assert first.text == f"boot 1 ended as crashed: {end}"


def test_a_gateway_that_starts_surely_slower_is_in_the_advice_whatever_the_verdict():
    """With a comparison that was inconclusive, only "rerun" was said."""
    boots = [
        boot(**STARTED, number=n, release=r, ready=s + n / 100, phases=())
        for n in range(1, 6)
        for r, s in (("baseline", 0.8), ("candidate", 7.0))
    ]
    rules = replace(RULES, least=5, most=5)
    found = replace(result(), boots=tuple(boots), judgement=judge(boots, rules))
    assert found.judgement is not None
    for verdict in ("warn", "inconclusive"):
        judged = replace(found.judgement, verdict=verdict)
        said = advice(replace(found, judgement=judged), [])
        assert said.startswith("What comes before the trigger takes too long or surely longer")
    alike = judge([replace(b, ready=1.0 + b.number / 100) for b in boots], rules)
    assert "before the trigger" not in advice(replace(found, judgement=alike), [])


def test_log_lines_say_how_many_of_how_many():
    """Of a stream the last twenty are kept; nobody knows how many there were."""
    many = boot(tails={"gateway.out": tuple(f"line {n}" for n in range(TAIL))})
    assert last_lines(many)[0] == "last 8 of the 20 that were kept of gateway.out:"
    assert last_lines(many, whole=True)[0] == "last 20 lines of gateway.out:"
    assert len(last_lines(many, whole=True)) == 1 + TAIL
