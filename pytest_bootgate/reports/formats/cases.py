"""A result as the things that were judged, each with its verdict: what all formats are made of.

No case is better than the result it comes from: what was not measured is never a pass.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from pytest_bootgate.gatefile.tree import listed
from pytest_bootgate.records.check import CheckResult
from pytest_bootgate.records.result import GateResult, TargetResult
from pytest_bootgate.records.values import Boot
from pytest_bootgate.records.verdict import WHOLE, Finding, Verdict, worst
from pytest_bootgate.reports.amounts import count, duration, limit, share
from pytest_bootgate.reports.boots import machine as machine_words
from pytest_bootgate.reports.decision import decision
from pytest_bootgate.reports.numbers import phases, times, took
from pytest_bootgate.reports.story import finding_line, worth_saying
from pytest_bootgate.reports.view import View
from pytest_bootgate.reports.views import views

#: Verdicts with something to do about them; one that is `error` says so itself.
_TO_DO = ("warn", "inconclusive", "fail")


@dataclass(frozen=True, slots=True)
class Case:
    """One thing that was judged. `name` is that of its pytest item, without the gate file.

    `verdict` is None where there is none, and `missing` says which way; `text` says why a verdict
    is what it is, `todo` what to do about it, `story` all that is known, what to do included.
    `seconds` are those of the slowest boot, None where nothing was timed. `line` is in the gate
    file, from 1.
    """

    name: str
    verdict: Verdict | None
    text: str = ""
    story: str = ""
    seconds: float | None = None
    line: int = 1
    missing: Literal["left out", "not seen", "unjudged"] = "left out"
    todo: str = ""

    @property
    def state(self) -> str:
        """The verdict, or why there is none."""
        return self.verdict or self.missing


@dataclass(frozen=True, slots=True)
class Entry:
    """A check on a profile: `whole` judges it all.

    `parts` are the phases of a target, or what another check is judged by. `timed` is the target
    whose boots are timed and compared, `boots` are all boots that were made for the check.
    """

    kind: str
    label: str
    target: str
    profile: str
    whole: Case
    parts: tuple[Case, ...] = ()
    timed: TargetResult | None = None
    boots: tuple[Boot, ...] = ()

    @property
    def cases(self) -> tuple[Case, ...]:
        """One for each pytest item."""
        shown = not self.parts or self.timed is not None
        return (*self.parts, self.whole) if shown else self.parts


def names(results: Sequence[GateResult], base: Path) -> list[str]:
    """The gate file of each result relative to `base`; one that ran twice has its run beside it."""
    shown = []
    for result in results:
        path = Path(result.file)
        shown.append(str(path.relative_to(base) if path.is_relative_to(base) else path))
    often = Counter(shown)
    both = zip(shown, results, strict=True)
    return [n if often[n] == 1 else f"{n} (run {r.run})" for n, r in both]


def entries(result: GateResult) -> list[Entry]:
    """All that was judged, in the order of the terminal's summary.

    Where nothing was, there is one entry all the same, with the verdict of the whole gate.
    """
    found = [_OWN.get(type(one.found), _check)(one, result) for one in views(result)]
    found += _unjudged(result)
    said: list[Verdict] = [e.whole.verdict for e in found if e.whole.verdict is not None]
    if not said or worst(said) != result.verdict:
        text = f"{result.verdict}: {result.error or 'no target was judged'}"
        found.append(Entry("gate", "gate", "", "", Case("gate", result.verdict, text, text)))
    return found


def _check(one: View[CheckResult], result: GateResult) -> Entry:
    found, at = one.found, result.label(one.found.target, one.found.profile)
    left_out = f"left out: {found.left_out}"
    parts = []
    for item in found.items if not found.whole else ():
        lines = [f"{finding.verdict}: {finding.text}" for finding in found.about(item)]
        if found.error is not None or not found.measured:
            lines = [f"error: {found.error or 'nothing was seen'}"]
        text = left_out if found.left_out is not None else "\n".join(lines)
        line = line_of(result, found.target, item)
        parts.append(Case(f"{at}::{item}", found.verdict_of(item), text, text, line=line))
    lines = [text for _, text in one.reasons] or [f"{found.verdict}: {one.heading}"]
    if found.error is not None:
        lines = [f"error: {found.error}"]
    text = left_out if found.left_out is not None else "\n".join(lines)
    todo = one.todo if found.verdict in _TO_DO else ""
    story = _story(one.told, todo) if found.left_out is None else text
    name, line = at + found.suffix, line_of(result, found.target, found.whole)
    whole = Case(name, found.verdict, text, story, line=line, todo=todo)
    return Entry(
        found.kind, name, found.target, found.profile, whole, tuple(parts), boots=found.boots
    )


def line_of(result: GateResult, target: str, item: str) -> int:
    """The line of the gate file that asks for an item, or else for its target."""
    return result.lines.get(f"{target}::{item}", result.lines.get(target, 1))


def _target(one: View[TargetResult], result: GateResult) -> Entry:
    target = one.found
    label = result.label(target.target, target.profile)
    place = result.lines.get(target.target, 1)
    parts = []
    for name in phases(target):
        verdict, text = _phase(target, name)
        parts.append(
            Case(
                f"{label}::{name}",
                verdict,
                text,
                text,
                max(times(target.of("candidate"), name), default=None),
                result.lines.get(f"{target.target}::{name}", place),
                "left out" if target.left_out is not None else "not seen",
            )
        )
    text = "\n".join(_why(target))
    todo = one.todo if target.verdict in _TO_DO else ""
    story = "\n".join(one.told) or _story([text], todo)
    whole = Case(
        f"{label}::{WHOLE}", target.verdict, text, story, _longest(target), place, todo=todo
    )
    kind, boots = target.kind, target.boots
    return Entry(kind, label, target.target, target.profile, whole, tuple(parts), target, boots)


#: Those whose parts are more than their findings.
_OWN: dict[type[CheckResult], Callable[..., Entry]] = {TargetResult: _target}


def _story(lines: Sequence[str], todo: str) -> str:
    return "\n".join([*lines, *([f"what to do: {todo}"] if todo else [])])


def _why(target: TargetResult) -> Iterator[str]:
    """Why a target has its verdict, a line each, the worst first."""
    verdict = target.verdict
    if target.left_out is not None:
        yield f"left out: {target.left_out}"
    elif target.error is not None:
        yield f"error: {target.error}"
    elif findings := worth_saying(target):
        yield from (finding_line(f) for f in sorted(findings, key=lambda f: f.verdict != verdict))
    else:
        yield f"{target.verdict}: {_in_time(target)}"


def _in_time(target: TargetResult) -> str:
    found = took(times(target.of("candidate"), WHOLE))
    timeout = target.rules.timeout
    if found is None:
        return f"no boot started; the timeout is {limit(timeout)}"
    return (
        f"the slowest of {count(found.boots, 'boot')} took {duration(found.slowest)},"
        f" {share(found.slowest / timeout)} of the timeout {limit(timeout)}"
    )


def _longest(target: TargetResult) -> float | None:
    """The longest boot of the candidate in seconds, one that did not start until it ended."""
    made = target.of("candidate")
    return max((b.ended if b.seconds is None else b.seconds for b in made), default=None)


def _phase(target: TargetResult, name: str) -> tuple[Verdict | None, str]:
    """The verdict on a phase, and why; a phase that nobody saw has none of its own."""
    if target.left_out is not None:
        return None, f"left out: {target.left_out}"
    if target.error is not None or target.judgement is None:
        return "error", f"error: not measured; {WHOLE} says why"
    about = target.judgement.about(name)
    found = [finding for finding in about if finding.kind != "unreached"]
    if found or (about and target.verdict != "fail"):
        return worst([f.verdict for f in about]), _listed(about)
    if about:  # one cause is one failure, as it is one red item
        return None, f"{about[0].text}; {WHOLE} says why"
    made = [(boot, boot.phase(name)) for boot in target.boots if boot.release == "candidate"]
    seen = [boot for boot, phase in made if phase is not None and phase.at is not None]
    optional = any(phase is not None and phase.optional for _, phase in made)
    whole = target.verdict or "error"
    if seen and (whole != "error" or any(boot.started for boot in seen)):
        return "pass", ""
    if optional and whole != "error":
        return None, "not seen in any boot, and optional"
    if whole == "fail":
        return None, f"not seen in any boot that was measured; {WHOLE} says why"
    return "error", "error: not seen in any boot that was measured"


def _listed(findings: Sequence[Finding]) -> str:
    return "\n".join(f"{finding.verdict}: {finding.text}" for finding in findings)


def _unjudged(result: GateResult) -> Iterator[Entry]:
    """What the gate file asks for and nobody booted; what was booted has its verdict already."""
    asked: dict[tuple[str, str, str], list[Case]] = {}
    for one in result.unjudged:
        if one.booted:
            continue
        name = f"{result.label(one.target, one.profile)}::{one.item}"
        line, text = line_of(result, one.target, one.item), "not judged: it was not booted"
        case = Case(name, None, text, text, line=line, missing="unjudged")
        asked.setdefault((one.target, one.profile, one.check), []).append(case)
    for (target, profile, kind), cases in asked.items():
        label = result.label(target, profile)
        label += f"::{kind}" if kind not in (target, WHOLE) else ""
        if len(cases) == 1:
            yield Entry(kind, label, target, profile, cases[0])
        else:
            whole = replace(cases[0], name=label)
            yield Entry(kind, label, target, profile, whole, tuple(cases))


def releases(result: GateResult) -> Iterator[tuple[str, str]]:
    """Each release by its name, and what stood behind it: image, version, digest."""
    for name, facts in result.releases.items():
        parts = dict.fromkeys(p for p in (facts.image, facts.version, facts.identity) if p)
        recorded = f" (recorded {facts.recorded})" if facts.recorded is not None else ""
        granted = f" (granted {listed(facts.granted)})" if facts.granted else ""
        yield name, (" ".join(parts) or "by command") + recorded + granted


def properties(result: GateResult) -> Iterator[tuple[str, str]]:
    """What holds for the whole run of a gate: verdict, run, releases, engine, host."""
    machine = result.machine
    yield "decision", str(decision(result))
    yield "verdict", result.verdict
    yield "run", result.run
    yield "at", result.at
    if result.shard is not None:
        yield "shard", result.shard.words
    for part in result.shards:
        yield f"shard.{part.number}", f"run {part.run}, {part.at}, {machine_words(part.machine)}"
    yield "pytest-bootgate", result.bootgate
    yield "engine", result.engine
    for name, facts in result.releases.items():
        for what, value in (
            ("image", facts.image),
            ("digest", facts.identity),
            ("version", facts.version),
            ("recorded", facts.recorded),
            ("granted", ", ".join(facts.granted)),
        ):
            if value:
                yield f"{name}.{what}", value
    yield "host.system", machine.system
    yield "host.cpus", str(machine.cpus)
    yield "host.memory_bytes", str(machine.memory)
    yield "host.load", f"{machine.load:g}"
    if result.measures:
        yield "measures", result.measures
