"""What a tolerance means: how often the verdict is red, by how much slower a release really is."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from statistics import fmean
from typing import NamedTuple

from benchmarks.curves import Curve, Panel, draw
from benchmarks.recordings import recordings
from benchmarks.report import Section, Target, percent
from benchmarks.rules import PLAN, bootgate

NAMES = ("docker, quiet", "process")
TOLERANCES = (0.05, 0.10, 0.25)
#: The true slowdown, as a multiple of the tolerance.
MULTIPLES = tuple(step / 4 for step in range(13))
CAMPAIGNS = 300


class Cell(NamedTuple):
    """One point of a curve."""

    name: str
    tolerance: float
    multiple: float
    campaigns: int


class Share(NamedTuple):
    """How often the verdict was that."""

    red: float
    inconclusive: float


Points = Mapping[tuple[str, float, float], Share]


def play(cell: Cell) -> Share:
    """Judge campaigns of a release that is slower by so much; all cells see the same windows."""
    recording = recordings()[cell.name]
    said = [
        bootgate(
            recording.campaign(place, PLAN.most, cell.multiple * cell.tolerance), cell.tolerance
        )
        for place in recording.places(random.Random(cell.name), cell.campaigns)
    ]
    inconclusive = fmean(one.verdict == "inconclusive" and not one.red for one in said)
    return Share(fmean(one.red for one in said), inconclusive)


def measure(campaigns: int = CAMPAIGNS) -> Section:
    """Play all points, on all cores: nothing here depends on time."""
    cells = [Cell(n, t, m, campaigns) for n in NAMES for t in TOLERANCES for m in MULTIPLES]
    with ProcessPoolExecutor() as pool:
        played = list(pool.map(play, cells))
    points = {cell[:3]: share for cell, share in zip(cells, played, strict=True)}
    return Section(
        title="what a tolerance means",
        how=(
            "How often the comparison fails the build (and, after a stroke, is inconclusive), by"
            " how much slower the candidate really is, as a multiple of the tolerance. At most"
            f" {campaigns} campaigns a point, of the recordings and made as for *truth of the"
            " verdict*. Drawn in `docs/tolerance.svg`."
        ),
        header=("recorded boots", "`slower`", *(f"{m:g} ×" for m in MULTIPLES)),
        rows=[
            (name, percent(tolerance), *(_cell(points[name, tolerance, m]) for m in MULTIPLES))
            for name in NAMES
            for tolerance in TOLERANCES
        ],
        targets=list(_targets(points)),
        data={
            f"{name} {tolerance:g}": [points[name, tolerance, m]._asdict() for m in MULTIPLES]
            for name in NAMES
            for tolerance in TOLERANCES
        },
    )


def picture(section: Section) -> str:
    """The curves of a sweep as an SVG picture."""
    panels = [
        Panel(
            name,
            [
                Curve(
                    percent(t),
                    [(m, point["red"]) for m, point in zip(MULTIPLES, points, strict=True)],
                    [
                        (m, point["inconclusive"])
                        for m, point in zip(MULTIPLES, points, strict=True)
                    ],
                )
                for t in TOLERANCES
                for points in [section.data[f"{name} {t:g}"]]
            ],
        )
        for name in NAMES
    ]
    return draw(
        panels,
        title="How often a comparison fails, by how much slower the candidate really is",
        across="true slowdown, as a multiple of the tolerance",
        up="share of comparisons",
        legend="slower:",
        solid="fails",
        dashed="is inconclusive",
    )


def _targets(points: Points) -> Sequence[Target]:
    below = {t: max(points[n, t, 0.5].red for n in NAMES) for t in TOLERANCES}
    above = {t: min(points[n, t, 2.0].red for n in NAMES) for t in TOLERANCES}
    return [
        Target(
            "red at half of any tolerance, the worst",
            percent(max(below.values())),
            "≤ 1 %",
            max(below.values()) <= 0.01,
            _each(below),
        ),
        Target(
            "red at twice 10 % and 25 %, the worst",
            percent(min(above[0.10], above[0.25])),
            "≥ 97 %",
            min(above[0.10], above[0.25]) >= 0.97,
            _each(above),
        ),
    ]


def _each(shares: Mapping[float, float]) -> str:
    return ", ".join(f"`slower: {t * 100:g}%` {percent(s)}" for t, s in shares.items())


def _cell(share: Share) -> str:
    return f"{percent(share.red)} / {percent(share.inconclusive)}"
