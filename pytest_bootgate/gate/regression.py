"""Is the candidate slower than the baseline? A staged, stratified, exact rank test.

Pairs of boots, one of each release back to back, are looked at after 5, 7, 10 and 15 pairs. The
boots between two looks are a stratum: within it logarithms are aligned by their mean, then all are
ranked together, and the sum of the candidate's ranks is held against every way in which the names
of the releases could have fallen within the strata (a Wilcoxon test after Hodges and Lehmann,
Rank Methods for Combination of Independent Experiments, 1962). So it needs no assumption about
how durations are distributed, only that without an upgrade either boot of a pair could have been
the other one. The levels of all looks together keep false alarms below two per cent.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from math import ceil, comb, exp, inf, log, prod
from statistics import fmean, median
from typing import Literal

Comparison = Literal["same", "slower", "faster", "unsure"]

#: Fewer pairs than this prove nothing: with four the smallest exact p is 1/70.
LEAST_PAIRS = 5
#: The smallest slowdown that is called one, whatever its p.
LEAST_EFFECT = 1.05
#: The tolerance for which the levels below were chosen.
USUAL_TOLERANCE = 0.15

_LOOKS = (5, 7, 10, 15, 20, 30, 40, 60, 80, 100)
_USUAL = (5, 7, 10, 15)
# For the usual looks: by wall time alone, and by each of wall and CPU time.
_SLOWER_ALONE = (0.008, 0.0045, 0.0055, 0.009)
_SLOWER_EACH = (0.004, 0.00265, 0.0028, 0.0045)
_SAME = (0.016, 0.022, 0.021, 0.026)
#: What two campaigns of one release may differ by when they ran at different times: of recorded
#: ones, ten boots each, quiet or with busy neighbours, 0.8 % differed by more and significantly
#: (five boots each: 2 %).
DRIFT = 0.30
#: More boots than these say no more about a recorded baseline.
RECORDED_BOOTS = 10

_ALARMS, _MISSES = 0.02, 0.05  # what all looks together may get wrong
_STRATUM = 5
_TIE = 1e-12
_MANY = 200

#: The boots of one stratum: durations of the baseline, and as many of the candidate, as logs.
Stratum = tuple[Sequence[float], Sequence[float]]


@dataclass(frozen=True, slots=True)
class Schedule:
    """After how many pairs the boots are looked at; empty where there can be no comparison."""

    looks: tuple[int, ...]

    @classmethod
    def of(cls, least: int, most: int) -> Schedule:
        """The looks of a campaign of `least` to `most` pairs."""
        if most < LEAST_PAIRS:
            return cls(())
        first = max(least, LEAST_PAIRS)
        between = [look for look in _LOOKS if first < look < most]
        return cls(tuple(dict.fromkeys([first, *between, most])))

    def levels(self, pairs: int, *, metrics: int) -> tuple[float, float]:
        """The levels at which a look after `pairs` says slower (by each metric), and same.

        Looks other than the usual ones share the whole evenly (Bonferroni).
        """
        look = self.looks.index(pairs)
        if self.looks == _USUAL:
            return (_SLOWER_ALONE if metrics == 1 else _SLOWER_EACH)[look], _SAME[look]
        return _ALARMS / metrics / len(self.looks), _MISSES / len(self.looks)

    def strata(self, pairs: int) -> list[int]:
        """The sizes of the strata of the first pairs: one per stage, none longer than five."""
        sizes, done = [], 0
        for look in self.looks:
            stage = min(look, pairs) - done
            parts = ceil(stage / _STRATUM)
            sizes += [stage // parts + (part < stage % parts) for part in range(parts)]
            done += stage
        return sizes


@dataclass(frozen=True, slots=True)
class Regression:
    """How the candidate compares with the baseline.

    `ratio` is candidate over baseline by wall time (Hodges-Lehmann estimate), `low` and `high`
    its 95 % interval, `p` the exact one-sided probability of such ranks without a difference,
    in the direction of `ratio`. `by` names what showed it: ``wall``, ``cpu`` or both.
    `more_pairs` is about how many more pairs would settle an `unsure`, None where no number
    up to 200 would. `reason` says why it is unsure, if not for want of pairs.
    `recorded` says that the baseline's boots were made at another time.
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
    cpu_p: float | None = None
    more_pairs: int | None = None
    reason: str = ""
    recorded: bool = False

    def doubted(self, reason: str) -> Regression:
        """The same figures, but no conclusion from them."""
        return replace(self, verdict="unsure", more_pairs=None, reason=reason)


