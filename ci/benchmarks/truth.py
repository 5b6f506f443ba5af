"""Truth of the verdict: false alarms, power and boots spent, on resampled recorded boots."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from math import log
from pathlib import Path
from statistics import fmean, median, stdev
from typing import Any, NamedTuple, TypeVar

from pytest_benchmark.utils import parse_compare_fail

from benchmarks.report import Section, Target, percent
from pytest_bootgate.gate.regression import Schedule, compare, order

RECORDED = Path(__file__).parents[2] / "tests" / "recorded" / "boots.jsonl"
#: How many campaigns stand behind a figure: without an effect, with one, of a recorded release.
CAMPAIGNS = (600, 200, 100)
EFFECTS = (0.0, 0.05, 0.10, 0.20, 0.50)
LOADS = {"quiet": ("quiet",), "noisy": ("busy1", "burst")}
_SAME_CODE = {"A", "A2"}
_SLOWER = ("tot10", "cpu10", "cpu20", "tot20imp")
_PLAN, _FIXED = Schedule.of(5, 15), Schedule.of(15, 15)
_MOST = 15
_T = TypeVar("_T")
#: A campaign is two runs of so many pairs: they meet where the rule's last stage begins, and
#: Mann-Whitney, which knows no stages, sees the first run only.
_RUNS = (10, 5)

RULE, WALL = "bootgate, wall or CPU", "bootgate, wall alone"
FIXED = "the same test, always 15 pairs"
MANN_WHITNEY = "Mann–Whitney p < .01 and ≥ 5 %, n = 10"
STORED = "pytest-benchmark `compare-fail=median:10%`, n = 5, stored baseline"


class Took(NamedTuple):
    """One recorded boot, in seconds."""

    wall: float
    cpu: float


#: A cell's load, effect and release.
_Key = tuple[str, float | None, str | None]
#: The boots of a campaign, pair by pair: the baseline's, the candidate's.
Pairs = tuple[Sequence[Took], Sequence[Took]]


class Said(NamedTuple):
    """What a rule concluded, and after how many boots."""

    verdict: str
    boots: int


@dataclass(frozen=True)
class Record:
    """Recorded boots of one load: runs of the same code, and of slower releases among it.

    `slower` holds for each release and block (the baseline's boot before, the release's, the
    baseline's after).
    """

    same: Sequence[Sequence[Took]]
    slower: Mapping[str, Sequence[Sequence[tuple[Took, Took, Took]]]]


@dataclass(frozen=True)
class Cell:
    """One kind of campaign: a load, and an effect or a recorded release."""

    load: str
    effect: float | None
    release: str | None
    campaigns: int


def recorded(load: str) -> Record:
    """The recorded boots of one load, block by block in the order they ran."""
    blocks: dict[int, list[tuple[str, Took]]] = {}
    for line in RECORDED.read_text().splitlines():
        boot = json.loads(line)
        if boot["load"] == load:
            took = Took(boot["wall"], boot["cpu_s"])
            blocks.setdefault(boot["block"], []).append((boot["release"], took))
    same = [[t for _, t in b] for b in blocks.values() if {r for r, _ in b} <= _SAME_CODE]
    mixed = [b for b in blocks.values() if not {r for r, _ in b} <= _SAME_CODE]
    slower = {release: [list(_beside(block, release)) for block in mixed] for release in _SLOWER}
    return Record(same, slower)


def _beside(block: Sequence[tuple[str, Took]], release: str) -> Iterator[tuple[Took, Took, Took]]:
    for i, (name, took) in enumerate(block):
        if name == release:
            after = block[i + 1][1] if i + 1 < len(block) else block[i - 1][1]
            yield block[i - 1][1], took, after


def same_code(record: Record, chance: random.Random, effect: float) -> Pairs:
    """A campaign of boots of the same code; the candidate's are longer by `effect`."""
    boots = [took for pairs in _RUNS for took in _run(record.same, chance, 2 * pairs)]
    sides: dict[str, list[Took]] = {"baseline": [], "candidate": []}
    for pair in range(_MOST):
        for place, name in enumerate(order(pair)):
            sides[name].append(boots[2 * pair + place])
    grown = [Took(t.wall * (1 + effect), t.cpu * (1 + effect)) for t in sides["candidate"]]
    return sides["baseline"], grown


def really_slower(record: Record, chance: random.Random, release: str) -> Pairs:
    """A campaign of a release that was recorded, beside the boots of the code it came from."""
    blocks = record.slower[release]
    triples = [triple for pairs in _RUNS for triple in _run(blocks, chance, pairs)]
    first = [order(pair)[0] == "baseline" for pair in range(_MOST)]
    baseline = [t[0] if before else t[2] for t, before in zip(triples, first, strict=True)]
    return baseline, [t[1] for t in triples]


def _run(blocks: Sequence[Sequence[_T]], chance: random.Random, length: int) -> Sequence[_T]:
    """A contiguous run of one block; every start is as likely as any other."""
    starts = [(block, i) for block in blocks for i in range(len(block) - length + 1)]
    block, start = chance.choice(starts)
    return block[start : start + length]


# -- the rules -----------------------------------------------------------------------------------


def staged(pairs: Pairs, *, by_cpu: bool, plan: Schedule = _PLAN) -> Said:
    """The project's own rule, look by look."""
    verdict, looked = "unsure", 0
    for looked in plan.looks:
        a, b = pairs[0][:looked], pairs[1][:looked]
        cpu = ([t.cpu for t in a], [t.cpu for t in b]) if by_cpu else None
        verdict = compare(([t.wall for t in a], [t.wall for t in b]), cpu, plan).verdict
        if verdict != "unsure":
            break
    return Said(verdict, 2 * looked)


def mann_whitney(pairs: Pairs) -> Said:
    """As Firecracker and benchstat do: significance and a least effect, a fixed number."""
    from scipy.stats import mannwhitneyu  # the tests of this module run without the peers

    a, b = [t.wall for t in pairs[0][:10]], [t.wall for t in pairs[1][:10]]
    slower = median(b) >= 1.05 * median(a) and mannwhitneyu(a, b).pvalue < 0.01
    return Said("slower" if slower else "", 20)


def stored(record: Record, chance: random.Random, effect: float) -> Said:
    """pytest-benchmark's own check of five boots against five that were stored before."""
    while True:
        runs = [(b, i) for b in record.same for i in range(len(b) - 4)]
        (first, i), (then, j) = sorted(chance.sample(runs, 2), key=lambda r: _place(record, *r))
        if first is not then or j - i >= 5:
            break
    before = median(t.wall for t in first[i : i + 5])
    now = median(t.wall for t in then[j : j + 5]) * (1 + effect)
    check: Any = parse_compare_fail("median:10%")
    fails = check.fails({"median": now}, {"median": before})
    return Said("slower" if fails else "", 5)


def _place(record: Record, block: Sequence[Took], start: int) -> tuple[int, int]:
    return next(n for n, b in enumerate(record.same) if b is block), start


# -- many campaigns ------------------------------------------------------------------------------


def play(cell: Cell) -> dict[str, list[Said]]:
    """What every rule says to each campaign of a cell; all rules see the same campaigns."""
    chance = random.Random(f"{cell.load} {cell.effect} {cell.release}")
    records = [recorded(load) for load in LOADS[cell.load]]
    said: dict[str, list[Said]] = {}
    for _ in range(cell.campaigns):
        record = chance.choice(records)
        if cell.release is None:
            pairs = same_code(record, chance, cell.effect or 0.0)
            said.setdefault(STORED, []).append(stored(record, chance, cell.effect or 0.0))
        else:
            pairs = really_slower(record, chance, cell.release)
        said.setdefault(RULE, []).append(staged(pairs, by_cpu=True))
        said.setdefault(WALL, []).append(staged(pairs, by_cpu=False))
        said.setdefault(FIXED, []).append(staged(pairs, by_cpu=True, plan=_FIXED))
        said.setdefault(MANN_WHITNEY, []).append(mann_whitney(pairs))
    return said


def share(said: Sequence[Said], verdict: str) -> float:
    """How often a rule said so."""
    return fmean(one.verdict == verdict for one in said)


def measure(campaigns: tuple[int, int, int] = CAMPAIGNS) -> Section:
    """Play all cells, on all cores: nothing here depends on time."""
    without, with_effect, of_release = campaigns
    cells = [
        *(Cell(load, e, None, with_effect if e else without) for load in LOADS for e in EFFECTS),
        *(Cell(load, None, release, of_release) for load in LOADS for release in _SLOWER),
    ]
    with ProcessPoolExecutor() as pool:
        played = dict(zip(cells, pool.map(play, cells), strict=True))
    return _section(played, campaigns)


def _section(
    played: Mapping[Cell, dict[str, list[Said]]], campaigns: tuple[int, int, int]
) -> Section:
    found = {(c.load, c.effect, c.release): said for c, said in played.items()}

    def worst(rule: str, effect: float, verdict: str, pick: Callable[..., float]) -> float:
        return pick(share(found[load, effect, None][rule], verdict) for load in LOADS)

    def boots(rule: str, effect: float) -> float:
        return fmean(fmean(s.boots for s in found[load, effect, None][rule]) for load in LOADS)

    alarms, power = worst(RULE, 0.0, "slower", max), worst(RULE, 0.20, "slower", min)
    theirs, same = worst(MANN_WHITNEY, 0.20, "slower", max), worst(RULE, 0.0, "same", min)
    spent = max(boots(RULE, 0.0), boots(RULE, 0.20))
    rows = [
        (
            rule,
            load,
            percent(share(found[load, 0.0, None][rule], "slower")),
            *(percent(share(found[load, e, None][rule], "slower")) for e in EFFECTS[1:]),
            percent(share(found[load, 0.0, None][rule], "same")) if rule in _CAN_SAY_SAME else "–",
            f"{fmean(s.boots for s in found[load, 0.0, None][rule]):.1f}",
            f"{fmean(s.boots for s in found[load, 0.20, None][rule]):.1f}",
        )
        for rule in (RULE, WALL, FIXED, MANN_WHITNEY, STORED)
        for load in LOADS
    ]
    return Section(
        title="truth of the verdict",
        how=(
            f"Campaigns of up to 15 pairs, put together from the {_count()} recorded boots of"
            " `tests/recorded/boots.jsonl`: contiguous runs of boots of the same code, in the order"
            " they ran (10 pairs, and 5 more), as pairs of neighbours in the campaign's order; the"
            " candidate's wall and CPU seconds are then multiplied. All rules see the same"
            f" campaigns, {campaigns[0]} without an effect and {campaigns[1]} with each, from"
            " fixed seeds (one standard error is at most"
            f" {50 / campaigns[1] ** 0.5:.1f} points). The stored baseline is an earlier run of"
            " five boots of the same load. Boots are the measured ones of both releases (of"
            " pytest-benchmark: of the candidate); a gate boots each release once more to warm up."
        ),
        header=(
            *("rule", "load", "false alarms"),
            *(f"+{e * 100:.0f} % found" for e in EFFECTS[1:]),
            *("same, without effect", "boots without effect", "boots at +20 %"),
        ),
        rows=rows,
        targets=[
            Target(
                "false alarms, the worse load",
                percent(alarms),
                "≤ 2 %",
                alarms <= 0.02,
                "Boots so near each other in time resemble each other more than the test assumes.",
            ),
            Target(
                "+20 % found, the worse load",
                percent(power),
                "≥ 93 %",
                power >= 0.93,
                "The boots scatter too much for 15 pairs.",
            ),
            Target(
                "boots on average (power), beside Mann–Whitney's 20",
                f"{spent:.1f} ({percent(power)}, Mann–Whitney {percent(theirs)})",
                "fewer, at more power",
                spent < 20 and power > theirs,
                "It looks on where the evidence is not clear yet.",
            ),
            Target(
                "the same code is called the same, the worse load",
                percent(same),
                "≥ 90 %",
                same >= 0.90,
                "The recorded boots scatter too much for a tolerance of 15 % and 15 pairs: the"
                f" logs of wall time have standard deviations of {_scatter()}.",
            ),
        ],
        data={
            " ".join(str(part) for part in key if part is not None): {
                rule: {
                    "campaigns": len(said),
                    **{v: share(said, v) for v in ("slower", "same", "faster", "unsure")},
                    "boots": fmean(s.boots for s in said),
                }
                for rule, said in rules.items()
            }
            for key, rules in found.items()
        },
        notes=[_of_releases(found)],
    )


_CAN_SAY_SAME = (RULE, WALL, FIXED)


def _of_releases(
    found: Mapping[tuple[str, float | None, str | None], dict[str, list[Said]]],
) -> str:
    """Releases that really were slower, as a sentence each."""
    parts = []
    for load in LOADS:
        for release in _SLOWER:
            said = found[load, None, release]
            parts.append(
                f"{release}, {load} ({_ratio(load, release):.2f} × by wall): bootgate"
                f" {percent(share(said[RULE], 'slower'))} after"
                f" {fmean(s.boots for s in said[RULE]):.1f} boots, Mann–Whitney"
                f" {percent(share(said[MANN_WHITNEY], 'slower'))}"
            )
    return (
        "Recorded releases that really were slower (a longer CPU phase: cpu10, cpu20, tot10; a"
        " longer import phase: tot20imp), found: " + "; ".join(parts) + "."
    )


def _ratio(load: str, release: str) -> float:
    triples = [t for one in LOADS[load] for b in recorded(one).slower[release] for t in b]
    return median(t[1].wall for t in triples) / median(t[0].wall for t in triples)


def _scatter() -> str:
    """How much boots of the same code differ, within a block."""
    parts = []
    for load, kinds in LOADS.items():
        blocks = [block for kind in kinds for block in recorded(kind).same]
        logs = [[log(took.wall) for took in block] for block in blocks]
        parts.append(f"{median(map(stdev, logs)):.2f} ({load})")
    return " and ".join(parts)


def _count() -> int:
    return len(RECORDED.read_text().splitlines())
