"""JSON of strangers: sidecars, gateways, jobs, journals."""

from __future__ import annotations

import json

import pytest

from pytest_bootgate.observe.lines import Line
from pytest_bootgate.observe.sighting import sighting
from pytest_bootgate.observe.stamps import written
from pytest_bootgate.records.jobs import JobsError, read_jobs
from pytest_bootgate.untrusted import read_json

NONE = [
    *("[" * 5000, '{"a":' * 5000, "[" * 102 + "]" * 102, "1" * 5000, "NaN", '{"a":-Infinity}'),
    *("1e999", "", "x", '{"a"'),
]


@pytest.mark.parametrize("text", NONE, ids=lambda text: text[:12])
def test_what_is_no_json(text):
    with pytest.raises(ValueError):
        read_json(text)
    with pytest.raises(JobsError):
        read_jobs(text)
    seen = sighting(Line("sidecar.out", 1.0, text))
    assert seen is not None
    assert seen.event is None
    assert written(f'{{"time":"2026-11-25T02:30:00Z","a":{text}}}') is None


def test_half_a_character_is_replaced():
    text = r'[{"id":"\ud800","name":"\uDFFF\ud83d\ude00 x","\ud800":["\\ud800"]}]'
    whole = [{"id": "\ufffd", "name": "\ufffd\U0001f600 x", "\ufffd": [r"\ud800"]}]
    assert read_json(text) == whole
    assert read_jobs(text)[0].fields == whole[0]
    seen = sighting(Line("sidecar.out", 1.0, r'{"event":"line","file":"/log","text":"\ud800"}'))
    assert seen is not None
    assert seen.text == "\ufffd"


@pytest.mark.parametrize("value", [None, 1.5, "\\ud800", "[" * 200, {"a": [1, {}]}, [[]] * 200])
def test_all_else_is_as_it_is(value):
    assert read_json(json.dumps(value)) == value
