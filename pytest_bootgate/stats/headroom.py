"""How near do the boots of one release come to a limit?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import atan, cos, exp, fsum, log, pi, sin, sqrt
from statistics import fmean, median, variance

#: Fewer boots than this say nothing about the tail; then the slowest one decides.
LEAST_FOR_TAIL = 5
#: How many times as far below the median as the slowest is above it, and at least how far above.
_BELOW, _NARROW = 3.0, 0.02


@dataclass(frozen=True, slots=True)
class Headroom:
    """How much of a `limit` (seconds) the boots used; `bound` is for the next boot.

    `used` and `bound_used` are shares of the limit. `bound` is None where there are too few
    boots to say anything about the tail. `level` is ``pass``, ``warn`` or ``fail``.
    """

    limit: float
    boots: int
    median: float
    slowest: float
    bound: float | None
    level: str
    reason: str

    @property
    def used(self) -> float:
        """The share of the limit that the slowest boot used."""
        return self.slowest / self.limit

    @property
    def at_most(self) -> float | None:
        """The seconds that the next boot takes at most, with 95 % confidence.

        Never less than one took already: one of many goes beyond the bound by chance, and a few
        that one of them exceeds by far are not spread as the bound assumes.
        """
        return None if self.bound is None else max(self.bound, self.slowest)

    @property
    def bound_used(self) -> float | None:
        """The share of the limit that the next boot stays below, with 95 % confidence."""
        return None if self.at_most is None else self.at_most / self.limit


def headroom(
    seconds: Sequence[float],
    limit: float,
    *,
    fail_at: float,
    warn_at: float,
    beside: Sequence[float] = (),
    what: str = "boot",
) -> Headroom:
    """Hold durations (seconds, at least one) against a limit.

    Fails if any of them reached the limit or the prediction bound reaches ``fail_at``; warns if the
    slowest reached ``fail_at`` or the bound reaches ``warn_at``. With fewer than `LEAST_FOR_TAIL`
    durations the slowest one decides in the bound's place. `beside` are the baseline's durations,
    which tell the bound more about the spread. `what` took so long, in one word.
    """
    slowest = max(seconds)
    bound = prediction_bound(seconds, beside) if len(seconds) >= LEAST_FOR_TAIL else None
    boots = f"{len(seconds)} {what}{'s' * (len(seconds) != 1)}"
    used = f"the slowest of {boots} used {_share(slowest / limit)}"
    if bound is not None:
        may_use = f"the next {what} may use {_share(bound / limit)} (95 % bound from {boots})"
    at_fail, at_warn = f"fail_at is {_share(fail_at)}", f"warn_at is {_share(warn_at)}"
    level, reason = "pass", ""
    if slowest >= limit:
        level, reason = "fail", f"the slowest of {boots} reached the limit"
    elif bound is None and slowest >= fail_at * limit:
        level, reason = "fail", f"{used}, {at_fail}"
    elif bound is not None and bound >= fail_at * limit:
        level, reason = "fail", f"{may_use}, {at_fail}"
    elif slowest >= fail_at * limit:
        level, reason = "warn", f"{used}, {at_fail}"
    elif bound is None and slowest >= warn_at * limit:
        level, reason = "warn", f"{used}, {at_warn}"
    elif bound is not None and bound >= warn_at * limit:
        level, reason = "warn", f"{may_use}, {at_warn}"
    return Headroom(limit, len(seconds), median(seconds), slowest, bound, level, reason)


def prediction_bound(seconds: Sequence[float], beside: Sequence[float] = ()) -> float:
    """One-sided 95 % prediction bound for the next duration, on log-normal durations.

    ``exp(mean + t * s * sqrt(1 + 1/n))`` over the logs of `seconds`, t the 0.95 quantile of
    Student's t with the degrees of freedom of s (Hahn and Meeker, Statistical Intervals, 1991,
    section 4.8). The variance is pooled with that of `beside`, if these are two or more: a
    release's spread is mostly its machine's. Raises `ValueError` for fewer than two durations.
    """
    n = len(seconds)
    if n < 2:
        raise ValueError("a prediction bound needs at least two durations")
    logs = _logs(seconds)
    freedom, squares = n - 1, (n - 1) * variance(logs)
    if len(beside) >= 2:
        freedom += len(beside) - 1
        squares += (len(beside) - 1) * variance(_logs(beside))
    return exp(fmean(logs) + t_quantile(0.95, freedom) * sqrt(squares / freedom * (1 + 1 / n)))


def _logs(seconds: Sequence[float]) -> list[float]:
    """Their logarithms; one far below the others counts as that far below and no farther.

    A mark that is seen late makes the phase after it short, down to nothing: that says nothing of
    long ones. The bound holds for 94.7 instead of 94.9 % of log-normal durations with five boots,
    and does not change with ten or more.
    """
    logs = [log(max(s, 1e-6)) for s in seconds]
    middle = median(logs)
    lowest = middle - _BELOW * max(max(logs) - middle, _NARROW)
    return [max(each, lowest) for each in logs]


def t_quantile(share: float, freedom: int) -> float:
    """The quantile of Student's t with `freedom` degrees of freedom, for a share in (0.5, 1)."""
    low, high = 0.0, 1.0
    while _t_cdf(high, freedom) < share:
        high *= 2
    for _ in range(80):
        middle = (low + high) / 2
        if _t_cdf(middle, freedom) < share:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _t_cdf(t: float, freedom: int) -> float:
    """Student's t for t >= 0 by the finite series of Abramowitz and Stegun, 26.7.3 and 26.7.4."""
    angle = atan(t / sqrt(freedom))
    c, s = cos(angle), sin(angle)
    odd = freedom % 2 == 1
    terms, term = [], c if odd else 1.0
    for k in range(1 if odd else 0, freedom - 1, 2):
        terms.append(term)
        term *= c * c * (k + 1) / (k + 2)
    middle = s * fsum(terms)
    inside = 2 / pi * (angle + middle) if odd else middle
    return 0.5 + inside / 2


def _share(share: float) -> str:
    return f"{share * 100:.0f} %" if share < 10 else "more than ten times the limit"