def order(pair: int) -> tuple[str, str]:
    """In which order the releases of a pair boot, `pair` from 0: the Thue-Morse sequence.

    No period of the machine's own noise falls into step with it, as it would with strict turns.
    """
    both = ("baseline", "candidate")
    return both if pair.bit_count() % 2 == 0 else (both[1], both[0])


def compare(
    wall: tuple[Sequence[float], Sequence[float]],
    cpu: tuple[Sequence[float], Sequence[float]] | None,
    plan: Schedule,
    tolerance: float = USUAL_TOLERANCE,
) -> Regression:
    """Compare durations in seconds, (baseline's, candidate's), pair by pair in their order.

    `cpu` is None where CPU time was not measured. The number of pairs must be one of the plan's
    looks, else `ValueError`. An `unsure` at any look but the last means: go on.

    ``slower`` needs an estimate of at least `LEAST_EFFECT` and p below the look's level, by wall
    time or by CPU time (then with an estimate of its own). A tolerance above the usual one moves
    both by as much. ``same`` is the test turned round against the tolerance; what is within it
    for sure is the same, even if it is a little slower for sure.
    """
    pairs = len(wall[0])
    slower_level, same_level = plan.levels(pairs, metrics=1 if cpu is None else 2)
    sizes = plan.strata(pairs)
    walls = _logs(wall, sizes)
    cpus = None if cpu is None else _logs(cpu, sizes)
    free = max(0.0, log(1 + tolerance) - log(1 + USUAL_TOLERANCE))
    estimate = _estimate(walls)
    cpu_estimate = None if cpus is None else _estimate(cpus)

    def shown(way: Callable[[list[Stratum]], list[Stratum]], least: float) -> tuple[str, ...]:
        """What shows a difference in one direction."""
        if _estimate(way(walls)) < least - _TIE:
            return ()
        return tuple(
            name
            for name, strata in (("wall", walls), ("cpu", cpus))
            if strata is not None
            and _estimate(way(strata)) >= least - _TIE
            and exact_p(way(strata)) <= slower_level + _TIE
        )

    slower = shown(lambda strata: _shifted(strata, free), log(LEAST_EFFECT))
    faster = shown(_turned, log(LEAST_EFFECT))
    same = exact_p(_turned(_shifted(walls, log(1 + tolerance)))) <= same_level + _TIE
    verdict: Comparison = "unsure"
    if slower and not same:
        verdict = "slower"
    elif faster:
        verdict = "faster"
    elif same:
        verdict = "same"
    low, high = interval(walls)
    up = estimate >= 0
    found = Regression(
        verdict=verdict,
        pairs=pairs,
        ratio=exp(estimate),
        low=exp(low),
        high=exp(high),
        p=exact_p(walls if up else _turned(walls)),
        tolerance=tolerance,
        by=slower if verdict == "slower" else faster if verdict == "faster" else (),
        cpu_ratio=None if cpu_estimate is None else exp(cpu_estimate),
        cpu_p=None if cpus is None else exact_p(cpus if up else _turned(cpus)),
    )
    return replace(found, more_pairs=_more_pairs(found)) if verdict == "unsure" else found


def compare_recorded(
    wall: tuple[Sequence[float], Sequence[float]], plan: Schedule, tolerance: float
) -> Regression:
    """Compare with boots of the baseline that were made at another time, on the same host class.

    Nothing that the host did in between is shared, so nothing below `DRIFT` can be told:
    ``slower`` and ``faster`` need an estimate of that much, ``same`` is the same within it. CPU
    time is no help; it drifts as much.
    """
    tolerance = max(tolerance, DRIFT)
    found = compare(wall, None, plan, tolerance)
    level, _ = plan.levels(found.pairs, metrics=1)
    verdict: Comparison = "same" if found.verdict == "same" else "unsure"
    if found.p <= level + _TIE and abs(log(found.ratio)) >= log(1 + tolerance) - _TIE:
        verdict = "slower" if found.ratio > 1 else "faster"
    by = ("wall",) if verdict in ("slower", "faster") else ()
    return replace(found, verdict=verdict, by=by, more_pairs=None, recorded=True)


def shift(pairs: tuple[Sequence[float], Sequence[float]], sizes: Sequence[int]) -> float:
    """By how much the candidate's values exceed the baseline's: Hodges-Lehmann, in their unit."""
    return _estimate(_strata(pairs, sizes))


