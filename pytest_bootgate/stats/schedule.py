"""In which order pairs of boots run, and after how many of them they are looked at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil

#: Fewer pairs than this prove nothing: with four the smallest exact p is 1/70.
LEAST_PAIRS = 5
#: After how many pairs a campaign is looked at.
_LOOKS = (5, 7, 10, 15, 20, 30, 40, 60, 80, 100)
_STRATUM = 5


@dataclass(frozen=True, slots=True)
class Schedule:
    """After how many pairs the boots are looked at; no `looks` where there is no comparison."""

    looks: tuple[int, ...]

    @classmethod
    def of(cls, least: int, most: int) -> Schedule:
        """The looks of a first campaign of `least` to `most` pairs."""
        if most < LEAST_PAIRS:
            return cls(())
        first = max(least, LEAST_PAIRS)
        between = [look for look in _LOOKS if first < look < most]
        return cls(tuple(dict.fromkeys([first, *between, most])))

    @property
    def most(self) -> int:
        """How many pairs a campaign and the one that confirms it take at the very most."""
        return 2 * self.looks[-1] if self.looks else 0

    def strata(self, pairs: int, places: Sequence[str] = (), first: int = 0) -> list[list[int]]:
        """The strata of `pairs` pairs from pair `first` on: the numbers of their pairs, from 0.

        One for each stage and machine, none longer than five. `places` are the machines of all
        pairs by their numbers; nothing where all were on one.
        """
        strata, done = [], first
        for look in self.looks:
            end = max(done, first + min(look, pairs))
            by_place: dict[str, list[int]] = {}
            for pair in range(done, end):
                by_place.setdefault(places[pair] if places else "", []).append(pair)
            for own in by_place.values():
                parts = ceil(len(own) / _STRATUM)
                bounds = [ceil(len(own) * part / parts) for part in range(parts + 1)]
                strata += [own[a:b] for a, b in pairwise(bounds)]
            done = end
        return strata


def order(pair: int) -> tuple[str, str]:
    """In which order the releases of a pair boot, `pair` from 0: the Thue-Morse sequence.

    No period of the machine's own noise falls into step with it, as it would with strict turns.
    """
    both = ("baseline", "candidate")
    return both if pair.bit_count() % 2 == 0 else (both[1], both[0])
