"""What a run left unjudged, in a line and in a paragraph."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pytest_bootgate.records.result import GateResult, Unjudged
from pytest_bootgate.records.verdict import WHOLE
from pytest_bootgate.reports.amounts import count


def line(result: GateResult, *, lost: bool = False) -> str:
    """What was not judged, by name; empty where all was.

    `lost`: results did not come back, so nobody knows what was booted.
    """
    never = _listed(_name(u, result) for u in result.unjudged if not u.booted)
    failed = {(f.profile, f.target, f.kind) for f in result.checks if f.error is not None}
    vain = [u for u in result.unjudged if u.booted and (u.profile, u.target, u.check) in failed]
    unseen = _listed(item_name(u, result) for u in result.unjudged if u.booted and u not in vain)
    parts = [f"not measured: {_listed(_name(u, result) for u in vain)}"] if vain else []
    parts += [f"{'no result of' if lost else 'not booted'}: {never}"] if never else []
    if unseen:
        parts.append(f"booted, but the item that gives the verdict did not run: {unseen}")
    return "; ".join(parts)


def paragraph(results: Sequence[GateResult], why: str, *, lost: bool = False) -> str:
    """How much all results of one gate file judged, what is missing, and why it may be."""
    missing = {(u.profile, u.target) for u in results[0].unjudged if u.item == WHOLE}
    booted = {(t.profile, t.target) for r in results for t in r.targets if t.left_out is None}
    judged, total = len(booted - missing), len(booted | missing)
    if not total:
        return "no target was judged; the gate file leaves out all of them (unsupported)"
    verb = "was" if 1 in (judged, total) else "were"
    judged_of = f"{judged} of {count(total, 'target')} {verb} judged"
    return f"{judged_of}; {line(results[0], lost=lost)} ({why})"


def _name(one: Unjudged, result: GateResult) -> str:
    """What was not booted: a target, or another check."""
    whole = one.check in (WHOLE, one.target)
    return result.label(one.target, one.profile) if whole else item_name(one, result)


def item_name(one: Unjudged, result: GateResult) -> str:
    """What pytest calls the item that shows it, without its file."""
    return f"{result.label(one.target, one.profile)}::{one.item}"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(names))
