"""A recorded baseline: boots of one release at two times, held against each other."""

from __future__ import annotations

import random
from concurrent.futures import ProcessPoolExecutor
from math import exp, log
from statistics import fmean
from typing import NamedTuple

from benchmarks.recordings import Block, recordings, stretches
from benchmarks.report import Section, Target, percent
from benchmarks.rules import Said, red
from pytest_bootgate.stats.regression import DRIFT, TOLERANCE, compare_recorded

#: A set by the recordings whose boots it holds, and by how many boots in a row are of one time.
SETS = {
    "docker, quiet": ("docker, quiet",),
    "docker, noisy": ("docker, noisy",),
    "process": ("process",),
    "loaded, net": ("loaded 1, net", "loaded 2, net"),
}
_LOADED_STRETCH = 98
BOOTS = (5, 10)
EFFECTS = (0.0, 0.15, 0.50, 0.75)
CAMPAIGNS = 2000


class Cell(NamedTuple):
    """One kind of campaign."""

    name: str
    boots: int
    effect: float
    campaigns: int


def programs(name: str) -> list[list[Block]]:
    """For each program of a set its boots, by the times at which they were recorded."""
    found: list[list[Block]] = []
    for at, recording in enumerate(recordings()[part] for part in SETS[name]):
        cut = name.startswith("loaded")
        times = stretches(recording, _LOADED_STRETCH) if cut else recording.blocks
        for number, blocks in enumerate(times):
            if not at:
                found.append([])
            found[number] += blocks
    return found


def play(cell: Cell) -> list[Said]:
    """Compare so many boots in a row with as many of another time; all effects see the same."""
    chance = random.Random(f"{cell.name} {cell.boots}")
    every, said = programs(cell.name), []
    for _ in range(cell.campaigns):
        two = chance.sample(chance.choice(every), 2)
        runs = [block[i : i + cell.boots] for block in two for i in [_start(block, cell, chance)]]
        before, after = [[took.wall for took in run] for run in runs]
        found = compare_recorded((before, [s * (1 + cell.effect) for s in after]), TOLERANCE)
        said.append(Said(found.verdict, red(found), found.pairs))
    return said


def _start(block: Block, cell: Cell, chance: random.Random) -> int:
    return chance.randrange(len(block) - cell.boots + 1)


def measure(campaigns: int = CAMPAIGNS) -> Section:
    """Play all cells, on all cores: nothing here depends on time."""
    cells = [Cell(n, b, e, campaigns) for n in SETS for b in BOOTS for e in EFFECTS]
    with ProcessPoolExecutor() as pool:
        played = dict(zip([c[:3] for c in cells], pool.map(play, cells), strict=True))

    def reds(boots: int, effect: float) -> dict[str, float]:
        return {n: fmean(one.red for one in played[n, boots, effect]) for n in SETS}

    return Section(
        title="a recorded baseline",
        how=(
            "Boots in a row of one release, held against as many of the same release that were made"
            " at another time under the same kind of load (another block of boots, run or stretch"
            f" of {_LOADED_STRETCH} boots, some of them days apart), {campaigns} times each; the"
            " candidate's are then multiplied. Wall time, under load net. Nothing below"
            f" {DRIFT * 100:g} % counts, whatever the tolerance."
        ),
        header=(
            *("recorded boots", "times", "boots each", "slower without a change"),
            *(f"+{e * 100:g} % found" for e in EFFECTS[1:]),
            *("same without a change", "times apart, greatest"),
        ),
        rows=[
            (
                name,
                str(sum(map(len, programs(name)))),
                str(boots),
                *(percent(reds(boots, e)[name]) for e in EFFECTS),
                percent(fmean(one.verdict in _SAME for one in played[name, boots, 0.0])),
                f"{_drift(name):.2f} ×",
            )
            for name in SETS
            for boots in BOOTS
        ],
        targets=[
            _target("slower without a change, ten boots each", reds(10, 0.0), 0.01, most=True),
            _target("slower without a change, five boots each", reds(5, 0.0), 0.02, most=True),
            _target("+75 % found, ten boots each", reds(10, 0.75), 0.97, most=False),
        ],
        data={
            f"{name} {boots} {effect:g}": {
                v: fmean(one.verdict == v for one in said)
                for v in ("slower", "same", "faster", "inconclusive")
            }
            for (name, boots, effect), said in played.items()
        },
    )


_SAME = ("same", "faster")


def _target(what: str, shares: dict[str, float], limit: float, *, most: bool) -> Target:
    worst = max(shares.values()) if most else min(shares.values())
    return Target(
        f"{what}, the worst set",
        percent(worst),
        f"{'≤' if most else '≥'} {percent(limit)}",
        worst <= limit if most else worst >= limit,
        ", ".join(f"{name} {percent(share)}" for name, share in shares.items()) + ".",
    )


def _drift(name: str) -> float:
    """By how much the geometric means of two times differ at most."""
    means = [[fmean(log(t.wall) for t in b) for b in blocks] for blocks in programs(name)]
    return exp(max(max(one) - min(one) for one in means))
