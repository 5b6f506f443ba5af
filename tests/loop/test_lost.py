"""Boots whose machine went away: made again, told, and never too often."""

from __future__ import annotations

from pytest_bootgate.run.lost import MOST_LOST
from tests.loop.played import serves


def test_a_lost_boot_is_made_again_and_told(play, losing):
    losing("node1 was switched off")
    played = play(serves(), boots="2")
    first, *others = played.result().boots
    assert first.outcome == "started"
    assert first.notes == ("a boot was lost and repeated: node1 was switched off",)
    assert not [note for boot in others for note in boot.notes]
    assert [e.outcome for e in played.events if e.kind == "boot_failed"] == ["lost"]


def test_a_gate_that_loses_too_many_is_an_error(play, losing):
    whys = [f"node{number} was switched off" for number in range(MOST_LOST + 1)]
    losing(*whys)
    played = play(serves(), boots="2")
    result = played.result()
    assert result.verdict == "error"
    assert result.error.startswith("4 boots were lost, none of them by the fault of a release:")
    assert "; ".join(whys) in result.error


def test_as_many_as_may_be(play, losing):
    losing(*["the network broke"] * MOST_LOST)
    played = play(serves(), boots="2")
    result = played.result()
    assert result.verdict == "warn"  # two boots are few
    assert len(result.boots[0].notes) == MOST_LOST
