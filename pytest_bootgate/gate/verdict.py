"""From the boots of one target to its verdict."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from pytest_bootgate.boot.values import Boot
from pytest_bootgate.gate.attribution import Attribution, Pairs
from pytest_bootgate.gate.comparison import blame, compare_boots, sentence
from pytest_bootgate.gate.headroom import Headroom, headroom
from pytest_bootgate.gate.regression import LEAST_PAIRS, USUAL_TOLERANCE, Regression, Schedule
from pytest_bootgate.gate.retry import forgiven, started_later, timed_out, timeouts, which, words

Verdict = Literal["pass", "warn", "unsure", "fail", "broken"]
#: From the best to the worst.
VERDICTS: tuple[Verdict, ...] = ("pass", "warn", "unsure", "fail", "broken")
#: The subject of findings about a whole boot, and the item that stands for it.
WHOLE = "boot"


@dataclass(frozen=True, slots=True)
class Limits:
    """What one phase may take in seconds: `limit` for itself, `by` since the trigger."""

    limit: float | None = None
    by: float | None = None


@dataclass(frozen=True)
class Rules:
    """What a target is judged by: seconds, and shares of them.

    `least` and `most` are the measured boots of each release. `slower` is the tolerance as a
    share of the baseline, `unsure` what becomes of an upgrade that can be shown neither way.
    `cpus` is what the host profile gives a boot, None without a limit. `retries` is how many boot
    timeouts of each release are tried again in a campaign, `retry_pause` after how many seconds.
    `noise` is the most that `Machine.spread` may be.
    """

    timeout: float
    near: float
    warn: float
    least: int
    most: int
    slower: float = USUAL_TOLERANCE
    unsure: Literal["warn", "fail"] = "warn"
    cpus: float | None = None
    retries: int = 0
    retry_pause: float = 0.0
    noise: float = 3.0
    phases: Mapping[str, Limits] = field(default_factory=dict)

    @property
    def plan(self) -> Schedule:
        """After how many pairs the boots are looked at."""
        return Schedule.of(self.least, self.most)


@dataclass(frozen=True, slots=True)
class Finding:
    """One reason for a verdict, about a phase or the whole boot (`WHOLE`).

    It is `timed` where it rests on how long boots took, which a busy host may have lengthened.
    """

    verdict: Verdict
    subject: str
    text: str
    timed: bool = False


@dataclass(frozen=True)
class Judgement:
    """What the boots of one target add up to.

    `regression` is None where nothing could be compared, `attribution` where the candidate is
    not slower. It is `open` if more pairs might change it. `notes` are worth reading and change
    no verdict; `stopped` says why there were no more boots. `host` is what `gate.host` found to
    warn of.
    """

    verdict: Verdict
    findings: tuple[Finding, ...]
    headrooms: Mapping[str, Headroom]
    regression: Regression | None = None
    attribution: Attribution | None = None
    open: bool = False
    notes: tuple[str, ...] = ()
    stopped: str = ""
    host: str = ""

    def about(self, subject: str) -> tuple[Finding, ...]:
        """The findings about one phase or the whole boot, worst first."""
        found = [finding for finding in self.findings if finding.subject == subject]
        return tuple(sorted(found, key=lambda f: -VERDICTS.index(f.verdict)))


def worst(verdicts: Sequence[Verdict]) -> Verdict:
    """The verdict that counts; none at all is no evidence, so it is `broken`."""
    return max(verdicts, key=VERDICTS.index, default="broken")


def judge(boots: Sequence[Boot], rules: Rules) -> Judgement:
    """Judge the candidate's boots, and hold them against the baseline's.

    Never `pass` without a measured boot that started, with every phase seen.
    """
    tried = [boot for boot in boots if boot.release == "candidate"]
    pairs = Pairs(_measured(boots, "baseline"), _measured(boots, "candidate"))
    findings = _of_each(boots, tried, rules)
    headrooms: dict[str, Headroom] = {}
    if not tried:
        findings.append(Finding("broken", WHOLE, "not one boot of the candidate was made"))
    elif not pairs.candidate and not _failed(findings):
        findings.append(Finding("broken", WHOLE, "not one boot of the candidate was measured"))
    elif pairs.candidate:
        headrooms = _headrooms(pairs, rules)
        findings += _too_near(headrooms)
        if len(pairs.candidate) < rules.least and not _failed(findings):
            text = f"{len(pairs.candidate)} of {rules.least} boots were measured"
            findings.append(Finding("broken", WHOLE, text))
    judgement = Judgement(
        worst([f.verdict for f in findings] or ["pass"]), tuple(findings), headrooms
    )
    again = started_later(boots)
    if any(not boot.started and boot not in again for boot in boots) or not pairs.baseline:
        return judgement
    return _beside_baseline(judgement, pairs, rules)


def _measured(boots: Sequence[Boot], release: str) -> list[Boot]:
    """The boots of a release that count, by the numbers of their pairs."""
    found = [b for b in boots if b.release == release and b.started and not b.warm_up]
    return sorted(found, key=lambda boot: boot.number)


def _beside_baseline(judgement: Judgement, pairs: Pairs, rules: Rules) -> Judgement:
    """Add to a judgement what the baseline's boots say."""
    found = list(judgement.findings)
    plan = rules.plan
    if pairs.recorded:
        pairs = Pairs(pairs.baseline, pairs.candidate[: len(pairs.baseline)])
        plan = Schedule.of(len(pairs.baseline), len(pairs.baseline))
    count = len(pairs.candidate)
    unsure: Verdict = "fail" if rules.unsure == "fail" else "unsure"
    if count != len(pairs.baseline) or count not in plan.looks:
        text = (
            f"slower or the same? {count} pair{'s' * (count != 1)} cannot say; at least"
            f" {LEAST_PAIRS} are needed (gate: {{boots: 5..15}})"
        )
        found.append(Finding(unsure, WHOLE, text))
        verdict = worst([f.verdict for f in found])
        return replace(judgement, verdict=verdict, findings=tuple(found))
    compared = compare_boots(pairs, plan, rules.slower, rules.cpus)
    regression, slower = compared.regression, compared.attribution
    if slower is not None:
        found.append(Finding("fail", WHOLE, sentence(regression), timed=True))
        found.append(Finding("fail", slower.phase, blame(slower), timed=True))
    elif regression.verdict == "unsure":
        found.append(Finding(unsure, WHOLE, sentence(regression)))
    unsettled = regression.verdict == "unsure" and not regression.reason
    return replace(
        judgement,
        verdict=worst([f.verdict for f in found] or ["pass"]),
        findings=tuple(found),
        regression=regression,
        attribution=slower,
        open=unsettled and not _failed(judgement.findings),
        notes=compared.notes,
    )


