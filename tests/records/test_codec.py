"""A result of the schema before is read in the words of now."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pytest_bootgate.errors import BootgateError
from pytest_bootgate.records import codec
from pytest_bootgate.records.result import SCHEMA

RECORDED = sorted((Path(__file__).parents[1] / "recorded" / "results").glob("*.json"))
OLD_KEYS = ("takeovers", "silences", "broken", "told", "says", "near", "unsure", "absent")


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
def test_every_recorded_result(path):
    assert json.loads(path.read_text())["schema"] == "bootgate-result/1"
    (result,) = codec.read(path)
    assert result.schema == SCHEMA
    text = codec.encode(result).decode()
    assert not any(f'"{key}":' in text for key in OLD_KEYS)
    assert codec.decode(text) == result


def test_names_of_the_user_stay():
    path = next(path for path in RECORDED if path.stem == "near")
    plain = json.loads(path.read_text())
    (target, *_) = plain["targets"]
    limits = {"limit": 1.0, "by": 2.0, "slower": None}
    target["rules"]["phases"] = {"by": limits, "host": limits}
    room = target["judgement"]["headrooms"]["boot"]
    target["judgement"]["headrooms"] = {
        "boot": room,
        "host:by": room,
        "by:limit": room,
        "load:cache:limit": room,
    }
    target["judgement"]["host"] = "the host has 1 CPU"
    target["boots"][0]["tails"] = {"told": ["says"]}
    found = codec.decode(json.dumps(plain)).targets[0]
    assert found.rules.phases.keys() == {"by", "host"}
    assert found.rules.phases["by"].deadline == 2.0
    assert [(room.subject, room.against) for room in found.judgement.headrooms] == [
        ("boot", "timeout"),
        ("host", "deadline"),
        ("by", "limit"),
        ("load:cache", "limit"),
    ]
    assert found.judgement.host == "the host has 1 CPU"
    assert found.boots[0].tails == {"told": ("says",)}


def test_another_schema_is_refused():
    plain = json.loads(RECORDED[0].read_text()) | {"schema": "bootgate-result/0"}
    with pytest.raises(BootgateError, match=r"bootgate-result/"):
        codec.decode(json.dumps(plain))


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("ctrf", "a CTRF report"),
        ("junit", "a JUnit report"),
        ("bencher", "a report for Bencher"),
        ("benchmark-action", "a report for github-action-benchmark"),
        ("openmetrics", "a file of metrics"),
    ],
)
def test_a_report_that_is_no_result_is_named(tmp_path, name, what):
    """It was "Object missing required field"."""
    from pytest_bootgate.reports.formats import parse

    recorded = Path(__file__).parents[1] / "recorded" / "results" / "timed-out.json"
    path = tmp_path / "report"
    path.write_text(parse(f"{name}=x").format.text(codec.read(recorded), tmp_path))
    with pytest.raises(BootgateError, match=f"This is {what}, not a gate result. Name the file"):
        codec.read(path)


@pytest.mark.parametrize("text", ["{}", "no", '{"schema": "bootgate-result/2"}'])
def test_a_sentence_about_no_result_has_an_end(text):
    with pytest.raises(BootgateError, match=r"^This is not a gate result .*[^.]\.$"):
        codec.decode(text)
