"""The gateway's own start as a target: timed, judged and compared as all others."""

from __future__ import annotations

import pytest

from pytest_bootgate.errors import GateFileError
from tests.loop.played import serves


def both(played):
    """What was found of each target."""
    names = ["gateway", "main"]
    found = {name: played.gate.result("default", name) for name in names}
    played.close()
    return found


def test_a_gateway_that_starts_slower(play):
    """Behind a trigger nobody waits for it, and yet the upgrade made it ten times as slow."""
    played = play(serves(start=3.2), serves(start=0.3), gateway="timeout: 20s", boots="5..30")
    found = both(played)
    assert {name: one.verdict for name, one in found.items()} == {"gateway": "fail", "main": "pass"}
    assert found["gateway"].judgement.regression.verdict == "slower"
    assert found["gateway"].boots[-1].phases[0].name == "ready"


def test_a_gateway_near_its_timeout(play):
    played = play(serves(start=4.5), gateway="timeout: 5s")
    assert both(played)["gateway"].verdict == "fail"


def test_its_own_phases_and_stages(play):
    def plugins(me, token):
        me.out("startup trace: load:300.0ms", "plugins loaded")

    played = play(
        serves(before=(1.0, plugins)),
        gateway=(
            "timeout: 20s, stages: {startup: {line: ^startup trace}},"
            " phases: {plugins: {line: plugins loaded}, up: {line: ^ready}}"
        ),
    )
    found = both(played)["gateway"]
    (boot,) = [boot for boot in found.boots if not boot.warm_up]
    assert [(p.name, p.at) for p in boot.phases] == [("plugins", 1.0), ("up", 1.5)]
    assert [s.name for s in boot.stages] == ["load"]


def test_without_a_timeout_it_is_no_target(play):
    assert list(play().gate.plan.file.targets) == ["main"]


@pytest.mark.parametrize(
    ("gateway", "ready", "mistake"),
    [
        ("slower: 20%", "ready: {line: x}", "'slower' of the gateway is for its own start"),
        ("timeout: 5s", "command: [x]", "nothing shows that the gateway started"),
    ],
)
def test_mistakes(play, gateway, ready, mistake):
    with pytest.raises(GateFileError) as caught:
        play(gateway=gateway, ready=ready)
    assert mistake in caught.value.mistakes[0]


def test_a_target_of_its_name(play):
    with pytest.raises(GateFileError) as caught:
        play(gateway="timeout: 5s", targets="{gateway: {}}")
    assert "'gateway' stands for the gateway's own start" in caught.value.mistakes[0]
