"""Ship or not, in one line: the same words in every report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from pytest_bootgate.checks.wording import change, way_out
from pytest_bootgate.records.attribution import Attribution
from pytest_bootgate.records.check import CheckResult
from pytest_bootgate.records.result import GateResult, ReleaseFacts, TargetResult
from pytest_bootgate.records.values import Boot
from pytest_bootgate.records.verdict import VERDICTS, WHOLE, Verdict
from pytest_bootgate.reports.amounts import count, duration, limit, share
from pytest_bootgate.reports.clean import clean
from pytest_bootgate.reports.numbers import longest_phase, times, used
from pytest_bootgate.reports.story import failed_boot
from pytest_bootgate.reports.unjudged import line as unjudged
from pytest_bootgate.reports.view import View, by_weight
from pytest_bootgate.reports.views import views
from pytest_bootgate.stats.regression import Regression

#: What to do about each verdict.
WORDS: dict[Verdict, str] = {
    "pass": "SHIP",
    "warn": "SHIP",
    "inconclusive": "UNKNOWN",
    "fail": "DO NOT SHIP",
    "error": "UNKNOWN",
}
#: What a check does where no number decides.
_VERBS: dict[Verdict, str] = {
    "pass": "passed",
    "warn": "warns",
    "inconclusive": "is unclear",
    "fail": "failed",
    "error": "was not measured",
}
_LONGEST = 160  # characters of a reason that is somebody's text
#: Names of gate files that say nothing of what they gate.
_PLAIN = ("bootgate.yaml", "bootgate.yml")


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do with a release: `action`, which `upgrade`, and `why`."""

    verdict: Verdict
    action: str
    upgrade: str
    why: str

    def __str__(self) -> str:
        return f"{self.action} {self.upgrade}: {self.why}"

    def with_page(self, page: str) -> str:
        """The same, and where to read on; `page` may be empty."""
        return f"{self} · {page}" if page else f"{self}"


def decision(result: GateResult) -> Decision:
    """What one reads of a run who reads nothing else.

    What failed is known to fail, even where something else could not be measured.
    """
    if result.shard is not None:
        return Decision("error", WORDS["error"], _upgrade(result), _of_shard(result.shard.words))
    found = [one for one in views(result) if one.found.verdict is not None]
    failed = any(one.found.verdict == "fail" for one in found)
    verdict: Verdict = "fail" if failed else result.verdict if found else "error"
    why = _why(result, found, verdict)
    if result.unjudged and verdict in ("pass", "warn"):  # nobody knows of the rest
        verdict = "inconclusive"
    return Decision(verdict, WORDS[verdict], _upgrade(result), why)


def _of_shard(words: str) -> str:
    return f"{words} is no whole gate: merge all shards (`bootgate merge`)"


def _why(result: GateResult, found: Sequence[View[CheckResult]], verdict: Verdict) -> str:
    if not found:
        return _short(result.error or unjudged(result) or "nothing was booted")
    decisive = [one for one in found if one.found.verdict == verdict]
    if not decisive:  # all that was judged is well, and not all was judged
        return _short(result.error or unjudged(result))
    if verdict == "pass":
        rest = unjudged(result)
        return _passed(result, decisive) + (f"; {_short(rest)}" if rest else "")
    first = max(decisive, key=_share)
    text = f"{first.named(result)} {reason(first, result)}"
    more = f" (and {len(decisive) - 1} more)" if len(decisive) > 1 else ""
    beside = "; not all was measured" if verdict == "fail" and result.verdict == "error" else ""
    return f"{'with a warning: ' if verdict == 'warn' else ''}{text}{more}{beside}"


def _share(one: View[CheckResult]) -> float:
    return (used(one.found) or 0.0) if isinstance(one.found, TargetResult) else 0.0


def _passed(result: GateResult, found: Sequence[View[CheckResult]]) -> str:
    """How much passed, and what came nearest to its timeout."""
    nouns = [one.noun for one in found]
    text = " and ".join(count(nouns.count(noun), noun) for noun in dict.fromkeys(nouns))
    nearest = max(found, key=_share)
    if not (part := _share(nearest)):
        return f"{text} passed{_alone(result)}"
    most = f"at most {share(part)} of a timeout used ({nearest.named(result)})"
    return f"{text} passed, {most}{_alone(result)}"


def _alone(result: GateResult) -> str:
    """What a gate of one release leaves open, though all of it passed."""
    return "" if "baseline" in result.releases else "; no baseline, so nothing was compared"


# -- why ---------------------------------------------------------------------------------------


def reason(one: View[CheckResult], result: GateResult) -> str:
    """What is to be said of one check, after its name: the number that decides, if there is one."""
    found = one.found
    if found.error is not None:
        return f"was not measured: {_short(found.error)}"
    text = _of_target(found, result) if isinstance(found, TargetResult) else ""
    where = f" in {one.step}" if one.step in found.items and one.step != found.whole else ""
    return text or f"{_VERBS[found.verdict or 'error']}{where}: {_short(one.worst)}"


