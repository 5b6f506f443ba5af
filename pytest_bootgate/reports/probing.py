"""What a probe says of a target, in one line, and with which status."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum

from pytest_bootgate.records.result import TargetResult
from pytest_bootgate.records.verdict import WHOLE
from pytest_bootgate.reports.amounts import count, duration, limit, share
from pytest_bootgate.reports.clean import one_line
from pytest_bootgate.reports.story import failed_boot, told
from pytest_bootgate.stats.trend import Trend


class Status(IntEnum):
    """How a probe ends, in the words and numbers of monitoring plugins.

    Source: Nagios Plugins Development Guidelines, "Plugin Return Codes".
    """

    OK = 0
    WARNING = 1
    CRITICAL = 2
    UNKNOWN = 3


#: From the best to the worst: what surely failed is worse than what nobody could see.
_ORDER = (Status.OK, Status.WARNING, Status.UNKNOWN, Status.CRITICAL)


def worst(found: Sequence[Status]) -> Status:
    """The status that counts; none at all is no evidence, so it is unknown."""
    return max(found, key=_ORDER.index, default=Status.UNKNOWN)


def status(result: TargetResult) -> Status | None:
    """The status of a target: `WARNING` means that it started, and nothing has failed yet.

    None for one that is left out: nobody looked, so there is nothing to say.
    """
    if result.verdict is None:
        return None
    if result.verdict == "pass":
        return Status.OK
    if result.verdict == "error":
        return Status.UNKNOWN
    last = result.of("candidate")[-1:]
    if not last or not last[0].started or _over(result):
        return Status.CRITICAL
    return Status.WARNING


def line(name: str, result: TargetResult, over_days: Trend | None) -> str:
    """One line for a scheduler's log: what came of the boot, and where things are going."""
    what = "; ".join(part for part in (_boot(result), trend_words(over_days, result)) if part)
    found = status(result)
    return f"{'LEFT OUT' if found is None else found.name} {name}: {one_line(what)}"


def _boot(result: TargetResult) -> str:
    if result.left_out is not None:
        return f"by the gate file: {result.left_out}"
    if result.error is not None:
        return f"could not be measured: {result.error}"
    findings = result.judgement.findings if result.judgement is not None else ()
    reasons = [
        f.text if f.subject == WHOLE else f"{f.subject}: {f.text}"
        for f in findings
        if f.kind != "unreached" and not (f.kind == "room" and f.subject == WHOLE)
    ]
    failed, rules = failed_boot(result), result.rules
    last = next((b for b in reversed(result.of("candidate")) if b.started), None)
    if last is None or last.seconds is None:
        if failed is not None and reasons:
            where = f" in phase {failed.ended_in}" if failed.ended_in else ""
            reasons[:1] = [f"{reasons[0]}{where}", told(failed)]
        return "; ".join(reasons)
    part = last.seconds / rules.timeout
    used = f"started in {duration(last.seconds)}, {share(part)} of its timeout"
    used += f" {limit(rules.timeout)}"
    passed = [
        (n, v) for n, v in (("fail_at", rules.fail_at), ("warn_at", rules.warn_at)) if part >= v
    ]
    if passed:
        used += f" ({passed[0][0]} is {share(passed[0][1])})"
    calm = failed is None and not _over(result) and status(result) is Status.WARNING
    yet = ["nothing has failed yet"] if calm else []
    return "; ".join([used, *yet, *reasons])


def _over(result: TargetResult) -> bool:
    """Whether a limit was broken, though the boot as a whole was in time."""
    rooms = result.judgement.headrooms if result.judgement is not None else ()
    return any(room.headroom.used >= 1 for room in rooms)


def trend_words(found: Trend | None, result: TargetResult) -> str:
    """Where the share of the timeout is going; empty where nothing can be said."""
    if found is None:
        return ""
    over = f"over {count(round(found.days), 'day')}"
    if not found.rising:
        return f"no rise {over} ({count(found.boots, 'boot')})"
    words = (
        f"has used {found.first * 100:.0f} → {share(found.last)} of its timeout {over}"
        f" ({count(found.boots, 'boot')})"
    )
    for what, at in (
        ("warn_at", result.rules.warn_at),
        ("fail_at", result.rules.fail_at),
        ("timeout", 1.0),
    ):
        left = found.days_until(at)
        if left is not None:
            days = count(max(round(left), 1), "day")
            return f"{words}; at this rate it reaches {what} ({share(at)}) in about {days}"
    return words
