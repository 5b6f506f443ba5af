"""A proof in time, too late, before its trigger, without its token; marks in and out of order."""

from __future__ import annotations

import pytest

from pytest_bootgate.engines.memory import Answer
from pytest_bootgate.engines.memory.clock import MemoryClock
from tests.loop.played import PHASES, serves

STUB = 'ports: {stub: 8099}\nsidecar: {stub: {port: "${port.stub}", reply: {body: hi}}}'
CALLED = "proof: {stub: true}"


def calls(body: str = "{token}", path: str = "/v1"):
    def step(me, token):
        answer = me.call(8099, path, body=body.format(token=token))
        me.out(f"answered {answer}")

    return step


# -- lines -------------------------------------------------------------------------------------


def test_in_time(play):
    boot = play(serves(9.9, "set up", "task {token} started")).one()
    assert (boot.outcome, boot.seconds) == ("started", pytest.approx(9.9))


def test_at_the_last_instant(play):
    boot = play(serves(10.0, "set up", "task {token} started")).one()
    assert (boot.outcome, boot.seconds) == ("started", 10.0)


def test_too_late(play):
    played = play(serves(0.5, "set up", 10.5, "task {token} started"))
    result = played.result()
    (boot,) = result.boots
    assert (result.verdict, boot.outcome, boot.seconds) == ("fail", "timed_out", None)
    assert boot.detail == "no proof within 10 s"
    assert "boot_succeeded" not in played.kinds(boot)


def test_too_late_while_the_gate_still_listens_for_a_report(play):
    told = f"{PHASES}\n  signals: {{log: {{line: failed}}}}"
    played = play(serves(0.5, "set up", 10.5, "task {token} started"), target=told)
    result = played.result()
    (boot,) = result.boots
    assert (result.verdict, boot.outcome, boot.seconds) == ("fail", "timed_out", None)
    assert boot.detail == "the proof came 11.0 s after the trigger, the timeout is 10 s"
    assert "boot_succeeded" not in played.kinds(boot)


def test_far_too_late(play):
    boot = play(serves(0.5, "set up", 60, "task {token} started")).one()
    assert (boot.outcome, boot.detail) == ("timed_out", "no proof within 10 s")


def test_before_the_trigger(play):
    """What was printed before belongs to another boot, or to none."""
    played = play(
        serves(1.0, before=("set up", "task begins")),
        target="phases: {setup: {line: set up}, start: {line: task begins}}",
    )
    boot = played.one()
    assert (boot.outcome, boot.phase("setup").at) == ("timed_out", None)


def test_with_the_token_of_another_boot(play):
    boot = play(serves("set up", 1.0, "task bootgate0123 started")).one()
    assert boot.outcome == "timed_out"
    assert boot.nearest["start"] == ("task bootgate0123 started",)


def test_on_standard_error(play):
    steps = ("set up", 1.0, lambda me, token: me.err(f"task {token} started"))
    assert play(serves(*steps)).one().seconds == 1.0


def test_a_line_in_two_pieces_counts_when_it_is_complete(play):
    def halves(me, token):
        me.write(b"task " + token.encode())

    steps = ("set up", 1.0, halves, 1.0, lambda me, token: me.write(b" started\n"))
    assert play(serves(*steps)).one().seconds == 2.0


def raw(*pieces: bytes):
    """A step that writes bytes as they are."""

    def step(me, token):
        for piece in pieces:
            me.write(piece.replace(b"TOKEN", token.encode()))

    return step


def test_a_prompt(play):
    """It has the time at which it came, not the one at which the gate gave up on its end."""
    target = 'proof: {line: "^box login: $"}'
    boot = play(serves(1.0, raw(b"box login: ")), target=target).one()
    assert (boot.outcome, boot.seconds) == ("started", 1.0)


def test_a_beginning_is_no_signal_and_no_version(play):
    """What it goes on to say may matter."""
    target = f"{PHASES}\n  signals: {{log: {{line: '^job (?P<text>.*)'}}}}"
    rest = (raw(b"version 1.2"), 1.0, raw(b".3\n"), "set up", raw(b"job fail"), 1.0)
    boot = play(
        serves(*rest, raw(b"ed\n"), "task {token} started"),
        target=target,
        gateway="version: {line: 'version (?P<version>[0-9.]+)'}",
        releases="{candidate: {image: new}}",
    ).one()
    assert boot.version in (None, "1.2.3")
    assert [signal.text for signal in boot.signals] == ["failed"]


