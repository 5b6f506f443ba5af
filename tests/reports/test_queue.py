"""Words for a gate that waits for a machine elsewhere."""

from __future__ import annotations

from pytest_bootgate.engines.machines import Held
from pytest_bootgate.reports.queue import WaitingLog, waiting_words
from pytest_bootgate.run.turn import Waiting

HELD = (Held("node1", "5af1", "ci@runner3", 130.0), Held("node2", "\x1b[31m6b02"))


def test_who_has_which_node():
    assert waiting_words(Waiting(20.0, 1, machines=HELD)) == (
        "waiting for a node, 20 s so far: other gates have node1 (run 5af1 of ci@runner3 for 2"
        " min), node2 (run 6b02)"
    )


def test_a_log_has_a_line_at_once_and_one_at_the_end():
    log = WaitingLog()
    first = log.line(Waiting(0.0, 1, machines=HELD))
    assert first.startswith("bootgate: waiting for a node: other gates have node1 (")
    assert log.line(Waiting(0.5, 1, machines=HELD)) is None
    assert log.line(Waiting(30.0, 0)) == "bootgate: waited 30 s; this gate runs now"
