"""Two kinds of probe that are all in this file: nothing else has to know of them."""

from __future__ import annotations

import json
from typing import ClassVar

import msgspec
import pytest

from pytest_bootgate.errors import GateFileError
from pytest_bootgate.gatefile import json_schema, load
from pytest_bootgate.gatefile.tree import listed
from pytest_bootgate.probes import KINDS, Kind, register
from tests.loop.conftest import play  # noqa: F401 (a fixture)
from tests.loop.played import serves


class Event(Kind, msgspec.Struct, frozen=True):
    """`event` matches what a line of JSON says under the key `under`."""

    key: ClassVar[str] = "event"

    event: str
    under: str = "event"

    @classmethod
    def check(cls, probe, rules, *, triggered):
        rules.pattern(probe, "event")
        if "under" in probe and not probe.get("under"):
            rules.mistake(probe.at["under"], "'under' is empty", "name a key")

    source = "gateway"

    @property
    def regex(self):
        return f"^{self.event}$"

    def of_line(self, text):
        try:
            found = json.loads(text)
        except ValueError:
            return None
        return found.get(self.under) if isinstance(found, dict) else None

    @property
    def unseen(self):
        return f"no line of JSON said {self.event}"


class Door(Kind, msgspec.Struct, frozen=True):
    """`door` is the number of a port that must accept."""

    key: ClassVar[str] = "door"
    stays: ClassVar[bool] = True

    door: int

    @property
    def endpoint(self):
        return f":{self.door}"

    def watch(self):
        return {"tcp": self.endpoint}


@pytest.fixture(autouse=True)
def toys(monkeypatch):
    before = dict(KINDS)
    register(Event)
    register(Door)
    yield
    KINDS.clear()
    KINDS.update(before)


# -- in a gate file ----------------------------------------------------------------------------

GATE = """\
releases: {candidate: {image: new}}
gateway: {ready: {door: 8080}}
targets:
  main:
    timeout: 10s
    %s
"""


EVERY = listed([*KINDS, "event", "door"])


def loaded(path, rest):
    file = path / "bootgate.yaml"
    if "trigger" not in rest:  # without one nothing would wait for `ready`
        first, *more = rest.split("\n")
        rest = "\n".join([first, "    trigger: {exec: [go]}", *more])
    file.write_text(GATE % rest)
    return load(file, {}).gate


def mistakes(path, rest):
    with pytest.raises(GateFileError) as caught:
        loaded(path, rest)
    return [line.partition("bootgate.yaml:")[2] for line in str(caught.value).splitlines()]


def test_it_is_read(tmp_path):
    gate = loaded(tmp_path, "proof: {event: started, under: what, limit: 5s}")
    phase = gate.targets["main"].phases["proof"]
    assert (phase.kind, phase.limit) == (Event("started", under="what"), 5)
    assert gate.gateway.ready.kind == Door(8080)


@pytest.mark.parametrize(
    ("rest", "told"),
    [
        (
            "proof: {event: 3}",
            "6:20: 'event' must be a text, and 3 is a number: write it in quotes, \"3\"",
        ),
        ("proof: {door: here}", "6:19: 'door' must be a whole number, not 'here'"),
        (
            "proof: {event: (}",
            (
                "6:20: 'event' is not a regular expression: missing ), unterminated"
                " subpattern at position 0"
            ),
        ),
        ("proof: {event: a, under: ''}", "6:30: 'under' is empty: name a key"),
        ("proof: {evnt: a}", "6:13: unknown key 'evnt' in a phase: did you mean 'event'?"),
        ("proof: {line: a, under: b}", "6:22: 'under' goes only with 'event': leave it out"),
        ("proof: {event: a, status: 200}", "6:23: 'status' goes only with 'http': leave it out"),
        (
            "proof: {limit: 5s}",
            f"6:5: this probe looks nowhere: give it one of {EVERY}",
        ),
        (
            "proof: {event: a, door: 1}",
            "6:5: a probe looks in one place, this one in event and door: keep one",
        ),
    ],
)
def test_its_mistakes(tmp_path, rest, told):
    assert mistakes(tmp_path, rest) == [told]


def test_what_stays_is_no_proof_of_a_warm_boot(tmp_path):
    rest = "start: warm\n    trigger: {exec: [run]}\n    proof: {door: 1}"
    (told,) = mistakes(tmp_path, rest)
    assert told.startswith("8:19: what an earlier boot left behind could count as the proof")
    assert told.endswith("put ${token} into 'door', or write start: cold")


def test_it_takes_the_place_of_another_kind(tmp_path):
    rest = "proof: {event: started}\ntarget: {proof: {line: up, from: sidecar, deadline: 9s}}"
    phase = loaded(tmp_path, rest).targets["main"].phases["proof"]
    assert (phase.kind, phase.deadline) == (Event("started"), None)


def test_editors_know_it():
    keys = json_schema()["$defs"]["Signal"]["properties"]
    assert keys["event"]["description"].startswith("`event` matches what a line of JSON says")
    assert keys["under"]["default"] == "event"


# -- on an engine ------------------------------------------------------------------------------

TOLD = 'phases: {setup: {line: ^set up}, start: {event: "task ${token}"}}'


def test_its_mark_is_seen(play):  # noqa: F811
    steps = ("event", "set up", '{{"event": "task of another"}}', 1.0, "[]")
    boot = play(serves(*steps, 0.5, '{{"event": "task {token}"}}'), target=TOLD).one()
    assert (boot.outcome, boot.seconds) == ("started", 1.5)


def test_it_is_named_where_its_mark_is_missing(play):  # noqa: F811
    boot = play(serves("set up", '{{"event": "task of another"}}'), target=TOLD).one()
    assert boot.outcome == "timed_out"
    assert boot.detail.startswith("no proof within 10 s; no line of JSON said task bootgate")


def test_the_sidecar_watches_for_it(play):  # noqa: F811
    opens = (2.0, lambda me, token: me.listen(9000, lambda request: None))
    boot = play(serves(*opens), target="proof: {door: 9000}").one()
    assert (boot.outcome, boot.seconds) == ("started", 2.0)


def test_what_the_sidecar_saw_of_it_is_told(play):  # noqa: F811
    boot = play(serves(2.0), target="proof: {door: 9000}").one()
    assert boot.detail == "no proof within 10 s; :9000: connection refused"


def test_a_gateway_can_be_ready_by_it(play):  # noqa: F811
    assert play(ready="ready: {door: 8080}").one().outcome == "started"
