"""The project's rule and its peers', each applied to the same campaigns."""

from __future__ import annotations

import random
from collections.abc import Callable
from statistics import fmean, median
from typing import Any, NamedTuple

from pytest_benchmark.utils import parse_compare_fail

from benchmarks.recordings import Pairs, Place, Recording
from pytest_bootgate.stats.net import compare_net
from pytest_bootgate.stats.regression import (
    STRAGGLERS,
    TOLERANCE,
    Regression,
)
from pytest_bootgate.stats.schedule import Schedule

#: What a gate file without `boots` asks for.
PLAN = Schedule.of(5, 30)
_FIXED = 15
_STORED = 5


class Said(NamedTuple):
    """What a rule concluded, whether the build fails by it, and after how many pairs."""

    verdict: str
    red: bool
    pairs: int


def bootgate(pairs: Pairs, tolerance: float = TOLERANCE) -> Said:
    """The project's own rule; it stops when it knows, with as many pairs as it has looked at."""
    wall = [t.wall for t in pairs[0]], [t.wall for t in pairs[1]]
    cpu = [t.cpu for t in pairs[0]], [t.cpu for t in pairs[1]]
    gross = [t.gross or t.wall for t in pairs[0]], [t.gross or t.wall for t in pairs[1]]
    found = compare_net(gross, wall, cpu, PLAN, tolerance)
    return Said(found.verdict, red(found), found.pairs)


def red(found: Regression) -> bool:
    """Whether a comparison fails the build: slower, or only the candidate hangs now and then."""
    theirs, own = found.stragglers
    return found.verdict == "slower" or (own >= STRAGGLERS and not theirs)


def mann_whitney(pairs: Pairs) -> Said:
    """As Firecracker does: significance and a least effect, a fixed number of pairs."""
    from scipy.stats import mannwhitneyu  # the tests of this module run without the peers

    a, b = ([took.wall for took in side[:_FIXED]] for side in pairs)
    slower = fmean(b) >= (1 + TOLERANCE) * fmean(a) and mannwhitneyu(a, b).pvalue < 0.01
    return _said(slower)


def paired_t(pairs: Pairs) -> Said:
    """As perfgate does: a paired t test at 95 % and a least effect, a fixed number of pairs."""
    from scipy.stats import ttest_rel

    a, b = ([took.wall for took in side[:_FIXED]] for side in pairs)
    slower = fmean(b) >= (1 + TOLERANCE) * fmean(a) and ttest_rel(a, b).pvalue < 0.05
    return _said(slower)


def stored(pairs: Pairs, recording: Recording, place: Place, chance: random.Random) -> Said:
    """pytest-benchmark's own check of five boots against five that were stored at another time."""
    length = len(recording.circles[place.circle])
    apart = chance.randrange(_STORED, length - 2 * _STORED)
    there = Place(place.circle, (place.start + _STORED + apart) % length, place.turned)
    before = median(t.wall for t in recording.campaign(there, _STORED)[0])
    check: Any = parse_compare_fail(f"median:{TOLERANCE * 100:g}%")
    now = median(took.wall for took in pairs[1][:_STORED])
    slower = check.fails({"median": now}, {"median": before})
    return Said("slower" if slower else "", bool(slower), _STORED)


def _said(slower: bool) -> Said:
    return Said("slower" if slower else "", bool(slower), _FIXED)


RULE = "bootgate"
PEERS: dict[str, Callable[[Pairs], Said]] = {
    "Mann–Whitney p < .01 and ≥ 10 %, 15 pairs (as Firecracker)": mann_whitney,
    "paired t test p < .05 and ≥ 10 %, 15 pairs (as perfgate)": paired_t,
}
STORED = "pytest-benchmark `compare-fail=median:10%`, 5 boots, stored baseline"