def exact_p(strata: Sequence[Stratum]) -> float:
    """The exact one-sided probability that the candidate's ranks are so high by chance."""
    aligned = []
    for number, (a, b) in enumerate(strata):
        middle = fmean([*a, *b])
        aligned += [(value - middle, number, False) for value in a]
        aligned += [(value - middle, number, True) for value in b]
    aligned.sort(key=lambda entry: entry[0])
    ranks: list[list[int]] = [[] for _ in strata]
    total = begin = 0
    while begin < len(aligned):
        end = begin + 1
        while end < len(aligned) and aligned[end][0] - aligned[end - 1][0] < _TIE:
            end += 1
        rank = begin + end + 1  # twice the middle rank of these ties, so that it is whole
        for _, number, is_candidate in aligned[begin:end]:
            ranks[number].append(rank)
            total += rank if is_candidate else 0
        begin = end
    # The number of ways for each sum of ranks, as the digits of one large number: a product of
    # such numbers convolves them.
    ways = prod(comb(len(a) + len(b), len(a)) for a, b in strata)
    width = ways.bit_length() + 1
    digits = 1
    for (a, _), own in zip(strata, ranks, strict=True):
        sums = Counter(map(sum, combinations(own, len(a))))
        digits *= sum(count << (width * value) for value, count in sums.items())
    # Modulo (base - 1) a number is the sum of its digits.
    return ((digits >> (width * total)) % ((1 << width) - 1)) / ways


def interval(strata: Sequence[Stratum], level: float = 0.025) -> tuple[float, float]:
    """The shifts that the test does not reject at `level` on either side.

    Infinite on a side where the pairs are too few to reject anything: fewer than four.
    """
    differences = [y - x for a, b in strata for x in a for y in b]
    outside = (min(differences) - 1, max(differences) + 1)

    def rejected(by: float, *, low: bool) -> bool:
        moved = _shifted(strata, by)
        return exact_p(moved if low else _turned(moved)) <= level

    def limit(*, low: bool) -> float:
        bad, good = outside if low else outside[::-1]
        if not rejected(bad, low=low):
            return -inf if low else inf
        for _ in range(40):
            middle = (bad + good) / 2
            if rejected(middle, low=low):
                bad = middle
            else:
                good = middle
        return good

    return limit(low=True), limit(low=False)


def _more_pairs(found: Regression) -> int | None:
    """About how many more pairs settle it four times of five, if the estimate is right.

    Normal approximation: the interval's width shrinks with the root of the number of pairs.
    """
    deviation = (log(found.high) - log(found.low)) / (2 * 1.96) * found.pairs**0.5
    usual = log(1 + USUAL_TOLERANCE)
    to_same = log(1 + found.tolerance) - log(found.ratio)
    to_slower = log(found.ratio) - max(0.0, log(1 + found.tolerance) - usual)
    needed = []
    if to_same > 0:
        needed.append((deviation * (1.94 + 0.84) / to_same) ** 2)
    if to_slower >= log(LEAST_EFFECT):
        needed.append((deviation * (2.61 + 0.84) / to_slower) ** 2)
    more = max(1, ceil(min(needed, default=inf) - found.pairs)) if needed else _MANY + 1
    return more if more <= _MANY else None


def _strata(pairs: tuple[Sequence[float], Sequence[float]], sizes: Sequence[int]) -> list[Stratum]:
    strata, done = [], 0
    for size in sizes:
        strata.append((pairs[0][done : done + size], pairs[1][done : done + size]))
        done += size
    if not (len(pairs[0]) == len(pairs[1]) == done):
        raise ValueError(f"{len(pairs[0])} and {len(pairs[1])} values are not {done} pairs")
    return strata


def _logs(pairs: tuple[Sequence[float], Sequence[float]], sizes: Sequence[int]) -> list[Stratum]:
    # A clock with coarse ticks may measure nothing at all, and zero has no logarithm.
    logs = tuple([log(max(seconds, 1e-6)) for seconds in side] for side in pairs)
    return _strata((logs[0], logs[1]), sizes)


def _shifted(strata: Sequence[Stratum], by: float) -> list[Stratum]:
    return [(a, [value - by for value in b]) for a, b in strata]


def _turned(strata: Sequence[Stratum]) -> list[Stratum]:
    return [(b, a) for a, b in strata]


def _estimate(strata: Sequence[Stratum]) -> float:
    return median(y - x for a, b in strata for x in a for y in b)
