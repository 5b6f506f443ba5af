"""Which shard carries out which check: the same for all shards, from what all of them are given."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pytest_bootgate.records.shard import Planned, Shard, digest
from pytest_bootgate.records.verdict import WHOLE
from pytest_bootgate.run.check import AnyCheck

if TYPE_CHECKING:
    from pytest_bootgate.run.plan import Plan


@dataclass(frozen=True)
class Sharing:
    """Shard `number` (from 1) `of` so many; `gate` is the gate file as seen from the rootdir.

    `history` has the seconds that checks took, by (what their boots were for, profile, target): of
    a journal that is given to all shards. Without it they are weighed by the longest that they may
    take, which the gate file alone decides.
    """

    number: int
    of: int
    gate: str = ""
    history: Mapping[tuple[str, str, str], float] = field(default_factory=dict)


def divided(checks: Sequence[AnyCheck], sharing: Sharing) -> dict[AnyCheck, int]:
    """The shard of each check: what takes longest first, each to whoever has least to do.

    Checks of one target on one profile stay together, and so does what takes results of others.
    Wherever two are equal the order of the gate file decides, so all shards find the same.
    """
    seconds = weights(checks, sharing.history)
    units = list(_together(checks))
    units.sort(key=lambda unit: -round(sum(seconds[check] for check in unit), 3))
    loads = [0.0] * sharing.of
    found = {}
    for unit in units:
        # One that takes no time still is something to do.
        least = min(range(sharing.of), key=lambda shard: (round(loads[shard], 3), shard))
        loads[least] += max(sum(seconds[check] for check in unit), 0.001)
        found.update(dict.fromkeys(unit, least + 1))
    return found


def weights(
    checks: Sequence[AnyCheck], history: Mapping[tuple[str, str, str], float]
) -> dict[AnyCheck, float]:
    """How many seconds each check is supposed to take.

    One that the history does not have is supposed to take as much of its longest time as the
    others did.
    """
    longest = {check: 0.0 if check.boots == (0, 0) else check.budget() for check in checks}
    took = {check: _took(check, history) for check in checks}
    known = {check: seconds for check, seconds in took.items() if seconds is not None}
    whole = sum(longest[check] for check in known)
    share = sum(known.values()) / whole if whole else 1.0
    return {check: round(known.get(check, share * longest[check]), 3) for check in checks}


def _took(check: AnyCheck, history: Mapping[tuple[str, str, str], float]) -> float | None:
    """The seconds of a check; one that is of no target has the boots of all of them."""
    targets = {check.target} if check.of_target else {target for _, _, target in history}
    keys = [(check.during, check.profile, target) for target in sorted(targets)]
    found = [history[key] for key in keys if key in history]
    return sum(found) if found else None


def _together(checks: Sequence[AnyCheck]) -> Iterator[list[AnyCheck]]:
    """The checks that must be in one shard, each group in the order of the gate file."""
    above: dict[tuple[str, str], tuple[str, str]] = {}

    def top(check: AnyCheck) -> tuple[str, str]:
        place = check.profile, check.target
        while place in above:
            place = above[place]
        return place

    for check in checks:
        for other in check.takes:
            if top(check) != top(other):
                above[top(check)] = top(other)
    groups: dict[tuple[str, str], list[AnyCheck]] = {}
    for check in checks:
        groups.setdefault(top(check), []).append(check)
    yield from groups.values()


def record(plan: Plan, images: Mapping[str, str]) -> Shard:
    """What the result of a shard says of itself; `images` are digests by name."""
    assert plan.sharing is not None
    seconds = weights(plan.checks, plan.sharing.history)
    return Shard(
        number=plan.sharing.number,
        of=plan.sharing.of,
        gate=plan.sharing.gate or plan.loaded.path.name,
        parts=plan.parts,
        options=plan.options,
        images=dict(images),
        plan=tuple(
            Planned(
                check.kind,
                check.target,
                check.profile,
                plan.shards[check],
                seconds[check],
                check.asked,
                _rules(plan, check),
            )
            for check in plan.checks
        ),
        notifies=tuple(plan.file.notify),
    )


def _rules(plan: Plan, check: AnyCheck) -> str:
    """The digest of what a target is judged by, as its result has it."""
    if check.kind != WHOLE:
        return ""
    return digest(plan.loaded.mask.value(plan.rules(check.profile, check.target)))
