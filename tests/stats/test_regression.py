"""The rank test against SciPy as an oracle, and the whole rule against recorded boots."""

from __future__ import annotations

import json
import random
from collections import Counter
from itertools import combinations, product
from math import exp, log
from pathlib import Path

import pytest
from scipy import stats

from pytest_bootgate.stats.net import compare_net
from pytest_bootgate.stats.rank_test import exact_p, interval, shift
from pytest_bootgate.stats.regression import compare
from pytest_bootgate.stats.schedule import (
    Schedule,
    order,
)

RECORDED = Path(__file__).parent.parent / "recorded"
USUAL = Schedule.of(5, 30)


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


@pytest.mark.slow
@pytest.mark.parametrize("digits", [1, 2, 12])
@pytest.mark.parametrize("sizes", [[5] * 9, [5, 2, 3, 5, 5, 5], [1]])
def test_many_strata_are_counted_as_sums_one_by_one(sizes, digits):
    strata = [
        ([round(v, digits) for v in logs(k, i)], [round(v, digits) for v in logs(k, 50 + i, 1.1)])
        for i, k in enumerate(sizes)
    ]
    aligned = [[v - sum(a + b) / len(a + b) for v in a + b] for a, b in strata]
    ranks = list(stats.rankdata([round(v, 12) for part in aligned for v in part]))
    ways, seen = Counter({0.0: 1}), 0.0
    for part in aligned:
        own, ranks = ranks[: len(part)], ranks[len(part) :]
        seen += sum(own[len(part) // 2 :])
        found: Counter[float] = Counter()
        sums = Counter(map(sum, combinations(own, len(part) // 2)))
        for (total, count), (more, times) in product(ways.items(), sums.items()):
            found[total + more] += count * times
        ways = found
    above = sum(count for total, count in ways.items() if total >= seen)
    assert exact_p(strata) == above / sum(ways.values())


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
    assert shift((before, after), [[0, 1, 2], [3, 4]]) == pytest.approx(0.5)


def test_order_is_thue_morse():
    first = [order(pair)[0][0] for pair in range(8)]
    assert "".join(first) == "bccbcbbc"


def test_looks():
    assert USUAL.looks == (5, 7, 10, 15, 20, 30)
    assert USUAL.most == 60
    assert Schedule.of(5, 5).looks == (5,)
    assert Schedule.of(5, 5).most == 10
    assert Schedule.of(1, 4).looks == ()
    assert Schedule.of(1, 4).most == 0
    assert Schedule.of(2, 8).looks == (5, 7, 8)
    assert Schedule.of(8, 40).looks == (8, 10, 15, 20, 30, 40)


@pytest.mark.parametrize(("least", "most"), [(5, 30), (5, 5), (5, 40), (15, 15), (6, 9)])
def test_strata_add_up_and_stay_small(least, most):
    plan = Schedule.of(least, most)
    for look in plan.looks:
        strata = plan.strata(look)
        assert [pair for own in strata for pair in own] == [*range(look)]
        assert max(map(len, strata)) <= 5


def steady(effect: float, count: int) -> tuple[list[float], list[float]]:
    """Boots that hardly scatter: a thousandth from one to the next."""
    return [1.0 + i / 1000 for i in range(count)], [effect + i / 1000 for i in range(count)]


def test_a_clear_slowdown_is_suspect_after_five_pairs_and_slower_after_five_fresh_ones():
    wall = pairs(10, 4, 1.8)
    suspect = compare((wall[0][:5], wall[1][:5]), None, USUAL)
    assert (suspect.verdict, suspect.next_look, suspect.again) == ("inconclusive", 10, None)
    assert suspect.p == pytest.approx(1 / 252)
    found = compare(wall, None, USUAL)
    assert (found.verdict, found.by) == ("slower", ("wall",))
    assert (found.pairs, found.fresh, found.next_look) == (10, 5, None)
    assert found.p == suspect.p
    assert found.again == pytest.approx(1 / 252)
    assert found.low < found.ratio < found.high
    assert 1.5 < found.ratio < 2.1


def test_what_fresh_boots_do_not_confirm_is_not_slower():
    before, after = steady(1.0, 20)
    after[:5] = [value * 1.3 for value in after[:5]]
    found = compare((before, after), None, USUAL)
    assert found.verdict == "same"
    assert found.again is not None
    assert found.next_look is None


def test_faster_is_told_from_the_same():
    assert compare(pairs(10, 3, 0.6), None, USUAL).verdict == "faster"
    assert compare(pairs(30, 3, 1.0), None, USUAL).verdict == "same"


def test_cpu_time_shows_what_a_noisy_wall_clock_hides():
    rng = random.Random(0)
    wall = ([1 + rng.random() for _ in range(30)], [1.25 + rng.random() for _ in range(30)])
    cpu = (
        [1 + rng.random() / 50 for _ in range(30)],
        [1.25 + rng.random() / 50 for _ in range(30)],
    )
    assert compare(wall, None, USUAL).verdict == "inconclusive"
    found = compare(wall, cpu, USUAL)
    assert (found.verdict, found.by) == ("slower", ("cpu",))


def test_cpu_time_alone_fails_nothing_whose_boots_are_not_slower():
    wall = ([1.0 + i / 100 for i in range(10)], [1.0 + i / 100 for i in range(10)])
    cpu = ([1.0 + i / 100 for i in range(10)], [2.0 + i / 100 for i in range(10)])
    assert compare(wall, cpu, USUAL).verdict == "same"


@pytest.mark.parametrize("tolerance", [0.05, 0.10, 0.25])
def test_a_tolerance_means_what_it_says(tolerance):
    """What is surely slower than nothing, but measured below the tolerance, never fails."""
    for share, verdict in ((0.0, "same"), (0.9, "same"), (1.1, "slower"), (3.0, "slower")):
        found = compare(steady(1 + share * tolerance, 60), None, USUAL, tolerance)
        assert found.verdict == verdict, share


def test_inconclusive_says_about_how_many_more_pairs_would_settle_it():
    rng = random.Random(5)
    wall = (
        [exp(rng.gauss(0, 0.3)) for _ in range(30)],
        [exp(rng.gauss(0, 0.3)) for _ in range(30)],
    )
    found = compare(wall, None, USUAL)
    assert found.verdict == "inconclusive"
    assert found.more_pairs is not None
    assert 1 <= found.more_pairs <= 200


def test_boots_that_scatter_too_much_end_early():
    rng = random.Random(0)
    wall = (
        [exp(rng.gauss(0, 0.9)) for _ in range(15)],
        [exp(rng.gauss(0, 0.9)) for _ in range(15)],
    )
    found = compare(wall, None, USUAL)
    assert (found.verdict, found.pairs, found.next_look) == ("inconclusive", 15, None)


def test_stragglers_call_for_more_boots_and_are_counted():
    before, after = steady(1.0, 30)
    after[3] = 5.0
    assert compare((before[:5], after[:5]), None, USUAL).next_look == 7
    after[20] = after[25] = 4.0
    found = compare((before, after), None, USUAL)
    assert (found.verdict, found.stragglers, found.pairs) == ("same", (0, 3), 30)


def test_fewer_pairs_than_the_first_look_are_refused():
    with pytest.raises(ValueError, match="4 pairs"):
        compare(pairs(4, 1), None, USUAL)


def test_boots_too_short_for_the_clock_do_no_harm():
    assert compare(([0.0] * 5, [0.0] * 5), ([0.0] * 5, [0.0] * 5), USUAL).verdict == "same"


# -- recorded boots ----------------------------------------------------------------------------


def recorded(load: str) -> list[tuple[dict, dict]]:
    """All pairs of neighbouring A/A boots under a load, in run order."""
    boots = [json.loads(line) for line in (RECORDED / "boots.jsonl").read_text().splitlines()]
    blocks: dict[int, list[dict]] = {}
    for boot in boots:
        if boot["load"] == load and boot["release"] in ("A", "A2"):
            blocks.setdefault(boot["block"], []).append(boot)
    found = []
    for block in blocks.values():
        found += list(zip(block[::2], block[1::2], strict=False))
    return found


def campaign_of(neighbours: list[tuple[dict, dict]], effect: float) -> str:
    """Judge pairs of boots in run order, the candidate's times lengthened."""
    sides: dict[str, list[dict]] = {"baseline": [], "candidate": []}
    look: int | None = USUAL.looks[0]
    for pair, both in enumerate(neighbours):
        for release, boot in zip(order(pair), both, strict=True):
            sides[release].append(boot)
        if pair + 1 == look:
            wall, cpu = (
                (
                    [boot[key] for boot in sides["baseline"]],
                    [boot[key] * effect for boot in sides["candidate"]],
                )
                for key in ("wall", "cpu_s")
            )
            found = compare(wall, cpu, USUAL)
            look = found.next_look
            if look is None:
                break
    return found.verdict


def campaigns(load: str, effect: float) -> list[str]:
    """Campaigns of neighbouring pairs from anywhere in the recording, which goes round."""
    neighbours = recorded(load)
    rng = random.Random(11)
    verdicts = []
    for _ in range(40):
        start = rng.randrange(len(neighbours))
        window = [*neighbours[start:], *neighbours[:start]]
        if rng.random() < 0.5:  # either could have been called the candidate
            window = [(second, first) for first, second in window]
        verdicts.append(campaign_of(window[: USUAL.most], effect))
    return verdicts


@pytest.mark.slow
@pytest.mark.parametrize("load", ["quiet", "busy1"])
def test_recorded_boots_of_one_release_are_not_slower_than_themselves(load):
    verdicts = campaigns(load, 1.0)
    assert verdicts.count("slower") == 0
    assert verdicts.count("same") >= 0.95 * len(verdicts)


@pytest.mark.slow
@pytest.mark.parametrize("load", ["quiet", "busy1"])
def test_a_fifth_more_is_found_in_recorded_boots(load):
    assert campaigns(load, 1.2).count("slower") >= 0.93 * 40


# -- wall time beside time net of neighbours ---------------------------------------------------


def test_net_time_hides_no_slowdown_that_wall_time_shows():
    """Busy background tasks that find no CPU take net time down, and delay nothing."""
    wall, net = steady(2.4, 20), steady(0.5, 20)
    found = compare_net(wall, net, None, USUAL)
    assert (found.verdict, found.pairs, found.net) == ("slower", 10, False)


def test_net_time_alone_makes_nothing_slower_that_is_not_by_wall_time():
    wall, net = steady(0.97, 60), steady(5.1, 60)
    assert compare_net(wall, net, None, USUAL).verdict == "same"


def test_net_time_settles_what_wall_time_is_too_noisy_for():
    rng = random.Random(3)
    wall = tuple([exp(rng.gauss(0, 0.3)) for _ in range(7)] for _ in range(2))
    net = steady(1.01, 7)
    assert compare((wall[0], wall[1]), None, USUAL).verdict == "inconclusive"
    found = compare_net((wall[0], wall[1]), net, None, USUAL)
    assert (found.verdict, found.net) == ("same", True)
    slower = [2 * value for value in wall[1]], steady(1.5, 30)
    assert compare_net((wall[0] * 5, slower[0] * 5), slower[1], None, USUAL).verdict == "slower"


@pytest.mark.parametrize(("spread", "verdict"), [(0.02, "same"), (0.5, "slower")])
def test_wall_time_contradicts_net_time_only_where_its_interval_ends_before(spread, verdict):
    """A fifth more by net time; by wall time as much as nothing, surely or within its noise."""
    rng = random.Random(6)
    before = [exp(rng.gauss(0, spread)) for _ in range(60)]
    wall = before, [1.02 * exp(rng.gauss(0, spread)) for _ in before]
    assert compare(wall, None, USUAL).ratio < 1.05
    assert compare_net(wall, steady(1.2, 60), None, USUAL).verdict == verdict


def test_what_is_the_same_by_net_time_and_far_slower_by_wall_time_stays_open():
    rng = random.Random(3)
    before = [exp(rng.gauss(0, 0.5)) for _ in range(5)]
    after = [1.4 * exp(rng.gauss(0, 0.5)) for _ in range(5)]
    found = compare_net((before, after), steady(1.0, 5), None, USUAL)
    assert (found.verdict, found.next_look) in (("inconclusive", 7), ("same", None))
