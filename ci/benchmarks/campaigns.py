"""Kinds of campaigns, played by every rule: what each of them said."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from functools import cache
from statistics import fmean
from typing import NamedTuple

from benchmarks.recordings import SPREAD, Recording, recordings, simulated, slower
from benchmarks.rules import PEERS, PLAN, RULE, STORED, Said, bootgate, stored

SIMULATED = f"simulated, spread {SPREAD:g}"
GATES, _TEN = 1000, 10


class Cell(NamedTuple):
    """One kind of campaign: a recording and an effect, or a release that really was slower."""

    name: str
    effect: float
    campaigns: int
    loads: tuple[str, ...] = ()


class Played(NamedTuple):
    """What each rule said to each campaign of a cell, and how many pairs the recording has."""

    said: Mapping[str, Sequence[Said]]
    pairs: int

    def red(self, rule: str = RULE) -> float:
        """How often a rule failed the build."""
        return fmean(one.red for one in self.said[rule])

    def same(self, rule: str = RULE) -> float:
        """How often it said that the candidate is not too slow."""
        return fmean(one.verdict in ("same", "faster") for one in self.said[rule])

    def used(self, rule: str = RULE) -> float:
        """After how many pairs, on average."""
        return fmean(one.pairs for one in self.said[rule])

    def independent(self, rule: str = RULE) -> int:
        """How many campaigns without a boot in common the recording has."""
        return min(len(self.said[rule]), max(1, round(self.pairs / self.used(rule))))


Table = Mapping[tuple[str, float], Played]


@cache
def _recording(cell: Cell, boots: int) -> Recording:
    if cell.loads:
        return slower(cell.name, cell.loads)
    return simulated(boots) if cell.name == SIMULATED else recordings()[cell.name]


def play(cell: Cell) -> Played:
    """Let every rule judge each campaign of a cell; all see the same campaigns."""
    chance = random.Random(f"{cell.name} {cell.loads}")
    recording = _recording(cell._replace(effect=0.0, campaigns=0), 30 * cell.campaigns)
    said: dict[str, list[Said]] = {}
    for place in recording.places(chance, cell.campaigns):
        pairs = recording.campaign(place, PLAN.most, cell.effect)
        said.setdefault(RULE, []).append(bootgate(pairs))
        for name, peer in PEERS.items():
            said.setdefault(name, []).append(peer(pairs))
        if not cell.loads:
            told = stored(pairs, recording, place, chance)
            said.setdefault(STORED, []).append(told)
    return Played(said, recording.pairs)


def of_ten(share: float) -> float:
    """How often a gate of ten targets is red, each of which is in so many of its campaigns."""
    return float(1 - (1 - share) ** _TEN)


def drawn(said: Sequence[Said], gates: int = GATES) -> float:
    """The same of gates that are drawn: ten campaigns each, all of one machine."""
    chance = random.Random(len(said))
    return fmean(
        any(one.red for one in chance.sample(said, min(_TEN, len(said)))) for _ in range(gates)
    )
