from __future__ import annotations

import random

import pytest
from scipy import stats

from pytest_bootgate.stats.trend import _rises, trend

DAY = 86400.0


def days(shares):
    return [(i * DAY, share) for i, share in enumerate(shares)]


def test_the_line_of_the_issue():
    found = trend(days([0.41 + 0.22 * i / 14 for i in range(15)]))
    assert (found.first, found.last) == (pytest.approx(0.41), pytest.approx(0.63))
    assert found.days == 14
    assert found.rising
    assert found.days_until(0.8) == pytest.approx(0.17 / 0.22 * 14)


def test_an_odd_boot_moves_nothing():
    shares = [0.4 + 0.01 * i for i in range(15)]
    shares[7] = 1.0
    found = trend(days(shares))
    assert found.first == pytest.approx(0.4, abs=0.02)
    assert found.last == pytest.approx(0.54, abs=0.02)


@pytest.mark.parametrize(
    "shares", [[0.5] * 15, [0.5, 0.4] * 8, [0.6 - 0.01 * i for i in range(15)]]
)
def test_what_does_not_rise_reaches_nothing(shares):
    found = trend(days(shares))
    assert not found.rising
    assert found.days_until(0.8) is None


def test_too_few_or_too_short():
    assert trend([]) is None
    assert trend(days([0.1, 0.2, 0.3, 0.4])) is None
    assert trend([(float(i), 0.01 * i) for i in range(50)]) is None


def test_many_boots_are_taken_together():
    chance = random.Random(1)
    used = [(i * 600.0, 0.3 + i * 1e-4 + chance.gauss(0, 0.02)) for i in range(3000)]
    found = trend(used)
    assert found.boots == 3000
    assert found.last - found.first == pytest.approx(0.3, abs=0.03)
    assert found.rising


@pytest.mark.parametrize("seed", range(20))
def test_against_scipy(seed):
    chance = random.Random(seed)
    shares = [round(0.3 + 0.004 * i + chance.gauss(0, 0.05), 2) for i in range(12)]
    found = trend(days(shares))
    line = stats.theilslopes(shares, [i * DAY for i in range(12)])
    assert found.last - found.first == pytest.approx(line.slope * 11 * DAY)
    tau = stats.kendalltau(range(12), shares, method="asymptotic", alternative="greater")
    # SciPy does without the continuity correction, which moves p a little towards a half.
    assert abs(_rises(shares) - 0.5) <= abs(tau.pvalue - 0.5) + 1e-9
    assert _rises(shares) == pytest.approx(tau.pvalue, abs=0.08)
