"""Recorded lines in, marks and phases out."""

from __future__ import annotations

import json

import pytest

from pytest_bootgate.gatefile.model import PhaseProbe, Signal, StageProbe
from pytest_bootgate.observe.lines import Line
from pytest_bootgate.observe.observation import (
    Observation,
)
from pytest_bootgate.observe.phases import phases_of
from pytest_bootgate.observe.sighting import sighting
from pytest_bootgate.observe.sound import held_up, unsound
from pytest_bootgate.probes.http import Http
from pytest_bootgate.probes.line import Line as LineProbe
from pytest_bootgate.probes.stub import Stub

TRIGGER = 100.0


def ring(at: float, *, token: bool) -> Line:
    event = {"event": "called", "method": "POST", "path": "/v1/chat/completions", "token": token}
    return Line("sidecar.out", at, json.dumps(event))


def tailed(at: float, text: str) -> Line:
    return Line("sidecar.out", at, json.dumps({"event": "line", "file": "/log", "text": text}))


def observe(lines, phases=None, signals=None, stages=None, *, token=True) -> Observation:
    if phases is None:
        phases = {
            "accepted": PhaseProbe(LineProbe('"accepted":true', from_="trigger")),
            "context_engine": PhaseProbe(LineProbe("context engine ready")),
            "task_started": PhaseProbe(Stub(True)),
        }
    seen = Observation(phases, signals or {}, stages or {}, {"token": "t0"}, token=token)
    seen.trigger_at = TRIGGER
    for line in lines:
        if (one := sighting(line)) is not None:
            seen.see(one)
    return seen


ACCEPTED = Line(
    "sidecar.out", 100.006, '{"event":"accepted","status":200,"body":"{\\"accepted\\":true}"}'
)


def test_a_whole_boot_becomes_phases():
    seen = observe(
        [ACCEPTED, Line("gateway.out", 100.25, "context engine ready"), ring(100.5, token=True)]
    )
    assert seen.accepted == pytest.approx(0.006)
    assert seen.proof_at == pytest.approx(0.5)
    assert [(p.name, round(p.seconds, 3)) for p in seen.phases()] == [
        ("accepted", 0.006),
        ("context_engine", 0.244),
        ("task_started", 0.25),
    ]


def test_a_ring_without_this_boots_token_is_no_proof():
    seen = observe([ACCEPTED, ring(100.4, token=False)])
    assert seen.proof_at is None
    assert seen.strangers == [pytest.approx(0.4)]


def test_where_the_trigger_carries_no_token_any_ring_is_a_proof():
    seen = observe([ring(100.4, token=False)], token=False)
    assert seen.proof_at == pytest.approx(0.4)


def test_what_was_seen_before_the_trigger_does_not_count():
    seen = observe([ring(99.9, token=True), Line("gateway.err", 99.0, "context engine ready")])
    assert seen.marks == {}


def test_marks_out_of_order_are_an_error_and_not_a_negative_phase():
    seen = observe([ring(100.2, token=True), Line("gateway.out", 100.9, "context engine ready")])
    with pytest.raises(ValueError, match=r"context_engine was seen 0\.700 s after task_started"):
        seen.phases()


@pytest.mark.parametrize(
    ("late", "waited", "sound", "by"),
    [
        (0.04, 0.0, True, 0.0),
        (0.2, 0.0, False, 0.0),
        (0.2, 0.2, True, 0.0),  # this much is a busy machine
        (0.7, 0.2, False, 0.0),  # and does not explain this
        (0.7, 0.9, False, 0.9),  # what does is no reason to believe it
    ],
)
def test_a_wait_for_a_cpu_excuses_a_wrong_order_a_little(late, waited, sound, by):
    seen = observe(
        [ring(100.2, token=True), Line("gateway.out", 100.2 + late, "context engine ready")]
    )
    seen.waited = waited
    assert (unsound(seen) == "") == sound
    assert held_up(seen) == by
    assert ("waited 0.9 s for a CPU" in unsound(seen)) == bool(by)


@pytest.mark.parametrize(
    ("stream", "by", "sound"),
    [("out", 0.2, False), ("out", 0.04, True), ("err", 0.2, True)],
)
def test_nothing_excuses_a_wrong_order_in_one_stream(stream, by, sound):
    """However late its lines are read, they are read in the order in which they were written."""
    probes = {"up": PhaseProbe(LineProbe("^up")), "done": PhaseProbe(LineProbe("^done"))}
    lines = [Line("gateway.out", 100.3, "done"), Line(f"gateway.{stream}", 100.3 + by, "up")]
    seen = observe(lines, probes)
    seen.waited = 0.9
    assert (unsound(seen) == "") == sound
    assert held_up(seen) == 0.0


