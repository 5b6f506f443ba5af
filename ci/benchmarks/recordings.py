"""Recorded boots, and the campaigns that can be put together from them."""

from __future__ import annotations

import csv
import json
import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from math import exp
from pathlib import Path
from typing import Any, NamedTuple

from pytest_bootgate.records.values import Boot
from pytest_bootgate.stats.schedule import order

_RECORDED = Path(__file__).parents[2] / "tests" / "recorded"
_NOISY = ("busy1", "burst")
_SAME_CODE = ("A", "A2")
#: Of the recorded releases that really were slower, and of their boots beside the code before.
SLOWER = ("tot10", "cpu10", "cpu20", "tot20imp")
#: Of the machine under load.
_CPUS = 2
#: Spread of the logarithms of simulated boots, and how wall and CPU time hang together.
SPREAD, _TOGETHER = 0.13, 0.8


class Took(NamedTuple):
    """One boot, in seconds; `gross` is its wall time where `wall` is that net of neighbours."""

    wall: float
    cpu: float
    gross: float | None = None

    def grown(self, effect: float) -> Took:
        """The boot of a release that is slower by so much."""
        more = 1 + effect
        gross = None if self.gross is None else self.gross * more
        return Took(self.wall * more, self.cpu * more, gross)


#: Neighbours in time; the boots of a campaign, pair by pair: the baseline's, the candidate's.
Pair = tuple[Took, Took]
Pairs = tuple[list[Took], list[Took]]
#: Boots that ran one after the other.
Block = Sequence[Took]


class Place(NamedTuple):
    """Where a campaign begins: in which circle, at which pair, and whether names are exchanged."""

    circle: int
    start: int
    turned: bool


@dataclass(frozen=True)
class Recording:
    """Boots of one release on one kind of machine, as pairs of neighbours.

    A circle holds all pairs of one program, in run order; where it ends it begins again. There are
    two for each program: one pairs the first boot with the second, the other one the second with
    the third. `pairs` are those without a boot in common. `of_releases`: the first boot of each
    pair is of the baseline and the second one of a release that really was slower.
    """

    name: str
    blocks: Sequence[Sequence[Block]]
    circles: Sequence[Sequence[Pair]]
    of_releases: bool = False

    @classmethod
    def of(cls, name: str, *programs: Sequence[Block]) -> Recording:
        """Boots of the same code: for each program its blocks, in run order."""
        circles = [
            [pair for block in blocks for pair in zip(block[at::2], block[at + 1 :: 2])]  # noqa: B905
            for blocks in programs
            for at in (0, 1)
        ]
        return cls(name, programs, circles)

    @property
    def pairs(self) -> int:
        """How many pairs there are without a boot in common."""
        return sum(max(map(len, two)) for two in zip(*[iter(self.circles)] * 2, strict=True))

    def places(self, chance: random.Random, most: int) -> list[Place]:
        """Where campaigns can begin, `most` of them at random, none of them twice."""
        every = [
            Place(circle, start, turned)
            for circle, pairs in enumerate(self.circles)
            for start in range(len(pairs))
            for turned in ((False,) if self.of_releases else (False, True))
        ]
        return chance.sample(every, min(most, len(every)))

    def campaign(self, place: Place, length: int, effect: float = 0.0) -> Pairs:
        """So many pairs from there on; the candidate's boots are longer by `effect`.

        Boots take their places in the order in which the gate would have booted them.
        """
        circle = self.circles[place.circle]
        sides: dict[str, list[Took]] = {"baseline": [], "candidate": []}
        for number in range(length):
            pair = circle[(place.start + number) % len(circle)]
            names = ("baseline", "candidate") if self.of_releases else order(number)
            for name, took in zip(names[::-1] if place.turned else names, pair, strict=True):
                sides[name].append(took)
        return sides["baseline"], [took.grown(effect) for took in sides["candidate"]]


