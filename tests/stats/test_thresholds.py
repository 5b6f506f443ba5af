from __future__ import annotations

import json
import math
import random
from pathlib import Path
from statistics import NormalDist, median

import pytest
from scipy import stats

from pytest_bootgate.quantities import Seconds
from pytest_bootgate.stats.headroom import headroom
from pytest_bootgate.stats.thresholds import (
    Shares,
    k_factor,
    limit,
    quantile,
    round_up,
    shares,
    spread,
    written,
)

RECORDED = Path(__file__).parent.parent / "recorded"
NORMAL = NormalDist()

#: One-sided 95 % factors: Natrella, Experimental Statistics, NBS Handbook 91, 1963, table A-7.
K_95 = {
    (10, 0.90): 2.355,
    (10, 0.99): 3.981,
    (20, 0.90): 1.926,
    (20, 0.99): 3.295,
    (50, 0.90): 1.646,
    (50, 0.99): 2.863,
}


@pytest.mark.parametrize(("values", "factor"), K_95.items())
def test_k_agrees_with_the_table(values, factor):
    n, share = values
    assert k_factor(NORMAL.inv_cdf(share), n) == pytest.approx(factor, rel=0.015)


@pytest.mark.parametrize("n", [10, 15, 30, 100, 1000])
@pytest.mark.parametrize("z", [1.282, 2.326, 3.698])
def test_k_agrees_with_the_noncentral_t(n, z):
    exact = stats.nct.ppf(0.95, n - 1, z * math.sqrt(n)) / math.sqrt(n)
    assert k_factor(z, n) == pytest.approx(exact, rel=0.015)


@pytest.mark.parametrize("n", [1, 2])
def test_too_few_values_for_k(n):
    with pytest.raises(ValueError, match="too few"):
        k_factor(2.326, n)


@pytest.mark.parametrize("run", [5, 7, 10, 15, 30])
def test_the_quantile_holds_the_bounds_of_gate_runs(run):
    c = stats.t.ppf(0.95, run - 1) * math.sqrt(1 + 1 / run)
    q = quantile(run)
    # P(mean + c s <= q) for standard normal values, by the noncentral t.
    held = stats.nct.cdf(-c * math.sqrt(run), run - 1, -q * math.sqrt(run))
    assert held == pytest.approx(0.95, abs=0.01) or (held > 0.95 and q == NORMAL.inv_cdf(0.99))


def test_below_five_boots_the_slowest_is_held():
    assert quantile(4) == NORMAL.inv_cdf(0.99)


@pytest.mark.slow
@pytest.mark.parametrize("count", [10, 40])
def test_the_gate_seldom_warns_of_a_limit_set_from_the_same_boots(count):
    """A bound for 99 % of boots alone would be warned of in 10 to 25 % of runs."""
    rolls = random.Random(8)
    levels = []
    for _ in range(3000):
        recorded = [math.exp(rolls.gauss(0, 0.3)) for _ in range(count)]
        tomorrow = [math.exp(rolls.gauss(0, 0.3)) for _ in range(5)]
        proposed = limit(spread(recorded, 5).bound, 0.6, math.inf)
        assert proposed is not None
        levels.append(headroom(tomorrow, proposed, fail_at=0.8, warn_at=0.6).level)
    assert levels.count("warn") + levels.count("fail") <= 0.03 * len(levels)
    assert levels.count("fail") <= 0.006 * len(levels)


def test_recorded_boots_keep_a_limit_from_the_ten_before():
    """They follow each other too closely to be independent, so a few more warn than promised."""
    boots = [json.loads(line) for line in (RECORDED / "boots.jsonl").read_text().splitlines()]
    levels, factors = [], []
    for load in ("quiet", "burst", "busy1"):
        walls = [b["wall"] for b in boots if b["load"] == load and b["release"] in ("A", "A2")]
        for i in range(len(walls) - 15):
            proposed = limit(spread(walls[i : i + 10], 5).bound, 0.6, math.inf)
            assert proposed is not None
            factors.append(proposed / median(walls[i : i + 10]))
            levels.append(
                headroom(walls[i + 10 : i + 15], proposed, fail_at=0.8, warn_at=0.6).level
            )
    assert len(levels) > 500
    assert levels.count("pass") >= 0.96 * len(levels)
    assert levels.count("fail") <= 0.01 * len(levels)
    assert 2 < median(factors) < 4


def test_a_spread():
    found = spread([1.0, 1.2, 1.1, 1.0, 1.3, 1.1, 1.0, 1.2, 1.1, 1.1], 4)
    assert (found.boots, found.median, found.slowest) == (10, 1.1, 1.3)
    # mean of the logs 0.1004, s = 0.0886 counts as 0.1, k = 3.940
    assert found.bound == pytest.approx(math.exp(0.1004 + 0.3940), rel=0.001)


def test_boots_as_alike_as_clockwork_still_get_room():
    assert spread([0.05] * 10, 5).bound > 0.08


def test_a_duration_of_zero_has_a_bound():
    assert spread([0.0] * 9 + [0.1], 5).bound >= 0.1


def test_one_duration_has_none():
    with pytest.raises(ValueError, match="two durations"):
        spread([1.0], 5)


def test_no_limit_above_the_timeout():
    assert limit(1.7, 0.6, 3.0) == 2.9
    assert limit(1.81, 0.6, 3.0) is None


@pytest.mark.parametrize(
    ("used", "lower", "found"),
    [
        (0.50, True, None),
        (0.21, True, None),  # 45 % would not be half of 80 %
        (0.20, True, Shares(0.40, 0.30)),
        (0.08, True, Shares(0.20, 0.15)),
        (0.001, True, Shares(0.20, 0.15)),
        (0.08, False, None),
        (0.60, True, None),
        (0.61, True, Shares(0.80, 0.65)),
        (0.72, True, Shares(0.85, 0.75)),
        (0.80, True, Shares(0.90, 0.80)),
        (0.81, True, None),  # 95 % is too near
        (1.20, True, None),
    ],
)
def test_shares(used, lower, found):
    assert shares(used, 0.8, 0.6, lower=lower) == found


@pytest.mark.parametrize("warn_at", [0.05, 0.5, 0.75, 0.79])
@pytest.mark.parametrize("used", [0.01, 0.1, 0.13, 0.19])
def test_lower_shares_are_in_order_and_above_the_boots(used, warn_at):
    found = shares(used, 0.8, warn_at, lower=True)
    if used <= warn_at:
        assert found is not None
        assert used <= found.warn_at < found.fail_at <= 0.4


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0101, "11ms"),
        (0.25, "250ms"),
        (0.2501, "260ms"),
        (0.999, "1s"),
        (1.11, "1.2s"),
        (44.2, "45s"),
        (59.5, "1m"),
        (89.1, "1m30s"),
        (301.0, "5m10s"),
        (3601.0, "1h1m40s"),  # 3700 s
        (7200.0, "2h"),
    ],
)
def test_rounded_up_in_the_units_of_people(seconds, text):
    assert written(round_up(seconds)) == text


def test_what_is_written_reads_the_same_and_never_lower():
    rolls = random.Random(1)
    for _ in range(3000):
        seconds = math.exp(rolls.uniform(math.log(0.001), math.log(30000)))
        up = round_up(seconds)
        assert seconds <= up * (1 + 1e-9) <= seconds * 1.1001
        assert Seconds.parse(written(up)) == pytest.approx(up, rel=1e-9)
        assert round_up(up) == up
