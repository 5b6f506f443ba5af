"""The measured boots of both releases, and those that are pairs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from pytest_bootgate.records.values import Boot
from pytest_bootgate.stats.regression import RECORDED_BOOTS


def _since(boot: Boot, mark: str) -> Boot:
    begun = boot.phase(mark)
    if begun is None or begun.at is None or boot.seconds is None:
        return boot
    later = [p for p in boot.phases if p.at is None or p.at > begun.at]
    moved = [replace(p, at=p.at and p.at - begun.at) for p in later]
    if boot.unordered:
        moved = [replace(p, seconds=p.at) for p in moved]
    return replace(boot, seconds=boot.seconds - begun.at, phases=tuple(moved))


@dataclass(frozen=True)
class Pairs:
    """Boots that started and count, by the numbers of their pairs.

    `baseline` and `candidate` are as many: a boot whose partner did not start is in neither. Boots
    of a baseline that was recorded at another time stand beside any of the candidate.
    """

    baseline: Sequence[Boot]
    candidate: Sequence[Boot]
    alone: Sequence[Boot] = ()

    @classmethod
    def among(cls, boots: Sequence[Boot]) -> Pairs:
        """The pairs among all boots of a target."""
        sides = {
            release: sorted(
                (b for b in boots if b.release == release and b.started and not b.warm_up),
                key=lambda boot: boot.number,
            )
            for release in ("baseline", "candidate")
        }
        if any(boot.recorded for boot in sides["baseline"]):
            count = min(len(sides["baseline"]), len(sides["candidate"]), RECORDED_BOOTS)
            kept = {release: found[:count] for release, found in sides.items()}
        else:
            both = {b.number for b in sides["baseline"]} & {b.number for b in sides["candidate"]}
            kept = {r: [b for b in found if b.number in both] for r, found in sides.items()}
        alone = [b for release, found in sides.items() for b in found if b not in kept[release]]
        return cls(kept["baseline"], kept["candidate"], alone)

    def since(self, mark: str) -> Pairs:
        """The same without what was before the mark of a phase: it waited, and did nothing."""
        sides = [[_since(boot, mark) for boot in side] for side in (self.baseline, self.candidate)]
        return Pairs(*sides)

    @property
    def every(self) -> list[Boot]:
        """All boots of both."""
        return [*self.baseline, *self.candidate]

    def only(self, numbers: Sequence[int]) -> Pairs:
        """Some of the pairs, by their numbers from 0."""
        return Pairs(
            *([side[number] for number in numbers] for side in (self.baseline, self.candidate))
        )

    @property
    def places(self) -> list[str]:
        """The machine of each pair, nothing where all were on one that has no name."""
        both = zip(self.baseline, self.candidate, strict=True)
        found = [" and ".join(dict.fromkeys(boot.node for boot in pair)) for pair in both]
        return found if any(found) else []

    @property
    def recorded(self) -> bool:
        """Whether the baseline's boots were made at another time."""
        return any(boot.recorded for boot in self.baseline)

    def of(self, release: str) -> Sequence[Boot]:
        """The boots of one release that are in pairs."""
        return self.baseline if release == "baseline" else self.candidate

    def measured(self, release: str) -> list[Boot]:
        """All measured boots of one release, those without a partner included."""
        every = [*self.of(release), *(b for b in self.alone if b.release == release)]
        return sorted(every, key=lambda boot: boot.number)

    def values(self, value: Callable[[Boot], float]) -> tuple[list[float], list[float]]:
        """One number of each boot: the baseline's, the candidate's."""
        return [value(boot) for boot in self.baseline], [value(boot) for boot in self.candidate]
