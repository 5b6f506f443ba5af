"""Which phase made the boots slower, and is it work, waiting, or a busy host?

The phase with the largest shift in seconds is the one to blame: neither the largest in per cent
(a tiny jittery phase would win) nor the one with the smallest p. Named only after `slower`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from statistics import median

from pytest_bootgate.checks.pairs import Pairs
from pytest_bootgate.records.attribution import Attribution, Kind, Shift
from pytest_bootgate.records.values import Boot
from pytest_bootgate.stats.rank_test import shift
from pytest_bootgate.stats.regression import Strata

#: The share of the host's CPU time from which on it is busy with something else than the boot.
BUSY = 0.25
#: What explains a slowdown makes up at least this share of it.
_EXPLAINS = 0.5
#: What makes up no more than this share of a slowdown does not explain it.
_EXPLAINS_NOT = 0.25
#: In seconds: the CPU time of processes is counted in such ticks, that of containers is not.
_TICK = 0.01


def attribute(pairs: Pairs, strata: Strata, cpus: float | None) -> Attribution:
    """Take a slowdown apart. `cpus` is what the profile gives a boot, None without a limit.

    The boots all started; `strata` are those of their pairs.
    """
    common = _common(pairs)
    phases = {
        (before, name): Shift(name, shift(pairs.values(_stretch(before, name)), strata))
        for before, name in zip([None, *common], common, strict=False)
    }
    (before, name), worst = max(phases.items(), key=lambda entry: entry[1].seconds)
    inner = _inner(pairs, before, name)
    blamed = {worst.name, *(part.name for part in inner)}
    others = {phase.name for boot in pairs.every for phase in boot.phases} - blamed
    stages = _stages(pairs, blamed)
    total = shift(pairs.values(lambda boot: boot.seconds or 0.0), strata)
    cpu = _shift(pairs, strata, lambda boot: boot.cpu_seconds)
    return Attribution(
        seconds=total,
        phases=_largest_first(phases.values()),
        inner=inner,
        stages=stages,
        elsewhere=_stages(pairs, others),
        unattributed=worst.seconds - sum(stage.seconds for stage in stages),
        cpu_seconds=cpu,
        kind=None if cpu is None else _kind(pairs, strata, total, cpu, cpus),
    )


def only_in_one(pairs: Pairs) -> list[tuple[str, str]]:
    """(phase, release) of each phase whose mark only one of the releases ever shows."""
    found = []
    for name in dict.fromkeys(phase.name for boot in pairs.every for phase in boot.phases):
        seen = [
            release
            for release in ("baseline", "candidate")
            if any(_at(boot, name) is not None for boot in pairs.of(release))
        ]
        if len(seen) == 1:
            found.append((name, seen[0]))
    return found


def others_busy(boots: Sequence[Boot]) -> float | None:
    """The share of the host's CPU time that others used, as the median of all boots."""
    shares = [boot.others_busy for boot in boots if boot.others_busy is not None]
    return median(shares) if shares else None


def _kind(pairs: Pairs, strata: Strata, wall: float, cpu: float, cpus: float | None) -> Kind | None:
    # With less than a core a second of CPU time takes longer than a second.
    core = min(1.0, cpus or 1.0)
    tick = _tick(pairs.every)
    if cpu - tick >= _EXPLAINS * wall * core:
        return "more work"
    if cpu + tick > _EXPLAINS_NOT * wall * core:
        return None
    delay = _shift(pairs, strata, lambda boot: boot.run_delay)
    if delay is not None and delay <= _EXPLAINS_NOT * wall:
        return "more waiting"  # and not for a CPU
    others = _others_more(pairs, strata)
    if others is not None and others >= _EXPLAINS * wall:
        return "busy host" if delay is None or delay >= _EXPLAINS * wall else None
    if delay is not None:
        return None  # for a CPU, which its own tasks or a limit may have kept from it
    if others is not None:
        return "more waiting" if others <= _EXPLAINS_NOT * wall else None
    # Neighbours with as much to do double the time that work takes; they do not lengthen sleep.
    stretch = median(boot.cpu_seconds or 0.0 for boot in pairs.candidate)
    busy = others_busy(pairs.every)
    quiet = busy is not None and busy < BUSY
    return "more waiting" if quiet or wall > stretch else None


