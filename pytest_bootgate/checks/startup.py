"""From the boots of one target to its verdict."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from pytest_bootgate.checks.baseline import beside_baseline, flaky, shortage
from pytest_bootgate.checks.comparison import compared
from pytest_bootgate.checks.marks import missing_marks
from pytest_bootgate.checks.pairs import Pairs
from pytest_bootgate.checks.reach import out_of_reach
from pytest_bootgate.checks.readiness import readiness
from pytest_bootgate.checks.remarks import ended_after, remarks
from pytest_bootgate.records.retry import (
    forgiven,
    repeated_unseen,
    started_later,
    timed_out,
    timeouts,
    which,
    words,
)
from pytest_bootgate.records.values import Boot
from pytest_bootgate.records.verdict import (
    WHOLE,
    Against,
    Finding,
    Judgement,
    Room,
    Rules,
    Verdict,
    worst,
)
from pytest_bootgate.stats.headroom import headroom

_WORDS: dict[Against, str] = {"timeout": "timeout", "limit": "limit", "deadline": "by"}


def judge(boots: Sequence[Boot], rules: Rules) -> Judgement:
    """Judge the candidate's boots, and compare them with the baseline's.

    Never `pass` without a measured boot that started, with every phase seen; nor where there is a
    baseline and nothing could be compared with it.
    """
    tried = [boot for boot in boots if boot.release == "candidate"]
    pairs = Pairs.among(boots)
    findings = [*_of_each(boots, tried, rules), *missing_marks(boots), *ended_after(boots)]
    findings = [*beside_baseline(findings, boots), *flaky(boots)]
    headrooms: tuple[Room, ...] = ()
    measured = pairs.measured("candidate")
    if not tried:
        findings.append(Finding("error", WHOLE, "the candidate was not booted"))
    elif not measured and not failed(findings):
        findings.append(Finding("error", WHOLE, "no boot of the candidate was measured"))
    elif measured:
        headrooms = tuple(_headrooms(pairs, rules))
        findings += _too_near(headrooms, rules)
        findings += [*readiness(pairs, rules), *out_of_reach(pairs, rules)]
        if len(measured) < rules.least and not failed(findings):
            text = f"only {len(measured)} of {rules.least} boots were measured"
            findings.append(Finding("error", WHOLE, text))
    judgement = Judgement(
        worst([f.verdict for f in findings] or ["pass"]), tuple(findings), headrooms
    )
    again = started_later(boots)
    started = all(boot.started or boot in again for boot in tried)
    if not started or not pairs.measured("baseline"):
        return judgement
    return _compared(judgement, pairs, rules, shortage(boots))


def _compared(judgement: Judgement, pairs: Pairs, rules: Rules, short: str) -> Judgement:
    """Add to a judgement what the comparison with the baseline says."""
    found = compared(pairs, rules, short)
    findings = judgement.findings
    if not (failed(findings) and found.regression is None):
        findings = (*findings, *found.findings)
    looks = [r.next_look for r in found.regressions if r.next_look is not None]
    return replace(
        judgement,
        verdict=worst([f.verdict for f in findings] or ["pass"]),
        findings=findings,
        regression=found.regression,
        phases=tuple(r for r in found.regressions if r.subject),
        attribution=found.attribution,
        next_look=min(looks) if looks and not failed(judgement.findings) else None,
        notes=found.notes,
    )


def failed(findings: Sequence[Finding]) -> bool:
    """Whether one of them fails the build."""
    return any(f.verdict in ("fail", "error") for f in findings)


def _too_near(headrooms: Sequence[Room], rules: Rules) -> Iterator[Finding]:
    for one in headrooms:
        room = one.headroom
        if room.level != "pass":
            text = f"{_WORDS[one.against]} {room.limit:g} s: {room.reason}"
            if one.against == "timeout":
                text += _killed(rules, used=room.used)
            verdict: Verdict = "fail" if room.level == "fail" else "warn"
            # Beyond a limit is beyond it, on whatever host.
            yield Finding(verdict, one.subject, text, timed=room.used < 1, kind="room")


def _of_each(boots: Sequence[Boot], tried: Sequence[Boot], rules: Rules) -> list[Finding]:
    """What the candidate's boots say each by itself, and their timeouts together."""
    late = timeouts(boots, "candidate")
    retried = bool(late) and tried[-1] is not late[0]
    repeated = repeated_unseen(boots)
    tried = [boot for boot in tried if boot not in repeated]
    beside = [
        Finding("warn", WHOLE, f"{which(boot)} was repeated: {boot.detail}") for boot in repeated
    ]
    beside += remarks([b for b in tried if b not in late], boots)
    if not retried:
        return [f for boot in tried for f in _one(boot, rules)] + beside
    how_many = words(boots, "candidate")
    if forgiven(boots, "candidate", rules.retries):
        each = "; ".join(timed_out(boot) for boot in late)
        text = f"{how_many}, and started on retry ({each})"
        found = [Finding("warn", WHOLE, text)]
    else:
        text = f"{how_many}: {late[-1].detail}{_in_production(late[-1], rules)}"
        found = [Finding("fail", WHOLE, text)]
        found += [f for f in _one(late[-1], rules) if f.subject != WHOLE]
    return found + [f for boot in tried if boot not in late for f in _one(boot, rules)] + beside


