"""Thresholds from recorded boots: how long may a phase take before somebody should look?

A limit must leave today's boots in peace, and not just each of them: what the gate holds against
``warn`` is the bound that it draws from a handful of boots, and that bound wanders more than the
boots do. So the bound here is one that, with `CONFIDENCE`, both `BOOTS_BELOW` of all boots and the
gate's own bounds in `RUNS_BELOW` of its runs stay below.

All durations are in seconds and taken as log-normal; all shares are of a timeout.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, exp, floor, fmod, log, log10, sqrt
from statistics import NormalDist, fmean, median, stdev

from pytest_bootgate.stats.headroom import LEAST_FOR_TAIL, t_quantile

#: Fewer boots than this carry no threshold.
LEAST_BOOTS = 10
#: A phase with a shorter median (seconds) is left alone: its limit would be noise.
LEAST_MEDIAN = 0.010
#: How sure the bound is, and of what: of this share of boots, and of gate runs.
CONFIDENCE, BOOTS_BELOW, RUNS_BELOW = 0.95, 0.99, 0.95
#: The least standard deviation of the logs that is believed. Boots made within minutes of each
#: other are more alike than those of another day; on a quiet machine whole boots spread by 0.13.
LEAST_SPREAD = 0.10
#: The highest fail_at that is proposed, the lowest, and the least distance from warn_at to fail_at.
MOST_FAIL_AT, LEAST_FAIL_AT, APART = 0.90, 0.20, 0.10

_NORMAL = NormalDist()


@dataclass(frozen=True, slots=True)
class Spread:
    """What boots say about one duration, in seconds; `bound` as this module's head has it."""

    boots: int
    median: float
    slowest: float
    bound: float


@dataclass(frozen=True, slots=True)
class Shares:
    """A proposal for `fail_at` and `warn_at`, shares of a timeout."""

    fail_at: float
    warn_at: float


def spread(seconds: Sequence[float], run: int) -> Spread:
    """Durations (at least two) and their bound, for a gate that judges `run` boots at a time.

    The bound is ``exp(mean + k * s)`` over the logs, with `k_factor`. Raises `ValueError` for
    fewer than two durations.
    """
    if len(seconds) < 2:
        raise ValueError("a bound needs at least two durations")
    # A mark may coincide with the one before: a duration of zero has no logarithm.
    logs = [log(max(s, 1e-6)) for s in seconds]
    k = k_factor(quantile(run), len(logs))
    bound = exp(fmean(logs) + k * max(stdev(logs), LEAST_SPREAD))
    return Spread(len(logs), median(seconds), max(seconds), max(bound, *seconds))


def quantile(run: int) -> float:
    """How many standard deviations above the mean of the logs the bound must hold.

    That of `BOOTS_BELOW` of the boots, or, where it lies higher, of `RUNS_BELOW` of the gate's
    prediction bounds from `run` boots. Such a bound is ``mean + c * s`` with ``c = t *
    sqrt(1 + 1/run)`` (see `headroom.prediction_bound`), about normal with mean ``c * c4`` and
    variance ``1/run + c² * (1 - c4²)``, where ``c4 = 4(run - 1) / (4 run - 3)`` is nearly the
    expectation of s for a standard deviation of 1. (A baseline booted beside only makes s, and
    so the bound, steadier.) With fewer than `LEAST_FOR_TAIL` boots to a run the slowest one is
    judged, and is covered already.
    """
    boots = _NORMAL.inv_cdf(BOOTS_BELOW)
    if run < LEAST_FOR_TAIL:
        return boots
    c = t_quantile(0.95, run - 1) * sqrt(1 + 1 / run)
    c4 = 4 * (run - 1) / (4 * run - 3)
    runs = c * c4 + _NORMAL.inv_cdf(RUNS_BELOW) * sqrt(1 / run + c * c * (1 - c4 * c4))
    return max(boots, runs)


def k_factor(z: float, n: int, confidence: float = CONFIDENCE) -> float:
    """How many sample deviations above the sample mean hold the normal quantile `z` one-sided.

    From `n` values, with `confidence`; Natrella's approximation, NIST/SEMATECH e-Handbook of
    Statistical Methods, 7.2.6.3: ``(z + sqrt(z² - a*b)) / a``, ``a = 1 - zc² / (2(n - 1))``,
    ``b = z² - zc²/n``. It is 1 % low at ten values, and closer from more. Raises `ValueError`
    where a is not positive: for fewer than three values at 95 %.
    """
    zc = _NORMAL.inv_cdf(confidence)
    a = 1 - zc * zc / (2 * (n - 1)) if n > 1 else 0.0
    if a <= 0:
        raise ValueError(f"{n} values are too few")
    b = z * z - zc * zc / n
    return (z + sqrt(z * z - a * b)) / a


def limit(bound: float, warn_at: float, timeout: float) -> float | None:
    """The limit of which a bound uses no more than `warn_at`, rounded up.

    None where that would be more than the timeout of the whole boot.
    """
    seconds = round_up(bound / warn_at)
    return seconds if seconds <= timeout else None


def shares(used: float, fail_at: float, warn_at: float, *, lower: bool) -> Shares | None:
    """Better shares than the present ones, None where these are right or none would do.

    `used` is the largest share of its timeout that the bound of any target uses. Above `warn_at`,
    healthy boots would warn: then `warn_at` goes up to it and `fail_at` stays `APART` above, but
    never beyond `MOST_FAIL_AT`, where the timeout is at fault and not the shares. Where twice the
    largest share (`LEAST_FAIL_AT` at least) is no more than half of the present `fail_at`, that
    would catch trouble earlier, and `warn_at` keeps its proportion; only if `lower` allows it.
    """
    if used > warn_at:
        higher = _up_to_5(used)
        found = Shares(max(fail_at, round(higher + APART, 2)), higher)
        return found if found.fail_at <= MOST_FAIL_AT else None
    small = max(LEAST_FAIL_AT, _up_to_5(2 * used))
    if not lower or small > fail_at / 2:
        return None
    below = max(_up_to_5(small * warn_at / fail_at), _up_to_5(used))
    return Shares(small, min(below, round(small - 0.05, 2)))


def round_up(seconds: float) -> float:
    """Seconds (more than 0) rounded up to two significant digits."""
    power = floor(log10(seconds)) - 1
    units = ceil(round(seconds / 10.0**power, 9))
    return float(f"{units}e{power}")


def written(seconds: float) -> str:
    """Seconds as a gate file has them: ``250ms``, ``1.2s``, ``45s``, ``1m30s``."""
    if seconds < 1:
        return f"{round(seconds * 1000, 6):g}ms"
    hours, minutes = int(seconds // 3600), int(seconds % 3600 // 60)
    rest = f"{round(fmod(seconds, 60), 6):g}"
    parts = [f"{hours}h" if hours else "", f"{minutes}m" if minutes else ""]
    return "".join(parts) + (f"{rest}s" if rest != "0" else "")


def _up_to_5(share: float) -> float:
    """A share rounded up to the next 5 %."""
    return ceil(round(share * 20, 9)) / 20
