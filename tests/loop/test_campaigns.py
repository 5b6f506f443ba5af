"""Many boots: when there are more, when they end early, what is tried again and told."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_bootgate.engines.base import Exit
from pytest_bootgate.engines.memory import Answer
from pytest_bootgate.errors import JournalError
from pytest_bootgate.records.machine import Machine, Still, Work
from tests.loop.played import FACTS, PHASES, serves

LATE = (0.5, "set up")  # and no proof


def takes(*seconds: float, then: float = 1.0):
    """A gateway script whose boots take these times, one after another."""
    by_boot = {
        number: (0.1, "set up", second, "task {token} started")
        for number, second in enumerate(seconds, 1)
    }
    return serves(0.1, "set up", then, "task {token} started", by_boot=by_boot)


def outcomes(result, release="candidate"):
    return [boot.outcome for boot in result.boots if boot.release == release]


# -- how many ----------------------------------------------------------------------------------


def test_pairs_and_one_boot_each_that_is_thrown_away(play):
    played = play(serves(), serves(), boots="5")
    result = played.result()
    assert result.verdict == "pass"
    made = [(b.release, b.number) for b in result.boots]
    assert made[:2] == [("baseline", 0), ("candidate", 0)]
    assert sorted(made[2:]) == [(r, n) for r in ("baseline", "candidate") for n in range(1, 6)]
    assert played.engine.made == len(made) == 12
    assert played.engine.most == 1  # never two on one kernel
    assert played.all_boots_ended()


def test_it_ends_when_the_evidence_is_clear(play):
    played = play(serves(), serves(), boots="5..30")
    result = played.result()
    assert result.verdict == "pass"
    assert result.judgement.stopped == "the evidence was clear after 5 pairs"
    assert len(result.boots) == 2 + 2 * 5


def test_much_slower_fails_and_a_second_campaign_confirms_it(play):
    played = play(takes(then=2.0), takes(then=1.0), boots="5..10")
    result = played.result()
    assert result.verdict == "fail"
    assert result.judgement.has("slower")
    assert len(result.boots) > 2 + 2 * 5


def test_more_pairs_until_it_is_sure(play):
    """Boots that scatter take more pairs than those that do not."""
    odd = [1.0, 1.6, 1.1, 1.4, 1.2, 1.5, 1.0, 1.3] * 4
    played = play(takes(*odd), takes(*reversed(odd)), boots="5..30")
    result = played.result()
    assert len(result.boots) > 2 + 2 * 5
    assert result.verdict in ("pass", "warn")


def test_without_a_baseline_the_least_boots_are_made(play):
    played = play(boots="4..9")
    result = played.result()
    assert (result.verdict, len(result.boots)) == ("pass", 4)


def test_warm_starts_keep_both_gateways(play):
    played = play(serves(), serves(), boots="5", target=f"start: warm\n  {PHASES}")
    result = played.result()
    assert result.verdict == "pass"
    assert played.engine.made == 2
    assert all(boot.waiting_cores == 0.0 for boot in result.boots[2:])


def test_a_candidate_that_does_not_start_ends_it_at_once(play):
    played = play(serves(0.1, "set up", Exit(1)), serves(), boots="5")
    result = played.result()
    assert (result.verdict, outcomes(result)) == ("fail", ["crashed"])
    assert result.judgement.stopped == "the candidate did not start"


def test_a_mark_that_only_the_baseline_shows_ends_it_after_one_pair(play):
    played = play(serves(1.0, "task {token} started"), serves(), boots="5")
    result = played.result()
    assert result.verdict == "fail"
    assert result.judgement.has("lost-mark")
    assert len(result.boots) == 4


def test_near_its_timeout(play):
    played = play(takes(then=8.5), boots="5")
    result = played.result()
    assert result.verdict == "fail"
    assert next(f.text for f in result.judgement.about("boot")).startswith("timeout 10 s: ")


# -- retries -----------------------------------------------------------------------------------


def test_a_timeout_is_forgiven_once_and_told(play):
    played = play(serves(by_boot={2: LATE}), boots="3", rules="retries: 1, retry_pause: 7s")
    result = played.result()
    assert result.verdict == "warn"
    assert [(b.number, b.attempt, b.outcome) for b in result.boots] == [
        (1, 1, "started"),
        (2, 1, "timed_out"),
        (2, 2, "started"),
        (3, 1, "started"),
    ]
    (finding,) = result.judgement.findings
    assert (finding.verdict, finding.text) == (
        "warn",
        (
            "1 of 4 boots timed out, and started on retry (boot 2 in phase start: no proof within"
            " 10 s)"
        ),
    )
    (scheduled,) = [event for event in played.events if event.kind == "retry_scheduled"]
    assert (scheduled.pause, scheduled.boot.number) == (7.0, 2)
    assert scheduled.reason == "timed_out: no proof within 10 s"
    first, again = result.boots[1:3]
    assert again.wall - first.wall == pytest.approx(10 + 7 + 0.5)
    assert result.of("candidate") == (result.boots[0], again, result.boots[3])


def test_a_timeout_is_not_forgiven_twice(play):
    played = play(serves(by_boot={2: LATE, 3: LATE}), boots="3", rules="retries: 1")
    result = played.result()
    assert result.verdict == "fail"
    assert played.findings()[0][2] == "2 of 3 boots timed out: no proof within 10 s"
    assert result.judgement.stopped == "the candidate did not start"


def test_two_timeouts_with_one_retry(play):
    """Each started when tried again, but there is one retry in all boots."""
    played = play(serves(by_boot={1: LATE, 3: LATE}), boots="3", rules="retries: 1")
    assert played.result().verdict == "fail"


def test_without_retries_a_timeout_is_the_end(play):
    played = play(serves(by_boot={1: LATE}), boots="3", rules="retries: 0")
    result = played.result()
    assert (result.verdict, outcomes(result)) == ("fail", ["timed_out"])
    assert "retry_scheduled" not in played.kinds()


@pytest.mark.parametrize("how", [Exit(1), Exit(0)])
def test_what_is_no_timeout_is_not_tried_again(play, how):
    played = play(serves(by_boot={1: (0.1, how)}), boots="3", rules="retries: 3")
    result = played.result()
    assert (result.verdict, len(result.boots)) == ("fail", 1)


def test_a_refusal_is_not_tried_again(play):
    played = play(serves(answer=Answer(500)), boots="3", rules="retries: 3")
    result = played.result()
    assert (result.verdict, outcomes(result)) == ("fail", ["not_accepted"])


def test_a_warm_retry_takes_a_new_gateway(play):
    played = play(
        serves(by_boot={3: LATE}),
        boots="2",
        target=f"start: warm\n  {PHASES}",
        rules="retries: 1",
    )
    result = played.result()
    assert result.verdict == "warn"
    assert [(b.number, b.attempt, b.outcome) for b in result.boots] == [
        (0, 1, "started"),
        (1, 1, "started"),
        (2, 1, "timed_out"),
        (0, 2, "started"),
        (2, 2, "started"),
    ]
    assert played.engine.made == 2


def stall(me, token):
    me.clock.stall(3)


def test_a_boot_that_the_gate_did_not_see_is_repeated_and_told(play):
    seen_late = (0.5, stall, "set up", 1.0, "task {token} started")
    played = play(serves(by_boot={2: seen_late}), boots="3")
    result = played.result()
    assert outcomes(result) == ["started", "lost", "started", "started"]
    assert result.verdict == "warn"
    assert "boot 2 was repeated: the gate itself was stalled for " in played.findings()[0][2]


# -- the baseline ------------------------------------------------------------------------------


def test_a_baseline_that_crashes_once_is_repeated(play):
    played = play(serves(), serves(by_boot={3: (0.2, Exit(9))}), boots="5")
    result = played.result()
    assert outcomes(result, "baseline").count("crashed") == 1
    assert outcomes(result, "baseline").count("started") == 6
    assert result.verdict == "pass"


def test_a_baseline_that_crashes_often_is_flaky(play):
    crash = (0.2, Exit(9))
    played = play(serves(), serves(by_boot={2: crash, 4: crash}), boots="5")
    result = played.result()
    assert result.verdict == "warn"
    assert "and started on retry: find out why" in played.findings()[0][2]


def test_both_fail_alike(play):
    """Then it is the gate file, and not the upgrade."""
    played = play(serves(0.2, Exit(9)), serves(0.2, Exit(9)), boots="3")
    result = played.result()
    assert result.verdict == "error"
    assert result.judgement.has("alike")
    assert not [f for f in result.judgement.findings if f.verdict == "fail"]


def test_only_the_baseline_fails(play):
    played = play(serves(), serves(0.2, Exit(9)), boots="3")
    result = played.result()
    assert result.verdict == "error"
    assert result.judgement.has("baseline")
    assert outcomes(result) == ["started"]


def test_they_fail_in_different_ways(play):
    played = play(serves(0.2, Exit(8)), serves(0.2, Exit(9)), boots="3")
    result = played.result()
    assert result.verdict == "error"
    assert [f for f in result.judgement.findings if f.verdict == "fail"]


VERSION = "version: {line: 'version (?P<version>.*)'}"


def test_a_target_that_the_baseline_does_not_have(play):
    played = play(
        serves(),
        serves(before=("version 1.0",)),
        gateway=VERSION,
        releases="{baseline: {image: old, version: '1.0'}, candidate: {image: new}}",
        targets="{main: {unsupported: {'1': it came with 2}}}",
        boots="3",
    )
    result = played.result()
    assert (result.verdict, len(result.boots)) == ("pass", 3)
    assert result.notes[0] == "the baseline does not have this target: it came with 2"


def test_a_target_that_the_candidate_does_not_have(play):
    played = play(
        serves(),
        gateway=VERSION,
        releases="{candidate: {image: new, version: '2.0'}}",
        targets="{main: {unsupported: {'2': it went}}, other: {}}",
    )
    result = played.result()
    assert (result.verdict, result.left_out, played.engine.made) == (None, "it went", 0)


# -- the machine -------------------------------------------------------------------------------

BUSY = Still(busy=0.9, steal=0.0)


def test_a_host_too_busy_to_measure(play):
    noisy = Machine(here=True, work=(Work(0.005, 0.05),), still=(BUSY,))
    played = play(takes(then=8.5), boots="5", machine=noisy)
    result = played.result()
    assert result.verdict == "inconclusive"
    assert "the host is too busy to measure: a fixed workload took up to 10.0 times" in (
        result.judgement.host
    )
    assert "host_warned" in played.kinds()


def test_slower_in_cpu_time_as_well_is_slower_on_any_host(play):
    noisy = Machine(here=True, work=(Work(0.005, 0.05),), still=(BUSY,))
    result = play(takes(then=2.0), takes(then=1.0), boots="5", machine=noisy).result()
    assert result.verdict == "fail"
    assert "the candidate is still slower" in result.judgement.host


def test_a_busy_host_does_not_excuse_a_timeout(play):
    noisy = Machine(here=True, work=(Work(0.005, 0.05),), still=(BUSY,))
    result = play(serves(*LATE), boots="2", machine=noisy).result()
    assert result.verdict == "fail"


def test_a_busy_host_is_told_where_a_boot_is_near_its_timeout(play):
    busy = Machine(here=True, work=(Work(0.005, 0.005),), still=(BUSY,))
    result = play(takes(then=7.0), boots="5", machine=busy).result()
    assert "the host is busy (other processes use 90 % of its CPU time)" in result.judgement.host
    result = play(takes(then=1.0), boots="5", machine=busy).result()
    assert (result.verdict, result.judgement.host) == ("pass", "")


def test_a_small_host_is_told_where_a_boot_is_near_its_timeout(play):
    result = play(takes(then=7.0), boots="5", facts=replace(FACTS, cpus=1)).result()
    assert "the host has 1 CPU" in result.judgement.host


# -- what goes wrong meanwhile -----------------------------------------------------------------


@pytest.mark.parametrize("kind", ["boot_began", "trigger_sent", "phase_reached"])
def test_an_interruption_leaves_nothing_and_is_no_pass(play, kind):
    def interrupt(event):
        if event.kind == kind:
            raise KeyboardInterrupt

    played = play(serves(), serves(), boots="3", on_event=interrupt)
    with pytest.raises(KeyboardInterrupt):
        played.result()
    result = played.gate.known("default", "main")
    assert result.verdict == "error"
    when = "in the 1st boot"
    assert result.error == f"Interrupted {when} of main, so it was not judged."
    assert played.gate.outcome().verdict == "error"
    assert result.boots == ()
    assert played.kinds()[-2:] == ["verdict_given", "run_ended"]


def test_an_interruption_in_the_middle_of_a_campaign(play):
    """Some boots have ended well: they are no pass either."""
    ended = []

    def interrupt(event):
        ended.extend([event] if event.kind == "boot_ended" else [])
        if len(ended) == 7:
            raise KeyboardInterrupt

    played = play(serves(), serves(), boots="5", on_event=interrupt)
    with pytest.raises(KeyboardInterrupt):
        played.result()
    assert played.gate.outcome().verdict == "error"


def test_what_was_interrupted_is_not_tried_again(play):
    def interrupt(event):
        if event.kind == "trigger_sent" and not once:
            once.append(event)
            raise KeyboardInterrupt

    once = []
    played = play(on_event=interrupt)
    with pytest.raises(KeyboardInterrupt):
        played.gate.result("default", "main")
    made = played.engine.made
    assert played.result().verdict == "error"
    assert played.engine.made == made


@pytest.mark.parametrize("number", [1, 4])
def test_an_engine_that_disappears(play, number):
    def down(me, token):
        played.engine.down = "The engine does not answer any more."

    by_boot = {number: (0.5, down, "set up", 1.0, "task {token} started")}
    played = play(serves(by_boot=by_boot), boots="5")
    result = played.result()
    assert (result.verdict, result.boots) == ("error", ())
    assert result.error == "The engine does not answer any more."
    assert played.gate.outcome().verdict == "error"
    assert played.kinds()[-3:] == ["boot_failed", "verdict_given", "run_ended"]


def test_an_engine_that_was_never_there(play):
    played = play()
    played.engine.down = "No engine answers."
    result = played.result()
    assert (result.verdict, result.error) == ("error", "No engine answers.")


def test_a_journal_that_cannot_be_written_ends_the_boots(play):
    def full(event):
        if event.kind == "boot_ended":
            raise JournalError("The disk is full.")

    played = play(serves(), serves(), boots="5", on_event=full)
    result = played.result()
    assert (result.verdict, result.error) == ("error", "The disk is full.")
    assert played.engine.made == 1


def test_what_the_last_event_could_not_be_told(play):
    def full(event):
        if event.kind == "verdict_given":
            raise JournalError("The disk is full.")

    played = play(on_event=full)
    result = played.result()
    assert (result.verdict, result.error) == ("error", "The disk is full.")
    assert [boot.outcome for boot in result.boots] == ["started"]


def test_a_machine_that_lacks_files(play):
    def gateway(me):
        raise OSError(24, "Too many open files")
        yield

    result = play(gateway).result()
    assert result.verdict == "error"
    assert "The gate itself ran out of a resource: Too many open files" in result.error


# -- the whole gate ----------------------------------------------------------------------------


def test_nothing_judged_is_no_pass(play):
    played = play()
    assert played.gate.outcome().verdict == "error"
    (left,) = played.gate.unjudged
    assert (left.target, left.item, left.booted) == ("main", "boot", False)
    played.result()
    (left,) = played.gate.unjudged
    assert left.booted
    played.gate.note_shown("default", "main")
    assert played.gate.unjudged == ()
    assert played.gate.outcome().verdict == "pass"


def test_a_target_is_never_booted_twice(play):
    played = play(targets="{main: {}, other: {}}")
    first = played.gate.result("default", "main")
    assert played.gate.result("default", "main") is first
    assert played.engine.made == 1
    assert played.result("other").verdict == "pass"
    assert [t.target for t in played.gate.outcome().targets] == ["main", "other"]
    assert played.kinds().count("run_began") == 1


def test_the_worst_target_counts(play):
    def gateway(me):
        yield from serves(answer=Answer(500))(me)

    played = play(gateway, targets="{main: {}, other: {unsupported: {x: y}}}")
    played.gate.result("default", "main")
    played.result("other")
    assert played.gate.outcome().verdict == "fail"


def test_secrets_are_in_no_result(play, monkeypatch):
    played = play(
        serves(1.0, lambda me, token: me.out(f"key {me.env['API_KEY']}")),
        gateway="env: {API_KEY: 's3cret-value-0123'}",
    )
    result = played.result()
    assert "s3cret-value-0123" not in repr(result)
    assert result.boots[0].tails["gateway.out"][-1] != "key s3cret-value-0123"


def test_what_it_does_is_shown_meanwhile(play):
    played = play(serves(), serves(), boots="2", rules="retries: 0")
    played.result()
    doing = {moment.doing for moment in played.moments}
    assert {"start", "setup", "afterwards"} <= doing
    assert all(moment.left >= 0 for moment in played.moments)
