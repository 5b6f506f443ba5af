"""What a gate writes of its run fits the schemas that ``bootgate schema`` prints."""

from __future__ import annotations

from pytest_bootgate.engines.base import Exit
from tests.loop.played import serves
from tests.records.test_schema import mistakes


def test_a_gate_that_boots(play) -> None:
    """Both releases, a boot that fails with its tails and signals, and one that was held."""
    propagation = "{main: {propagation: {hold: pause, in: setup}}}"
    played = play(serves(0.5, "set up", Exit(3)), serves(), targets=propagation)
    for one in played.gate.plan.checks:
        played.gate.check(one)
    result = played.gate.outcome()
    played.close()
    assert {boot.outcome for found in result.checks for boot in found.boots} > {"started"}
    assert mistakes(result) == []