def _of_target(found: TargetResult, result: GateResult) -> str:
    """The number that decides; empty where a sentence has to."""
    failed = failed_boot(found)
    if failed is not None and failed.traits.unknown:
        return ""
    if failed is not None:
        return _not_started(found, failed, result)
    worst = next(iter(by_weight(found.findings)), None)
    kind = worst.kind if worst is not None else ""
    judged = found.judgement
    if judged and judged.regression and judged.regression.verdict == "slower":
        return _slower(found, judged.regression, judged.attribution)
    if kind == "inconclusive" and worst is not None and worst.subject == WHOLE:
        assert judged is not None
        assert judged.regression is not None
        return _unclear(judged.regression)
    if kind == "room" and worst is not None and worst.subject == WHOLE:
        longest = longest_phase(found)
        phase = f", longest in {longest[0]}" if longest is not None else ""
        return f"{_near(found)} of its timeout of {limit(found.rules.timeout)}{phase}"
    return ""


def _slower(found: TargetResult, compared: Regression, blamed: Attribution | None) -> str:
    """By how much, as it was compared: by wall time, or net of neighbours."""
    every = [found.of(release) for release in ("baseline", "candidate")]
    seconds = [
        [
            (boot.net_seconds if compared.net else boot.seconds) or 0.0
            for boot in boots
            if boot.started
        ]
        for boots in every
    ]
    old, new = (median(each) for each in seconds)
    times_as_long = compared.ratio >= 2
    text = f"{'takes' if times_as_long else 'is'} {change(compared.ratio)}"
    phase = ""
    several = blamed is not None and len(blamed.phases) + len(blamed.inner) > 1
    if blamed is not None and several and (blamed.inner or blamed.phases)[0].seconds > 0:
        phase = f", mostly in {blamed.phase}"
    net = " net of neighbours" if compared.net else ""
    return f"{text} ({duration(old)} to {duration(new)}{net}{phase})"


def _unclear(compared: Regression) -> str:
    if compared.reason:
        return f"is unclear: {_short(compared.reason)}"
    allowed = f"{compared.tolerance:.0%} slower is allowed".replace("%", " %")
    return f"is unclear: {change(compared.ratio)}, {allowed}; {way_out(compared)}"


def _near(found: TargetResult) -> str:
    """What the slowest boot used, or the next one may, where that is what counts."""
    room = found.judgement.headroom if found.judgement is not None else None
    if room is not None and room.bound_used is not None and room.used < found.rules.fail_at:
        return f"may use {share(room.bound_used)}"
    return f"used {share(used(found) or 0.0)}"


def _not_started(found: TargetResult, failed: Boot, result: GateResult) -> str:
    made = [boot for boot in found.boots if boot.release == "candidate"]
    ended = [boot for boot in made if not boot.started]
    what = "never started" if len(ended) == len(made) else "did not always start"
    # Where there is but one phase, its name says nothing.
    phase = f" in {failed.ended_in}" if failed.ended_in and len(failed.phases) > 1 else ""
    how = f"{failed.outcome.replace('_', ' ')} after {duration(failed.ended)}{phase}"
    before = found.of("baseline")
    seconds = times(before, WHOLE)
    old = ""
    if seconds:
        old = f"; {_version(result, 'baseline')} took {duration(median(seconds))}"
    elif before:
        old = f"; {_version(result, 'baseline')} did not start either"
    why = "" if failed.traits.waited_out else f": {_short(failed.detail)}"
    return f"{what} ({len(ended)} of {count(len(made), 'boot')}, {how}{old}){why}"


def _short(text: str) -> str:
    """The first sentence of somebody's text."""
    first = clean(text).split("\n")[0].partition(". ")[0].rstrip(".")
    return first if len(first) <= _LONGEST else first[: _LONGEST - 1] + "…"


# -- which upgrade -----------------------------------------------------------------------------


def _upgrade(result: GateResult) -> str:
    """What is upgraded, from which release to which: ``gateway 1.0 → 2.0``."""
    name = _name(result)
    new = _version(result, "candidate")
    if "baseline" not in result.releases:
        return f"{name} {new}"
    old = _version(result, "baseline")
    if old == new:  # two builds that say the same of themselves
        return f"{name} baseline → candidate ({new})"
    return f"{name} {old} → {new}"


def _version(result: GateResult, role: str) -> str:
    facts = result.releases.get(role)
    if facts is None:
        return role
    return facts.version or _split(facts)[1] or (facts.identity or role)[:19]


def _split(facts: ReleaseFacts) -> tuple[str, str]:
    """The name of an image without its registry, and its tag."""
    image = (facts.image or "").partition("@")[0].rpartition("/")[2]
    name, _, tag = image.partition(":")
    return name, tag


def _name(result: GateResult) -> str:
    every = result.releases.values()
    names = {_split(facts)[0] for facts in every}
    # An image that all releases share is that of their interpreter.
    if len(names) == 1 and len({facts.image for facts in every}) == len(every) and "" not in names:
        return names.pop()
    path = Path(result.file)
    return path.parent.name if path.name in _PLAIN else path.name.partition(".")[0]


def worst_of(results: Sequence[GateResult]) -> Decision:
    """The decision on several gate files: that of the worst."""
    return max(map(decision, results), key=lambda one: VERDICTS.index(one.verdict))
