"""Does a duration grow with a quantity, and how: not at all, in a line, or faster than a line?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from math import fsum, log, sqrt
from statistics import fmean, variance
from typing import Literal

from pytest_bootgate.stats.headroom import t_quantile
from pytest_bootgate.stats.thresholds import LEAST_MEDIAN

#: `unclear`: too few or too different durations to tell.
Shape = Literal["constant", "linear", "faster", "slower", "unclear"]
#: How sure all statements about one duration are together.
_SURE = 0.99
#: How much steeper its last stretch is, where something grows faster than a line.
_STEEPER = 1.5
#: Degrees of freedom of the spread below which nothing is said.
_LEAST = 3
#: So many boots at a value show their own spread.
_OWN = 5
#: Growth is followed to so many times the largest value.
FARTHEST = 100.0


@cache
def _t(freedom: int) -> float:
    return t_quantile(1 - (1 - _SURE) / 2, freedom)


@dataclass(frozen=True, slots=True)
class Between:
    """An estimate and its interval, with 99 % confidence."""

    middle: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Reach:
    """At which value a limit is reached; `high` is None where that is not sure at all."""

    middle: float
    low: float
    high: float | None


@dataclass(frozen=True)
class Growth:
    """Durations in seconds at several values of a quantity, ascending.

    `means` are those at each value, `errors` the variances of these means with their degrees of
    freedom. Each value has its own, where there are enough boots: short ones may vary much in
    proportion to what they take, and long ones little. `relevant` is the rise in seconds, from the
    first value to the last, that is growth.
    """

    values: tuple[float, ...]
    means: tuple[float, ...]
    errors: tuple[tuple[float, int], ...]
    relevant: float

    @classmethod
    def of(cls, points: Sequence[tuple[float, Sequence[float]]], tolerance: float) -> Growth | None:
        """The growth over (value, seconds at it); None with less than two values or no spread.

        Growth is relevant that makes the last value's duration longer than the first's by more than
        a `tolerance` (a share), and by more than a few milliseconds.
        """
        points = sorted((value, seconds) for value, seconds in points if seconds)
        freedom = sum(len(seconds) - 1 for _, seconds in points)
        if len(points) < 2 or freedom < _LEAST:
            return None
        means = tuple(fmean(seconds) for _, seconds in points)
        # Few boots do not show their own spread: they are taken to vary in proportion, as all do.
        logs = [[log(max(s, 1e-6)) for s in seconds] for _, seconds in points]
        squares = fsum((len(each) - 1) * variance(each) for each in logs if len(each) > 1)
        errors = [
            (variance(seconds) / len(seconds), len(seconds) - 1)
            if len(seconds) >= _OWN
            else (squares / freedom * mean**2 / len(seconds), freedom)
            for (_, seconds), mean in zip(points, means, strict=True)
        ]
        values = tuple(value for value, _ in points)
        return cls(values, means, tuple(errors), max(LEAST_MEDIAN, tolerance * means[0]))

    @property
    def slope(self) -> Between:
        """Seconds for each unit: the least squares line through the means."""
        return self._between(self._slope())

    @property
    def rise(self) -> Between:
        """Seconds from the first value to the last, along that line."""
        width = self.values[-1] - self.values[0]
        return self._between([width * weight for weight in self._slope()])

    @property
    def shape(self) -> Shape:
        """Constant where no relevant rise is possible; growth where one is sure."""
        rise = self.rise
        if rise.high <= self.relevant:
            return "constant"
        if rise.low <= self.relevant / 2:
            return "unclear"
        if len(self.values) < 3:
            return "linear"
        first, last = self._stretch(0, -2), self._stretch(-2, -1)
        bend = self._between([b - a for a, b in zip(first, last, strict=True)])
        before, after = self._sum(first), self._sum(last)
        if bend.low > 0 and after > _STEEPER * before:
            return "faster"
        return "slower" if bend.high < 0 and before > _STEEPER * after else "linear"

    def reaches(self, limit: float) -> Reach | None:
        """At which value beyond the last one a limit in seconds is reached, if it goes on so.

        None where it does not grow, is there already, or is far from it (`FARTHEST`). What does not
        grow in a line is followed along its last stretch.
        """
        shape = self.shape
        if shape in ("constant", "unclear") or self.means[-1] >= limit:
            return None
        middle = self._crosses(lambda between: between.middle, limit, bent=shape != "linear")
        if middle is None:
            return None
        low = self._crosses(lambda between: between.high, limit, bent=shape != "linear")
        high = self._crosses(lambda between: between.low, limit, bent=shape != "linear")
        return Reach(middle, low or self.values[-1], high)

    def beyond(self, other: Growth) -> Between:
        """How many seconds more than the other one it rises, over the same values."""
        mine, theirs = self.rise, other.rise
        middle = mine.middle - theirs.middle
        down = sqrt((mine.middle - mine.low) ** 2 + (theirs.high - theirs.middle) ** 2)
        up = sqrt((mine.high - mine.middle) ** 2 + (theirs.middle - theirs.low) ** 2)
        return Between(middle, middle - down, middle + up)

    # -- contrasts: weighted sums of the means -------------------------------------------------

    def _sum(self, weights: Sequence[float]) -> float:
        return fsum(w * mean for w, mean in zip(weights, self.means, strict=True))

    def _between(self, weights: Sequence[float]) -> Between:
        """A contrast with its interval by Student's t, of Welch and Satterthwaite's freedom."""
        middle = self._sum(weights)
        parts = [(w * w * square, n) for w, (square, n) in zip(weights, self.errors, strict=True)]
        total = fsum(part for part, _ in parts)
        if total <= 0:  # they are all alike
            return Between(middle, middle, middle)
        freedom = 1 / fsum((part / total) ** 2 / n for part, n in parts)
        half = _t(int(freedom)) * sqrt(total)
        return Between(middle, middle - half, middle + half)

    def _slope(self) -> list[float]:
        middle = fmean(self.values)
        squares = fsum((value - middle) ** 2 for value in self.values)
        return [(value - middle) / squares for value in self.values]

    def _stretch(self, start: int, end: int) -> list[float]:
        """The slope between two of the values."""
        weights = [0.0] * len(self.values)
        width = self.values[end] - self.values[start]
        weights[end], weights[start] = 1 / width, -1 / width
        return weights

    def _at(self, value: float, *, bent: bool) -> Between:
        """The duration at a value, on the line or on the last stretch made longer."""
        if bent:
            further = value - self.values[-1]
            weights = [further * weight for weight in self._stretch(-2, -1)]
            weights[-1] += 1
        else:
            further, n = value - fmean(self.values), len(self.values)
            weights = [1 / n + further * weight for weight in self._slope()]
        return self._between(weights)

    def _crosses(
        self, edge: Callable[[Between], float], limit: float, *, bent: bool
    ) -> float | None:
        low, high = self.values[-1], max(abs(self.values[-1]), 1.0) * FARTHEST
        if edge(self._at(low, bent=bent)) >= limit:
            return low
        if edge(self._at(high, bent=bent)) < limit:
            return None
        for _ in range(60):
            middle = (low + high) / 2
            below = edge(self._at(middle, bent=bent)) < limit
            low, high = (middle, high) if below else (low, middle)
        return high