def test_a_coloured_line(play):
    target = 'proof: {line: "^INFO task ${token} started$"}'
    colours = raw(b"\x1b[32mINFO\x1b[0m task TOKEN \x1b[1mstarted\x1b[0m\r\n")
    assert play(serves(1.0, colours), target=target).one().seconds == 1.0


def test_a_progress_bar(play):
    target = "phases: {loaded: {line: ^loading 100%$}, start: {line: ^task}}"
    bar = (raw(b"\rloading 99%"), 1.0, raw(b"\rloading 100%"), 1.0, raw(b"\rtask\n"))
    boot = play(serves(*bar), target=target).one()
    assert (boot.outcome, boot.phase("loaded").at, boot.seconds) == ("started", 1.0, 2.0)


BANNER = r'proof: {line: "^=+\n *task ${token}\n=+$"}'


def test_several_lines(play):
    banner = ("=====", 0.5, "  task {token}", 0.5, "=====")
    assert play(serves(*banner), target=BANNER).one().seconds == 1.0


def test_several_lines_with_another_among_them(play):
    banner = ("=====", "  task {token}", "something else", "=====")
    assert play(serves(*banner), target=BANNER).one().outcome == "timed_out"


def test_several_lines_end_in_this_boot(play):
    target = r'proof: {line: "^up\n?"}'
    boot = play(serves(1.0, "something else", before=("first", "up")), target=target).one()
    assert boot.outcome == "timed_out"


# -- marks -------------------------------------------------------------------------------------


def test_a_proof_without_the_mark_before_it(play):
    played = play(serves(1.0, "task {token} started"))
    result = played.result()
    (boot,) = result.boots
    assert result.verdict == "error"
    assert (boot.outcome, boot.phase("setup").at) == ("started", None)
    assert result.judgement.has("unseen")
    (found,) = played.findings()
    assert found[:2] == ("error", "setup")
    assert found[2].startswith("no boot showed the mark of this phase, although 1 boot started")


def test_a_mark_that_may_be_missing(play):
    played = play(
        serves(1.0, "task {token} started"),
        target='phases: {setup: {line: ^set up, optional: true}, start: {line: "task ${token}"}}',
    )
    assert played.result().verdict == "pass"


def test_marks_out_of_order(play):
    played = play(serves(1.0, "task {token} started", 0.2, "set up"))
    result = played.result()
    (boot,) = result.boots
    assert (result.verdict, boot.outcome) == ("error", "lost")
    assert boot.detail == (
        "marks out of order: setup was seen 0.200 s after start, which the gate file lists later"
    )


@pytest.mark.parametrize("optional", ["false", "true"])
def test_a_trigger_that_is_answered_when_its_run_is_over(play, optional):
    """Its answer ends no phase; the proof has the token, so it is that of this boot."""
    accepted = f"accepted: {{line: ^over, optional: {optional}}}"
    phases = f'{accepted}, setup: {{line: ^set up}}, start: {{line: "task ${{token}}"}}'
    steps = (0.5, "set up", 1.0, "task {token} started", 0.3, "over")
    played = play(serves(*steps), target=f"phases: {{{phases}}}")
    result = played.result()
    (boot,) = result.boots
    assert (result.verdict, boot.outcome, boot.seconds) == ("pass", "started", 1.5)
    assert [phase.seconds for phase in boot.phases] == [None, 0.5, 1.0]


def test_an_answer_after_a_proof_of_no_certain_boot(play):
    phases = "phases: {accepted: {line: ^over}, start: {line: ^task}}"
    steps = (1.0, "task {token} started", 0.3, "over")
    played = play(serves(*steps), target=phases, trigger='{http: ":8080/run"}')
    boot = played.result().boots[0]
    assert (boot.outcome, boot.detail[:38]) == ("lost", "marks out of order: accepted was seen ")


