"""What one must see in ten seconds: which target, which phase, how near, since when, what to do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pytest_bootgate.checks.wording import sentence
from pytest_bootgate.records.check import CheckResult
from pytest_bootgate.records.result import GateResult, TargetResult
from pytest_bootgate.records.retry import timeouts
from pytest_bootgate.records.retry import words as words_of
from pytest_bootgate.records.verdict import VERDICTS, WHOLE, Finding, Verdict
from pytest_bootgate.reports.amounts import NONE, duration, limit, share
from pytest_bootgate.reports.numbers import longest_phase
from pytest_bootgate.reports.story import failed_boot
from pytest_bootgate.reports.view import View, by_weight
from pytest_bootgate.reports.views import views


@dataclass(frozen=True, slots=True)
class Near:
    """Shares of the timeout: what the slowest boot used, and the bound of the next one.

    `used` is None where no boot was measured; then `words` say why.
    """

    words: str
    used: float | None = None
    bound: float | None = None
    fail_at: float = 1.0
    warn_at: float = 1.0


@dataclass(frozen=True, slots=True)
class Top:
    """The answers about what is worst in a run, or about what came nearest in a good one.

    It is `alone` where no section of the page says `why`.
    """

    verdict: Verdict
    subject: str
    why: str
    phase: str
    near: Near
    since: str
    next: str
    alone: bool = False

    @property
    def answers(self) -> list[tuple[str, str]]:
        """Questions and answers, without those that nothing is known of."""
        target = "Nearest target" if self.verdict == "pass" else "Target"
        every = [(target, self.subject), ("Phase", self.phase)]
        every += [("Timeout used", self.near.words), ("Since", self.since)]
        return [(question, answer) for question, answer in every if answer != NONE]


def top(result: GateResult) -> Top:
    """The answers for a whole run."""
    if result.error is not None:
        missing = "the run was not judged completely"
        todo = "Boot what is missing (listed below), and rerun."
        if result.shard is not None:
            missing, todo = result.shard.words, "Merge the results of all shards: `bootgate merge`."
        elif result.shards:
            missing, todo = "its shards are no whole gate", "Do what the reason says; merge again."
        return Top("error", missing, result.error, NONE, Near(NONE), NONE, todo, alone=True)
    found = sorted(_every(result), key=_rank, reverse=True)
    if not found:
        todo = "Select a target of the gate file that can be booted, and rerun."
        why = "nothing was judged: every target is left out, or none was booted"
        return Top("error", "no target", why, NONE, Near(NONE), NONE, todo, alone=True)
    worst = found[0]
    unjudged = " Not everything was judged: see below." if result.unjudged else ""
    return Top(
        result.verdict,
        worst.subject,
        worst.why,
        worst.phase,
        worst.near,
        worst.since,
        worst.next + unjudged,
    )


def _every(result: GateResult) -> list[Top]:
    made = (one for one in views(result) if one.found.verdict is not None)
    return [_OWN.get(type(one.found), _of_check)(one, result) for one in made]


def _rank(one: Top) -> tuple[int, float]:
    used = max(one.near.used or 0.0, one.near.bound or 0.0)
    return VERDICTS.index(one.verdict), used


def release_words(result: GateResult, name: str) -> str:
    """A release by its version, else by its image, else by its role."""
    facts = result.releases.get(name)
    if facts is None:
        return name
    what = facts.version or facts.image
    return f"{what} ({name})" if what else f"the {name}"


# -- a target ----------------------------------------------------------------------------------


def _of_target(one: View[TargetResult], result: GateResult) -> Top:
    found = one.found
    return Top(
        found.verdict or "error",
        result.label(found.target, found.profile),
        _why(found),
        _phase(found),
        nearness(found),
        _since(found, result),
        one.todo,
    )


def _findings(found: TargetResult) -> list[Finding]:
    return by_weight(found.judgement.findings if found.judgement is not None else ())


def _why(found: TargetResult) -> str:
    if found.error is not None:
        return found.error
    findings = _findings(found)
    if findings:
        return findings[0].text
    regression = found.judgement.regression if found.judgement is not None else None
    beside = f"; {regression.verdict}: {sentence(regression)}" if regression is not None else ""
    return f"every measured boot started, well below its timeout{beside}"


def _phase(found: TargetResult) -> str:
    failed = failed_boot(found)
    if failed is not None:
        return failed.ended_in or NONE
    attribution = found.judgement.attribution if found.judgement is not None else None
    if attribution is not None:
        return attribution.phase
    if late := timeouts(found.boots, "candidate"):
        return late[-1].ended_in or NONE
    named = [f.subject for f in _findings(found) if f.subject != WHOLE]
    if named:
        return named[0]
    longest = longest_phase(found)
    return NONE if longest is None else f"{longest[0]} is the longest, {duration(longest[1])}"


def nearness(found: TargetResult) -> Near:
    """How near the candidate came to its timeout."""
    rules, judgement = found.rules, found.judgement
    timeout = f"timeout of {limit(rules.timeout)}"
    if found.error is not None:
        return Near("not measured")
    failed = failed_boot(found)
    if failed is not None and failed.traits.waited_out:
        return Near(f"the whole {timeout}", 1.0, None, rules.fail_at, rules.warn_at)
    if failed is not None:
        return Near(f"{failed.outcome} after {duration(failed.ended)}, {timeout}")
    room = judgement.headroom if judgement is not None else None
    if room is None:
        return Near("not measured")
    if timeouts(found.boots, "candidate"):
        how_many = words_of(found.boots, "candidate")
        words = f"{how_many}, and used {share(room.used)} of the {timeout} on retry"
        return Near(words, 1.0, None, rules.fail_at, rules.warn_at)
    words = f"{share(room.used)} of the {timeout}"
    if room.bound_used is not None:
        words += f", the next boot {share(room.bound_used)} at most"
    return Near(words, room.used, room.bound_used, rules.fail_at, rules.warn_at)


def _since(found: TargetResult, result: GateResult) -> str:
    new, old = release_words(result, "candidate"), release_words(result, "baseline")
    before = found.of("baseline")
    if found.error is not None:
        return NONE
    if not before:
        return f"unknown: {new} was booted without a baseline"
    if not any(b.started for b in before):
        either = "" if found.verdict == "pass" else f"before {new}: "
        return f"{either}{old} did not start{' either' * bool(either)}"
    slowest = max(b.seconds for b in before if b.seconds is not None)
    part = f"{share(slowest / found.rules.timeout)} of the timeout"
    regression = found.judgement.regression if found.judgement is not None else None
    if failed_boot(found) is not None:
        return f"{new}; {old} started in {duration(slowest)} at most"
    if regression is not None and regression.verdict == "slower":
        return f"{new}; {old} used {part} at most"
    if found.verdict == "pass":
        return f"{new} did no harm; {old} used {part} at most"
    if slowest >= found.rules.fail_at * found.rules.timeout:
        return f"before {new}: {old} already used {part}"
    return f"{new}; {old} used {part} at most"


# -- what is no target -------------------------------------------------------------------------


def _of_check(one: View[CheckResult], result: GateResult) -> Top:
    since = one.since(release_words(result, "candidate"), release_words(result, "baseline"))
    verdict = one.found.verdict or "error"
    return Top(verdict, one.named(result), one.worst, one.step, Near(one.near), since, one.todo)


#: Those with answers of their own.
_OWN: dict[type[CheckResult], Callable[..., Top]] = {TargetResult: _of_target}