def _too_near(headrooms: Mapping[str, Headroom]) -> Iterator[Finding]:
    for name, room in headrooms.items():
        if room.level != "pass":
            subject = name.partition(":")[0]
            what = f"timeout {room.limit:g} s" if name == WHOLE else _limit_words(name, room)
            verdict: Verdict = "fail" if room.level == "fail" else "warn"
            # Beyond a limit is beyond it, on whatever host.
            yield Finding(verdict, subject, f"{what}: {room.reason}", timed=room.used < 1)


def _failed(findings: Sequence[Finding]) -> bool:
    return any(f.verdict in ("fail", "broken") for f in findings)


def _of_each(boots: Sequence[Boot], tried: Sequence[Boot], rules: Rules) -> list[Finding]:
    """What the candidate's boots say each by itself, and their timeouts together."""
    late = timeouts(boots, "candidate")
    retried = bool(late) and tried[-1] is not late[0]
    if not retried:
        return [f for boot in tried for f in _one(boot)]
    how_many = words(boots, "candidate")
    if forgiven(boots, "candidate", rules.retries):
        each = "; ".join(timed_out(boot) for boot in late)
        text = f"{how_many}, and started when tried again ({each})"
        found = [Finding("warn", WHOLE, text)]
    else:
        found = [Finding("fail", WHOLE, f"{how_many}: {late[-1].detail}")]
        found += [f for f in _one(late[-1]) if f.subject != WHOLE]
    return found + [f for boot in tried if boot not in late for f in _one(boot)]


def _one(boot: Boot) -> list[Finding]:
    """What one boot says by itself."""
    name = which(boot)
    if boot.outcome == "lost":
        return [Finding("broken", WHOLE, f"{name} was lost: {boot.detail}")]
    if not boot.started:
        found = [Finding("fail", WHOLE, f"{name} {boot.outcome}: {boot.detail}")]
        ended_in = boot.last_phase
        for phase in boot.phases:
            if phase.at is None and not phase.optional:
                where = "ended in" if phase.name == ended_in else "never reached"
                text = f"{name} {where} this phase: {boot.outcome}"
                found.append(Finding("fail", phase.name, text))
        return found
    missing = [phase for phase in boot.phases if phase.at is None and not phase.optional]
    text = f"{name} started, but the mark of this phase never appeared"
    found = [Finding("broken", phase.name, text) for phase in missing]
    found += [Finding("warn", WHOLE, f"{name} started, but {note}") for note in boot.notes]
    for told in boot.told:
        if told.says != "ok" and told.at is not None:
            text = f"{name} started, but {told.channel} reported a failure: {told.text}"
            found.append(Finding("warn", WHOLE, text))
    return found


def _headrooms(pairs: Pairs, rules: Rules) -> dict[str, Headroom]:
    """Headroom of the whole boot, and of each phase that has a limit of its own."""

    def room(value: Callable[[Boot], float | None], limit: float) -> Headroom | None:
        seconds = [number for boot in pairs.candidate if (number := value(boot)) is not None]
        # What another day's machine did says nothing about this one's spread.
        before = () if pairs.recorded else pairs.baseline
        beside = [number for boot in before if (number := value(boot)) is not None]
        if not seconds:
            return None
        return headroom(seconds, limit, near=rules.near, warn=rules.warn, beside=beside)

    rooms = {WHOLE: room(lambda boot: boot.seconds, rules.timeout)}
    for name, limits in rules.phases.items():
        if limits.limit is not None:
            rooms[f"{name}:limit"] = room(_phase_value(name, "seconds"), limits.limit)
        if limits.by is not None:
            rooms[f"{name}:by"] = room(_phase_value(name, "at"), limits.by)
    return {name: found for name, found in rooms.items() if found is not None}


def _phase_value(name: str, what: Literal["seconds", "at"]) -> Callable[[Boot], float | None]:
    def value(boot: Boot) -> float | None:
        phase = boot.phase(name)
        if phase is None:
            return None
        return phase.seconds if what == "seconds" else phase.at

    return value


def _limit_words(name: str, room: Headroom) -> str:
    kind = name.partition(":")[2]
    return f"limit {room.limit:g} s" if kind == "limit" else f"by {room.limit:g} s"
