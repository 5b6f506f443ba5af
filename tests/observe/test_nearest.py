"""The lines that come nearest to a pattern that nothing matched."""

from __future__ import annotations

import time
from typing import Literal

import pytest

from pytest_bootgate.gatefile.model import Probe
from pytest_bootgate.observe.nearest import nearest
from pytest_bootgate.observe.sighting import Pattern
from pytest_bootgate.probes.line import Line

TOKEN = "bootgate0123456789abcdef"
CHATTER = [
    "loading configuration from /etc/app.yaml",
    "2026-11-25T02:30:01Z connected to the database",
    "GET /health 200 3 ms",
    "worker pool has 4 threads",
    "",
]


def near(
    line: str, *own: str, source: Literal["trigger"] | None = None, **others: list[str]
) -> tuple[str, ...]:
    probe = Probe(Line(line, from_=source)) if source else Probe(Line(line))
    pattern = Pattern("phase:x", probe, {"token": TOKEN}, token=False)
    streams = {"gateway.out": [*CHATTER, *own], "gateway.err": []}
    streams |= {name.replace("_", ".", 1): lines for name, lines in others.items()}
    return nearest(pattern, streams, TOKEN)


@pytest.mark.parametrize(
    ("pattern", "line"),
    [
        ("agent ready", "Agent Ready"),
        ("agent ready", "agent  ready in 3 ms"),
        ("^agent ready", "INFO agent ready"),
        ("agent ready$", "agent ready."),
        ("agent ready", "\x1b[32magent\x1b[0m ready"),
        ("agent is ready", "agent ready"),
        ("agent initialised", "agent initialized"),
        (r"context engine loaded in \d+ ms", "context-engine loaded in 0.3 s"),
        (r"context[_-]engine (?P<name>\w+) loaded", "context engine main was loaded"),
        ("job ${token} started", f"job {TOKEN[:-1]} started"),
        ("job ${token} started", "job 7 started"),
        (r"Server startup in \[\d+\] milliseconds", "Server startup in 3217 ms"),
        ("Started Application in", "Started App in 3.2 seconds"),
        ("database system is ready", "database system was ready"),
    ],
)
def test_a_line_that_is_near(pattern, line):
    assert near(pattern, line) == (line,)


@pytest.mark.parametrize(
    "pattern",
    ["task started", "agent ready", "${token}", r"\d{9}", "^$", "persona loaded", "(never)"],
)
def test_nothing_is_near(pattern):
    assert near(pattern, "booting") == ()


def test_what_matches_but_for_the_case_comes_before_what_only_has_the_words():
    lines = [
        "ready: the agent",
        "agent is not ready",
        "Agent ready",
        "agent  ready",
        "agents ready",
    ]
    assert near("agent ready", *lines)[:2] == ("Agent ready", "agent  ready")
    assert len(near("agent ready", *lines)) == 3


def test_lines_that_repeat_are_shown_once():
    assert near("agent ready", "Agent ready", "Agent ready") == ("Agent ready",)


def test_another_stream_is_named_where_the_own_one_has_nothing():
    assert near("agent ready", gateway_err=["agent READY"]) == (
        "agent READY",
    )  # both are gateway's
    found = near("agent ready", source="trigger", gateway_err=["agent ready"])
    assert found == ("gateway.err: agent ready",)
    assert near("agent ready", trigger_out=["agent ready"]) == ("trigger.out: agent ready",)
    assert near("agent ready", "Agent ready", trigger_out=["agent ready"]) == ("Agent ready",)
    assert near("agent ready", sidecar_out=['{"event":"agent ready"}']) == ()


def test_a_file_is_a_stream_of_its_own():
    pattern = Pattern("phase:x", Probe(Line("agent ready", file="/log/a.log")), {}, token=False)
    streams = {"gateway.out": ["agent ready"], "file:/log/a.log": ["AGENT READY"]}
    assert nearest(pattern, streams) == ("AGENT READY",)
    streams["file:/log/a.log"] = []
    assert nearest(pattern, streams) == ("gateway.out: agent ready",)


def test_many_lines_take_little_time():
    lines = [f"request {n:x} of user{n} took {n} ms at stage{n % 97}" for n in range(3000)]
    began = time.process_time()
    near("the context engine of the isolated agent has been started", *lines)
    assert time.process_time() - began < 5  # 0.3 s on a machine of 2024
