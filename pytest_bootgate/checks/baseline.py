"""Boots of the baseline that did not start: how often they are repeated, and what they mean."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from pytest_bootgate.checks.marks import hint
from pytest_bootgate.records.retry import made, started_later
from pytest_bootgate.records.values import Boot
from pytest_bootgate.records.verdict import WHOLE, Finding

#: How many failed boots of the baseline are repeated in one campaign: without them there would be
#: pairs that cannot be compared. One that never started is repeated once.
REPEATS, NEVER_STARTED_REPEATS = 3, 1


def repeated(boots: Sequence[Boot]) -> bool:
    """Whether the baseline is booted again after its last boot failed; `boots` are all so far."""
    before = [boot for boot in boots if boot.release == "baseline"]
    failed = sum(not boot.started for boot in before)
    return failed <= (REPEATS if failed < len(before) else NEVER_STARTED_REPEATS)


def shortage(boots: Sequence[Boot]) -> str:
    """Why pairs are missing, as the first half of a sentence; empty where none is."""
    before = [boot for boot in boots if boot.release == "baseline"]
    again = started_later(boots)
    if all(boot.started or boot in again for boot in before):
        return ""
    return f"{_ended(before)}, so pairs are missing: "


def flaky(boots: Sequence[Boot]) -> list[Finding]:
    """A warning where the baseline failed more than once, and started as well."""
    before = [boot for boot in boots if boot.release == "baseline"]
    failed = sum(not boot.started and not boot.stalled for boot in before)
    if not 1 < failed < len(before):
        return []
    text = f"{_ended(before)}, and started on retry: find out why, because production runs it"
    return [Finding("warn", WHOLE, text)]


def beside_baseline(findings: Sequence[Finding], boots: Sequence[Boot]) -> list[Finding]:
    """What the candidate's findings are worth beside a baseline that never started."""
    before = [boot for boot in boots if boot.release == "baseline"]
    own = [boot for boot in boots if boot.release == "candidate"]
    if not before or any(boot.started for boot in before):
        return list(findings)
    if own and not any(boot.started for boot in own) and _alike(own[-1], before[-1]):
        text = (
            f"the baseline ends the same way ({_ended(before)}): check the gate file and its"
            f" environment, not the upgrade{_hints(own[-1])}"
        )
        unproven = [replace(f, verdict="error") if f.verdict == "fail" else f for f in findings]
        return [Finding("error", WHOLE, text, kind="alike"), *unproven]
    text = (
        f"the baseline never started ({_ended(before)}), so nothing could be compared: correct it"
        f" in the gate file, or gate without a baseline{_hints(before[-1])}"
    )
    return [*findings, Finding("error", WHOLE, text, kind="baseline")]


def _alike(one: Boot, other: Boot) -> bool:
    return all(
        getattr(one, what) == getattr(other, what) for what in ("outcome", "ended_in", "exit_code")
    )


def _hints(boot: Boot) -> str:
    return "" if boot.ended_in is None else hint(boot, boot.ended_in)


def _ended(before: Sequence[Boot]) -> str:
    """How many of the baseline's boots ended how, and the last one in its own words."""
    failed = [boot for boot in before if not boot.started]
    counted = Counter(boot.outcome for boot in failed)
    how = ", ".join(f"{number} {outcome}" for outcome, number in counted.items())
    return f"{len(failed)} of {made(before)} of the baseline failed ({how}: {failed[-1].why})"