def _killed(rules: Rules, *, used: float) -> str:
    """What a kubelet does at the timeout, at the end of a sentence; nothing where there is none."""
    if not rules.timeout_of:
        return ""
    does = "would have killed it" if used >= 1 else "kills it"
    return f"; in production the kubelet {does} at {rules.timeout:g} s ({rules.timeout_of})"


def _in_production(boot: Boot, rules: Rules) -> str:
    """What a kubelet would have done with a boot that did not start, at the end of a sentence."""
    if not rules.timeout_of or not boot.traits.waited_out:
        return ""
    succeeded = boot.phase(rules.timeout_of)
    if succeeded is None or succeeded.at is None:
        return _killed(rules, used=1.0)
    return f"; its {rules.timeout_of} succeeded, so it would not have been killed, and not ready"


def _one(boot: Boot, rules: Rules) -> list[Finding]:
    """How one boot ended, unless it started."""
    name = which(boot)
    if boot.traits.unknown:
        return [Finding("error", WHOLE, f"{name} was lost: {boot.detail}")]
    found: list[Finding] = []
    if not boot.started:
        text = f"{name} ended as {boot.outcome}: {boot.why}{_in_production(boot, rules)}"
        found = [Finding("fail", WHOLE, text)]
        ended_in = boot.ended_in
        for phase in boot.phases:
            if phase.at is None and not phase.optional:
                where = "ended in" if phase.name == ended_in else "never reached"
                text = f"{name} {where} this phase: {boot.outcome}"
                found.append(Finding("fail", phase.name, text, kind="unreached"))
    return found


def _headrooms(pairs: Pairs, rules: Rules) -> Iterator[Room]:
    """Headroom of the whole boot, and of each phase that has a limit of its own."""
    # What another day's machine did says nothing about this one's spread.
    before = () if pairs.recorded else pairs.measured("baseline")
    for subject, against, limit in _limits(rules):
        value = _value(subject, against)
        seconds = [s for boot in pairs.measured("candidate") if (s := value(boot)) is not None]
        beside = [s for boot in before if (s := value(boot)) is not None]
        if seconds:
            found = headroom(
                seconds, limit, fail_at=rules.fail_at, warn_at=rules.warn_at, beside=beside
            )
            yield Room(subject, against, found)


def _limits(rules: Rules) -> Iterator[tuple[str, Against, float]]:
    yield WHOLE, "timeout", rules.timeout
    for name, limits in rules.phases.items():
        if limits.limit is not None:
            yield name, "limit", limits.limit
        if limits.deadline is not None:
            yield name, "deadline", limits.deadline


def _value(subject: str, against: Against) -> Callable[[Boot], float | None]:
    """What of a boot is held against a limit."""

    def value(boot: Boot) -> float | None:
        if against == "timeout":
            return boot.seconds
        phase = boot.phase(subject)
        if phase is None:
            return None
        return phase.seconds if against == "limit" else phase.at

    return value