def test_marks_that_two_streams_may_bring_in_the_wrong_order(play):
    played = play(serves(1.0, "task {token} started", 0.04, "set up"))
    result = played.result()
    (boot,) = result.boots
    assert (result.verdict, boot.outcome) == ("pass", "started")
    assert boot.phase("setup").at == boot.phase("start").at == 1.0


@pytest.mark.parametrize("late", [0.2, 0.6])
def test_a_busy_machine_excuses_a_wrong_order_a_little_and_then_the_boot_is_repeated(
    play, monkeypatch, late
):
    monkeypatch.setattr(MemoryClock, "run_delay", lambda clock, _: clock.now())  # all the time
    played = play(serves(1.0, "task {token} started", late, lambda me, token: me.err("set up")))
    result = played.result()
    if late < 0.3:
        assert [boot.outcome for boot in result.boots] == ["started"]
        return
    assert [boot.outcome for boot in result.boots] == ["lost", "lost", "lost"]
    assert "marks out of order: setup was seen 0.600 s after start" in result.boots[0].detail
    assert " s for a CPU meanwhile)" in result.boots[0].detail
    assert result.verdict == "error"


def test_a_phase_that_takes_longer_than_its_limit(play):
    played = play(
        serves(2.0, "set up", 1.0, "task {token} started"),
        target='phases: {setup: {line: set up, limit: 1s}, start: {line: "task ${token}"}}',
    )
    assert played.result().verdict == "fail"
    ((verdict, _, text),) = [f for f in played.findings() if f[1] == "setup"]
    assert verdict == "fail"
    assert text.startswith("limit 1 s: ")


def test_a_phase_that_ends_after_its_deadline(play):
    played = play(
        serves(2.0, "set up", 1.0, "task {token} started"),
        target='phases: {setup: {line: set up}, start: {line: "task ${token}", deadline: 2500ms}}',
    )
    assert played.result().verdict == "fail"
    assert [text for _, subject, text in played.findings() if subject == "start"]


# -- files -------------------------------------------------------------------------------------


def writes(path: str, text: str = "task {token}"):
    return lambda me, token: me.log(path.format(dir=me.dir, token=token), text.format(token=token))


LOG = 'proof: {file: "${dir}/run.log", line: "task ${token}"}'


def test_a_line_in_a_file(play):
    boot = play(serves(2.0, writes("{dir}/run.log")), target=LOG).one()
    assert (boot.outcome, boot.seconds) == ("started", 2.0)


def test_a_line_in_another_file(play):
    boot = play(serves(2.0, writes("{dir}/other.log")), target=LOG).one()
    assert boot.outcome == "timed_out"


def test_a_file_of_a_pattern(play):
    target = 'proof: {file: "${dir}/runs/*.log", line: "task ${token}"}'
    boot = play(serves(2.0, writes("{dir}/runs/7.log")), target=target).one()
    assert (boot.outcome, boot.seconds) == ("started", 2.0)


FILE = 'proof: {file: "${dir}/${token}.pid"}'


def test_a_file_that_appears(play):
    boot = play(serves(2.0, writes("{dir}/{token}.pid")), target=FILE).one()
    assert (boot.outcome, boot.seconds) == ("started", 2.0)


def test_a_file_that_does_not(play):
    boot = play(serves(2.0), target=FILE).one()
    assert boot.outcome == "timed_out"
    assert boot.detail == "no proof within 10 s; ${dir}/${token}.pid: no such file"


def test_a_file_that_was_there_before_the_trigger(play):
    played = play(
        serves(2.0, before=(writes("{dir}/up.pid", "x"),)),
        target='phases: {setup: {file: "${dir}/up.pid"}, start: {line: "${token}"}}',
    )
    result = played.result()
    assert result.verdict == "fail"
    boot = result.boots[0]
    assert "was there before the trigger" in " ".join([boot.detail, *boot.notes])


# -- endpoints ---------------------------------------------------------------------------------


def answers(*by_path: tuple[str, Answer]):
    """A step from which on the gateway answers these paths below the token's."""

    def step(me, token):
        known = {path.format(token=token): answer for path, answer in by_path}
        me.listen(8081, lambda request: known.get(request.path, Answer(404)))

    return step


