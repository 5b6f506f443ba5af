"""The exact, stratified rank test behind the comparison, and the estimate that belongs to it.

Boots that were made under the same conditions are a stratum. Within it logarithms are aligned by
their mean, then all are ranked together, and the sum of the candidate's ranks is compared with
every way in which the names of the releases could have fallen within the strata (a Wilcoxon test
after Hodges and Lehmann, Rank Methods for Combination of Independent Experiments, 1962). It
assumes nothing about the distribution of durations, only that without an upgrade either boot of a
pair could have been the other one.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import accumulate
from math import comb, gcd, inf, log, prod
from statistics import fmean, median

_TIE = 1e-12
#: Halvings of the interval's search: 2^-26 of the range of differences.
_HALVINGS = 26

#: The boots of one stratum: the baseline's values, and as many of the candidate.
Stratum = tuple[Sequence[float], Sequence[float]]
#: The values of two releases, pair by pair: the baseline's, the candidate's.
Sides = tuple[Sequence[float], Sequence[float]]


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
    taken = tuple(len(b) for _, b in strata)
    return _chance(tuple(map(tuple, ranks)), taken, total)


@lru_cache(maxsize=128)  # near its end the interval's search meets the same ranks again and again
def _chance(ranks: tuple[tuple[int, ...], ...], taken: tuple[int, ...], total: int) -> float:
    """How likely so many ranks, drawn from each stratum, add up to `total` or more."""
    least = [min(own) for own in ranks]
    total -= sum(k * low for k, low in zip(taken, least, strict=True))
    apart = [[rank - low for rank in own] for own, low in zip(ranks, least, strict=True)]
    unit = gcd(*(rank for own in apart for rank in own)) or 1
    strata = [([rank // unit for rank in own], k) for own, k in zip(apart, taken, strict=True)]
    total //= unit
    # The sums of one half of the strata, each with those of the other half that suffice beside it.
    middle = len(strata) // 2
    one, other = _ways(strata[:middle]), _ways(strata[middle:])
    enough = [*accumulate(reversed(other))][::-1]
    found = sum(
        count * enough[max(0, total - value)]
        for value, count in enumerate(one)
        if total - value < len(enough)
    )
    return found / (sum(one) * sum(other))


def _ways(strata: Sequence[tuple[Sequence[int], int]]) -> list[int]:
    """In how many ways so many ranks, drawn from each stratum, give each sum from 0 on.

    The numbers are the digits of one large number: a product of such numbers convolves them.
    """
    size = prod(comb(len(own), k) for own, k in strata).bit_length() // 8 + 1
    digits = 1
    for own, k in strata:
        of = [1] + [0] * k  # by how many are drawn
        for rank in own:
            for drawn in range(k, 0, -1):
                of[drawn] += of[drawn - 1] << (8 * size * rank)
        digits *= of[k]
    most = sum(sum(sorted(own)[len(own) - k :]) for own, k in strata)
    raw = digits.to_bytes(size * (most + 1), "little")
    return [int.from_bytes(raw[i : i + size], "little") for i in range(0, len(raw), size)]


def interval(strata: Sequence[Stratum], level: float = 0.025) -> tuple[float, float]:
    """The shifts that the test does not reject at `level` on either side.

    Infinite on a side where the pairs are too few to reject anything: fewer than four.
    """
    low, high = _lowest(strata, level), _lowest(turned(strata), level)
    return low, -high


def _lowest(strata: Sequence[Stratum], level: float) -> float:
    differences = [y - x for a, b in strata for x in a for y in b]
    bad, good = min(differences) - 1, max(differences) + 1
    if exact_p(shifted(strata, bad)) > level:
        return -inf
    for _ in range(_HALVINGS):
        middle = (bad + good) / 2
        if exact_p(shifted(strata, middle)) <= level:
            bad = middle
        else:
            good = middle
    return good


def estimate(strata: Sequence[Stratum]) -> float:
    """By how much the candidate's values exceed the baseline's: the Hodges-Lehmann estimate."""
    return median(y - x for a, b in strata for x in a for y in b)


def stratified(sides: Sides, strata: Sequence[Sequence[int]]) -> list[Stratum]:
    """The values of two releases in strata, which are given by the numbers of their pairs."""
    return [([sides[0][pair] for pair in own], [sides[1][pair] for pair in own]) for own in strata]


def logs(sides: Sides) -> Sides:
    """The logarithms of durations. A clock with coarse ticks may measure 0, which has none."""
    a, b = ([log(max(seconds, 1e-6)) for seconds in side] for side in sides)
    return a, b


def shift(sides: Sides, strata: Sequence[Sequence[int]]) -> float:
    """By how much the candidate's values exceed the baseline's, in their own unit."""
    return estimate(stratified(sides, strata))


def shifted(strata: Sequence[Stratum], by: float) -> list[Stratum]:
    """The candidate's values less `by`."""
    return [(a, [value - by for value in b]) for a, b in strata]


def turned(strata: Sequence[Stratum]) -> list[Stratum]:
    """The releases exchanged."""
    return [(b, a) for a, b in strata]
