"""What is said of growth with a quantity."""

from __future__ import annotations

import pytest

from pytest_bootgate.checks.growth import Grew, Grown
from pytest_bootgate.reports.growth import summary
from pytest_bootgate.stats.growth import Growth


@pytest.mark.parametrize(
    ("of", "says"),
    [
        (lambda n: 0.3 + 0.029 * n, "at about 266 DOCS (266 to 266)"),
        # The line of its last stretch is an upper bound: it comes sooner.
        (lambda n: 0.5 + 0.0005 * n * n, "before 138 DOCS, sooner than in a line"),
    ],
)
def test_where_the_limit_is_reached(of, says):
    found = Growth.of([(n, [of(n), of(n) * 1.00001]) for n in (1.0, 30.0, 100.0)], 0.1)
    grew = Grew([Grown("boot", {"candidate": found})], {}, reach=found.reaches(8.0), at=8.0)
    assert summary(grew, "DOCS", 0.8).endswith(f"80 % of the timeout is reached {says}")
