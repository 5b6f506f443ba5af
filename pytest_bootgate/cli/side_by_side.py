"""The targets of two runs, side by side, and what can be told from them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import inf

from pytest_bootgate.records.result import GateResult, TargetResult
from pytest_bootgate.records.values import Boot
from pytest_bootgate.records.verdict import Rules
from pytest_bootgate.reports.amounts import NONE, duration, limit, share
from pytest_bootgate.reports.layout import Styled, columns
from pytest_bootgate.reports.numbers import WHOLE_BOOT, Took, outcome_words, table, used
from pytest_bootgate.reports.views import views
from pytest_bootgate.stats.regression import (
    RECORDED_BOOTS,
    Regression,
    compare_recorded,
)
from pytest_bootgate.stats.schedule import LEAST_PAIRS

_COLOURS = {"slower": "red", "inconclusive": "yellow", "same": "green", "faster": "green"}
Row = tuple[str, str, str, str]


def sides(first: GateResult, second: GateResult, release: str, *, judged: bool) -> Iterator[Styled]:
    """All targets of both runs; something is concluded only where `judged`."""
    before = {(t.profile, t.target): t for t in first.targets}
    after = {(t.profile, t.target): t for t in second.targets}
    profiles = {profile for profile, _ in (*before, *after)}
    for key in dict.fromkeys([*before, *after]):
        profile, name = key
        yield Styled("")
        where = f" on {profile}" if len(profiles) > 1 or profiles != {"default"} else ""
        if key not in before or key not in after:
            only = "first" if key in before else "second"
            yield Styled(f"{name}{where}: only in the {only} run", "yellow", bold=True)
            continue
        yield Styled(f"{name}{where}", bold=True)
        yield from _target(before[key], after[key], release, judged=judged)
    yield from _others(first, second)


def _target(
    first: TargetResult, second: TargetResult, release: str, *, judged: bool
) -> Iterator[Styled]:
    for text in _lines(list(_rows(first, second, release))):
        yield Styled(f"  {text}", fixed=True)
    if (apart := _other_rules(first.rules, second.rules)) is not None:
        yield Styled(f"  note: {apart}", "yellow")
    if judged:
        yield from _conclusion(first, second, release)


def _rows(first: TargetResult, second: TargetResult, release: str) -> Iterator[Row]:
    both = (first, second)
    yield ("", "first", "second", "change")
    yield ("verdict", *(t.verdict or "left out" for t in both), "")  # type: ignore[misc]
    yield ("boots", *(outcome_words(t.of(release)) for t in both), "")  # type: ignore[misc]
    yield ("timeout", *(limit(t.rules.timeout) for t in both), "")  # type: ignore[misc]
    yield _used("used, slowest boot", *(used(t, release) for t in both))
    if release == "candidate":
        yield _used("used, next boot", *(_bound(t) for t in both))
    for row in table(first.of(release), second.of(release)):
        cells = [c if isinstance(c, str) else duration(c.median) for c in row.cells]
        yield (row.name, cells[0], cells[1], _change(*row.cells))


def _change(before: Took | str, after: Took | str) -> str:
    if isinstance(before, str) or isinstance(after, str) or before.median <= 0:
        return ""
    return _percent(after.median / before.median)


def _bound(target: TargetResult) -> float | None:
    room = target.judgement.headroom if target.judgement is not None else None
    return room.bound_used if room is not None else None


def _used(name: str, first: float | None, second: float | None) -> Row:
    cells = [NONE if side is None else share(side) for side in (first, second)]
    known = first is not None and second is not None
    change = f"{round((second - first) * 100):+d} points" if known else ""  # type: ignore[operator]
    return (name, cells[0], cells[1], change)


def _lines(rows: Sequence[Row]) -> Iterator[str]:
    shown = [row for row in rows if row[0] in ("", WHOLE_BOOT) or set(row[1:3]) != {NONE}]
    yield from columns(shown, right=True)


def _other_rules(first: Rules, second: Rules) -> str | None:
    """Where the verdicts of both runs rest on different rules."""
    names = ("fail_at", "warn_at", "slower", "inconclusive", "phases", "retries", "noise")
    apart = [name for name in names if getattr(first, name) != getattr(second, name)]
    apart += ["timeout"] if first.timeout != second.timeout else []
    limits = ["limit or by" if name == "phases" else name for name in apart]
    return f"the verdicts use different rules: {', '.join(limits)}" if apart else None


def _conclusion(first: TargetResult, second: TargetResult, release: str) -> Iterator[Styled]:
    """What can be told from both, or why nothing can."""
    sides = [[b for b in t.of(release) if not b.warm_up] for t in (first, second)]
    count = min(len(sides[0]), len(sides[1]), RECORDED_BOOTS)
    why = _no_judgement((first, second), sides, count)
    if why is not None:
        yield Styled(f"  not judged: {why}", "yellow")
        return
    before, after = ([b.seconds or 0.0 for b in side[-count:]] for side in sides)
    tolerance = max(first.rules.slower, second.rules.slower)
    found = compare_recorded((before, after), tolerance)
    yield Styled(f"  {found.verdict}: {_sentence(found)}", _COLOURS[found.verdict])


def _no_judgement(
    both: Sequence[TargetResult], sides: Sequence[Sequence[Boot]], count: int
) -> str | None:
    """Why nothing is concluded from the boots of two runs; None where it may be."""
    for name, target, boots in zip(("first", "second"), both, sides, strict=True):
        if target.verdict == "error":
            return f"the {name} run could not measure"
        if not all(boot.started for boot in boots):
            return f"not all boots of the {name} run started, so the rest are not comparable"
        machine = target.machine
        spread = machine.spread if machine is not None and machine.here else None
        if spread is not None and spread > target.rules.noise:
            return f"the host was too busy to measure in the {name} run"
    if count < LEAST_PAIRS:
        return f"{LEAST_PAIRS} boots of each run are needed, found {count}"
    return None


def _sentence(found: Regression) -> str:
    span = f"{_percent(found.low)} to {_percent(found.high)}"
    seen = f"{_percent(found.ratio)} (95 % interval {span}), {found.pairs} boots each"
    least = f"{found.tolerance * 100:g} %"
    if found.verdict == "inconclusive":
        return f"{seen}; two runs show only differences above {least}"
    if found.verdict == "same":
        return f"{seen}; two runs cannot show less than {least}"
    return f"{seen}, exact p = {found.p:.2g}"


def _percent(ratio: float) -> str:
    return "any" if ratio in (0.0, inf) else f"{round((ratio - 1) * 100):+d} %"


def _others(first: GateResult, second: GateResult) -> Iterator[Styled]:
    """What is not timed: verdicts only."""
    verdicts: dict[str, list[str]] = {}
    for number, result in enumerate((first, second)):
        for one in (v for v in views(result) if not isinstance(v.found, TargetResult)):
            name, verdict = one.on(one.found.profile), one.found.verdict or "left out"
            verdicts.setdefault(name, [NONE, NONE])[number] = verdict
    for name, (before, after) in verdicts.items():
        yield Styled("")
        yield Styled(f"{name}: {before}, then {after}", bold=True)
