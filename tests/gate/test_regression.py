"""The rank test against SciPy as an oracle, and the whole rule against recorded boots."""

from __future__ import annotations

import json
import random
from itertools import combinations, product
from math import exp, log
from pathlib import Path

import pytest
from scipy import stats

from pytest_bootgate.gate.regression import (
    Schedule,
    compare,
    exact_p,
    interval,
    order,
    shift,
)

RECORDED = Path(__file__).parent.parent / "recorded"
USUAL = Schedule.of(5, 15)


def logs(count: int, seed: int, effect: float = 1.0) -> list[float]:
    rng = random.Random(seed)
    return [rng.gauss(log(effect), 0.13) for _ in range(count)]


def pairs(count: int, seed: int, effect: float = 1.0) -> tuple[list[float], list[float]]:
    return (
        [exp(v) for v in logs(count, seed)],
        [exp(v) for v in logs(count, seed + 1000, effect)],
    )


@pytest.mark.parametrize("seed", range(20))
def test_one_stratum_is_the_exact_mann_whitney_test(seed):
    a, b = logs(5, seed), logs(5, seed + 100, 1.1)
    oracle = stats.mannwhitneyu(b, a, alternative="greater", method="exact")
    assert exact_p([(a, b)]) == pytest.approx(oracle.pvalue)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("ties", [False, True])
