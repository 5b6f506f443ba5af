from __future__ import annotations

from pytest_bootgate.gatefile import load
from pytest_bootgate.gatefile.digest import measures

GATE = """\
releases: {candidate: {image: "app:2"}}
target: {timeout: 9s, phases: {up: {line: up}}}
targets: {isolated: {phases: {up: {line: up}}}}
"""


def test_limits_do_not_change_what_is_measured(tmp_path):
    digests = []
    for probe in ("{line: up}", "{line: up, limit: 5s, deadline: 6s}", "{line: ready}"):
        path = tmp_path / "bootgate.yaml"
        path.write_text(GATE.replace("{line: up}", probe))
        digests.append(measures(load(path)))
    assert digests[0] == digests[1] != digests[2]


def test_a_propagation_test_does_not_change_what_is_measured(tmp_path):
    path = tmp_path / "bootgate.yaml"
    digests = []
    for more in ("", ", propagation: {hold: pause}"):
        path.write_text(GATE.replace("{line: up}}}}", "{line: up}}" + more + "}}"))
        digests.append(measures(load(path)))
    assert digests[0] == digests[1]


def test_a_key_that_came_later_changes_no_digest(tmp_path):
    """Else all recorded baselines of all users would be void. This one is of version 0.2."""
    path = tmp_path / "bootgate.yaml"
    path.write_text(GATE)
    assert measures(load(path)) == "20f0731727bd8347"
