"""Truth of the verdict: false alarms, power and boots spent, on resampled recorded boots."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from math import log
from statistics import fmean, median, stdev
from typing import NamedTuple

from benchmarks.campaigns import GATES, SIMULATED, Cell, Played, Table, drawn, of_ten, play
from benchmarks.recordings import SLOWER, count, recordings, slower
from benchmarks.report import Section, Target, at_least, at_most, bound, number, percent
from benchmarks.rules import PEERS, PLAN, RULE, STORED
from pytest_bootgate.stats.regression import LEAST, TOLERANCE

#: A release as it was, by a fourth and by half of the tolerance slower: a gate must not be red.
HARMLESS = (0.0, 0.025, LEAST * TOLERANCE)
SLOWDOWNS = (0.10, 0.15, 0.20, 0.30, 0.50)
_USUAL = ("docker, quiet", "docker, noisy", "process")
_NET = ("loaded 1, net", "loaded 2, net")
_BY_WALL = ("loaded 1, wall", "loaded 2, wall")
_LOADS = {"quiet": ("quiet",), "noisy": ("busy1", "burst")}


class Campaigns(NamedTuple):
    """How many campaigns stand behind a figure, at most: harmless, slower, harmless simulated."""

    harmless: int = 800
    slower: int = 400
    simulated: int = 6000


def measure(campaigns: Campaigns = Campaigns()) -> Section:  # noqa: B008
    """Play all cells, on all cores: nothing here depends on time."""
    cells = [
        *(Cell(SIMULATED, e, campaigns.simulated) for e in HARMLESS),
        *(Cell(name, e, campaigns.harmless) for name in recordings() for e in HARMLESS),
        *(
            Cell(name, e, campaigns.slower)
            for name in (*recordings(), SIMULATED)
            for e in SLOWDOWNS
        ),
        *(Cell(r, 0.0, campaigns.slower, loads) for r in SLOWER for loads in _LOADS.values()),
    ]
    with ProcessPoolExecutor() as pool:
        played = dict(zip(cells, pool.map(play, cells), strict=True))
    table = {(c.name, c.effect): found for c, found in played.items() if not c.loads}
    return Section(
        title="truth of the verdict",
        how=_how(campaigns),
        header=(
            *("recorded boots", "rule", "independent campaigns"),
            *(f"red at {_signed(e)}" for e in HARMLESS),
            *(f"gate of ten red at {_signed(e)}" for e in HARMLESS),
            *(f"{_signed(e)} found" for e in SLOWDOWNS),
            *("same at 0", "pairs at 0", "pairs at +20 %"),
        ),
        rows=[
            _row(table, name, rule)
            for name in (*recordings(), SIMULATED)
            for rule in (RULE, *PEERS, STORED)
        ],
        targets=list(_targets(table)),
        data={
            f"{c.name} {c.effect:g} {' '.join(c.loads)}".strip(): {
                rule: {
                    "campaigns": len(said),
                    "independent": found.independent(rule),
                    "red": found.red(rule),
                    "pairs": found.used(rule),
                    **{v: fmean(s.verdict == v for s in said) for v in _VERDICTS},
                }
                for rule, said in found.said.items()
            }
            for c, found in played.items()
        },
        notes=[_of_gates(table), _of_releases(played)],
    )


_VERDICTS = ("slower", "same", "faster", "inconclusive")


def _how(campaigns: Campaigns) -> str:
    return (
        f"Campaigns of up to {PLAN.most} pairs (`boots: 5..30`, and 15 more to confirm a slowdown)"
        f" from the {count(recordings().values()) - _twice()} recorded boots of `tests/recorded`:"
        " windows over all pairs of neighbours of the same code, in the order in which they ran,"
        " going round; either boot of a pair may be the candidate's. Its wall and CPU seconds are"
        " then multiplied. All rules see the same campaigns: at most"
        f" {campaigns.harmless} up to {_signed(HARMLESS[-1])} and {campaigns.slower} above; of"
        f" simulated boots (independent, log-normal) {campaigns.simulated} up to"
        f" {_signed(HARMLESS[-1])}. These windows overlap, so errors are to be judged by"
        " *independent campaigns*, the pairs recorded over the pairs used at 0: a share of which"
        " none was seen in n of them is below 3/n with 95 % certainty. *Net* is wall time without"
        " the time in which the boot's tasks stood ready to run and had no CPU, as the gate"
        " compares it. A *gate of ten* is red if one of ten such targets is: 1 - (1 - p)^10. Red"
        " is slower, or three boots of the candidate that hang and none of the baseline. The"
        " stored baseline is five boots of another time in the same recording."
    )


def _twice() -> int:
    """The loaded recordings are there by wall and by net time."""
    return count(recordings()[name] for name in _BY_WALL)


def _row(table: Table, name: str, rule: str) -> Sequence[str]:
    still = table[name, 0.0]
    harmless = [table[name, e].red(rule) for e in HARMLESS]
    return (
        name,
        rule,
        str(still.independent(rule)),
        *map(percent, harmless),
        *(percent(of_ten(share)) for share in harmless),
        *(percent(table[name, e].red(rule)) for e in SLOWDOWNS),
        percent(still.same(rule)) if rule == RULE else "–",
        f"{still.used(rule):.1f}",
        f"{table[name, 0.20].used(rule):.1f}",
    )


def _targets(table: Table) -> Iterable[Target]:
    recorded = [name for name in recordings() if name not in _BY_WALL]
    for what, names in (("recorded boots, the worst set", recorded), (SIMULATED, [SIMULATED])):
        for effect, limit in ((HARMLESS[0], 0.005), (HARMLESS[-1], 0.02)):
            yield _alarms(table, what, names, effect, limit)
    yield _power(table, "docker quiet and noisy, process", _USUAL, 0.20, 0.97)
    yield _power(table, "docker quiet and noisy, process", _USUAL, 0.50, 1.0)
    yield _alike(table, "docker quiet and noisy, process", _USUAL, 0.98)
    yield _power(table, "under load, net", _NET, 0.20, 0.95)
    yield _alike(table, "under load, net", _NET, 0.95)


def _alarms(table: Table, what: str, names: Sequence[str], effect: float, limit: float) -> Target:
    every = [table[name, effect] for name in names]
    worst = max(range(len(every)), key=lambda i: every[i].red())
    figure = of_ten(every[worst].red())
    independent = sum(one.independent() for one in every)
    pooled = _pooled([one.red() for one in every], every)
    high = of_ten(bound(pooled, independent))
    return Target(
        f"gate of ten red at {_signed(effect)}, {what}",
        percent(figure),
        f"≤ {percent(limit)}",
        at_most(limit, figure, high),
        f"Worst: {names[worst]}, one target red in {percent(every[worst].red())} of"
        f" {len(every[worst].said[RULE])} campaigns ({every[worst].independent()} independent)."
        f" All sets together: {percent(pooled)} of {independent} independent campaigns, so a gate"
        f" of ten is red in less than {percent(high)} with 95 % certainty."
        f"{_BORDER if effect == HARMLESS[-1] else ''}",
    )


_BORDER = (
    " Half of the tolerance is the very slowdown that both campaigns must refute, each at a level"
    " of its own: below it the share falls at once."
)


def _power(table: Table, what: str, names: Sequence[str], effect: float, wanted: float) -> Target:
    every = [table[name, effect] for name in names]
    shares = [one.red() for one in every]
    return _least(f"{_signed(effect)} found, {what}", names, shares, every, wanted)


def _alike(table: Table, what: str, names: Sequence[str], wanted: float) -> Target:
    every = [table[name, 0.0] for name in names]
    shares = [one.same() for one in every]
    return _least(f"the same code is called the same, {what}", names, shares, every, wanted)


def _least(
    what: str,
    names: Sequence[str],
    shares: Sequence[float],
    every: Sequence[Played],
    wanted: float,
) -> Target:
    """A share that must be reached by each of the sets; how sure it is, by all of them."""
    figure, pooled = min(shares), _pooled(shares, every)
    independent = sum(one.independent() for one in every)
    low = 1 - bound(1 - pooled, independent)
    each = ", ".join(f"{n} {percent(s)}" for n, s in zip(names, shares, strict=True))
    return Target(
        what,
        percent(figure),
        f"≥ {percent(wanted)}",
        at_least(wanted, figure, low),
        f"{each}; spread of the logarithms of wall time {', '.join(map(_scatter, names))}. All"
        f" together {percent(pooled)} of {independent} independent campaigns: more than"
        f" {percent(low)} with 95 % certainty.",
    )


def _pooled(shares: Sequence[float], every: Sequence[Played]) -> float:
    weights = [one.independent() for one in every]
    return sum(s * w for s, w in zip(shares, weights, strict=True)) / sum(weights)


def _of_gates(table: Table) -> str:
    parts = []
    for name in (*recordings(), SIMULATED):
        said = [table[name, effect].said[RULE] for effect in HARMLESS]
        shares = " / ".join(percent(drawn(one)) for one in said)
        found = percent(table[name, 0.20].red())
        parts.append(f"{name} {shares} ({found})")
    return (
        f"Whole gates, {GATES} drawn of ten campaigns each: red at"
        f" {' / '.join(map(_signed, HARMLESS))} of all targets (and the one target found that is"
        f" {_signed(0.20)} slower): {'; '.join(parts)}."
    )


def _of_releases(played: Mapping[Cell, Played]) -> str:
    """Releases that really were slower, as a sentence each."""
    parts = []
    for cell, found in played.items():
        if cell.loads:
            load = next(name for name, loads in _LOADS.items() if loads == cell.loads)
            says = ", ".join(
                f"{verdict} {percent(share)}"
                for verdict in _VERDICTS
                if (share := fmean(s.verdict == verdict for s in found.said[RULE]))
            )
            parts.append(
                f"{cell.name}, {load} ({_ratio(cell):.2f} × by wall): {says}, after"
                f" {found.used():.1f} pairs"
            )
    return (
        "Recorded releases that really were slower (a longer CPU phase: cpu10, cpu20, tot10; a"
        " longer import phase: tot20imp), 30 pairs of each: " + "; ".join(parts) + "."
    )


def _ratio(cell: Cell) -> float:
    both = [pair for circle in slower(cell.name, cell.loads).circles for pair in circle]
    return median(b.wall for _, b in both) / median(a.wall for a, _ in both)


def _scatter(name: str) -> str:
    """How much boots of the same code differ, within a block."""
    spreads = [stdev(log(t.wall) for t in b) for bs in recordings()[name].blocks for b in bs]
    return number(median(spreads), 2)


def _signed(effect: float) -> str:
    return f"+{effect * 100:g} %" if effect else "0"
