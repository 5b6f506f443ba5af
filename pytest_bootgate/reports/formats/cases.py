"""A result as the things that were judged, each with its verdict: what all formats are made of.

No case is better than the result it comes from: what was not measured is never a pass.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from pytest_bootgate.checks.upgrade import ROLLBACK, SUBJECTS
from pytest_bootgate.gatefile.propagation_rules import PROPAGATION
from pytest_bootgate.gatefile.rules import UPGRADE
from pytest_bootgate.gatefile.tree import listed
from pytest_bootgate.records.result import (
    GateResult,
    PropagationResult,
    TargetResult,
    UpgradeResult,
)
from pytest_bootgate.records.verdict import WHOLE, Finding, Verdict, worst
from pytest_bootgate.reports import propagation, upgrade
from pytest_bootgate.reports.advice import advice, advice_on_propagation, advice_on_upgrade
from pytest_bootgate.reports.amounts import count, duration, limit, share
from pytest_bootgate.reports.failure import failure
from pytest_bootgate.reports.numbers import phases, times, took
from pytest_bootgate.reports.story import finding_line, last_lines, worth_saying

Kind = Literal["boot", "upgrade", "propagation", "gate"]
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
    """A target, an upgrade in place or a propagation test on a profile: `whole` judges it all.

    `parts` are its phases, or what an upgrade is judged by.
    """

    kind: Kind
    label: str
    target: str
    profile: str
    whole: Case
    parts: tuple[Case, ...] = ()
    found: TargetResult | None = None

    @property
    def cases(self) -> tuple[Case, ...]:
        """One for each pytest item."""
        return self.parts if self.kind == "upgrade" else (*self.parts, self.whole)


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
    found = [_upgrade(result, one) for one in result.upgrades]
    found += [_target(result, one) for one in result.targets]
    found += [_propagation(result, one) for one in result.propagations]
    found += _unjudged(result)
    said: list[Verdict] = [e.whole.verdict for e in found if e.whole.verdict is not None]
    if not said or worst(said) != result.verdict:
        text = f"{result.verdict}: {result.error or 'no target was judged'}"
        found.append(Entry("gate", "gate", "", "", Case("gate", result.verdict, text, text)))
    return found


def _target(result: GateResult, target: TargetResult) -> Entry:
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
    others = result.beside(target)
    todo = advice(target, others) if target.verdict in _TO_DO else ""
    failed = target.verdict in ("fail", "error")
    story = failure(target, others) if failed else _story([text], todo)
    whole = Case(
        f"{label}::{WHOLE}", target.verdict, text, story, _longest(target), place, todo=todo
    )
    return Entry("boot", label, target.target, target.profile, whole, tuple(parts), target)


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
    found = target.judgement.about(name)
    if found:
        return worst([f.verdict for f in found]), _listed(found)
    made = [(boot, boot.phase(name)) for boot in target.boots if boot.release == "candidate"]
    seen = [boot for boot, phase in made if phase is not None and phase.at is not None]
    optional = any(phase is not None and phase.optional for _, phase in made)
    whole = target.verdict or "error"
    if seen and (whole != "error" or any(boot.started for boot in seen)):
        return "pass", ""
    if optional and whole != "error":
        return None, "not seen in any boot, and optional"
    verdict: Verdict = "fail" if whole == "fail" else "error"
    return verdict, f"{verdict}: not seen in any boot that was measured"


def _listed(findings: Sequence[Finding]) -> str:
    return "\n".join(f"{finding.verdict}: {finding.text}" for finding in findings)


def _upgrade(result: GateResult, found: UpgradeResult) -> Entry:
    label, line = result.label(UPGRADE, found.profile), result.lines.get(UPGRADE, 1)
    asked = found.upgrade is not None and found.upgrade.rollback_asked
    parts = []
    for subject in (*SUBJECTS, *([ROLLBACK] if asked else [])):
        about = found.about(subject)
        verdict: Verdict = worst([finding.verdict for finding in about] or ["pass"])
        text = _listed(about)
        if found.error is not None or found.upgrade is None:
            verdict, text = "error", f"error: {found.error or 'nothing was seen'}"
        parts.append(Case(f"{label}::{subject}", verdict, text, text, line=line))
    told = [f"{f.verdict}: {f.subject}: {f.text}" for f in found.findings]
    if found.error is not None:
        told = [f"error: {found.error}"]
    text = "\n".join(told) or f"{found.verdict}: {upgrade.heading(found)}"
    todo = advice_on_upgrade(found) if found.verdict in _TO_DO else ""
    story = _story([upgrade.heading(found), *told, *upgrade.story(found)], todo)
    whole = Case(label, found.verdict, text, story, line=line, todo=todo)
    return Entry("upgrade", label, UPGRADE, found.profile, whole, tuple(parts))


def _propagation(result: GateResult, found: PropagationResult) -> Entry:
    label = result.label(found.target, found.profile)
    place = result.lines.get(found.target, 1)
    line = result.lines.get(f"{found.target}::{PROPAGATION}", place)
    said = [f"{f.verdict}: {f.text}" for f in found.findings]
    if found.error is not None:
        said = [f"error: {found.error}"]
    text = "\n".join(said) or f"{found.verdict}: {propagation.heading(found)}"
    lines = [propagation.heading(found), *propagation.details(found)]
    if found.verdict == "fail" and found.stall is not None:
        lines += last_lines(found.stall.boot)
    name = f"{label}::{PROPAGATION}"
    todo = advice_on_propagation(found) if found.verdict in _TO_DO else ""
    story = _story(lines, todo)
    whole = Case(name, found.verdict, text, story, line=line, todo=todo)
    return Entry("propagation", name, found.target, found.profile, whole)


def _unjudged(result: GateResult) -> Iterator[Entry]:
    """What the gate file asks for and nobody booted; what was booted has its verdict already."""
    asked: dict[tuple[str, str, Kind], list[Case]] = {}
    for one in result.unjudged:
        if one.booted:
            continue
        keys = (one.target,) if one.item == WHOLE else (f"{one.target}::{one.item}", one.target)
        line = next((result.lines[key] for key in keys if key in result.lines), 1)
        name = f"{result.label(one.target, one.profile)}::{one.item}"
        text = "not judged: it was not booted"
        kinds: dict[str, Kind] = {WHOLE: "boot", PROPAGATION: "propagation"}
        key = (one.target, one.profile, kinds.get(one.item, "upgrade"))
        case = Case(name, None, text, text, line=line, missing="unjudged")
        asked.setdefault(key, []).append(case)
    for (target, profile, kind), cases in asked.items():
        label = result.label(target, profile)
        if kind == "upgrade":
            whole = replace(cases[0], name=label)
            yield Entry(kind, label, target, profile, whole, tuple(cases))
        else:
            label = label if kind == "boot" else f"{label}::{PROPAGATION}"
            yield Entry(kind, label, target, profile, cases[0])


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
    yield "verdict", result.verdict
    yield "run", result.run
    yield "at", result.at
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
