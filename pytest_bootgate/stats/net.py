"""The same rule where wall time net of neighbours is known as well."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from pytest_bootgate.stats.rank_test import Sides
from pytest_bootgate.stats.regression import MOST, TOLERANCE, Regression, compare
from pytest_bootgate.stats.schedule import Schedule


def compare_net(
    wall: Sides,
    net: Sides,
    cpu: Sides | None,
    plan: Schedule,
    tolerance: float = TOLERANCE,
    places: Sequence[str] = (),
) -> Regression:
    """Compare by wall time, and by wall time net of what neighbours cost, both in seconds.

    Net time scatters less on a busy host, and is an estimate: what a boot does in the background
    waits for a CPU too, and delays nothing. So neither hides the other: what wall time shows to be
    slower is slower, and so is what only net time shows, unless the interval by wall time ends
    below that estimate; it is the same by net time only if it is not far beyond by wall time.
    """
    by_wall = compare(wall, cpu, plan, tolerance, places)
    if net == wall:
        return by_wall
    by_net = replace(compare(net, cpu, plan, tolerance, places), net=True)
    if by_wall.verdict == "slower":
        return by_wall
    if by_net.by and by_net.verdict in ("slower", "inconclusive"):
        if by_wall.high >= by_net.ratio:
            return by_net
        return _open(by_net, by_wall, plan) if by_wall.verdict == "inconclusive" else by_wall
    suspected = bool(by_wall.by) and by_wall.verdict == "inconclusive"
    if suspected and by_wall.next_look is not None:
        return by_wall
    if by_net.verdict == "inconclusive":
        return by_net if by_wall.verdict == "inconclusive" else by_wall
    if by_wall.ratio < 1 + (1.0 if suspected else MOST) * tolerance:
        return by_net
    return _open(by_wall, by_wall, plan)


def _open(found: Regression, by_wall: Regression, plan: Schedule) -> Regression:
    """What wall time does not bear out, or not yet: it may after the next look."""
    pairs = max(found.pairs, by_wall.pairs)
    look = found.next_look or next((look for look in plan.looks if look > pairs), None)
    return replace(found, verdict="inconclusive", next_look=look, more_pairs=None)
