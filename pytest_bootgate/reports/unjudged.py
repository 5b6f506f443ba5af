"""What a run left unjudged, in a line and in a paragraph."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pytest_bootgate.gatefile.rules import UPGRADE
from pytest_bootgate.records.result import GateResult, Unjudged
from pytest_bootgate.records.verdict import WHOLE
from pytest_bootgate.reports.amounts import count


def line(result: GateResult, *, lost: bool = False) -> str:
    """What was not judged, by name; empty where all was.

    `lost`: results did not come back, so nobody knows what was booted.
    """
    several = _several_profiles(result)
    never = _listed(_name(u, several) for u in result.unjudged if not u.booted)
    unseen = _listed(_item(u, several) for u in result.unjudged if u.booted)
    parts = [f"{'no result of' if lost else 'not booted'}: {never}"] if never else []
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


def _several_profiles(result: GateResult) -> bool:
    profiles = {found.profile for found in result.targets} | {
        one.profile for one in result.unjudged
    }
    return len(profiles) > 1 or profiles != {"default"}


def _name(one: Unjudged, several: bool) -> str:
    """What was not booted: a target, the upgrade in place, or a propagation test."""
    return (
        _label(one, several) if one.item == WHOLE or one.target == UPGRADE else _item(one, several)
    )


def _item(one: Unjudged, several: bool) -> str:
    return f"{_label(one, several)}::{one.item}"


def _label(one: Unjudged, several: bool) -> str:
    return f"{one.target}@{one.profile}" if several else one.target


def _listed(names: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(names))
