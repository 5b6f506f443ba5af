"""From the boots of one target to its verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from pytest_bootgate.boot.values import Boot
from pytest_bootgate.gate.headroom import Headroom, headroom

Verdict = Literal["pass", "warn", "unsure", "fail", "broken"]
_ORDER: tuple[Verdict, ...] = ("pass", "warn", "unsure", "fail", "broken")
#: The subject of findings about a whole boot, and the item that stands for it.
WHOLE = "boot"


@dataclass(frozen=True, slots=True)
class Limits:
    """What one phase may take in seconds: `limit` for itself, `by` since the trigger."""

    limit: float | None = None
    by: float | None = None


@dataclass(frozen=True)
class Rules:
    """What a target is judged by: seconds, and shares of them."""

    timeout: float
    near: float
    warn: float
    boots: int
    phases: Mapping[str, Limits] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Finding:
    """One reason for a verdict, about a phase or the whole boot (`WHOLE`)."""

    verdict: Verdict
    subject: str
    text: str


@dataclass(frozen=True)
class Judgement:
    """What the boots of one target add up to."""

    verdict: Verdict
    findings: tuple[Finding, ...]
    headrooms: Mapping[str, Headroom]

    def about(self, subject: str) -> tuple[Finding, ...]:
        """The findings about one phase or the whole boot, worst first."""
        found = [finding for finding in self.findings if finding.subject == subject]
        return tuple(sorted(found, key=lambda f: -_ORDER.index(f.verdict)))


def worst(verdicts: Sequence[Verdict]) -> Verdict:
    """The verdict that counts; none at all is no evidence, so it is `broken`."""
    return max(verdicts, key=_ORDER.index, default="broken")


def judge(boots: Sequence[Boot], rules: Rules) -> Judgement:
    """Judge the candidate's boots; the baseline's are for comparison only.

    Never `pass` without a measured boot that started, with every phase seen.
    """
    tried = [boot for boot in boots if boot.release == "candidate"]
    measured = [boot for boot in tried if not boot.warm_up and boot.started]
    findings = [f for boot in tried for f in _one(boot)]
    headrooms: dict[str, Headroom] = {}
    if not tried:
        findings.append(Finding("broken", WHOLE, "not one boot of the candidate was made"))
    elif not measured and not _failed(findings):
        findings.append(Finding("broken", WHOLE, "not one boot of the candidate was measured"))
    elif measured:
        headrooms = _headrooms(measured, rules)
        for name, room in headrooms.items():
            if room.level != "pass":
                subject = name.partition(":")[0]
                what = f"timeout {room.limit:g} s" if name == WHOLE else _limit_words(name, room)
                verdict: Verdict = "fail" if room.level == "fail" else "warn"
                findings.append(Finding(verdict, subject, f"{what}: {room.reason}"))
        if len(measured) < rules.boots and not _failed(findings):
            text = f"{len(measured)} of {rules.boots} boots were measured"
            findings.append(Finding("broken", WHOLE, text))
    verdict = worst([f.verdict for f in findings] or ["pass"])
    return Judgement(verdict, tuple(findings), headrooms)


def _failed(findings: Sequence[Finding]) -> bool:
    return any(f.verdict in ("fail", "broken") for f in findings)


def _one(boot: Boot) -> list[Finding]:
    """What one boot says by itself."""
    which = "the warm-up boot" if boot.warm_up else f"boot {boot.number}"
    if boot.outcome == "lost":
        return [Finding("broken", WHOLE, f"{which} was lost: {boot.detail}")]
    if not boot.started:
        found = [Finding("fail", WHOLE, f"{which} {boot.outcome}: {boot.detail}")]
        ended_in = boot.last_phase
        for phase in boot.phases:
            if phase.at is None and not phase.optional:
                where = "ended in" if phase.name == ended_in else "never reached"
                text = f"{which} {where} this phase: {boot.outcome}"
                found.append(Finding("fail", phase.name, text))
        return found
    missing = [phase for phase in boot.phases if phase.at is None and not phase.optional]
    text = f"{which} started, but the mark of this phase never appeared"
    found = [Finding("broken", phase.name, text) for phase in missing]
    for told in boot.told:
        if told.says != "ok" and told.at is not None:
            text = f"{which} started, but {told.channel} reported a failure: {told.text}"
            found.append(Finding("warn", WHOLE, text))
    return found


def _headrooms(measured: Sequence[Boot], rules: Rules) -> dict[str, Headroom]:
    """Headroom of the whole boot, and of each phase that has a limit of its own."""
    rooms = {
        WHOLE: headroom(
            [boot.seconds for boot in measured if boot.seconds is not None],
            rules.timeout,
            near=rules.near,
            warn=rules.warn,
        )
    }
    for name, limits in rules.phases.items():
        seen = [phase for boot in measured if (phase := boot.phase(name)) and phase.at is not None]
        for kind, limit, values in (
            ("limit", limits.limit, [p.seconds for p in seen]),
            ("by", limits.by, [p.at for p in seen]),
        ):
            numbers = [value for value in values if value is not None]
            if limit is not None and numbers:
                rooms[f"{name}:{kind}"] = headroom(numbers, limit, near=rules.near, warn=rules.warn)
    return rooms


def _limit_words(name: str, room: Headroom) -> str:
    kind = name.partition(":")[2]
    return f"limit {room.limit:g} s" if kind == "limit" else f"by {room.limit:g} s"
