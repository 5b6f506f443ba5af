"""Where a boot is looked for, and what is said of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from pytest_bootgate.gatefile import load
from pytest_bootgate.gatefile.commands import ports_asked
from pytest_bootgate.gatefile.model import Profile
from pytest_bootgate.observe.spots import Spot, command_spots, here, last_answers, ports, spots
from pytest_bootgate.run.recipe import Recipe

GATE = """\
releases: {candidate: {command: [serve]}}
gateway:
  ready: {http: ":${port.app}/ready"}
  health: {http: ":81/health", status: 204}
  container: {hostname: App, extra_hosts: {own.example: 127.0.1.1, six: "::1", far: 10.0.0.7}}
services: {db: {image: db}}
sidecar: {stub: {port: "${port.bell}"}}
ports: {app: 8080, bell: 8099, other: 9000}
target: {timeout: 5s}
targets:
  run:
    trigger: {http: ":82/run?${token}"}
    phases:
      asked: {stub: true}
      self: {http: ":${port.bell}/"}
      logged: {file: "${dir}/log", line: up}
      made: {file: "${dir}/made"}
      up: {tcp: ":83"}
  start: {proof: {http: ":84/", json: {ok: true}}}
"""
VARIABLES = {"dir": "/d", "token": "t", "port.app": "1080", "port.bell": "1099", "port.other": "9"}


@pytest.fixture
def recipe(tmp_path):
    (tmp_path / "bootgate.yaml").write_text(GATE)
    gate = load(tmp_path / "bootgate.yaml").gate

    def call(target: str) -> Recipe:
        release = gate.releases.candidate
        given = (gate, target, gate.targets[target], "candidate", release, "here", Profile())
        return Recipe(*given, Path("/here"))

    return call


def test_the_spots_of_a_boot_that_is_triggered(recipe):
    found = spots(recipe("run"), VARIABLES)
    assert [(spot.name, spot.where, dict(spot.look), spot.fixed) for spot in found] == [
        ("the proof of run", ":83", {"tcp": ":83"}, True),
        ("the probe of phase made", "/d/made", {"exists": "/d/made"}, False),
        ("the ready probe", ":1080/ready", {"tcp": ":1080"}, False),
        ("the health probe", ":81/health", {"tcp": ":81"}, True),
        ("the trigger", ":82/run?t", {"tcp": ":82"}, False),
    ]
    assert ports(recipe("run"), VARIABLES) == {1080, 81, 82, 83, 9}


def test_the_spots_of_a_boot_whose_start_is_the_trigger(recipe):
    assert [spot.name for spot in spots(recipe("start"), VARIABLES)] == ["the proof of start"]


def answers(recipe, *events):
    return last_answers(recipe, VARIABLES, events)


def event(kind: str, name: str, text: str = "") -> dict:
    return {"event": kind, "id": name, "text": text}


def test_last_answers(recipe):
    found = answers(
        recipe("run"),
        event("watching", "ready"),
        event("state", "ready", "connection refused"),
        event("watching", "phase:up"),
        event("state", "phase:up", "connection refused"),
        event("state", "phase:made", "no such file"),
        event("watching", "health"),
        event("seen", "ready"),
        event("state", "signals:log", "no such file"),
    )
    assert {name: str(answer) for name, answer in found.items()} == {
        "up": ":83: connection refused",
        "made": "${dir}/made: no such file",
        "health": ":81/health: no answer yet",
    }


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("404 Not Found: <html>", ":84/ last answered 404 Not Found"),
        (
            "500 Internal Server Error: no disk",
            ":84/ last answered 500 Internal Server Error: no disk",
        ),
        ('200 OK: {"ok": false}', ':84/ last answered 200 OK: {"ok": false}'),
        ("200 OK: " + "x" * 200, ":84/ last answered 200 OK: " + "x" * 92 + "…"),
        ("closed without an answer (TLS?)", ":84/: closed without an answer (TLS?)"),
    ],
)
def test_answers_in_a_sentence(recipe, text, words):
    answered = " last answered " in words
    told = {**event("state", "phase:proof", text), "answered": answered}
    found = answers(recipe("start"), told)
    assert found["proof"].words == words
    assert str(found["proof"]) == f":84/: {text}"


def test_what_a_sidecar_says_of_a_gateway_that_is_ready_by_a_line(recipe):
    """The one for OpenClaw does."""
    found = answers(recipe("start"), event("state", "ready", "gateway starting"))
    assert found["ready"].words == "its last answer was gateway starting"
    assert str(found["ready"]) == "gateway starting"


def test_names_of_this_machine(recipe):
    """Where a service could answer, which shares the gateway's network."""
    (spot,) = spots(recipe("start"), VARIABLES)
    for host in ("own.example", "six", "app", "DB", "db", "localhost", "127.1", "[::]"):
        assert replace(spot, where=f"http://{host}:84/").port == 84
    assert replace(spot, where="http://far:84/").port is None


def test_the_ports_of_a_command(recipe):
    command = ["sh", "-c", "nc -z localhost 8080 && curl -f http://db:90/ http://far:91 :1099"]
    made = recipe("start")
    found = command_spots(made, VARIABLES, ports_asked(command, here(made)))
    assert [(spot.id, spot.port) for spot in found] == [("phase:proof", 8080), ("phase:proof", 90)]


def test_an_address_with_a_host():
    spot = Spot("ready", "the ready probe", *("https://[::1]:8443/health",) * 2)
    assert (spot.port, dict(spot.look)) == (8443, {"tcp": "[::1]:8443"})
