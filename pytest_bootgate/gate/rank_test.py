"""The exact, stratified rank test behind the comparison, and the estimate that belongs to it.

Boots that were made under the same conditions are a stratum. Within it logarithms are aligned by
their mean, then all are ranked together, and the sum of the candidate's ranks is compared with
every way in which the names of the releases could have fallen within the strata (a Wilcoxon test
after Hodges and Lehmann, Rank Methods for Combination of Independent Experiments, 1962). It
assumes nothing about the distribution of durations, only that without an upgrade either boot of a
pair could have been the other one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import combinations
from math import comb, inf, log, prod
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


def stratified(sides: Sides, sizes: Sequence[int]) -> list[Stratum]:
    """Cut two releases' values into strata. Raises `ValueError` unless they are so many pairs."""
    strata, done = [], 0
    for size in sizes:
        strata.append((sides[0][done : done + size], sides[1][done : done + size]))
        done += size
    if not (len(sides[0]) == len(sides[1]) == done):
        raise ValueError(f"{len(sides[0])} and {len(sides[1])} values are not {done} pairs")
    return strata


def logs(sides: Sides) -> Sides:
    """The logarithms of durations. A clock with coarse ticks may measure 0, which has none."""
    a, b = ([log(max(seconds, 1e-6)) for seconds in side] for side in sides)
    return a, b


def shift(sides: Sides, sizes: Sequence[int]) -> float:
    """By how much the candidate's values exceed the baseline's, in their own unit."""
    return estimate(stratified(sides, sizes))


def shifted(strata: Sequence[Stratum], by: float) -> list[Stratum]:
    """The candidate's values less `by`."""
    return [(a, [value - by for value in b]) for a, b in strata]


def turned(strata: Sequence[Stratum]) -> list[Stratum]:
    """The releases exchanged."""
    return [(b, a) for a, b in strata]
