"""How does a boot grow with a quantity, such as the number of agents, and faster than before?"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from pytest_bootgate.checks.pairs import Pairs
from pytest_bootgate.records.values import Boot
from pytest_bootgate.records.verdict import WHOLE, Rules
from pytest_bootgate.stats.growth import Between, Growth, Reach
from pytest_bootgate.stats.regression import DRIFT
from pytest_bootgate.stats.thresholds import LEAST_MEDIAN

#: The CPU time of a whole boot: shown beside its wall time, and not judged.
CPU = "boot, CPU"


@dataclass(frozen=True)
class Grown:
    """The growth of a phase, of the whole boot, or of its CPU time, in each release.

    A release is missing where too few of its boots show it.
    """

    subject: str
    releases: Mapping[str, Growth]

    @property
    def more(self) -> Between | None:
        """How many seconds more the candidate rises, from the first value to the last."""
        baseline, candidate = self.releases.get("baseline"), self.releases.get("candidate")
        if baseline is None or candidate is None or baseline.values != candidate.values:
            return None
        return candidate.beyond(baseline)

    def relevant(self, tolerance: float) -> float:
        """The seconds that count: a `tolerance` (a share) of the baseline's at the last value."""
        return max(LEAST_MEDIAN, tolerance * self.releases["baseline"].means[-1])

    def steeper(self, tolerance: float) -> bool:
        """Whether the candidate surely rises more, by what counts."""
        if (more := self.more) is None:
            return False
        relevant = self.relevant(tolerance)
        return more.middle > relevant and more.low > relevant / 2


@dataclass(frozen=True)
class Grew:
    """What a target's boots at several values of a quantity show.

    `missing` are the values at which nothing was measured for a release. `steeper` are the phases,
    or the whole boot, in which the candidate surely rises more than the baseline; `alike` says that
    the whole boot surely does not. `reach` is where the candidate comes to the share of its timeout
    (`at`, seconds) at which the gate fails.
    """

    every: Sequence[Grown]
    missing: Mapping[str, Sequence[float]]
    steeper: Sequence[str] = ()
    alike: bool = False
    reach: Reach | None = None
    at: float = 0.0

    def of(self, release: str) -> Growth | None:
        """The growth of the whole boot in a release."""
        return self.every[0].releases.get(release)


def growth(rows: Mapping[float, Sequence[Boot]], releases: Sequence[str], rules: Rules) -> Grew:
    """The growth over the boots at each value."""
    at = rules.fail_at * rules.timeout
    measured = {value: Pairs.among(boots) for value, boots in rows.items()}
    tolerance = rules.slower
    if any(pairs.recorded for pairs in measured.values()):
        tolerance += DRIFT  # as far as another day's boots may be away
    if rules.since:
        measured = {value: pairs.since(rules.since) for value, pairs in measured.items()}
    every = [
        Grown(name, dict(_grown(measured, releases, seconds, rules.slower)))
        for name, seconds in _subjects(rules)
    ]
    missing = {
        release: [value for value, pairs in measured.items() if not pairs.measured(release)]
        for release in releases
    }
    steeper = [one.subject for one in every if one.subject != CPU and one.steeper(tolerance)]
    whole, more = every[0].releases.get("candidate"), every[0].more
    alike = more is not None and more.high <= every[0].relevant(tolerance)
    return Grew(every, missing, steeper, alike, whole.reaches(at) if whole else None, at)


def _subjects(rules: Rules) -> Iterator[tuple[str, Callable[[Boot], float | None]]]:
    # What neighbours took from a boot is no growth.
    yield WHOLE, lambda boot: boot.net_seconds
    for name in rules.phases:
        yield name, lambda boot, name=name: _phase(boot, name)  # type: ignore[misc]
    yield CPU, lambda boot: boot.cpu_seconds


def _phase(boot: Boot, name: str) -> float | None:
    phase = boot.phase(name)
    return None if phase is None else phase.seconds


def _grown(
    measured: Mapping[float, Pairs],
    releases: Sequence[str],
    seconds: Callable[[Boot], float | None],
    tolerance: float,
) -> Iterator[tuple[str, Growth]]:
    for release in releases:
        points = [
            (value, [s for boot in pairs.measured(release) if (s := seconds(boot)) is not None])
            for value, pairs in measured.items()
        ]
        if (found := Growth.of(points, tolerance)) is not None:
            yield release, found
