"""Is the candidate slower than the gate file allows? The rule, and all its constants.

The user gives one number, the tolerance T (`slower: 10%`). Pairs of boots, one of each release back
to back, are looked at after 5, 7, 10, 15, 20 and 30 pairs:

- ``same``: the estimate is below T, and one and a half times T is refuted.
- Suspect: the estimate is above T, and half of T is refuted. Then a second campaign of fresh pairs
  follows, looked at after as many, and only where these alone refute it again, and the estimate of
  all pairs is above T, is the candidate ``slower``.
- Neither: more pairs, and ``inconclusive`` once they are used up. It ends early where the boots
  scatter so much that not even an equal release could be shown to be the same.

"Refuted" is the test of `stats.rank_test` on the candidate divided by that much. What is measured
below T never fails, and for a slowdown of less than half of T to fail, two independent campaigns
must be wrong. The levels were chosen by simulation on recorded boots (docker and processes, quiet,
noisy and heavily loaded) and on independent log-normal ones (`ci/bench` repeats it: ``truth``): as
high as they can be where, of gates of ten targets, at most 0.5 % are red without a change and 2 %
where every target is slower by half of T. A second campaign finds more than one campaign at
stricter levels that keep the same promise, and costs gates that pass nothing; one of half as many
pairs found less at the same levels. A phase alone is no witness for the whole boot: in simulation
it found +15 % in one phase in 97 % instead of 76 %, but where work had moved from one phase to
another it made boots red that were as long as before (1 to 15 %) or 4 % longer (10 to 36 %).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil, exp, inf, log, sqrt
from statistics import median
from typing import Literal

from pytest_bootgate.stats.rank_test import (
    Sides,
    Stratum,
    estimate,
    exact_p,
    interval,
    logs,
    shifted,
    stratified,
    turned,
)
from pytest_bootgate.stats.schedule import Schedule

Comparison = Literal["same", "slower", "faster", "inconclusive"]

#: How much slower a candidate may be, where the gate file does not say.
TOLERANCE = 0.10
#: Shares of the tolerance: what must be refuted before it is slower, and before it is the same.
LEAST, MOST = 0.5, 1.5
#: The level of each look, and of the last one: suspect, slower again, same.
_SUSPECT_LEVEL, _AGAIN_LEVEL, _SAME_LEVEL = (0.004, 0.009), (0.01, 0.01), (0.02, 0.03)
#: From so many pairs on a campaign may end because its boots scatter too much.
_HOPELESS_FROM = 15
#: Normal quantiles: of the levels of `same` and of suspect, and of the power of 80 % with which
#: `more_pairs` would settle it.
_Z_SAME, _Z_SUSPECT, _Z_POWER, _Z_INTERVAL = 1.9, 2.61, 0.84, 1.96
#: A boot this many times as long as the median, and so many robust standard deviations beyond it,
#: is a straggler. The least spread that is believed keeps a very steady system from having them.
FAR_TIMES, _FAR_SPREADS, _LEAST_SPREAD = 2.0, 5.0, 0.02
#: So many stragglers of the candidate, and none of the baseline, fail.
STRAGGLERS = 3
#: The numbers of the pairs of each stratum.
Strata = Sequence[Sequence[int]]
#: What two campaigns of one release may differ by when they ran at different times. Of recorded
#: ones, ten boots each, none of a quiet machine and 1.2 % of one with neighbours that come and go
#: differ by more and significantly, with 0.30 it were 3 %; with 0.40 +75 % were found less often
#: than in 95 % (`ci/bench`: ``recorded``).
DRIFT = 0.35
#: More boots than these say no more about a recorded baseline.
RECORDED_BOOTS = 10

_TIE = 1e-12
_MANY = 200


@dataclass(frozen=True, slots=True)
class Regression:
    """How the candidate compares with the baseline.

    `ratio` is candidate over baseline (Hodges-Lehmann estimate) of all `pairs`, `low` and `high`
    its 95 % interval. `fresh` of the pairs are those of the second campaign. `p` is the exact
    one-sided probability that a slowdown of half the `tolerance` gives such ranks in the first
    campaign, `again` the same of the fresh pairs, None where there was no second campaign. `by`
    names what showed it: ``wall``, ``cpu`` or both; of an `inconclusive`, what fresh boots have yet
    to confirm. `stragglers` are boots far beyond all others: the baseline's, the candidate's.
    `next_look` is after how many pairs it is looked at again, None where it is settled or the pairs
    are used up; `more_pairs` is about how many more would settle an `inconclusive`, None where no
    number up to 200 would. `reason` says why it is inconclusive, unless it only lacks pairs.
    `recorded` says that the baseline's boots were made at another time. `subject` is the phase that
    was compared, empty for the whole boot. `net` says that the figures are of wall time net of
    neighbours, not of wall time itself.
    """

    verdict: Comparison
    pairs: int
    ratio: float
    low: float
    high: float
    p: float
    tolerance: float
    by: tuple[str, ...] = ()
    cpu_ratio: float | None = None
    more_pairs: int | None = None
    reason: str = ""
    recorded: bool = False
    fresh: int = 0
    again: float | None = None
    stragglers: tuple[int, int] = (0, 0)
    next_look: int | None = None
    subject: str = ""
    net: bool = False

    def doubted(self, reason: str) -> Regression:
        """The same figures, but no conclusion from them."""
        return replace(self, verdict="inconclusive", more_pairs=None, reason=reason, next_look=None)


def compare(
    wall: Sides,
    cpu: Sides | None,
    plan: Schedule,
    tolerance: float = TOLERANCE,
    places: Sequence[str] = (),
) -> Regression:
    """Compare durations in seconds, (baseline's, candidate's), pair by pair in their order.

    `cpu` is None where CPU time was not measured, `places` are the machines of the pairs, none
    where all were on one: then a difference between machines is no difference between releases.
    The campaigns are played from their first pair,
    so any number of pairs will do: those after the last look wait for the next one. Raises
    `ValueError` where there are fewer pairs than the first look needs, or sides of two lengths.
    """
    pairs = len(wall[0])
    if not plan.looks or pairs < plan.looks[0]:
        raise ValueError(f"{pairs} pairs cannot be compared")
    if len(wall[1]) != pairs:
        raise ValueError(f"{pairs} and {len(wall[1])} values are no pairs")
    campaign = _Campaign(wall, cpu, tolerance)
    for look, following in zip(plan.looks, (*plan.looks[1:], None), strict=True):
        last = following is None
        strata = plan.strata(look, places)
        found = campaign.first(strata, _SUSPECT_LEVEL[last], _SAME_LEVEL[last])
        if found.by:
            return _again(campaign, plan, found, places)
        hopeless = found.says == "inconclusive" and look >= _HOPELESS_FROM and found.hopeless(plan)
        more = found.hangs or (found.says == "inconclusive" and not hopeless)
        found.next_look = following if more else None
        if found.next_look is None or found.next_look > pairs:
            break
    return found.result()


def _again(
    campaign: _Campaign, plan: Schedule, suspect: _Look, places: Sequence[str]
) -> Regression:
    """The second campaign, as far as it has come; `suspect` is where the first one ended."""
    found = suspect
    for look in plan.looks:
        found.next_look = suspect.pairs + look
        if found.next_look > len(campaign.wall[0]):
            break
        last = look == plan.looks[-1]
        before = plan.strata(suspect.pairs, places)
        fresh = plan.strata(look, places, suspect.pairs)
        found = campaign.second(before, fresh, _AGAIN_LEVEL[last], _SAME_LEVEL[last])
        found.p = suspect.p
        if found.says != "inconclusive":
            break
    return found.result()


@dataclass
class _Look:
    """What one look shows: `by` what refutes half of the tolerance, `says` the verdict."""

    walls: list[Stratum]
    cpus: list[Stratum] | None
    tolerance: float
    p: float
    by: tuple[str, ...]
    says: Comparison
    stragglers: tuple[int, int]
    fresh: int = 0
    again: float | None = None
    next_look: int | None = None

    @property
    def pairs(self) -> int:
        """How many pairs it shows."""
        return sum(len(a) for a, _ in self.walls)

    @property
    def hangs(self) -> bool:
        """Whether more of the candidate's boots than of the baseline's are stragglers."""
        return self.stragglers[1] > self.stragglers[0]

    def hopeless(self, plan: Schedule) -> bool:
        """Whether not even an equal release could be shown to be the same by the last look."""
        error = _deviation(*interval(self.walls), self.pairs) / sqrt(plan.looks[-1])
        below = estimate(self.walls) < log(1 + self.tolerance)
        return below and log(1 + MOST * self.tolerance) < _Z_SAME * error

    def _faster(self) -> bool:
        return exact_p(turned(self.walls)) <= _SUSPECT_LEVEL[0] + _TIE

    def result(self) -> Regression:
        """The figures behind it."""
        low, high = interval(self.walls)
        middle, verdict, by = estimate(self.walls), self.says, self.by
        if verdict == "same" and middle <= -log(1 + LEAST * self.tolerance) and self._faster():
            verdict, by = "faster", ("wall",)
        more = None
        if verdict == "inconclusive" and self.again is None:
            deviation = _deviation(low, high, self.pairs)
            more = _more_pairs(middle, deviation, self.pairs, self.tolerance)
        return Regression(
            verdict=verdict,
            pairs=self.pairs,
            ratio=exp(middle),
            low=exp(low),
            high=exp(high) if high < inf else inf,
            p=self.p,
            tolerance=self.tolerance,
            by=() if verdict == "same" else by,
            cpu_ratio=None if self.cpus is None else exp(estimate(self.cpus)),
            more_pairs=more,
            fresh=self.fresh,
            again=self.again,
            stragglers=self.stragglers,
            next_look=self.next_look,
        )


@dataclass(frozen=True)
class _Campaign:
    """Durations in seconds of all pairs, to be looked at."""

    wall: Sides
    cpu: Sides | None
    tolerance: float

    def first(self, strata: Strata, suspect: float, same: float) -> _Look:
        """The first campaign at a look, by its levels; suspect where it has a `by`."""
        series = self._series(strata)
        p, by = self._above(series, suspect)
        above = estimate(series["wall"]) >= log(1 + self.tolerance) - _TIE
        return self._look(series, p, by if above else (), "inconclusive", same)

    def second(self, before: Strata, fresh: Strata, again: float, same: float) -> _Look:
        """The second campaign at a look: what its own pairs say, with the estimate of all."""
        p, by = self._above(self._series(fresh), again)
        series = self._series([*before, *fresh])
        above = estimate(series["wall"]) >= log(1 + self.tolerance) - _TIE
        found = self._look(series, p, by, "slower" if above and by else "inconclusive", same)
        found.fresh, found.again = sum(map(len, fresh)), p
        return found

    def _series(self, strata: Strata) -> dict[str, list[Stratum]]:
        every = {"wall": self.wall} | ({} if self.cpu is None else {"cpu": self.cpu})
        return {name: stratified(logs(sides), strata) for name, sides in every.items()}

    def _above(
        self, series: dict[str, list[Stratum]], level: float
    ) -> tuple[float, tuple[str, ...]]:
        """The least p against half of the tolerance, and which of wall and CPU time refute it."""
        least = log(1 + LEAST * self.tolerance)
        ps = {name: exact_p(shifted(strata, least)) for name, strata in series.items()}
        by = [name for name in series if ps[name] <= level + _TIE]
        if "cpu" in by and estimate(series["cpu"]) < log(1 + self.tolerance) - _TIE:
            by.remove("cpu")
        return min(ps[name] for name in by or ["wall"]), tuple(by)

    def _look(
        self,
        series: dict[str, list[Stratum]],
        p: float,
        by: tuple[str, ...],
        says: Comparison,
        same: float,
    ) -> _Look:
        walls = series["wall"]
        below = estimate(walls) < log(1 + self.tolerance) - _TIE
        most = log(1 + MOST * self.tolerance)
        if below and exact_p(turned(shifted(walls, most))) <= same + _TIE:
            says = "same"
        return _Look(walls, series.get("cpu"), self.tolerance, p, by, says, _stragglers(walls))


def _stragglers(walls: Sequence[Stratum]) -> tuple[int, int]:
    """How many boots of each release lie far beyond those of both."""
    theirs, own = ([value for stratum in walls for value in stratum[side]] for side in (0, 1))
    middle = median([*theirs, *own])
    spread = 1.4826 * median(abs(value - middle) for value in (*theirs, *own))
    far = middle + max(log(FAR_TIMES), _FAR_SPREADS * max(spread, _LEAST_SPREAD))
    return sum(value > far for value in theirs), sum(value > far for value in own)


def _deviation(low: float, high: float, pairs: int) -> float:
    """The standard error of an estimate with this 95 % interval, times the root of the pairs."""
    return (high - low) / (2 * _Z_INTERVAL) * sqrt(pairs)


def _more_pairs(middle: float, deviation: float, pairs: int, tolerance: float) -> int | None:
    """About how many more pairs settle it four times of five, if the estimate is right.

    Normal approximation: the interval's width shrinks with the root of the number of pairs.
    """
    if middle < log(1 + tolerance):
        distance, quantile = log(1 + MOST * tolerance) - middle, _Z_SAME
    else:
        distance, quantile = middle - log(1 + LEAST * tolerance), _Z_SUSPECT
    needed = (deviation * (quantile + _Z_POWER) / distance) ** 2 - pairs
    return max(1, ceil(needed)) if needed <= _MANY else None


def compare_recorded(wall: Sides, tolerance: float) -> Regression:
    """Compare with boots of the baseline that were made at another time, on the same host class.

    Nothing that the host did in between is shared, so nothing below `DRIFT` can be told, and fresh
    boots of the candidate alone would confirm nothing: one look at all boots decides. CPU time is
    no help; it drifts as much. Raises `ValueError` for sides of two lengths.
    """
    campaign = _Campaign(wall, None, max(tolerance, DRIFT))
    if len(wall[0]) != len(wall[1]):
        raise ValueError(f"{len(wall[0])} and {len(wall[1])} values are no pairs")
    strata = Schedule((len(wall[0]),)).strata(len(wall[0]))
    found = campaign.first(strata, _SUSPECT_LEVEL[1], _SAME_LEVEL[1])
    if found.by:
        found.says = "slower"
    return replace(found.result(), more_pairs=None, recorded=True)
