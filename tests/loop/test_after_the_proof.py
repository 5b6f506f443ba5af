"""What stays after the proof, what must never appear, phases in any order, another clock."""

from __future__ import annotations

import pytest

from pytest_bootgate.engines.base import Exit
from pytest_bootgate.engines.memory import Answer
from pytest_bootgate.errors import GateFileError
from tests.loop.played import PHASES, serves

STAYS = 'proof: {line: "^task ${token} started", stays: 3s}'


# -- stays -------------------------------------------------------------------------------------


def test_one_that_stays(play):
    boot = play(serves(1.0, "task {token} started"), target=STAYS).one()
    assert (boot.outcome, boot.seconds) == ("started", 1.0)


def test_one_that_ends_while_it_must_stay(play):
    played = play(serves(1.0, "task {token} started", 2.5, Exit(3)), target=STAYS)
    result = played.result()
    (boot,) = result.boots
    assert (result.verdict, boot.outcome, boot.seconds) == ("fail", "lapsed", None)
    assert boot.detail == (
        "it did not stay up for 3 s: the gateway exited with 3, 2.5 s after the proof"
    )


def test_one_that_ends_later(play):
    boot = play(serves(1.0, "task {token} started", 3.5, Exit(3)), target=STAYS).one()
    assert boot.outcome == "started"


def up(me, token):
    me.listen(8081, lambda request: Answer(200, "up"))


def down(me, token):
    me.listen(8081, lambda request: Answer(503, "filter invalid"))


ENDPOINT = "proof: {http: ':8081/ready', stays: 3s}"


def test_an_endpoint_that_no_longer_answers(play):
    boot = play(serves(1.0, up, 1.0, down), target=ENDPOINT).result().boots[0]
    assert boot.outcome == "lapsed"
    assert boot.detail.startswith(
        "it did not stay up for 3 s: its proof says 503 Service Unavailable: filter invalid, 1"
    )
    assert play(serves(1.0, up, 3.5, down), target=ENDPOINT).one().outcome == "started"


def test_a_command_that_no_longer_succeeds(play):
    def ready(me):
        yield 0.1
        return 0 if "/up" in me.world.files and "/down" not in me.world.files else 2

    def goes(path):
        return lambda me, token: me.log(path, token)

    steps = (1.0, goes("/up"), 1.0, goes("/down"))
    played = play(
        serves(*steps), target="proof: {exec: [ready], stays: 3s}", programs={"ready": ready}
    )
    (boot,) = played.result().boots
    assert boot.outcome == "lapsed"
    assert "its proof says exit 2" in boot.detail


def test_only_the_proof_stays(play):
    with pytest.raises(GateFileError) as caught:
        play(target="phases: {setup: {line: up, stays: 1s}, start: {line: started}}")
    assert caught.value.mistakes[0].endswith("only the proof, the last phase, stays: leave it out")


# -- never -------------------------------------------------------------------------------------

NEVER = f"{PHASES}\n  never: {{line: ERROR}}"


def test_what_must_not_appear(play):
    steps = ("set up", 0.3, "ERROR migration 0042 failed", 0.2, "task {token} started")
    played = play(serves(*steps), target=NEVER)
    result = played.result()
    (boot,) = result.boots
    assert (result.verdict, boot.outcome) == ("fail", "forbidden")
    assert boot.detail == (
        "it started, but `never` forbids what came 0.3 s after the trigger: ERROR migration 0042"
        " failed"
    )


def test_what_did_not_appear(play):
    assert play(target=NEVER).one().outcome == "started"


def test_what_must_not_appear_in_a_boot_that_fails_anyway(play):
    played = play(serves(0.3, "ERROR disk full", Exit(1)), target=NEVER)
    (boot,) = played.result().boots
    assert boot.outcome == "crashed"


FORBID = f"{PHASES}\n  signals: {{log: {{line: 'ERROR (?P<text>.*)', forbid: FORBID}}}}"


@pytest.mark.parametrize(
    ("forbid", "verdict", "outcome"),
    [("true", "fail", "forbidden"), ("false", "warn", "started")],
)
def test_a_failure_that_was_reported_before_a_proof(play, forbid, verdict, outcome):
    steps = ("set up", 0.3, "ERROR no route", 0.2, "task {token} started")
    played = play(serves(*steps), target=FORBID.replace("FORBID", forbid))
    result = played.result()
    (boot,) = result.boots
    assert (result.verdict, boot.outcome) == (verdict, outcome)


def test_success_cannot_be_forbidden(play):
    with pytest.raises(GateFileError) as caught:
        play(target=f"{PHASES}\n  signals: {{log: {{line: x, means: ok, forbid: true}}}}")
    assert "a report of success cannot be forbidden" in caught.value.mistakes[0]


# -- phases in any order -----------------------------------------------------------------------

ANY_ORDER = (
    "phases: {files: {line: ^files}, mail: {line: ^mail}, start: {line: ^task}}\n  unordered: true"
)


def test_phases_in_any_order(play):
    steps = (1.0, "mail", 1.0, "files", 1.0, "task {token} started")
    boot = play(serves(*steps), target=ANY_ORDER).one()
    assert boot.outcome == "started"
    assert [(p.name, p.at, p.seconds) for p in boot.phases] == [
        ("files", 2.0, 2.0),
        ("mail", 1.0, 1.0),
        ("start", 3.0, 3.0),
    ]


