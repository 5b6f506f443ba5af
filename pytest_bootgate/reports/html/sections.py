"""What each section of the page holds, worked out before anything is drawn."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pytest_bootgate.checks.wording import sentence
from pytest_bootgate.engines import NAMES
from pytest_bootgate.records.check import CheckResult, Table
from pytest_bootgate.records.result import GateResult, TargetResult
from pytest_bootgate.records.retry import started_later
from pytest_bootgate.records.values import Boot
from pytest_bootgate.records.verdict import VERDICTS, WHOLE, Finding, Verdict
from pytest_bootgate.reports import unjudged
from pytest_bootgate.reports.decision import Decision, decision
from pytest_bootgate.reports.html import charts
from pytest_bootgate.reports.html import tables as made
from pytest_bootgate.reports.html.past import Past, past
from pytest_bootgate.reports.html.top import Near, Top, nearness, top
from pytest_bootgate.reports.numbers import phases
from pytest_bootgate.reports.queue import waited_words
from pytest_bootgate.reports.story import failed_boot, last_words, story, worth_saying
from pytest_bootgate.reports.view import View, by_weight
from pytest_bootgate.reports.views import views


@dataclass(frozen=True)
class Section:
    """A check. `verdict` None: left out. `whole` is the subject of findings about all of it."""

    id: str
    name: str
    verdict: Verdict | None
    says: str
    command: str = ""
    error: str = ""
    near: Near | None = None
    findings: Sequence[Finding] = ()
    compared: str = ""
    notes: Sequence[str] = ()
    story: Sequence[str] = ()
    last: str = ""
    waterfall: charts.Waterfall | None = None
    dots: charts.Dots | None = None
    past: Past | None = None
    tables: dict[str, Table] = field(default_factory=dict)
    shown: Sequence[Table] = ()
    whole: str = WHOLE


@dataclass(frozen=True)
class Gate:
    """All that the page says of one gate file."""

    id: str
    file: str
    result: GateResult
    decision: Decision
    top: Top
    sections: Sequence[Section]
    tables: dict[str, Table]
    unjudged: str
    command: str
    log: str
    waited: str | None


def gate(result: GateResult, number: int, journal: Path | None, base: Path | None) -> Gate:
    """The view of one result; paths are shown as seen from `base`."""
    file = _shown(result.file, base)
    before = past(journal, result)
    sections = [
        _OWN.get(type(one.found), _check)(one, result, file, before) for one in views(result)
    ]
    sections.sort(key=lambda one: VERDICTS.index(one.verdict) if one.verdict else -1, reverse=True)
    numbered = [_numbered(one, f"g{number}s{place}") for place, one in enumerate(sections, 1)]
    kept = f" --journal {shlex.quote(_shown(str(journal), base))}" if journal is not None else ""
    return Gate(
        id=f"g{number}",
        file=file,
        result=result,
        decision=decision(result),
        top=top(result),
        sections=numbered,
        tables={
            "releases": made.releases(result),
            "adapted": made.adapted(result),
            "host": made.host(result.machine),
            "shards": made.shards(result),
        },
        unjudged=unjudged.line(result),
        command=f"pytest {shlex.quote(file)}{_engine(result)}",
        waited=waited_words(result.waited),
        log=f"bootgate log --run {shlex.quote(result.run)}{kept}",
    )


def _numbered(section: Section, name: str) -> Section:
    return Section(**{**section.__dict__, "id": name})


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
        return Section("", name, None, f"left out by the gate file: {found.left_out}")
    failed = failed_boot(found)
    regression = found.judgement.regression if found.judgement is not None else None
    calm = regression is not None and regression.verdict in ("same", "faster")
    axis = charts.axis_of(found) if found.boots else None
    return Section(
        id="",
        name=name,
        verdict=found.verdict,
        says=_says(found),
        command=_command(file, found.target, WHOLE, found.profile, result, found),
        error=found.error or "",
        near=nearness(found),
        findings=by_weight(worth_saying(found)),
        compared=f"{regression.verdict}: {sentence(regression)}" if regression and calm else "",
        notes=list(_notes(found)),
        story=story(failed, found, one.others) if failed is not None else (),
        last="\n".join(last_words(found)),
        waterfall=charts.waterfall(found, axis) if axis and phases(found) else None,
        dots=charts.dots(found, axis) if axis else None,
        past=before.get((found.profile, found.target)),
        tables={table.name: table for table in made.tables(found)},
    )


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
        return Section("", name, None, f"left out by the gate file: {found.left_out}")
    return Section(
        id="",
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
        tables={"boots": made.boots(found)} if any(one.boots()) else {},
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
    parts = [f"pytest {shlex.quote('::'.join(filter(None, asked)))}{_engine(result)}"]
    parts += [f"--bootgate-profile {shlex.quote(profile)}"] if several else []
    if found is not None:
        least, most = found.rules.least, found.rules.most
        parts.append(f"--bootgate-boots {least if least == most else f'{least}..{most}'}")
    return " ".join(parts)


def _engine(result: GateResult) -> str:
    name = result.engine_name
    return f" --bootgate-engine {name}" if name in NAMES else ""
