"""A boot is held on purpose: who is told of its failure, and did the hold hold?"""

from __future__ import annotations

import pytest

from pytest_bootgate.engines.base import Exit
from pytest_bootgate.engines.memory import Answer
from tests.loop.played import PHASES, serves
from tests.loop.test_proofs import CALLED, STUB

LOG = "signals: {log: {line: '^failed: (?P<text>.*)'}, done: {line: ^done, means: ok}}"
TARGET = f"{PHASES}\n  {LOG}"
PAUSE = "hold: pause, in: start"


def holds(how: str) -> str:
    return f"{{main: {{propagation: {{{how}}}}}}}"


@pytest.fixture
def held(play):
    """Play the test of a held boot; returns what was played and what was found."""

    def call(new, how=PAUSE, target=TARGET, **parts):
        played = play(new, target=target, targets=holds(how), **parts)
        try:
            return played, played.check("propagation")
        finally:
            played.close()

    return call


def heard(found) -> list[str]:
    return [told.name for told in found.stall.heard]


def words(found) -> str:
    return " | ".join(f"{finding.verdict}: {finding.text}" for finding in found.findings)


#: Gives up 10 s after the trigger, by its own clock, and says so.
TELLS = serves(0.5, "set up", 9.5, "failed: timed out")


def test_it_tells(held):
    played, found = held(TELLS)
    assert (found.verdict, heard(found), words(found)) == ("pass", ["log"], "")
    stall = found.stall
    assert (stall.began, stall.ended, stall.timeout) == (0.5, 12.5, 10.0)
    assert stall.heard[0].at == 12.5
    assert stall.evidence == "the engine reported paused every 1 s"
    assert (stall.boot.held, stall.boot.warm_up) == ("pause", True)
    assert {told.name for told in stall.silent} == {
        "answer to the trigger",
        "exit of the gateway",
    }
    assert "failure_reported" in played.kinds()
    (verdict,) = [event for event in played.events if event.kind == "verdict_given"]
    assert verdict.verdict == "pass"


def test_it_tells_nobody(held):
    _, found = held(serves(0.5, "set up", 4, "task {token} started"))
    assert (found.verdict, heard(found)) == ("fail", [])
    assert words(found) == (
        "fail: not reported: the boot was held past its timeout, and no signal reported it"
    )
    assert found.stall.proof == 12.5


def test_it_says_ok_while_it_is_held(held):
    """What runs outside of what is held may lie."""

    def liar(me, token):
        me.clock.at(me.clock.now() + 3, lambda: me.out("done"))

    _, found = held(serves(0.5, "set up", liar, 9.5, "failed: timed out"))
    assert found.verdict == "fail"
    assert words(found) == "fail: done reported ok 3.5 s after the trigger, while the boot was held"


def test_it_ends(held):
    _, found = held(serves(0.5, "set up", 9.5, Exit(1)))
    assert (found.verdict, heard(found)) == ("pass", ["exit of the gateway"])


def test_it_starts_while_it_is_paused(held):
    """Then what boots the task is not what was paused."""

    def elsewhere(me, token):
        me.clock.at(me.clock.now() + 3, lambda: me.out(f"task {token} started"))

    _, found = held(serves(0.5, "set up", elsewhere, 60))
    assert found.verdict == "error"
    assert "the hold failed: the task started 3.0 s after it began" in words(found)


def test_the_engine_says_that_it_is_not_paused(held, play):
    def unfreeze(me, token):
        me.clock.at(me.clock.now() + 3, lambda: setattr(hold(), "says", ""))

    def hold():
        return box[0].engine.places[0].units[-1].hold

    box = []
    played = play(serves(0.5, "set up", unfreeze, 60), target=TARGET, targets=holds(PAUSE))
    box.append(played)
    found = played.check("propagation")
    played.close()
    assert found.verdict == "error"
    assert "the hold failed: the engine reports that the gateway is not held" in words(found)


@pytest.mark.parametrize(
    ("steps", "how", "why"),
    [
        ((20,), PAUSE, "start was not reached within 10 s"),
        (
            (0.5, "set up", 0.1, "task {token} started"),
            f"{PAUSE}, after: 1s",
            "the task started before the hold",
        ),
        (("failed: no model",), PAUSE, "the boot failed before the hold: log: no model"),
        ((0.2, Exit(3)), PAUSE, "the gateway exited with 3 before the hold"),
        ((0.2, "set up", 5), "hold: pause, in: setup, after: 1s", "setup ended before the hold"),
    ],
)
def test_it_could_not_be_held(held, steps, how, why):
    _, found = held(serves(*steps), how)
    assert found.verdict == "error"
    assert words(found) == f"error: the boot could not be held: {why}"


def test_a_trigger_that_is_refused(held):
    _, found = held(serves(answer=Answer(500, "no")))
    assert words(found) == ("error: the boot could not be held: the trigger was rejected: 500 no")


def test_one_that_is_never_ready(held):
    _, found = held(serves(ready="hm"))
    assert found.verdict == "error"
    assert "the gateway was not ready after 10 s" in words(found)


def test_the_gateway_vanishes_while_it_is_held(held):
    def vanish(me, token):
        me.clock.at(me.clock.now() + 3, lambda: me.end(Exit(None, gone=True)))

    _, found = held(serves(0.5, "set up", vanish, 60))
    assert found.verdict == "error"
    assert "was removed from outside the gate while it was paused" in words(found)


def test_starved(held):
    _, found = held(TELLS, "hold: starve, in: start")
    assert (found.verdict, heard(found)) == ("pass", ["log"])
    assert found.stall.evidence == "the engine reported starved every 1 s"