RUN_STATE = 'proof: {http: ":8081/runs/${token}", json: {state: running}}'


def test_an_endpoint(play):
    running = answers(("/runs/{token}", Answer(200, '{"state": "running", "id": 7}')))
    boot = play(serves(2.0, running), target=RUN_STATE).one()
    assert (boot.outcome, boot.seconds) == ("started", 2.0)


def test_an_endpoint_that_answers_otherwise(play):
    queued = answers(("/runs/{token}", Answer(200, '{"state": "queued"}')))
    boot = play(serves(2.0, queued), target=RUN_STATE).one()
    assert boot.outcome == "timed_out"
    assert boot.detail.endswith('last answered 200 OK: {"state": "queued"}')
    assert boot.answers["start" if "start" in boot.answers else "proof"]


def test_a_port(play):
    target = "phases: {port: {tcp: ':8081'}, start: {line: 'task ${token}'}}"
    boot = play(serves(2.0, answers(), 1.0, "task {token}"), target=target).one()
    assert (boot.outcome, boot.phase("port").at) == ("started", 2.0)


# -- the stub ----------------------------------------------------------------------------------


def test_a_request_with_the_token(play):
    boot = play(serves(2.0, calls()), more=STUB, target=CALLED).one()
    assert (boot.outcome, boot.seconds) == ("started", 2.0)
    assert boot.tails["gateway.out"][-1] == "answered Answer(status=200, body='hi', after=0.0)"


def test_a_request_without_the_token(play):
    boot = play(serves(2.0, calls("poll")), more=STUB, target=CALLED).one()
    assert boot.outcome == "timed_out"
    assert boot.notes[0].startswith("the stub was called 2.0 s after the trigger, but without this")


def test_a_request_before_the_trigger(play):
    early = lambda me, token: calls("poll")(me, token)  # noqa: E731
    boot = play(serves(2.0, before=(early,)), more=STUB, target=CALLED).one()
    assert (boot.outcome, boot.notes) == ("timed_out", ())


def test_a_request_for_another_path(play):
    target = "proof: {stub: ^/v1/messages}"
    boot = play(serves(2.0, calls(path="/health")), more=STUB, target=target).one()
    assert boot.outcome == "timed_out"
    boot = play(serves(2.0, calls(path="/v1/messages")), more=STUB, target=target).one()
    assert boot.outcome == "started"


ASTRAY = "the stub was called at POST /done2, which '^/done$' does not match"


def test_requests_for_another_path_are_named(play):
    """Those with this boot's token first; those before the trigger, and to known paths, not."""
    target = "phases: {setup: {stub: ^/setup}, start: {stub: ^/done$}}"
    steps = (1.0, calls(path="/setup"), calls("poll", "/health"), calls(path="/done2"))
    boot = play(serves(*steps, before=(calls(path="/early"),)), more=STUB, target=target).one()
    both = ASTRAY.replace("/done2", "/done2 and POST /health")
    assert boot.nearest == {"start": (both,)}
    assert (boot.outcome, boot.detail) == ("timed_out", f"no proof within 10 s; {both}")


def test_a_report_of_ok_beside_a_request_for_another_path(play):
    target = "proof: {stub: ^/done$}\n  signals: {log: {line: finished, means: ok}}"
    steps = (1.0, calls(path="/done2"), "finished")
    boot = play(serves(*steps), more=STUB, target=target).one()
    no_proof = "log reported ok, but there is no proof that the task started"
    assert (boot.outcome, boot.detail) == ("false_ok", f"{no_proof}; {ASTRAY}")


def test_a_mark_that_is_missed_for_its_path_while_the_task_started(play):
    target = "phases: {setup: {stub: ^/done$}, start: {line: up}}"
    played = play(serves(1.0, calls(path="/done2"), "up"), more=STUB, target=target)
    played.result()
    assert played.findings()[0][2].endswith(f"(nearest: {ASTRAY!r})")


def test_a_request_that_comes_too_late(play):
    boot = play(serves(10.5, calls()), more=STUB, target=CALLED).one()
    assert (boot.outcome, boot.detail) == ("timed_out", "no proof within 10 s")


