"""The summary in the terminal: what a reader of a red build sees first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from pytest_bootgate.checks.wording import sentence
from pytest_bootgate.gatefile.tree import listed
from pytest_bootgate.records.check import CheckResult
from pytest_bootgate.records.result import GateResult, TargetResult
from pytest_bootgate.records.retry import started_later
from pytest_bootgate.records.values import Boot
from pytest_bootgate.records.verdict import worst
from pytest_bootgate.reports import unjudged
from pytest_bootgate.reports.advice import advice
from pytest_bootgate.reports.amounts import bar, count, duration, limit, share, whose
from pytest_bootgate.reports.boots import machine, rows
from pytest_bootgate.reports.clean import clean
from pytest_bootgate.reports.decision import decision
from pytest_bootgate.reports.layout import ALL, ALWAYS, COLOURS, MORE, QUIET, Styled, columns
from pytest_bootgate.reports.numbers import Took, outcome_words, stages, table
from pytest_bootgate.reports.queue import waited_words
from pytest_bootgate.reports.story import (
    contrast,
    course,
    failed_boot,
    finding_line,
    last_words,
    worth_saying,
)
from pytest_bootgate.reports.view import View
from pytest_bootgate.reports.views import views
from pytest_bootgate.stats.regression import DRIFT

_INDENT = "  "
_MOST_STAGES = 6


def summary(
    result: GateResult,
    *,
    lost: bool = False,
    page: str = "",
    none: str = "",
) -> Iterator[Styled]:
    """All lines of the summary, without its heading; the decision is the first and the last one.

    `lost`: some results did not come back. `page` is where to read on. `none` is why nothing was
    booted, where that is known.
    """
    left = unjudged.line(result, lost=lost)
    if not result.tried:
        yield Styled(none or left or "nothing was booted", "yellow", level=ALWAYS)
        return
    decided = decision(result)
    line = Styled(decided.with_page(page), COLOURS[decided.verdict], bold=True)
    yield line
    yield Styled("")
    why = f": {result.why_engine}" if result.why_engine else ""
    yield Styled(f"engine {result.engine}{why}")
    for name, release in result.releases.items():
        parts = [p for p in (release.image, release.version) if p]
        digest = f" ({release.identity[:19]})" if release.identity else ""
        if release.recorded is not None:
            digest += (
                f", recorded {release.recorded}: not booted now, so slowdowns below"
                f" {DRIFT * 100:.0f} % cannot be detected"
            )
        what = " ".join(dict.fromkeys(parts)) or "by command"
        granted = f", granted {listed(release.granted)}" if release.granted else ""
        yield Styled(f"{name} {what}{digest}{granted}")
    for path, changes in result.adapted.items():
        how = f"changed for the gate in {count(len(changes), 'place')} (-v, or `bootgate check`)"
        yield Styled(f"config {path}, {how}")
        yield from (Styled(f"  {change}", level=MORE) for change in changes)
    for part in result.shards:
        yield Styled(f"shard {part.number}, run {part.run}: {machine(part.machine)}", level=MORE)
    if not result.shards:
        yield Styled(machine(result.machine), level=MORE)
    if waited := waited_words(result.waited):
        yield Styled(f"{waited} on this machine before booting; boot times do not include it")
    every = views(result)
    for one in every:
        yield Styled("")
        where = one.found.profile if result.several_profiles else ""
        yield from _OWN.get(type(one.found), _check)(one, where, result.run)
    yield Styled("")
    if left:
        yield Styled(left, "yellow", level=ALWAYS)
    verdicts = [one.found.verdict for one in every]
    counted = [f"{verdicts.count(v)} {v}" for v in COLOURS if v in verdicts]
    left_out = sum(v is None for v in verdicts)
    counted += [f"{left_out} left out"] if left_out else []
    parts = [count(number, noun) for noun, number in Counter(one.noun for one in every).items()]
    head, colour = result.verdict.upper(), COLOURS[result.verdict]
    if result.shard is not None:
        head = f"SHARD{result.shard.words.removeprefix('shard')}"
        colour = COLOURS[worst([v for v in verdicts if v is not None] or ["warn"])]
    text = f"{head}: {', '.join([*parts, *counted])}"
    yield Styled(text, colour, bold=True, level=ALWAYS)
    yield replace(line, level=ALWAYS)


def _heading(text: str, colour: str) -> Styled:
    return Styled(text, colour, bold=True, level=QUIET)


def _said(text: str, colour: str) -> Styled:
    """Why a verdict is what it is."""
    return Styled(_INDENT + text, colour, level=QUIET)


def _todo(text: str) -> Styled:
    return Styled(f"{_INDENT}what to do: {text}", bold=True)


def _fixed(text: str, depth: int = 1) -> Styled:
    return Styled(_INDENT * depth + text, fixed=True)


def _check(one: View[CheckResult], where: str, run: str) -> Iterator[Styled]:
    """A check without a look of its own."""
    del run
    found, verdict = one.found, one.found.verdict
    if verdict is None:
        yield _heading(f"LEFT OUT {one.on(where)}: {found.left_out}", "yellow")
        return
    yield _heading(f"{verdict.upper()} {one.on(where)}: {one.says}", COLOURS[verdict])
    for reason, text in one.reasons:
        yield _said(text, COLOURS[reason])
    if found.error is not None:
        return
    yield from (_fixed(text) for text in one.lines())
    yield from (replace(_fixed(text), level=MORE) for text in one.boots())
    yield from (Styled(f"{_INDENT}note: {text}") for text in one.notes)
    if verdict != "pass" and one.todo:
        yield _todo(one.todo)


def _target(one: View[TargetResult], profile: str, run: str) -> Iterator[Styled]:
    result, others = one.found, one.others
    where = f" on {profile}" if profile else ""
    if result.verdict is None:
        yield _heading(f"LEFT OUT {result.target}{where}: {result.left_out}", "yellow")
        return
    colour = COLOURS[result.verdict]
    boots = result.of("candidate")
    made, before = (
        [b for b in result.boots if b.release == name] for name in ("candidate", "baseline")
    )
    start = f", {boots[0].start}" if boots else ""
    beside = f" (baseline: {_outcomes(before)})" if before else ""
    heading = f"{result.verdict.upper()} {result.target}{where}{start}: {_outcomes(made)}{beside}"
    yield _heading(heading, colour)
    if result.error is not None:
        yield _said(result.error, colour)
        return
    yield from (Styled(_INDENT + text) for text in _headroom(result))
    regression = result.judgement.regression if result.judgement is not None else None
    if regression is not None and regression.verdict in ("same", "faster"):
        yield Styled(f"{_INDENT}{regression.verdict}: {sentence(regression)}", "green")
    for finding in worth_saying(result):
        yield _said(finding_line(finding), COLOURS[finding.verdict])
    notes = [*result.notes, *_of_baseline(result), *_compared(result)]
    yield from (Styled(f"{_INDENT}note: {text}") for text in notes)
    yield from (_fixed(text) for text in _table(result))
    yield from (replace(_fixed(text), level=MORE) for text in rows(result.boots))
    yield from _stages(boots)
    failed = failed_boot(result)
    if failed is not None:
        yield Styled(f"{_INDENT}what happened:", colour, bold=True)
        yield from (Styled(f"{_INDENT * 2}{text}") for text in course(failed, result))
        for text in contrast(failed, result, others):
            yield Styled(f"{_INDENT * 2}{text}", bold=True)
    if last := last_words(result):
        whole = last_words(result, whole=True)
        if whole != last:
            last.append(f"(all lines that were kept: `bootgate report {run} -vv`)")
        yield from (replace(_fixed(text, 2), most=MORE) for text in last)
        yield from (replace(_fixed(text, 2), level=ALL) for text in whole)
    if result.verdict != "pass":
        yield _todo(advice(result, others))


#: Those with a look of their own.
_OWN: dict[type[CheckResult], Callable[..., Iterator[Styled]]] = {TargetResult: _target}


def _of_baseline(result: TargetResult) -> Iterator[str]:
    """What became of baseline boots that did not start: shown, never judged."""
    again = started_later(result.boots)
    for boot in result.boots:
        if boot.release == "baseline" and not boot.started:
            name = "warm-up boot" if boot.warm_up else f"boot {boot.number}"
            later = ", and started on retry" * (boot in again)
            yield f"the baseline's {name} ended as {boot.outcome}: {clean(boot.why)}{later}"
            yield from (f"the baseline: {note}" for note in boot.notes if note != boot.detail)


def _compared(result: TargetResult) -> tuple[str, ...]:
    return result.judgement.notes if result.judgement is not None else ()


def _outcomes(boots: Sequence[Boot]) -> str:
    return outcome_words([b for b in boots if not b.warm_up or not b.started] or boots)


def _headroom(result: TargetResult) -> Iterator[str]:
    rules = result.rules
    marks = (rules.warn_at, rules.fail_at)
    lines = f" (│ warns at {share(rules.warn_at)}, fails at {share(rules.fail_at)})"
    timeout = f"timeout {limit(rules.timeout)}{whose(rules.timeout_of)}"
    room = result.judgement.headroom if result.judgement is not None else None
    failed = failed_boot(result)
    if failed is not None and failed.traits.waited_out:
        yield f"slowest boot {bar(1.0)} the whole {timeout}"
    elif room is not None:
        yield f"slowest boot {bar(room.used, marks)} {share(room.used)} of the {timeout}{lines}"
        if room.bound_used is not None:
            yield (
                f"next boot    {bar(room.bound_used, marks)} {share(room.bound_used)} at most"
                " (95 % confidence)"
            )
        else:
            yield (
                f"{count(room.boots, 'boot')}: the slowest decides; a prediction needs at least 5"
            )


def _table(result: TargetResult) -> Iterator[str]:
    """Each phase of both releases, and by how much the candidate's median is longer."""
    releases = [name for name in ("baseline", "candidate") if result.of(name)]
    if not releases:
        return
    found = list(table(*(result.of(name) for name in releases)))
    changes = [_change(*row.cells) if len(releases) == 2 else ("", "") for row in found]
    compared = any(seconds for seconds, _ in changes)
    head = [word for name in releases for word in (name, "slowest")]
    rows = [["phase (median)", *head, *(("Δ", "Δ %") if compared else ())]]
    for row, change in zip(found, changes, strict=True):
        cells = [word for cell in row.cells for word in _two(cell)]
        rows.append([row.name, *cells, *(change if compared else ())])
    yield from columns(rows, right=True)


def _two(found: Took | str) -> tuple[str, str]:
    if isinstance(found, str):
        return found, ""
    return duration(found.median), duration(found.slowest)


def _change(before: Took | str, after: Took | str) -> tuple[str, str]:
    """By how much a median changed, and by which share; empty where one was not measured."""
    if isinstance(before, str) or isinstance(after, str):
        return "", ""
    grown = after.median - before.median
    share = f"{grown / before.median * 100:+.0f} %" if before.median > 0 else ""
    return f"{'-' if grown < 0 else '+'}{duration(abs(grown))}", share


def _stages(boots: Sequence[Boot]) -> Iterator[Styled]:
    """Self-reported stages of the candidate, the longest first; a few, or all with -vv."""
    found = stages(boots)
    if not found:
        return
    yield _fixed("self-reported stages (candidate, median):")
    for place, ((name, phase), seconds) in enumerate(found.items()):
        where = f", seen in phase {phase}" if phase else ""
        line = _fixed(f"{name} {duration(seconds)}{where}", 2)
        yield line if place < _MOST_STAGES else replace(line, level=ALL)
    if len(found) > _MOST_STAGES:
        yield _fixed(f"and {len(found) - _MOST_STAGES} shorter ones (-vv, --bootgate-json)", 2)
