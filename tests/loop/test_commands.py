"""Probes that are commands inside the gateway, or the health check of its image."""

from __future__ import annotations

import pytest

from pytest_bootgate.engines.base import Exit
from tests.loop.played import serves

READY = "proof: {exec: [is_ready]}"


def succeeds(at: float, says: str = "", takes: float = 0.1):
    """A command that takes so long, and succeeds so many seconds after its first run or later."""
    runs = []

    def command(me):
        runs.append(me.clock.now())
        began = runs[-1] - runs[0]
        if says:
            me.out("first line", says)
        yield takes
        return 0 if began >= at else 3

    return command


def starts(seconds: float, *lines: str, ends: int | None = None):
    """A system whose start is the boot; it goes on for so many seconds."""

    def system(me):
        me.out(*lines)
        yield seconds
        return ends

    return system


def test_a_command_that_succeeds(play):
    played = play(starts(3600), trigger="null", target=READY, programs={"is_ready": succeeds(2.0)})
    boot = played.one()
    assert boot.outcome == "started"
    assert 2.0 <= boot.seconds <= 2.5


def test_a_command_that_never_succeeds(play):
    played = play(
        starts(3600),
        trigger="null",
        target=READY,
        programs={"is_ready": succeeds(3600, "no response")},
    )
    boot = played.one()
    assert boot.outcome == "timed_out"
    assert boot.detail == "no proof within 10 s; its last answer was exit 3: no response"
    assert not [name for name in boot.tails if name.startswith("probe")]


def test_a_command_that_takes_long_counts_when_it_comes(play):
    played = play(
        starts(3600),
        trigger="null",
        target=READY,
        programs={"is_ready": succeeds(0.1, takes=6.0)},
    )
    assert played.one().seconds == pytest.approx(6.0, abs=0.1)


def test_a_command_that_takes_longer_than_its_patience(play):
    target = "proof: {exec: [is_ready], patience: 1s}"
    played = play(
        starts(3600),
        trigger="null",
        target=target,
        programs={"is_ready": succeeds(0.1, takes=6.0)},
    )
    boot = played.one()
    assert (boot.outcome, boot.answers) == ("timed_out", {"proof": "timed out"})


def test_a_system_that_ends_before_its_command_succeeds(play):
    played = play(
        starts(1.0, ends=4),
        trigger="null",
        target=READY,
        programs={"is_ready": succeeds(5.0)},
    )
    boot = played.one()
    assert boot.outcome == "crashed"


def test_a_command_that_is_not_there(play):
    """It may come later; until then it is told."""
    played = play(starts(3600), trigger="null", target=READY)
    (boot,) = played.result().boots
    assert boot.outcome == "timed_out"
    assert "cannot run `is_ready`: no such program" in boot.detail


def test_the_health_check_of_an_image(play):
    target = "proof: {healthcheck: true}"
    played = play(
        starts(3600), trigger="null", target=target, programs={"new-health": succeeds(1.0)}
    )
    assert 1.0 <= played.one().seconds <= 1.5


def test_ready_by_a_command(play):
    played = play(
        serves(start=1.0, ready=""),
        ready="ready: {exec: [is_ready]}",
        programs={"is_ready": succeeds(1.0)},
    )
    boot = played.one()
    assert boot.outcome == "started"
    assert 1.0 <= boot.ready <= 1.5


def test_never_ready_by_a_command(play):
    played = play(
        ready="ready: {exec: [is_ready]}", programs={"is_ready": succeeds(3600, "starting")}
    )
    (boot,) = played.result().boots
    assert boot.outcome == "not_ready" or not boot.started
    assert "its last answer was exit 3: starting" in boot.detail


def test_a_command_that_succeeds_before_the_trigger_proves_nothing(play):
    played = play(target=READY, programs={"is_ready": succeeds(0)})
    (boot,) = played.result().boots
    assert boot.outcome == "lost"
    assert boot.detail.startswith("the mark of proof was there before the trigger")


def test_a_command_after_the_trigger(play):
    def ran(me):
        yield 0.05
        return 0 if "/ran" in me.world.files else 1

    def run(me, token):
        me.log("/ran", token)

    played = play(serves(1.5, run), target=READY, programs={"is_ready": ran})
    boot = played.one()
    assert boot.outcome == "started"
    assert 1.5 <= boot.seconds <= 2.0


def test_a_gateway_that_ends_during_its_boot(play):
    played = play(serves(1.0, Exit(3)), target=READY, programs={"is_ready": succeeds(3600)})
    assert played.one().outcome == "crashed"


def test_health_by_a_command_that_is_not_well(play):
    """It answers, so the gateway may be triggered."""
    played = play(gateway="health: {exec: [well]}", programs={"well": succeeds(3600, "degraded")})
    assert played.one().outcome == "started"


def test_a_warm_gateway_needs_the_token(play):
    from pytest_bootgate.errors import GateFileError

    with pytest.raises(GateFileError) as caught:
        play(target=READY, targets="{main: {start: warm}}")
    (mistake,) = caught.value.mistakes
    assert "put ${token} into 'exec', or write start: cold" in mistake


def test_a_signal_by_a_command(play):
    target = "proof: {line: never}\n  signals: {alarm: {exec: [alarmed]}}"
    played = play(serves(60.0), target=target, programs={"alarmed": succeeds(3.0)})
    (boot,) = played.result().boots
    (signal,) = boot.signals
    assert 3.0 <= signal.at <= 3.6
    assert signal.text == "its probe succeeded"