def test_the_last_boots_token_is_no_proof_of_the_next(play):
    """Warm: the first run calls only when the second one was asked for."""
    tokens = []

    def late(me, token):
        tokens.append(token)
        me.call(8099, "/v1", body=tokens[0])

    steps = {1: (1.0, calls()), 2: (1.0, late)}
    played = play(
        serves(by_boot=steps), more=STUB, target=f"start: warm\n  {CALLED}", rules="retries: 0"
    )
    tokens.append("bootgateffff")
    result = played.result()
    assert [boot.outcome for boot in result.boots] == ["started", "timed_out"]
    assert result.verdict == "fail"


@pytest.mark.parametrize("line", ["task started( ${token})?", "started|${token}"])
def test_a_line_of_another_boot_is_no_proof_where_the_token_may_be_left_out(play, line):
    """Warm: it was started, though nothing but a line without a token was ever printed."""
    steps = (0.5, "task started")
    target = f"start: warm\n  phases: {{start: {{line: '{line}'}}}}"
    result = play(serves(*steps), target=target).result()
    assert {boot.outcome for boot in result.boots} == {"timed_out"}
    good = play(serves(0.5, "task started {token}"), target=target).result()
    assert {boot.outcome for boot in good.boots} == {"started"}


# -- what the gate itself did not see ----------------------------------------------------------


def test_a_helper_that_stops_is_no_timeout(play):
    """No proof, but nobody would have seen one."""

    def gateway(me):
        yield 0.5
        me.listen(8080)
        me.out("ready")
        yield 1e6

    played = play(gateway, target=FILE, trigger='{exec: [run, "${token}"]}')

    def run(me):
        (helper,) = [u for u in played.engine.places[0].units if u._spec.role == "sidecar"]
        helper.hold.pause()
        return 0
        yield

    played.engine.programs["run"] = run
    result = played.result()
    assert result.verdict == "error"
    assert "but the sidecar has not answered for 10 s" in result.error


def test_the_gate_that_stood_still_saw_nothing(play):
    def stall(me, token):
        me.clock.stall(3)

    played = play(serves(1.0, stall, "set up", 1.0, "task {token} started"))
    result = played.result()
    assert [boot.outcome for boot in result.boots] == ["lost", "lost", "lost"]
    assert result.boots[0].detail.startswith("the gate itself was stalled for 3.")
    assert result.boots[0].stalled == pytest.approx(3.0, abs=0.2)
    assert result.verdict == "error"


def test_an_engine_that_stood_still(play):
    def slow(me, token):
        played.engine.slow = 4.0

    played = play(serves(1.0, slow, 3.0, "set up", 1.0, "task {token} started"))
    boot = played.result().boots[0]
    assert boot.outcome == "lost"


def test_a_clock_that_was_set_changes_no_duration(play):
    def set_clock(me, token):
        me.clock.set_wall(-3600)

    boot = play(serves(1.0, set_clock, "set up", 1.0, "task {token} started")).one()
    assert (boot.outcome, boot.seconds) == ("started", 2.0)
    assert boot.notes == (
        (
            "the wall clock was set back 3600 s during the boot; the times shown here do not depend"
            " on it"
        ),
    )


def test_more_than_can_be_looked_at(play):
    """What was left out may have held a mark."""

    def flood(me, token):
        for _ in range(70):
            me.write(b"x" * (1 << 20))

    boot = play(serves(1.0, flood, 1.0, "set up")).one()
    assert boot.outcome == "lost"
    assert boot.detail.startswith("a mark may be in the output that was dropped: ")


def test_a_line_of_the_proof_that_was_there_before_the_trigger_warns(play):
    """A scheduler that prints the same for other tasks."""
    ticks = ("task tick started",)
    target = "phases: {start: {line: ^task .* started}}"
    played = play(serves(before=ticks, start=0.5), target=target)
    assert played.result().verdict == "warn"
    ((_, _, text),) = [f for f in played.findings() if f[0] == "warn"]
    assert text == (
        "boot 1 started, but a line that its proof waits for was printed before the trigger as well"
        " (task tick started): put ${token} into trigger and proof"
    )
    assert play(serves(before=ticks, start=0.5)).result().verdict == "pass"
