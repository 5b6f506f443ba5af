"""The words for how a boot ends, each from what was seen of it."""

from __future__ import annotations

import json

import pytest

from pytest_bootgate.engines.base import Exit
from pytest_bootgate.gatefile.model import PhaseProbe, Signal
from pytest_bootgate.observe.lines import LeftOut, Line
from pytest_bootgate.observe.observation import Observation
from pytest_bootgate.observe.outcome import Ending, Stall, outcome_of
from pytest_bootgate.observe.sighting import sighting
from pytest_bootgate.probes.line import Line as LineProbe
from pytest_bootgate.probes.stub import Stub

TIMEOUT = 60.0
STALL = [Stall("the gate itself", 1.0, 8.5)]
#: What came faster than it could be looked at, from the first second on.
GAP = {"gateway.out": LeftOut(1.0, 2_500_000, 9)}
SIGNALS = {
    "run log": Signal(LineProbe("run failed: (?P<text>.*)")),
    "events": Signal(LineProbe("run ok"), means="ok"),
}


def seen(**lines_at: float) -> Observation:
    observation = Observation({"task_started": PhaseProbe(Stub(True))}, SIGNALS, {}, {}, token=True)
    observation.trigger_at = 0.0
    ring = json.dumps({"event": "called", "path": "/", "token": True})
    texts = {
        "ring": Line("sidecar.out", 0.0, ring),
        "ok": Line("gateway.out", 0.0, "run ok"),
        "failed": Line("gateway.out", 0.0, "run failed: no model"),
        "timed_out": Line("gateway.out", 0.0, "run failed: setup timed out"),
    }
    for name, at in lines_at.items():
        line = texts[name]
        observation.see(sighting(Line(line.stream, at, line.text)))
    return observation


@pytest.mark.parametrize(
    ("lines", "ending", "outcome", "detail"),
    [
        ({"ring": 2.0}, {"proof": 2.0}, "started", ""),
        ({"ring": 60.0}, {"proof": 60.0}, "started", ""),
        ({"ring": 60.1}, {"proof": 60.1}, "timed_out", "the proof came 60.1 s"),
        ({}, {}, "timed_out", "no proof within 60 s"),
        ({"ok": 0.01}, {}, "false_ok", "events reported ok"),
        ({"ok": 0.01, "ring": 70.0}, {"proof": 70.0}, "timed_out", "the proof came 70.0 s"),
        ({"failed": 3.0}, {"at": 3.0}, "reported_error", "run log reported: no model"),
        ({"timed_out": 3.0}, {"at": 3.0}, "timed_out", "run log reported: setup timed out"),
        ({"failed": 69.0}, {}, "timed_out", "no proof within 60 s"),
        ({"failed": 3.0, "ring": 4.0}, {"proof": 4.0}, "started", ""),
        ({}, {"refused": "503"}, "not_accepted", "503"),
        ({}, {"exited": Exit(3)}, "crashed", "exited with 3"),
        ({}, {"exited": Exit(0)}, "silent_exit", "exited with 0"),
        ({}, {"exited": Exit(137, oom=True)}, "oom_killed", "OOM-killed"),
        ({}, {"exited": Exit(0, oom=True)}, "oom_killed", "OOM-killed"),
        ({}, {"exited": Exit(None, gone=True)}, "lost", "removed from outside the gate"),
        ({"ok": 1.0}, {"exited": Exit(0)}, "silent_exit", "exited with 0"),
        (
            {"ring": 2.0},
            {"proof": 2.0, "reopened": "port 80 was reopened"},
            "crashed",
            "anyway",
        ),
        ({}, {"reopened": "port 80 was reopened"}, "crashed", "restarted by itself: port 80"),
        ({}, {"reopened": "port 80 is shut", "exited": Exit(3)}, "crashed", "exited with 3"),
        ({}, {"oom_kills": 2}, "oom_killed", "lost 2 processes to the OOM killer"),
        ({"ring": 70.0}, {"proof": 70.0, "oom_kills": 1}, "timed_out", "the proof came 70.0 s"),
        ({"ring": 2.0}, {"proof": 2.0, "oom_kills": 1}, "started", ""),
        (
            {},
            {"exited": Exit(0, oom=True)},
            "oom_killed",
            "exited with 0 after one of its processes",
        ),
        ({}, {"not_ready": "the gateway was not ready"}, "timed_out", "was not ready"),
        ({"ring": 2.0}, {"proof": 2.0, "left_out": GAP}, "lost", "2.5 MB (9 lines) of gateway.out"),
        ({"ring": 0.5}, {"proof": 0.5, "left_out": GAP}, "started", ""),
        ({}, {"left_out": GAP}, "lost", "a mark may be in the output that was dropped"),
        ({}, {"exited": Exit(3), "left_out": GAP}, "lost", "a mark may be in the output"),
        ({"ring": 9.0}, {"proof": 9.0, "stalls": STALL}, "lost", "was stalled for 7.5 s"),
        ({"ring": 0.5}, {"proof": 0.5, "stalls": STALL}, "started", ""),
        (
            {"ring": 2.0},
            {"proof": 2.0, "stalls": [Stall("the gate", -9, -1)]},
            "started",
            "",
        ),
        ({}, {"stalls": STALL}, "lost", "the gate itself was stalled"),
        ({}, {"exited": Exit(3), "stalls": STALL}, "crashed", "exited with 3"),
    ],
)
def test_outcome(lines, ending, outcome, detail):
    ended = Ending(**{"at": TIMEOUT, "timeout": TIMEOUT, **ending})
    word, said = outcome_of(seen(**lines), ended, triggered=True)
    assert word == outcome
    assert detail in said


