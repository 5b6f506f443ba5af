from __future__ import annotations

import json
from pathlib import Path

import pytest

from pytest_bootgate.stats.headroom import headroom, prediction_bound, t_quantile

RECORDED = Path(__file__).parent.parent / "recorded"

#: From the tables of NIST/SEMATECH, e-Handbook of Statistical Methods, 1.3.6.7.2.
T_95 = {
    1: 6.314,
    2: 2.920,
    3: 2.353,
    4: 2.132,
    8: 1.860,
    12: 1.782,
    18: 1.734,
    28: 1.701,
    100: 1.660,
}


@pytest.mark.parametrize(("freedom", "quantile"), T_95.items())
def test_t_quantile_agrees_with_the_table(freedom, quantile):
    assert t_quantile(0.95, freedom) == pytest.approx(quantile, abs=0.0005)


def test_the_bound_of_a_known_sample():
    # exp of 0, 1, ..., 4: mean 2, s = sqrt(2.5), t(4) = 2.1318, so 2 + 2.1318 * 1.5811 * 1.0954
    logs = [1.0, 2.718281828, 7.389056099, 20.08553692, 54.59815003]
    assert prediction_bound(logs) == pytest.approx(296.8, rel=0.001)


@pytest.mark.parametrize(
    ("seconds", "level", "word"),
    [
        ([1.0, 1.1, 1.0, 1.2, 1.1], "pass", ""),
        ([6.5, 6.4, 6.6, 6.5, 6.5], "warn", "95 % bound"),
        ([7.5, 8.1, 7.6, 7.7, 7.9], "fail", "95 % bound"),
        ([1.0, 1.1, 1.0, 10.0, 1.1], "fail", "reached the limit"),
        ([1.0, 8.0], "fail", "used 80 %"),
        ([1.0, 6.0], "warn", "used 60 %"),
        ([1.0, 1.0], "pass", ""),
    ],
)
def test_levels(seconds, level, word):
    room = headroom(seconds, 10.0, fail_at=0.8, warn_at=0.6)
    assert room.level == level
    assert word in room.reason


def test_below_five_boots_there_is_no_bound():
    assert headroom([1.0] * 4, 10.0, fail_at=0.8, warn_at=0.6).bound is None
    assert headroom([1.0] * 5, 10.0, fail_at=0.8, warn_at=0.6).bound == pytest.approx(1.0)


def test_the_bound_holds_for_recorded_boots_about_nineteen_times_of_twenty():
    boots = [json.loads(line) for line in (RECORDED / "boots.jsonl").read_text().splitlines()]
    quiet = [b["wall"] for b in boots if b["load"] == "quiet" and b["release"] in ("A", "A2")]
    held = [quiet[i + 10] <= prediction_bound(quiet[i : i + 10]) for i in range(len(quiet) - 10)]
    assert 0.90 <= sum(held) / len(held) <= 0.99


def test_a_phase_that_was_seen_short_once_does_not_lengthen_the_bound():
    seconds = [0.050, 0.051, 0.051, 0.0577, 0.0002]
    assert prediction_bound(seconds) < 0.1
    assert headroom(seconds, 0.16, fail_at=0.8, warn_at=0.6).level == "pass"
    assert headroom([*seconds[:4], 0.0], 0.16, fail_at=0.8, warn_at=0.6).level == "pass"


def test_the_next_boot_is_not_said_to_take_less_than_one_took():
    room = headroom([1.0, 1.0, 1.01, 1.02, 4.2], 10.0, fail_at=0.8, warn_at=0.6, beside=[1.0] * 40)
    assert room.bound is not None
    assert room.bound < room.slowest
    assert (room.at_most, room.bound_used) == (4.2, pytest.approx(0.42))
