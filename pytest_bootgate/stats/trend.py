"""How much of a timeout boots have used over days: from where to where, and is it rising?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, erfc, sqrt
from statistics import median

#: Fewer boots, or boots of a shorter time (seconds), show no trend.
LEAST, SHORTEST = 5, 86400.0
#: More boots than this are taken together by neighbours: their medians show the same line.
_MOST = 200
#: How surely it rises before it is called so.
_ALPHA = 0.05


@dataclass(frozen=True, slots=True)
class Trend:
    """A line through the shares of a timeout: `first` and `last` are its two ends.

    `days` lie between them; `rising` says that the line surely goes up.
    """

    first: float
    last: float
    days: float
    boots: int
    rising: bool

    def days_until(self, share: float) -> float | None:
        """Days until the line reaches a share, at this pace; None where it does not rise to it."""
        if not self.rising or self.last <= self.first or self.last >= share:
            return None
        return (share - self.last) / (self.last - self.first) * self.days


def trend(used: Sequence[tuple[float, float]]) -> Trend | None:
    """The trend of (instant in seconds, share), the oldest first; None where there is none yet.

    The line is Theil's and Sen's: the median of all slopes between two boots, through the median
    (Sen, JASA 63, 1968), so that a few odd boots do not move it. Whether it rises is the test of
    Mann and Kendall, one-sided at 5 %, ties corrected (Kendall, Rank Correlation Methods, 1975).
    """
    if len(used) < LEAST or used[-1][0] - used[0][0] < SHORTEST:
        return None
    points = _condensed(used)
    pairs = [(a, b) for i, a in enumerate(points) for b in points[i + 1 :]]
    slopes = [(b[1] - a[1]) / (b[0] - a[0]) for a, b in pairs if b[0] > a[0]]
    if not slopes:
        return None
    slope = median(slopes)
    start = median(y for _, y in points) - slope * median(x for x, _ in points)
    first, last = used[0][0], used[-1][0]
    return Trend(
        first=max(0.0, start + slope * first),
        last=max(0.0, start + slope * last),
        days=(last - first) / 86400,
        boots=len(used),
        rising=_rises([y for _, y in points]) < _ALPHA,
    )


def _condensed(used: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    size = ceil(len(used) / _MOST)
    parts = [used[i : i + size] for i in range(0, len(used), size)]
    return [(median(x for x, _ in part), median(y for _, y in part)) for part in parts]


def _rises(values: Sequence[float]) -> float:
    """One-sided p of the Mann-Kendall test that later values are larger, by its normal limit."""
    n = len(values)
    score = sum((b > a) - (b < a) for i, a in enumerate(values) for b in values[i + 1 :])
    ties = sum(t * (t - 1) * (2 * t + 5) for t in Counter(values).values())
    spread = (n * (n - 1) * (2 * n + 5) - ties) / 18
    if spread <= 0:
        return 1.0
    towards_zero = (score > 0) - (score < 0)
    return erfc((score - towards_zero) / sqrt(2 * spread)) / 2