@cache
def recordings() -> Mapping[str, Recording]:
    """All recorded sets of boots of the same code, by name."""
    quiet, noisy = _docker("quiet"), _docker(*_NOISY)
    heavy = [[_took(row) for row in _rows("heavy.csv")]]
    runs = [list(g) for _, g in groupby(_rows("process.csv"), key=lambda row: row["run"])]
    process = [[_took(row) for row in run] for run in runs]
    every = [
        Recording.of("docker, quiet", quiet),
        Recording.of("docker, noisy", noisy),
        Recording.of("docker, heavy load", heavy),
        Recording.of("process", process),
        *(_loaded(number, how) for number in (1, 2) for how in ("wall", "net")),
    ]
    return {one.name: one for one in every}


def simulated(boots: int, seed: int = 1) -> Recording:
    """Independent boots with log-normal durations, which no machine's rhythm ties together."""
    chance = random.Random(seed)

    def took() -> Took:
        wall, other = chance.gauss(0, 1), chance.gauss(0, 1)
        cpu = _TOGETHER * wall + (1 - _TOGETHER**2) ** 0.5 * other
        return Took(exp(SPREAD * wall), exp(SPREAD * cpu))

    return Recording.of("simulated", [[took() for _ in range(boots)]])


def slower(release: str, loads: Sequence[str] = ("quiet",)) -> Recording:
    """The recorded boots of a release that was slower, beside the code it came from."""
    circles: list[list[Pair]] = [[], []]
    blocks = [b for b in _blocks(*loads) if {name for name, _ in b} - set(_SAME_CODE)]
    for block in blocks:
        for i, (name, took) in enumerate(block):
            if name == release:
                after = block[i + 1 if i + 1 < len(block) else i - 1]
                circles[0].append((block[i - 1][1], took))
                circles[1].append((after[1], took))
    return Recording(release, [], circles, of_releases=True)


def _docker(*loads: str) -> list[Block]:
    """Boots of the same code, block by block; among other releases, those that ran between."""
    return [[took for name, took in b if name in _SAME_CODE] for b in _blocks(*loads)]


def _blocks(*loads: str) -> list[list[tuple[str, Took]]]:
    boots = [json.loads(line) for line in (_RECORDED / "boots.jsonl").read_text().splitlines()]
    wanted = [boot for boot in boots if boot["load"] in loads]
    return [
        [(boot["release"], _took(boot)) for boot in block]
        for _, block in groupby(wanted, key=lambda boot: boot["block"])
    ]


def _loaded(number: int, how: str) -> Recording:
    """A machine under load: by wall time, or by that less what its tasks waited for a CPU."""
    rows = list(_rows(f"loaded-{number}.csv"))
    took: Callable[[Mapping[str, Any]], Took] = _net if how == "net" else _took
    programs = [[[took(row) for row in rows if row["program"] == name]] for name in "pq"]
    return Recording.of(f"loaded {number}, {how}", *programs)


def _rows(name: str) -> Iterator[Mapping[str, Any]]:
    yield from csv.DictReader((_RECORDED / name).read_text().splitlines())


def _took(row: Mapping[str, Any]) -> Took:
    return Took(float(row["wall"]), float(row["cpu_s"]))


def _net(row: Mapping[str, Any]) -> Took:
    """By the gate's own arithmetic; others had all the CPU time that the boot did not use."""
    wall, cpu, delay = (float(row[key]) for key in ("wall", "cpu_s", "run_delay"))
    boot = Boot(
        target="",
        release="",
        profile="",
        number=1,
        start="cold",
        outcome="started",
        detail="",
        timeout=wall,
        ended=wall,
        seconds=wall,
        cpu_seconds=cpu,
        run_delay=delay,
        throttled=0.0,
        others_cpu=_CPUS * wall - cpu,
    )
    assert boot.net_seconds is not None
    return Took(boot.net_seconds, cpu, boot.seconds)


def stretches(recording: Recording, boots: int) -> list[list[Block]]:
    """Each program's boots, cut where the recording was interrupted or after so many boots."""
    return [
        [b[i : i + boots] for b in blocks for i in range(0, len(b), boots) if len(b) - i >= boots]
        for blocks in recording.blocks
    ]


def count(every: Iterable[Recording]) -> int:
    """How many boots they hold."""
    return sum(len(block) for one in every for blocks in one.blocks for block in blocks)
