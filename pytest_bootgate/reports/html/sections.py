"""What each section of the page holds, worked out before anything is drawn."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from statistics import median

from pytest_bootgate.checks.wording import sentence
from pytest_bootgate.engines import NAMES
from pytest_bootgate.records.check import CheckResult, Table
from pytest_bootgate.records.result import GateResult, TargetResult
from pytest_bootgate.records.retry import started_later
from pytest_bootgate.records.values import Boot
from pytest_bootgate.records.verdict import WHOLE, Finding, Verdict
from pytest_bootgate.reports import unjudged
from pytest_bootgate.reports.amounts import count, duration
from pytest_bootgate.reports.decision import Decision, decision
from pytest_bootgate.reports.html import charts
from pytest_bootgate.reports.html import tables as made
from pytest_bootgate.reports.html.matrix import Anchors, Matrix, matrix, weight
from pytest_bootgate.reports.html.past import Past, past
from pytest_bootgate.reports.html.top import Top, nearness, top
from pytest_bootgate.reports.numbers import compared, times, values
from pytest_bootgate.reports.queue import waited_words
from pytest_bootgate.reports.story import failed_boot, last_words, story, worth_saying
from pytest_bootgate.reports.view import View, by_weight
from pytest_bootgate.reports.views import views

#: So many checks that did not pass are open from the beginning; more of one verdict are a group.
_OPEN, _FEW = 3, 6


@dataclass(frozen=True)
class Section:
    """A check. `verdict` None: left out. `whole` is the subject of findings about all of it.

    `mark` is its anchor: what pytest calls it below its gate file. `boots` are rows with their
    head, `medians` what the boots of each release took.
    """

    name: str
    verdict: Verdict | None
    says: str
    mark: str = ""
    profile: str = ""
    command: str = ""
    error: str = ""
    near: str = ""
    findings: Sequence[Finding] = ()
    compared: str = ""
    notes: Sequence[str] = ()
    story: Sequence[str] = ()
    last: str = ""
    drawing: charts.Drawing | None = None
    medians: Sequence[tuple[str, str]] = ()
    past: Past | None = None
    phases: Table | None = None
    boots: Sequence[Sequence[str]] = ()
    figures: str = ""
    shown: Sequence[Table] = ()
    whole: str = WHOLE

    @property
    def widest(self) -> int:
        """The characters of the longest cell of its boots."""
        return max((len(cell) for row in self.boots for cell in row), default=0)


@dataclass(frozen=True)
class Group:
    """Folded sections of one verdict; where they are `many`, the group is folded as well."""

    verdict: Verdict | None
    sections: Sequence[Section]

    @property
    def many(self) -> bool:
        """Whether a list of their names would be long."""
        return len(self.sections) > _FEW


@dataclass(frozen=True)
class Gate:
    """All that the page says of one gate file.

    `answers` are those of the `top` that its decision does not say; `common` are the notes that all
    its targets have.
    """

    id: str
    file: str
    result: GateResult
    decision: Decision
    top: Top
    answers: Sequence[tuple[str, str]]
    matrix: Matrix
    open: Sequence[Section]
    groups: Sequence[Group]
    common: Sequence[str]
    tables: dict[str, Table]
    unjudged: str
    command: str
    log: str
    waited: str | None


def gates(results: Sequence[GateResult], journal: Path | None, base: Path | None) -> list[Gate]:
    """The view of all results of a page; paths are shown as seen from `base`."""
    marks = Anchors()
    return [
        _gate(result, f"g{n}", journal, base, marks, alone=len(results) == 1)
        for n, result in enumerate(results, 1)
    ]


def _gate(
    result: GateResult,
    name: str,
    journal: Path | None,
    base: Path | None,
    marks: Anchors,
    *,
    alone: bool,
) -> Gate:
    file = _shown(result.file, base)
    before, common = past(journal, result), _common(result)
    sections, placed = [], []
    for one in sorted(views(result), key=lambda one: weight(one.found), reverse=True):
        found = one.found
        item = result.label(found.target, found.profile) + found.suffix
        mark = marks.of(item if alone else f"{file}::{item}")
        section = _OWN.get(type(found), _check)(one, result, file, before)
        notes = [note for note in section.notes if note not in common]
        sections.append(replace(section, mark=mark, profile=found.profile, notes=notes))
        placed.append((one, mark))
    shown = [one for one in sections if one.verdict not in ("pass", None)][:_OPEN]
    folded = [one for one in sections if one not in shown]
    kept = f" --journal {shlex.quote(_shown(str(journal), base))}" if journal is not None else ""
    decided, answers = decision(result), top(result)
    return Gate(
        id=name,
        file=file,
        result=result,
        decision=decided,
        top=answers,
        answers=[(asked, said) for asked, said in answers.answers if said not in decided.why],
        matrix=matrix(placed, result),
        open=shown,
        groups=[Group(word, [*of]) for word, of in groupby(folded, lambda one: one.verdict)],
        common=common,
        tables={
            "releases": made.releases(result),
            "adapted": made.adapted(result),
            "host": made.host(result.machine),
            "shards": made.shards(result),
        },
        unjudged=unjudged.line(result),
        command=f"{_with(result)}pytest {shlex.quote(file)}{_engine(result)}{_boots(result)}",
        waited=waited_words(result.waited),
        log=f"bootgate log --run {shlex.quote(result.run)}{kept}",
    )


def _common(result: GateResult) -> list[str]:
    """The notes that all targets have: they are said once."""
    every = [[*_notes(target)] for target in result.targets if target.boots]
    if len(every) < 2:
        return []
    return [note for note in dict.fromkeys(every[0]) if all(note in notes for notes in every)]


def _shown(file: str, base: Path | None) -> str:
    path = Path(file)
    return str(path.relative_to(base)) if base and path.is_relative_to(base) else file


# -- a target ----------------------------------------------------------------------------------


def _target(
    one: View[TargetResult], result: GateResult, file: str, before: dict[tuple[str, str], Past]
) -> Section:
    found = one.found
    name = result.label(found.target, found.profile)
    if found.left_out is not None:
        return Section(name, None, f"left out by the gate file: {found.left_out}")
    failed = failed_boot(found)
    regression = found.judgement.regression if found.judgement is not None else None
    calm = regression is not None and regression.verdict in ("same", "faster")
    return Section(
        name=name,
        verdict=found.verdict,
        says=_says(found),
        command=_command(file, found.target, WHOLE, found.profile, result, found),
        error=found.error or "",
        near=_near(found),
        findings=by_weight(worth_saying(found)),
        compared=f"{regression.verdict}: {sentence(regression)}" if regression and calm else "",
        notes=list(_notes(found)),
        story=story(failed, found, one.others) if failed is not None else (),
        last="\n".join(last_words(found)),
        drawing=charts.drawing(found) if found.boots else None,
        medians=[(release, _took(found.of(release))) for release in charts.tried(found)],
        past=before.get((found.profile, found.target)),
        phases=made.phases(found) if found.boots else None,
        boots=made.boots(found) if found.boots else (),
        figures=made.figures(found),
    )


def _near(found: TargetResult) -> str:
    """The share of the timeout, and the times behind every factor that is said below."""
    (old, _), (new, net) = (compared(found, release) for release in charts.RELEASES)
    words = nearness(found).words
    if not old or not new:
        return words
    took = f"{duration(median(old))} → {duration(median(new))}{net}"
    return f"{words}; medians {took}, {charts.difference(found, WHOLE)}"


def _took(boots: Sequence[Boot]) -> str:
    """The medians of some boots, wall and CPU time side by side."""
    walls, cpus = times(boots, WHOLE), values(boots, "cpu_seconds")
    if not walls:
        return "never started"
    cpu = f", {duration(median(cpus))} CPU" if cpus else ""
    return f"{duration(median(walls))}{cpu} (median of {count(len(walls), 'boot')})"


def _says(found: TargetResult) -> str:
    """The boots of both releases by their outcomes, those thrown away by name."""
    parts = []
    for release in ("candidate", "baseline"):
        boots = [b for b in found.boots if b.release == release]
        if boots:
            parts.append(f"{release}: {_outcomes(boots)}")
    start = f"{found.boots[0].start} start, " if found.boots else ""
    return start + ("; ".join(parts) or "no boot")


def _outcomes(boots: Sequence[Boot]) -> str:
    measured = [b for b in boots if not b.warm_up or not b.started] or boots
    counted = Counter(b.outcome for b in measured)
    return ", ".join(f"{number} {outcome}" for outcome, number in counted.items())


def _notes(found: TargetResult) -> Iterator[str]:
    yield from found.notes
    again = started_later(found.boots)
    for boot in found.boots:
        if boot.release == "baseline" and not boot.started:
            later = ", and started on retry" * (boot in again)
            yield f"the baseline's {charts.which(boot)} {boot.outcome}: {boot.why}{later}"
    if found.judgement is not None:
        yield from found.judgement.notes
        if found.judgement.stopped:
            yield f"the boots stopped here: {found.judgement.stopped}"


# -- what is no target -------------------------------------------------------------------------


def _check(
    one: View[CheckResult], result: GateResult, file: str, before: dict[tuple[str, str], Past]
) -> Section:
    """A check without a look of its own."""
    del before
    found, name = one.found, one.named(result)
    if found.left_out is not None:
        return Section(name, None, f"left out by the gate file: {found.left_out}")
    return Section(
        name=name if found.suffix else f"{name[0].upper()}{name[1:]}",
        verdict=found.verdict,
        says=one.says,
        command=_command(file, found.target, found.whole, found.profile, result),
        error=found.error or "",
        findings=by_weight(found.findings),
        whole=found.whole,
        notes=one.notes,
        last="\n".join(one.last),
        shown=one.tables,
        boots=made.boots(found) if any(one.boots()) else (),
    )


#: Those with a look of their own.
_OWN: dict[type[CheckResult], Callable[..., Section]] = {TargetResult: _target}


def _command(
    file: str,
    name: str,
    item: str,
    profile: str,
    result: GateResult,
    found: TargetResult | None = None,
) -> str:
    """How to boot the same once more.

    An older result does not say how many profiles its gate file has, on which the names of items
    depend: where that is open, the command takes the whole profile.
    """
    several = result.several_profiles
    known = bool(result.profiles) or not several
    asked = [file, result.label(name, profile), item] if known else [file]
    parts = [
        f"{_with(result)}pytest {shlex.quote('::'.join(filter(None, asked)))}{_engine(result)}"
    ]
    parts += [f"--bootgate-profile {shlex.quote(profile)}"] if several else []
    boots = "" if found is None else _as_many(found)
    return f"{' '.join(parts)}{boots}"


#: What every environment has, and no release is named by.
_EVERYWHERE = {"HOME", "PATH", "PWD", "USER", "TMPDIR"}


def _with(result: GateResult) -> str:
    """The variables without which the gate file would boot something else."""
    own = {n: text for n, text in result.environment.items() if n not in _EVERYWHERE}
    return "".join(f"{name}={shlex.quote(text)} " for name, text in own.items())


def _boots(result: GateResult) -> str:
    """How many boots, where that is the same for all."""
    asked = {_as_many(found) for found in result.targets}
    return asked.pop() if len(asked) == 1 else ""


def _as_many(found: TargetResult) -> str:
    least, most = found.rules.least, found.rules.most
    return f" --bootgate-boots {least if least == most else f'{least}..{most}'}"


def _engine(result: GateResult) -> str:
    name = result.engine_name
    return f" --bootgate-engine {name}" if name in NAMES else ""