def test_a_mark_a_few_milliseconds_late_on_another_pipe_counts_as_simultaneous():
    phases = phases_of({"a": 0.212, "b": 0.200}, {"a": False, "b": False})
    assert [(p.name, p.at, p.seconds) for p in phases] == [("a", 0.2, 0.2), ("b", 0.2, 0.0)]


def test_a_missing_mark_leaves_its_phase_empty_and_the_next_one_whole():
    phases = phases_of({"a": 0.1, "c": 0.4}, {"a": False, "b": True, "c": False})
    assert [(p.name, p.seconds) for p in phases] == [
        ("a", 0.1),
        ("b", None),
        ("c", pytest.approx(0.3)),
    ]


def test_lines_of_a_followed_file_are_matched_apart_from_the_output():
    probe = {"done": PhaseProbe(LineProbe("done ${token}", file="/log"))}
    assert observe([Line("gateway.out", 100.1, "done t0")], probe).proof_at is None
    assert observe([tailed(100.1, "done t1")], probe).proof_at is None
    assert observe([tailed(100.1, "done t0")], probe).proof_at == pytest.approx(0.1)


def test_an_endpoint_counts_by_the_name_of_its_watch():
    probe = {"ready": PhaseProbe(Http(":80/"))}
    other = Line("sidecar.out", 100.1, '{"event":"seen","id":"phase:other","status":200}')
    own = Line("sidecar.out", 100.2, '{"event":"seen","id":"phase:ready","status":200}')
    assert observe([other, own], probe).proof_at == pytest.approx(0.2)


def test_the_same_pattern_twice_needs_two_lines():
    probes = {
        "first": PhaseProbe(LineProbe("lane dequeue")),
        "second": PhaseProbe(LineProbe("lane dequeue")),
    }
    one, two = (Line("gateway.out", 100 + t, "lane dequeue") for t in (0.1, 0.3))
    assert observe([one], probes).marks == {"first": pytest.approx(0.1)}
    assert observe([one, two], probes).proof_at == pytest.approx(0.3)


def test_signals_are_told_apart():
    signals = {
        "run log": Signal(LineProbe('"error":"(?P<text>[^"]+)"', file="/log")),
        "container log": Signal(LineProbe("failed")),
        "events": Signal(LineProbe("finished"), means="ok"),
    }
    seen = observe(
        [tailed(169.0, '{"error":"setup timed out"}'), Line("gateway.out", 170.0, "finished")],
        signals=signals,
    )
    assert [(t.name, t.at, t.text) for t in seen.signals()] == [
        ("run log", 69.0, "setup timed out"),
        ("container log", None, ""),
        ("events", 70.0, "finished"),
    ]
    assert seen.silent_signals == ["container log"]


def test_stages_are_read_and_put_into_the_phase_they_fall_in():
    text = (
        "[trace:embedded-run] startup stages: totalMs=622"
        " stages=workspace:1ms@1ms,context-engine:2ms@521ms"
    )
    stages = {"startup": StageProbe(LineProbe("startup stages:", file="/log"))}
    seen = observe([ACCEPTED, tailed(100.1, text)], stages=stages)
    assert [(s.name, s.seconds, s.at, s.phase) for s in seen.stages] == [
        ("workspace", 0.001, 0.001, "context_engine"),
        ("context-engine", 0.002, 0.521, "context_engine"),
    ]


@pytest.mark.parametrize(
    ("lines", "marks"),
    [
        ([(0.2, "started"), (0.3, "ready")], {"startup": 0.2, "proof": 0.3}),
        ([(0.2, "ready"), (0.3, "started")], {"startup": 0.3, "proof": 0.3}),
        ([(0.2, "ready"), (0.3, "ready")], {}),
    ],
)
def test_a_mark_that_waits_for_those_before_it(lines, marks):
    """A readinessProbe is not asked before the startupProbe has succeeded."""
    phases = {
        "startup": PhaseProbe(LineProbe("started")),
        "maybe": PhaseProbe(LineProbe("maybe"), optional=True),
        "proof": PhaseProbe(LineProbe("ready"), waits=True),
    }
    seen = observe([Line("gateway.out", TRIGGER + at, text) for at, text in lines], phases)
    assert seen.marks == {name: pytest.approx(at) for name, at in marks.items()}
    assert seen.proof_at == (pytest.approx(0.3) if marks else None)
    assert not marks or not unsound(seen)