def with_a_runner(*afterwards, words="python runner.py"):
    """The task is a process of its own; the gateway looks after it twice a second."""

    def gateway(me):
        runners = []

        def take(request):
            me.mail.put(request.body)
            return Answer(202)

        me.fork("python a helper.py", _sleeps)
        yield 0.5
        me.listen(8080, take)
        me.out("ready")
        yield me.mail
        runners.append(me.fork(words, _sleeps))
        me.out("set up")
        while runners[0].exit is None:
            yield 0.5
        me.out(*afterwards)
        yield 1e6

    return gateway


def _sleeps(me):
    yield 1e6


KILL = "hold: kill, in: start, after: 1s"


def test_a_killed_runner_is_told(held):
    _, found = held(with_a_runner("failed: runner gone"), KILL)
    assert (found.verdict, heard(found)) == ("pass", ["log"])
    assert found.stall.evidence == "killed 1 of the gateway's processes: python runner.py"
    assert found.stall.late(found.stall.heard[0]) < 1


def test_a_killed_runner_that_nobody_misses(held):
    _, found = held(with_a_runner("hm"), KILL)
    assert (found.verdict, heard(found)) == ("fail", [])


def test_a_runner_by_its_command_line(held):
    _, found = held(with_a_runner("failed: gone"), f"{KILL}, runner: 'runner\\.py$'")
    assert heard(found) == ["log"]
    _, found = held(with_a_runner("failed: gone"), f"{KILL}, runner: no such")
    assert "no process below the gateway matches `no such` (there: python a helper.py; " in (
        words(found)
    )


def test_there_is_no_runner(held):
    _, found = held(serves("set up", 20), KILL)
    assert "had started no process since the trigger" in words(found)


MUTE = f"{CALLED}\n  {LOG}"


def unanswered(*afterwards):
    """A task that asks the stub, waits 10 s for its answer and then says something."""

    def ask(me, token):
        assert me.call(8099, "/v1", body=token) is None

    return serves(0.5, ask, 10.0, *afterwards)


def test_a_request_that_is_never_answered_is_told(held):
    _, found = held(unanswered("failed: no answer"), "hold: mute", MUTE, more=STUB)
    assert (found.verdict, heard(found)) == ("pass", ["log"])
    assert (found.stall.began, found.stall.holds_task) == (0.5, True)


def test_a_request_that_is_never_answered_and_nobody_is_told(held):
    _, found = held(unanswered("hm"), "hold: mute", MUTE, more=STUB)
    assert (found.verdict, heard(found)) == ("fail", [])
    assert (
        words(found)
        == "fail: not reported: the task never got an answer, and no signal reported it"
    )


def test_nobody_asks_the_stub(held):
    _, found = held(serves(20), "hold: mute", MUTE, more=STUB)
    assert words(found).endswith("could not be held: the stub was not called within 10 s")


HEALTH = 'health: {http: ":8080/healthz"}'


def ill_after(seconds):
    def gateway(me):
        state = [Answer(200)]

        def answer(request):
            if request.path == "/healthz":
                return state[0]
            me.mail.put(request.body)
            return Answer(202)

        yield 0.5
        me.listen(8080, answer)
        me.out("ready")
        yield me.mail
        me.out("set up")
        yield seconds
        state[0] = Answer(503, "stuck")
        yield 1e6

    return gateway


def test_health_that_turns_red_is_heard(held):
    _, found = held(ill_after(11), gateway=HEALTH)
    assert (found.verdict, heard(found)) == ("pass", ["/healthz"])
    assert found.stall.heard[0].text == "503 Service Unavailable: stuck"


def test_health_that_was_never_green_tells_nothing(held):
    _played, found = held(_ill, gateway=HEALTH)
    assert (found.verdict, heard(found)) == ("fail", [])
    (health,) = [told for told in found.stall.signals if told.name == "/healthz"]
    assert health.text == "it was not green before the trigger either"


def _ill(me):
    yield 0.5
    me.listen(8080, lambda request: Answer(503 if request.path == "/healthz" else 202))
    me.out("ready")
    yield 1
    while True:
        yield 1
        me.out("set up")


def test_the_command_that_triggers_may_tell(held):
    def run(me):
        yield 11
        return 1

    def gateway(me):
        yield 0.5
        me.out("ready")
        yield 1
        me.out("set up")
        yield 1e6

    _, found = held(gateway, trigger='{exec: [run, "${token}"]}', programs={"run": run})
    assert (found.verdict, heard(found)) == ("pass", ["exit status of the trigger"])


def test_an_interruption_lets_go(play):
    def interrupt(event):
        if event.kind == "phase_reached":
            raise KeyboardInterrupt

    played = play(TELLS, target=TARGET, targets=holds(PAUSE), on_event=interrupt)
    with pytest.raises(KeyboardInterrupt):
        played.check("propagation")
    played.close()
    (found,) = played.gate.outcome().checks
    assert found.verdict == "error"
    assert found.error == (
        "Interrupted in the 1st boot of the propagation test of main, so it was not judged."
    )


def test_an_engine_that_cannot_pause(play):
    def down(me, token):
        played.engine.down = "No such container."

    played = play(serves(0.5, down, "set up", 20), target=TARGET, targets=holds(PAUSE))
    found = played.check("propagation")
    played.close()
    assert (found.verdict, found.error) == ("error", "No such container.")


def test_a_lost_boot_is_held_anew_and_told(held, losing):
    losing("node1 was switched off")
    _, found = held(TELLS)
    assert (found.verdict, found.error) == ("pass", None)
    assert "a boot was lost and repeated: node1 was switched off" in found.stall.boot.notes


def test_too_many_lost_boots(held, losing):
    losing(*["node1 was switched off"] * 4)
    _, found = held(TELLS)
    assert found.error.startswith("4 boots were lost, none of them by the fault of a release:")