def test_strata_are_counted_as_brute_force_counts_them(seed, ties):
    sizes = [3, 2]
    rounded = (lambda v: round(v, 1)) if ties else (lambda v: v)
    strata = [
        ([rounded(v) for v in logs(k, seed + i)], [rounded(v) for v in logs(k, seed + 50 + i)])
        for i, k in enumerate(sizes)
    ]
    aligned = [[v - sum(a + b) / len(a + b) for v in a + b] for a, b in strata]
    ranks = list(stats.rankdata([round(v, 12) for part in aligned for v in part]))
    own, at = [], 0
    for part in aligned:
        own.append(ranks[at : at + len(part)])
        at += len(part)
    seen = sum(sum(part[len(part) // 2 :]) for part in own)
    ways = [
        sum(sum(choice) for choice in chosen)
        for chosen in product(*(combinations(part, len(part) // 2) for part in own))
    ]
    assert exact_p(strata) == pytest.approx(sum(w >= seen - 1e-9 for w in ways) / len(ways))


@pytest.mark.parametrize("seed", range(5))
def test_the_interval_is_what_the_test_does_not_reject(seed):
    a, b = logs(7, seed), logs(7, seed + 10, 1.2)

    def p(by: float, way: str) -> float:
        moved = [value - by for value in b]
        return float(stats.mannwhitneyu(moved, a, alternative=way, method="exact").pvalue)

    low, high = interval([(a, b)])
    assert p(low - 1e-6, "greater") <= 0.025 < p(low + 1e-6, "greater")
    assert p(high + 1e-6, "less") <= 0.025 < p(high - 1e-6, "less")


def test_shift_is_in_seconds_and_within_strata():
    # A machine that was ten times slower during the second stratum is not the candidate's fault.
    before = [1.0, 1.0, 1.0, 10.0, 10.0]
    after = [1.5, 1.5, 1.5, 10.5, 10.5]
    assert shift((before, after), [3, 2]) == pytest.approx(0.5)


def test_order_is_thue_morse():
    first = [order(pair)[0][0] for pair in range(8)]
    assert "".join(first) == "bccbcbbc"


def test_looks():
    assert USUAL.looks == (5, 7, 10, 15)
    assert Schedule.of(5, 5).looks == (5,)
    assert Schedule.of(1, 4).looks == ()
    assert Schedule.of(2, 8).looks == (5, 7, 8)
    assert Schedule.of(8, 40).looks == (8, 10, 15, 20, 30, 40)


@pytest.mark.parametrize(("least", "most"), [(5, 15), (5, 5), (5, 40), (15, 15), (6, 9)])
def test_strata_add_up_and_stay_small(least, most):
    plan = Schedule.of(least, most)
    for look in plan.looks:
        sizes = plan.strata(look)
        assert sum(sizes) == look
        assert max(sizes) <= 5


@pytest.mark.parametrize(("least", "most"), [(5, 15), (5, 5), (5, 7), (5, 40)])
def test_levels_of_looks_other_than_the_usual_add_up_to_the_promise(least, most):
    plan = Schedule.of(least, most)
    if plan.looks != USUAL.looks:
        slower = sum(2 * plan.levels(look, metrics=2)[0] for look in plan.looks)
        assert slower == pytest.approx(0.02)


def test_a_clear_slowdown_is_seen_after_five_pairs():
    found = compare(pairs(5, 1, 1.6), None, USUAL)
    assert (found.verdict, found.by) == ("slower", ("wall",))
    assert found.p == pytest.approx(1 / 252)
    assert found.low < found.ratio < found.high
    assert 1.3 < found.ratio < 1.9


def test_faster_is_told_from_the_same():
    assert compare(pairs(10, 3, 0.6), None, USUAL).verdict == "faster"
    assert compare(pairs(15, 3, 1.0), None, USUAL).verdict == "same"


def test_cpu_time_shows_what_a_noisy_wall_clock_hides():
    rng = random.Random(7)
    wall = ([1 + rng.random() for _ in range(10)], [1.2 + rng.random() for _ in range(10)])
    cpu = ([1 + rng.random() / 50 for _ in range(10)], [1.2 + rng.random() / 50 for _ in range(10)])
    assert compare(wall, None, USUAL).verdict == "unsure"
    assert compare(wall, cpu, USUAL).by == ("cpu",)


def test_cpu_time_alone_condemns_nobody_whose_boots_are_not_slower():
    wall = ([1.0 + i / 100 for i in range(5)], [1.0 + i / 100 for i in range(5)])
    cpu = ([1.0 + i / 100 for i in range(5)], [2.0 + i / 100 for i in range(5)])
    assert compare(wall, cpu, USUAL).verdict != "slower"


def test_a_little_slower_for_sure_but_within_the_tolerance_is_the_same():
    wall = ([1.0 + i / 1000 for i in range(10)], [1.08 + i / 1000 for i in range(10)])
    assert compare(wall, None, USUAL).verdict == "same"
    assert compare(wall, None, USUAL, tolerance=0.05).verdict == "slower"


def test_a_wide_tolerance_excuses_what_it_says():
    wall = ([1.0 + i / 1000 for i in range(10)], [1.4 + i / 1000 for i in range(10)])
    assert compare(wall, None, USUAL, tolerance=0.15).verdict == "slower"
    assert compare(wall, None, USUAL, tolerance=0.5).verdict == "same"
    wall = ([1.0 + i / 1000 for i in range(10)], [1.8 + i / 1000 for i in range(10)])
    assert compare(wall, None, USUAL, tolerance=0.5).verdict == "slower"


def test_unsure_says_about_how_many_more_pairs_would_settle_it():
    rng = random.Random(2)
    wall = (
        [exp(rng.gauss(0, 0.3)) for _ in range(15)],
        [exp(rng.gauss(0, 0.3)) for _ in range(15)],
    )
    found = compare(wall, None, USUAL)
    assert found.verdict == "unsure"
    assert found.more_pairs is not None
    assert 1 <= found.more_pairs <= 200


def test_boots_too_short_for_the_clock_do_no_harm():
    assert compare(([0.0] * 5, [0.0] * 5), ([0.0] * 5, [0.0] * 5), USUAL).verdict == "same"


# -- recorded boots ----------------------------------------------------------------------------


def recorded(load: str) -> list[list[dict]]:
    """The A/A boots of each block under a load, in run order."""
    boots = [json.loads(line) for line in (RECORDED / "boots.jsonl").read_text().splitlines()]
    blocks: dict[int, list[dict]] = {}
    for boot in boots:
        if boot["load"] == load and boot["release"] in ("A", "A2"):
            blocks.setdefault(boot["block"], []).append(boot)
    return [block for block in blocks.values() if len(block) >= 30]


def campaign_of(boots: list[dict], effect: float) -> str:
    """Judge pairs taken from boots in run order, the candidate's times lengthened."""
    for look in USUAL.looks:
        sides = {"baseline": [], "candidate": []}
        for pair in range(look):
            for release, boot in zip(order(pair), boots[2 * pair : 2 * pair + 2], strict=True):
                sides[release].append(boot)
        wall, cpu = (
            (
                [boot[key] for boot in sides["baseline"]],
                [boot[key] * effect for boot in sides["candidate"]],
            )
            for key in ("wall", "cpu_s")
        )
        found = compare(wall, cpu, USUAL)
        if found.verdict != "unsure":
            break
    return found.verdict


def campaigns(load: str, effect: float) -> list[str]:
    blocks = recorded(load)
    rng = random.Random(11)
    verdicts = []
    for _ in range(80):
        block = rng.choice(blocks)
        start = rng.randrange(len(block) - 29)
        verdicts.append(campaign_of(block[start : start + 30], effect))
    return verdicts


@pytest.mark.parametrize("load", ["quiet", "busy1"])
def test_recorded_boots_of_one_release_are_not_slower_than_themselves(load):
    verdicts = campaigns(load, 1.0)
    assert verdicts.count("slower") <= 2
    assert verdicts.count("same") >= 0.8 * len(verdicts)


@pytest.mark.parametrize("load", ["quiet", "busy1"])
def test_a_fifth_more_is_found_in_recorded_boots(load):
    assert campaigns(load, 1.2).count("slower") >= 0.93 * 80
