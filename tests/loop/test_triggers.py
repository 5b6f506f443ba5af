"""A trigger is accepted, refused, or never answered; a trigger that is accepted proves nothing."""

from __future__ import annotations

import pytest

from pytest_bootgate.engines.base import Exit
from pytest_bootgate.engines.memory import Answer
from tests.loop.played import GOOD, serves

EXEC = 'trigger: {{exec: [run, "${{token}}"]}}'
COMMAND = '{exec: [run, "${token}"]}'


def command(code: int | None, after: float = 0.1):
    """The trigger's command: it ends with `code`, or never."""

    def run(me):
        me.out(f"asked for {me.command[1]}")
        yield after if code is not None else 1e6
        return code

    return run


def starts_by_itself(me):
    """A gateway that is not told of a trigger by this test, and starts no task."""
    yield 0.5
    me.out("ready")
    yield 1e6


def test_accepted_and_nothing_else(play):
    played = play(serves(2.0))
    result = played.result()
    (boot,) = result.boots
    assert (result.verdict, boot.outcome, boot.accepted) == ("fail", "timed_out", 0.0)
    assert boot.detail == "no proof within 10 s"
    assert (boot.ended, boot.ended_in) == (10.0, "setup")
    assert played.kinds(boot) == [
        "boot_began",
        "trigger_sent",
        "trigger_accepted",
        "boot_timed_out",
        "boot_ended",
    ]
    assert ("fail", "setup", "boot 1 ended in this phase: timed_out") in played.findings()


def test_refused(play):
    played = play(serves(answer=Answer(429, "too many")))
    result = played.result()
    (boot,) = result.boots
    assert (result.verdict, boot.outcome) == ("fail", "not_accepted")
    assert boot.detail == "the trigger was rejected: 429 too many"
    assert played.findings()[0][2] == f"boot 1 ended as not_accepted: {boot.detail}"
    assert played.kinds(boot) == ["boot_began", "trigger_sent", "boot_failed", "boot_ended"]


def test_refused_by_nobody_there(play):
    def gateway(me):
        yield 0.5
        me.out("ready")
        yield 1e6

    boot = play(gateway).one()
    assert boot.detail == "the trigger was rejected: connection refused"


def test_refused_because_it_has_ended(play):
    """The exit counts: it says more than the refusal."""
    played = play(programs={"run": command(1)}, new=_ends_soon, trigger=COMMAND)
    boot = played.one()
    assert (boot.outcome, boot.exit_code) == ("crashed", 7)
    assert boot.notes == ("the trigger was rejected: the trigger's command exited with 1",)


def _ends_soon(me):
    yield 0.5
    me.out("ready")
    yield 0.2
    return 7


def test_never_answered_and_never_started(play):
    played = play(serves(0.1, answer=None))
    boot = played.one()
    assert (boot.outcome, boot.accepted) == ("timed_out", None)
    assert "trigger_accepted" not in played.kinds(boot)


def test_never_answered_and_started_all_the_same(play):
    """Proof, not status."""
    boot = play(serves(answer=None)).one()
    assert (boot.outcome, boot.accepted, boot.seconds) == ("started", None, 1.5)


def test_an_answer_that_takes_its_time(play):
    boot = play(serves(answer=Answer(200, "ok", after=0.7))).one()
    assert (boot.outcome, boot.accepted) == ("started", pytest.approx(0.7))


def test_a_command_accepts_with_0(play):
    played = play(starts_by_itself, programs={"run": command(0)}, trigger=COMMAND)
    boot = played.one()
    assert (boot.outcome, boot.accepted) == ("timed_out", pytest.approx(0.1))
    assert boot.tails["trigger.out"][0].startswith("asked for bootgate")
    assert "trigger_accepted" in played.kinds(boot)


def test_a_command_refuses_with_another_code(play):
    played = play(starts_by_itself, programs={"run": command(3)}, trigger=COMMAND)
    boot = played.one()
    assert boot.outcome == "not_accepted"
    assert boot.detail == "the trigger was rejected: the trigger's command exited with 3"
    assert boot.ended < 1


def test_a_command_that_never_ends(play):
    played = play(starts_by_itself, programs={"run": command(None)}, trigger=COMMAND)
    boot = played.one()
    assert (boot.outcome, boot.accepted, boot.ended) == ("timed_out", None, 10.0)


def test_the_output_of_the_command_may_be_the_proof(play):
    played = play(
        starts_by_itself,
        programs={"run": command(0, after=3)},
        trigger=COMMAND,
        target='proof: {line: "asked for ${token}", from: trigger}',
    )
    assert (boot := played.one()).outcome == "started", boot.detail


def test_the_answer_is_the_output_of_a_request(play):
    played = play(
        serves(1.0, answer=Answer(200, "run 17 queued")),
        target='phases: {accepted: {line: queued, from: trigger}, start: {line: "${token}"}}',
    )
    boot = played.one()
    assert boot.outcome == "timed_out"
    assert boot.phase("accepted").at == 0.0
    assert boot.ended_in == "start"


ANSWERED = "proof: {line: did it, from: trigger}"