def _tick(boots: Sequence[Boot]) -> float:
    """How exact the CPU seconds of boots are: where all are whole ticks, they were counted so."""
    ticks = [(boot.cpu_seconds or 0.0) / _TICK for boot in boots]
    return _TICK if all(abs(one - round(one)) < 1e-6 for one in ticks) else 0.0


def _shift(pairs: Pairs, strata: Strata, value: Callable[[Boot], float | None]) -> float | None:
    """By how much a number grew, None unless it is known of every boot."""
    if any(value(boot) is None for boot in pairs.every):
        return None
    return shift(pairs.values(lambda boot: value(boot) or 0.0), strata)


def _others_more(pairs: Pairs, strata: Strata) -> float | None:
    """How many CPU seconds more than beside the baseline others used beside the candidate.

    They use some in any case, and more of it the longer a boot takes: that is no difference.
    """
    known = [b.others_cpu / b.ended for b in pairs.baseline if b.others_cpu is not None and b.ended]
    if not known:
        return None
    usual = median(known)

    def more(boot: Boot) -> float | None:
        return None if boot.others_cpu is None else boot.others_cpu - usual * boot.ended

    return _shift(pairs, strata, more)


def _common(pairs: Pairs) -> list[str]:
    """The phases whose marks every boot of both releases shows, in their order."""
    return [
        phase.name
        for phase in pairs.candidate[0].phases
        if all(_at(boot, phase.name) is not None for boot in pairs.every)
    ]


def _inner(pairs: Pairs, before: str | None, until: str) -> tuple[Shift, ...]:
    """The phases between two common marks; none where that is one phase in both releases."""
    lengths: _Lengths = {}
    for release in ("baseline", "candidate"):
        for boot in pairs.of(release):
            names = [phase.name for phase in boot.phases]
            start = 0 if before is None else names.index(before) + 1
            for phase in boot.phases[start : names.index(until) + 1]:
                if phase.seconds is not None:
                    of = lengths.setdefault(phase.name, {})
                    of.setdefault(release, []).append(phase.seconds)
    return _shifts(lengths) if len(lengths) > 1 else ()


def _stages(pairs: Pairs, phases: Collection[str]) -> tuple[Shift, ...]:
    """The self-reported stages whose lines arrived in these phases."""
    lengths: _Lengths = {}
    for release in ("baseline", "candidate"):
        for boot in pairs.of(release):
            sums: defaultdict[str, float] = defaultdict(float)
            for stage in boot.stages:
                if stage.phase in phases:
                    sums[f"{stage.source} {stage.name}"] += stage.seconds
            for name, seconds in sums.items():
                lengths.setdefault(name, {}).setdefault(release, []).append(seconds)
    return _shifts(lengths)


#: Durations in seconds by name and release.
_Lengths = dict[str, dict[str, list[float]]]


def _shifts(lengths: _Lengths) -> tuple[Shift, ...]:
    shifts = []
    for name, of in lengths.items():
        middle = {release: median(values) for release, values in of.items()}
        grown = middle.get("candidate", 0.0) - middle.get("baseline", 0.0)
        shifts.append(Shift(name, grown, next(iter(of)) if len(of) == 1 else None))
    return _largest_first(shifts)


def _largest_first(shifts: Iterable[Shift]) -> tuple[Shift, ...]:
    return tuple(sorted(shifts, key=lambda one: -one.seconds))


def _stretch(before: str | None, name: str) -> Callable[[Boot], float]:
    """How long a boot took from one mark (None: the trigger) to another."""

    def seconds(boot: Boot) -> float:
        began = 0.0 if before is None else _at(boot, before) or 0.0
        return (_at(boot, name) or 0.0) - began

    return seconds


def _at(boot: Boot, name: str) -> float | None:
    phase = boot.phase(name)
    return None if phase is None else phase.at
