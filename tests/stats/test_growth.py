"""Growth with a quantity: what is called growth, and how often wrongly."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest

from pytest_bootgate.stats.growth import Growth

VALUES = (1.0, 30.0, 100.0)


def points(of, *, spread=0.03, boots=5, seed=1, values=VALUES):
    rng = random.Random(seed)
    return [(v, [of(v) * math.exp(rng.gauss(0, spread)) for _ in range(boots)]) for v in values]


@pytest.mark.parametrize(
    ("of", "shape"),
    [
        (lambda n: 1.0, "constant"),
        (lambda n: 0.3 + 0.029 * n, "linear"),
        (lambda n: 0.5 + 0.0005 * n * n, "faster"),
        (lambda n: 1 + math.log(n), "slower"),
        (lambda n: 1.0 - 0.005 * n, "constant"),
        (lambda n: 0.001 + 0.00001 * n, "constant"),  # a few milliseconds
    ],
    ids=["constant", "line", "square", "logarithm", "shrinks", "milliseconds"],
)
def test_shapes(of, shape):
    assert Growth.of(points(of, spread=0.01), 0.1).shape == shape


def test_two_values_show_a_line():
    found = Growth.of(points(lambda n: n, values=(1.0, 2.0)), 0.1)
    assert found.shape == "linear"


def test_a_wide_spread_is_no_growth_and_no_constant():
    assert Growth.of(points(lambda n: 1.0, spread=0.4), 0.1).shape == "unclear"


@pytest.mark.parametrize(("boots", "values"), [(1, VALUES), (2, (1.0, 2.0)), (9, (1.0,))])
def test_too_little(boots, values):
    assert Growth.of(points(lambda n: n, boots=boots, values=values), 0.1) is None


def test_a_value_without_durations_is_left_out():
    found = Growth.of([*points(lambda n: n), (200.0, [])], 0.1)
    assert found.values == VALUES


def test_the_slope_is_that_of_least_squares():
    found = Growth.of(points(lambda n: 0.3 + 0.029 * n), 0.1)
    assert found.slope.middle == pytest.approx(np.polyfit(found.values, found.means, 1)[0])


def test_where_a_limit_is_reached():
    found = Growth.of(points(lambda n: 0.3 + 0.029 * n), 0.1)
    reach = found.reaches(8.0)
    assert reach.low < (8.0 - 0.3) / 0.029 < reach.high
    assert reach.low < reach.middle < reach.high
    assert found.reaches(2.0) is None  # it is there already
    assert found.reaches(1e6) is None  # and this is too far
    assert Growth.of(points(lambda n: 1.0), 0.1).reaches(8.0) is None


def test_what_grows_faster_is_followed_along_its_last_stretch():
    found = Growth.of(points(lambda n: 0.5 + 0.0005 * n * n, spread=0.01), 0.1)
    line = (found.means[2] - found.means[1]) / 70
    assert found.reaches(8.0).middle == pytest.approx(100 + (8 - found.means[2]) / line)


def test_how_often_the_slope_is_missed():
    """With boots of ten percent the interval of 99 % holds the slope 98 of 100 times or more."""
    rng = random.Random(3)
    missed = 0
    for _ in range(400):
        noisy = [
            (v, [(1 + 0.01 * v) * math.exp(rng.gauss(0, 0.1)) for _ in range(5)]) for v in VALUES
        ]
        slope = Growth.of(noisy, 0.1).slope
        true = 0.01 * math.exp(0.1**2 / 2)
        missed += not slope.low < true < slope.high
    assert missed <= 8


def noisy(each, *, seed, boots=7):
    """Boots whose noise is the same in milliseconds, whatever they take."""
    rng = random.Random(seed)
    return [
        (v, [max(1e-3, 0.022 + each * v + rng.gauss(0, 0.02)) for _ in range(boots)])
        for v in VALUES
    ]


def test_noise_of_short_boots_hides_no_growth_of_long_ones():
    """Relative to 20 ms it is large: what is ten times as long does not vary ten times as much."""
    for seed in range(20):
        found = Growth.of(noisy(0.004, seed=seed), 0.1)
        more = found.beyond(Growth.of(noisy(0.001, seed=seed + 100), 0.1))
        assert found.shape == "linear"
        assert more.low > 0.15


def test_how_often_growth_is_seen_in_what_does_not_grow():
    shapes = [Growth.of(noisy(0.0, seed=seed), 0.1).shape for seed in range(400)]
    assert len([s for s in shapes if s not in ("constant", "unclear")]) <= 4
