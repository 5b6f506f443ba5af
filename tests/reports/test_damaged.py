"""A result that somebody damaged is refused in words. Many more of them: tests/fuzz/results.py."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pytest_bootgate.cli import main
from pytest_bootgate.errors import BootgateError
from pytest_bootgate.records.codec import decode, encode
from pytest_bootgate.records.result import UpgradeResult

RESULTS = Path(__file__).parents[1] / "recorded" / "results"


@pytest.mark.parametrize(
    ("place", "value", "why"),
    [
        (
            ("targets", 0, "boots", 0, "load"),
            1e308,
            r"it holds the number 1e\+308, which is not a measurement",
        ),
        (("targets", 0, "boots", 0, "timeout"), 0, "a timeout in it is 0"),
        (("targets", 0, "rules", "timeout"), -1.0, "a timeout in it is -1"),
        (("targets", 0, "rules", "near"), 0, "a fail_at in it is 0"),
        (("targets", 0, "judgement", "headrooms", "boot", "limit"), 1e-300, "a limit in it is 1e-"),
        (("targets", 0, "judgement", "attribution", "phases"), [], "there are no phases"),
        (("at",), "0001-01-01", "out of range"),
        (("releases",), {}, "it does not define its baseline"),
    ],
)
def test_what_no_gate_wrote_is_refused(place, value, why):
    result = json.loads((RESULTS / "slower.json").read_text())
    *way, last = place
    holder = result
    for key in way:
        holder = holder[key]
    holder[last] = value
    with pytest.raises(BootgateError, match=why):
        decode(json.dumps(result))


def test_a_hold_that_there_is_not_is_refused():
    result = json.loads((RESULTS / "untold.json").read_text())
    result["silences"][0]["stall"]["hold"] = ""
    with pytest.raises(BootgateError, match="Invalid enum value ''"):
        decode(json.dumps(result))


def test_what_an_older_gate_left_out_is_no_damage():
    result = json.loads((RESULTS / "slower.json").read_text())
    for key in ("takeovers", "silences", "unjudged"):
        del result[key]
    del result["targets"][0]["boots"]
    again = decode(encode(decode(json.dumps(result))))
    assert again.checks == again.targets
    assert again.targets[0].boots == ()


def test_a_large_number_in_a_job_is_the_business_of_its_system():
    result = json.loads((RESULTS / "lost-job.json").read_text())
    (upgrade,) = result["takeovers"]
    upgrade["takeover"]["baseline"]["jobs"][0]["fields"]["seed"] = 10**30
    found = decode(json.dumps(result)).checks[0]
    assert isinstance(found, UpgradeResult)
    assert found.upgrade


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 100_000, "", "[]x", "\x00", "\ufeff{}"])
def test_what_is_no_result_at_all(tmp_path, capsys, text):
    path = tmp_path / "result.json"
    path.write_text(text)
    assert main(["report", str(path)]) == 4
    assert capsys.readouterr().err.startswith(str(path))
