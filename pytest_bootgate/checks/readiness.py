"""How long a gateway takes until it can be triggered: in no boot's time, and told all the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import exp, log
from statistics import median

from pytest_bootgate.checks.pairs import Pairs
from pytest_bootgate.records.values import SERVICES, Boot
from pytest_bootgate.records.verdict import WHOLE, Finding, Rules
from pytest_bootgate.stats.headroom import headroom
from pytest_bootgate.stats.rank_test import estimate, exact_p, logs, shifted
from pytest_bootgate.stats.regression import LEAST
from pytest_bootgate.stats.schedule import LEAST_PAIRS

#: How likely it may be that it only seems longer. Five starts of each, none of which overlap, have
#: 1 / 252.
_LEVEL = 0.01


def readiness(pairs: Pairs, rules: Rules) -> Iterator[Finding]:
    """That the candidate's gateway nears `ready_timeout`, or is ready later than the baseline's.

    Both warn: the timeout is the gate's, not the system's, and no task waits for a gateway that is
    started once. So it is with what runs once before a gateway is started, such as a migration.
    Gateways that stay up for several boots count once.
    """
    own = _seconds(pairs, "candidate", lambda boot: boot.ready)
    if own:
        limit = rules.ready_timeout
        room = headroom(own, limit, fail_at=rules.fail_at, warn_at=rules.warn_at, what="start")
        if room.level != "pass":
            text = f"gateway ready: ready_timeout {limit:g} s: {room.reason}"
            yield Finding("warn", WHOLE, text, timed=True, kind="ready")
    if pairs.recorded:
        return
    why = "Until then it accepts no trigger. Boots are timed from the trigger"
    yield from _later(pairs, rules, "gateway ready", lambda boot: boot.ready, why)
    names = dict.fromkeys(s.name for b in pairs.every for s in b.stages if s.source == SERVICES)
    for name in names:

        def took(boot: Boot, name: str = name) -> float | None:
            every = (s.seconds for s in boot.stages if (s.source, s.name) == (SERVICES, name))
            return next(every, None)

        why = "It runs before the gateway is started"
        yield from _later(pairs, rules, f"service {name}", took, why)


def _later(
    pairs: Pairs, rules: Rules, what: str, value: Callable[[Boot], float | None], why: str
) -> Iterator[Finding]:
    own, before = _seconds(pairs, "candidate", value), _seconds(pairs, "baseline", value)
    if min(len(own), len(before)) < LEAST_PAIRS:
        return
    stratum = logs((before, own))
    ratio = exp(estimate([stratum]))
    refuted = exact_p(shifted([stratum], log(1 + LEAST * rules.slower))) <= _LEVEL
    if ratio > 1 + rules.slower and refuted:
        yield Finding(
            "warn",
            WHOLE,
            f"{what}: {ratio:.3g} times the baseline's ({median(own):.3g} s instead of"
            f" {median(before):.3g} s; medians of {len(own)} and {len(before)} starts). {why}, so"
            " no boot includes this",
            timed=True,
            kind="ready",
        )


def _seconds(pairs: Pairs, release: str, value: Callable[[Boot], float | None]) -> list[float]:
    found = [s for boot in pairs.measured(release) if (s := value(boot)) is not None]
    return list(dict.fromkeys(found))