def test_the_answer_to_a_request_may_be_the_proof(play):
    played = play(serves(1.0, answer=Answer(200, "did it")), target=ANSWERED)
    assert (boot := played.one()).outcome == "started", boot.detail


def test_a_line_of_an_answer_is_a_line(play):
    answer = Answer(200, "queued\ntask started\n")
    target = "proof: {line: ^task started$, from: trigger}"
    assert play(serves(1.0, answer=answer), target=target).one().outcome == "started"


def test_an_answer_that_only_says_accepted_is_no_proof(play):
    boot = play(serves(1.0, answer=Answer(202, "did it")), target=ANSWERED).one()
    assert boot.outcome == "timed_out"
    assert boot.detail == (
        "no proof within 10 s; the trigger was answered with 202, which says accepted, not started"
    )


@pytest.mark.parametrize(
    ("how", "outcome", "words"),
    [
        (Exit(1), "crashed", "the gateway exited with 1 before the task started"),
        (Exit(0), "silent_exit", "the gateway exited with 0 before the task started"),
        (Exit(137, oom=True), "oom_killed", "the gateway was OOM-killed"),
        (Exit(None, gone=True), "lost", "the gateway was removed from outside the gate"),
    ],
)
def test_a_gateway_that_ends_during_the_boot(play, how, outcome, words):
    played = play(serves(0.5, "set up", 1.0, how))
    result = played.result()
    (boot,) = result.boots
    assert (boot.outcome, boot.detail, boot.exit_code) == (outcome, words, how.code)
    assert boot.ended == pytest.approx(1.5)
    assert boot.cpu_seconds is None
    assert result.verdict == ("error" if outcome == "lost" else "fail")
    assert played.kinds(boot)[-2:] == ["boot_failed", "boot_ended"]


def test_it_ends_right_after_the_proof(play):
    boot = play(serves(*GOOD, 0.3, Exit(1))).one()
    assert boot.outcome == "started"
    assert boot.notes == ("the gateway exited with 1 right after",)


def test_a_gateway_whose_restart_is_seen_by_its_second_acceptance(play):
    accepted = 'phases: {accepted: {line: "got ${token}"}, start: {line: "task ${token}"}}'
    steps = ("got {token}", 0.5, "got {token}", 0.5, "task {token} started")
    result = play(serves(*steps), target=accepted).result()
    (boot,) = result.boots
    assert (result.verdict, boot.outcome) == ("error", "lost")
    assert boot.detail.startswith("the trigger was accepted twice (0.000 s and 0.500 s")


SIGNALS = """phases: {start: {line: "task ${token}"}}
  signals:
    log: {line: '^failed: (?P<text>.*)'}
    done: {line: '^done', means: ok}"""


@pytest.mark.parametrize(
    ("text", "outcome"), [("disk full", "reported_error"), ("timed out", "timed_out")]
)
def test_a_failure_that_is_told(play, text, outcome):
    played = play(serves(2.0, f"failed: {text}"), target=SIGNALS)
    boot = played.one()
    assert (boot.outcome, boot.detail) == (outcome, f"log reported: {text}")
    assert boot.ended == 2.0
    assert [(told.name, told.at) for told in boot.signals] == [("log", 2.0), ("done", None)]
    assert "failure_reported" in played.kinds(boot)


def test_a_failure_is_in_the_phase_in_which_it_was_told(play):
    """What the system still does while the gate listens on is later."""
    phases = SIGNALS.replace("phases: {start", "phases: {load: {line: loaded}, start")
    boot = play(serves(2.0, "failed: no disk", 0.5, "loaded", 20.0), target=phases).one()
    assert (boot.outcome, boot.ended, boot.ended_in) == ("reported_error", 2.0, "load")
    assert boot.phases[0].at == 2.5


def test_a_failure_that_was_told_wrongly(play):
    """The task starts after all, in time: the proof counts."""
    steps = (1.0, "failed: no model", 1.0, "task {token}")
    boot = play(serves(*steps), target=SIGNALS).one()
    assert (boot.outcome, boot.seconds) == ("started", 2.0)


def test_a_failure_that_is_told_late(play):
    played = play(serves(11.5, "failed: gave up"), target=SIGNALS)
    boot = played.one()
    assert (boot.outcome, boot.ended) == ("timed_out", 10.0)
    assert boot.signals[0].at == 11.5
    (told,) = [event for event in played.events if event.kind == "failure_reported"]
    assert (told.late, told.signal, told.text) == (1.5, "log", "gave up")


def test_ok_without_a_proof_is_a_lie(play):
    played = play(serves(2.0, "done"), target=SIGNALS)
    result = played.result()
    (boot,) = result.boots
    assert (result.verdict, boot.outcome, boot.ended) == ("fail", "false_ok", 10.0)
    assert boot.detail == "done reported ok, but there is no proof that the task started"


def test_a_run_that_ends_is_told_apart_from_its_start(play):
    """Between two warm boots the gate waits until the run has ended."""
    steps = (1.0, "task {token}", 0.5, "done")
    played = play(serves(*steps), target=f"start: warm\n  {SIGNALS}")
    result = played.result()
    assert [boot.outcome for boot in result.boots] == ["started", "started"]
    assert "task_completed" in played.kinds(result.boots[1])
    assert played.engine.made == 1