def observed(*lines: tuple[float, str], standing: str = "") -> Observation:
    """A boot of two phases and a proof, by what the gateway printed and when."""
    phases = {name: PhaseProbe(LineProbe(name)) for name in ("accepted", "setup")}
    observation = Observation({**phases, "task": PhaseProbe(Stub(True))}, {}, {}, {}, token=True)
    if standing:
        observation.stands(standing)
    observation.trigger_at = 0.0
    for at, text in lines:
        observation.see(sighting(Line("gateway.out", at, text)))
    ring = json.dumps({"event": "called", "path": "/", "token": True})
    observation.see(sighting(Line("sidecar.out", 2.0, ring)))
    return observation


FLUSHED = [(1.9, "2026-11-25T02:30:00.1Z accepted"), (1.9, "2026-11-25T02:30:01.9Z setup")]


@pytest.mark.parametrize(
    ("seen", "why"),
    [
        (observed((0.1, "accepted"), (1.0, "setup")), ""),
        (observed((0.1, "accepted"), standing="setup"), "setup was there before the trigger"),
        (observed((0.1, "accepted"), (0.5, "accepted"), (1.0, "setup")), "0.100 s and 0.500 s"),
        (observed((0.1, "setup"), (1.0, "accepted")), ""),  # answered when the run was under way
        (observed(*FLUSHED), "the line of accepted was written 1.80 s before it arrived"),
    ],
)
def test_marks_that_prove_nothing_are_no_start(seen, why):
    started = Ending(at=2.0, timeout=TIMEOUT, proof=2.0)
    word, said = outcome_of(seen, started, triggered=True)
    assert (word, why in said) == ("lost" if why else "started", True)
    late = Ending(at=TIMEOUT, timeout=TIMEOUT, proof=61.0)
    assert outcome_of(seen, late, triggered=True)[0] == "timed_out"


def test_a_clock_that_was_moved_says_nothing_about_lines():
    started = Ending(at=2.0, timeout=TIMEOUT, proof=2.0, clock=-3600.0)
    assert outcome_of(observed(*FLUSHED), started, triggered=True) == ("started", "")
    assert not Ending(at=2.0, timeout=TIMEOUT, clock=1.0).clock_moved  # a leap second