def test_a_phase_that_is_missing_in_any_order(play):
    boot = play(serves(1.0, "mail", Exit(1)), target=ANY_ORDER).result().boots[0]
    assert boot.ended_in == "files"
    boot = play(serves(1.0, "files", Exit(1)), target=ANY_ORDER).result().boots[0]
    assert boot.ended_in == "mail"


# -- another clock -----------------------------------------------------------------------------

PICKED = (
    'phases: {picked: {line: ^picked}, start: {line: "^task ${token} started"}}\n  from: picked'
)


def ticks(work: float):
    """A scheduler that picks a task up at one of its ticks, then works."""
    waits = (0.3, 2.9, 1.1, 2.2, 0.7, 1.8, 2.6, 0.2, 1.5, 2.0) * 6
    return serves(
        by_boot={n: (w, "picked", work, "task {token} started") for n, w in enumerate(waits, 1)}
    )


def test_a_wait_before_the_mark_is_not_compared(play):
    played = play(ticks(0.2), ticks(0.2), target=PICKED, boots="5..30")
    result = played.result()
    assert result.verdict == "pass"
    assert "compared from the mark of picked to the proof" in result.judgement.notes


def test_slower_after_the_mark(play):
    played = play(ticks(0.4), ticks(0.2), target=PICKED, boots="5..30")
    result = played.result()
    assert (result.verdict, result.judgement.regression.verdict) == ("fail", "slower")
    assert result.judgement.regression.ratio == pytest.approx(2.0)


@pytest.mark.parametrize(
    ("phases", "mistake"),
    [
        (
            "{a: {line: x}, b: {line: y}}\n  from: c",
            "there is no phase 'c': there are a",
        ),
        ("{a: {line: x}, b: {line: y}}\n  from: b", "the phase 'b' is the proof"),
        ("{a: {line: x, optional: true}, b: {line: y}}\n  from: a", "the phase 'a' may be missing"),
    ],
)
def test_a_clock_that_cannot_be(play, phases, mistake):
    with pytest.raises(GateFileError) as caught:
        play(target=f"phases: {phases}")
    assert mistake in caught.value.mistakes[0]


def test_stages_of_the_gateway_in_a_start_that_is_the_boot(play):
    def system(me):
        yield 0.5
        me.out("startup trace: load:300.0ms plugins:150.0ms", "up")
        yield 3600.0

    boot = play(
        system,
        trigger="null",
        target="proof: {line: ^up}",
        more="'gateway': {stages: {startup: {line: '^startup trace:'}}}",
    ).one()
    assert [(s.source, s.name, s.seconds) for s in boot.stages] == [
        ("startup", "load", 0.3),
        ("startup", "plugins", 0.15),
    ]


def test_an_endpoint_that_hangs_after_its_proof(play):
    def hangs(me, token):
        me.listen(8081, lambda request: None)

    boot = play(serves(1.0, up, 1.0, hangs), target=ENDPOINT).result().boots[0]
    assert boot.outcome == "lapsed"
    assert "its proof says timed out" in boot.detail


def test_a_command_that_hangs_after_its_proof(play):
    runs = []

    def ready(me):
        runs.append(me)
        yield 0.1 if len(runs) < 3 else 3600.0
        return 0 if len(runs) > 1 else 1

    played = play(target="proof: {exec: [ready], stays: 2s}", programs={"ready": ready})
    (boot,) = played.result().boots
    assert (boot.outcome, "its proof says timed out" in boot.detail) == ("lapsed", True)


def test_a_mark_that_comes_with_the_proof_leaves_nothing_to_compare(play):
    both = dict.fromkeys(range(1, 40), ("picked", "task {token} started"))
    played = play(serves(by_boot=both), serves(by_boot=both), target=PICKED, boots="5..30")
    result = played.result()
    assert result.verdict == "error"
    assert "nothing is left after the mark of picked" in played.findings()[0][2]


def raw(text: bytes):
    return lambda me, token: me.write(text)


def test_what_must_not_appear_in_a_line_without_an_end(play):
    steps = ("set up", raw(b"ERROR: broken"), 0.8, raw(b""), "", "task {token} started")
    unended = (
        "set up",
        raw(b"ERROR: broken"),
        1.0,
        lambda me, token: me.err(f"task {token} started"),
    )
    target = NEVER.replace("^task", "task")
    for each in (steps, unended):
        (boot,) = play(serves(*each), target=target).result().boots
        assert boot.outcome == "forbidden"


def test_a_line_that_pauses_is_accepted_once(play):
    target = 'phases: {accepted: {line: accepted}, start: {line: "^task ${token} started"}}'
    steps = (raw(b"accepted"), 1.0, raw(b" by node 1\n"), "task {token} started")
    assert play(serves(*steps), target=target).one().outcome == "started"
    twice = (raw(b"accepted"), 1.0, raw(b"\n"), "accepted", "task {token} started")
    assert play(serves(*twice), target=target).result().boots[0].outcome == "lost"


def test_a_pattern_that_ends_with_the_end_of_its_line(play):
    for pattern in (r'"^task ${token} started\n"', '"^task ${token} started\\n"'):
        target = f"proof: {{line: {pattern}}}"
        assert play(serves(1.0, "task {token} started"), target=target).one().seconds == 1.0
