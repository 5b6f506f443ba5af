"""Where things stand in the drawings: plain numbers in per cent, drawn by the templates."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from pytest_bootgate.records.result import TargetResult
from pytest_bootgate.records.values import Boot
from pytest_bootgate.records.verdict import Rules
from pytest_bootgate.reports.amounts import NONE, duration, limit
from pytest_bootgate.reports.html.axis import Axis, Tick
from pytest_bootgate.reports.numbers import NEVER, phases, stages, times
from pytest_bootgate.reports.story import failed_boot

#: Releases in the order in which they are drawn.
RELEASES = ("baseline", "candidate")
_MOST_STAGES, _LONGEST = 4, 26  # how many, and characters of a name
_ROW, _BARS, _STAGE = 38, 12, 16  # heights in pixels


@dataclass(frozen=True, slots=True)
class Bar:
    """A stretch of time; `outcome` where a boot ended in it instead of reaching its mark."""

    release: str
    left: float
    width: float
    top: int
    outcome: str = ""
    words: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """A phase: its bars, the marks of its limits, and the self-reported stages inside it."""

    name: str
    words: str
    top: int
    bars: tuple[Bar, ...]
    limits: tuple[Tick, ...]
    stages: tuple[Bar, ...]


@dataclass(frozen=True, slots=True)
class Waterfall:
    """The phases of both releases, one below the other, on one axis."""

    axis: Axis
    rows: tuple[Row, ...]
    height: int


def waterfall(result: TargetResult, axis: Axis) -> Waterfall:
    """The phases by the medians of the measured boots, of the baseline above the candidate's."""
    rows, top, releases = [], 40, tried(result)
    high = _ROW - _BARS * (2 - len(releases))
    for name in phases(result):
        bars = [bar for release in releases if (bar := _bar(result, axis, name, release, top))]
        stages = tuple(_stage_bars(result, axis, name, top + high + 4))
        limits = tuple(_limits(result, axis, name))
        rows.append(Row(_short(name), _words(result, name), top, tuple(bars), limits, stages))
        top += high + 8 + _STAGE * len(stages)
    return Waterfall(axis, tuple(rows), top + 4)


def tried(result: TargetResult) -> list[str]:
    """The releases of which there are boots."""
    return [release for release in RELEASES if result.of(release)]


def seen(result: TargetResult, release: str, name: str) -> list[tuple[float, float]]:
    """(instant of the mark, length of the phase) of each measured boot that showed it."""
    found = [p for b in result.of(release) if (p := b.phase(name)) is not None]
    return [(p.at, p.seconds) for p in found if p.at is not None and p.seconds is not None]


def _bar(result: TargetResult, axis: Axis, name: str, release: str, top: int) -> Bar | None:
    lane = top + 17 + _BARS * tried(result).index(release)
    found = seen(result, release, name)
    if found:
        start, end = median(at - took for at, took in found), median(at for at, _ in found)
        left = axis.at(start)
        words = f"{release}, {name}: {duration(median(took for _, took in found))} (median)"
        return Bar(release, left, max(round(axis.at(end) - left, 2), 0.3), lane, "", words)
    failed = _ended_here(result, release, name)
    if failed is None:
        return None
    left = axis.at(max((p.at for p in failed.phases if p.at is not None), default=0.0))
    words = f"{release} ended in {name} after {duration(failed.ended)}: {failed.outcome}"
    width = max(round(axis.at(failed.ended) - left, 2), 0.3)
    return Bar(release, left, width, lane, failed.outcome, words)


def _ended_here(result: TargetResult, release: str, name: str) -> Boot | None:
    """The boot that ended in a phase which no boot of its release got through."""
    failed = failed_boot(result, release)
    return failed if failed is not None and failed.ended_in == name else None


def _words(result: TargetResult, name: str) -> str:
    """The medians, the baseline's before the candidate's, and the limits."""
    words = " → ".join(middle(result, release, name) for release in tried(result))
    return ", ".join([words, *limit_words(result, name)])


def limit_words(result: TargetResult, name: str) -> list[str]:
    """The limits of a phase, as somebody set them."""
    limits = result.rules.phases.get(name)
    kinds = [("limit", limits.limit), ("deadline", limits.deadline)] if limits is not None else []
    return [f"{kind} {limit(seconds)}" for kind, seconds in kinds if seconds is not None]


def middle(result: TargetResult, release: str, name: str) -> str:
    """The median of a phase; ``never`` where no boot of the release reached its mark."""
    if found := times(result.of(release), name):
        return duration(median(found))
    has = any(boot.phase(name) is not None for boot in result.of(release))
    return NEVER if has else NONE


def _limits(result: TargetResult, axis: Axis, name: str) -> Iterable[Tick]:
    limits = result.rules.phases.get(name)
    if limits is None:
        return
    found = seen(result, "candidate", name)
    start = median(at - took for at, took in found) if found else None
    ends = [("limit", limits.limit, start), ("deadline", limits.deadline, 0.0)]
    for kind, seconds, since in ends:
        if seconds is None or since is None or (axis.cut and since + seconds > axis.high):
            continue
        yield Tick(axis.at(since + seconds), f"{kind} {duration(seconds)}")


def _stage_bars(result: TargetResult, axis: Axis, name: str, top: int) -> Iterable[Bar]:
    """The longest stages that the candidate reported in a phase, one after another.

    Where in the phase they were is not known: the system's own clock starts elsewhere.
    """
    found = seen(result, "candidate", name)
    if not found:
        return
    at = median(mark - took for mark, took in found)
    for place, (label, seconds) in enumerate(_stages_in(result, name)[:_MOST_STAGES]):
        left = axis.at(at)
        at += seconds
        width = max(round(axis.at(at) - left, 2), 0.3)
        words = f"{_short(label)} {duration(seconds)}"
        yield Bar("candidate", left, width, top + _STAGE * place, "", words)


def _stages_in(result: TargetResult, phase: str) -> list[tuple[str, float]]:
    found = stages(result.of("candidate"))
    return [(name, seconds) for (name, where), seconds in found.items() if where == phase]


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…"


@dataclass(frozen=True, slots=True)
class Dot:
    """A boot: its wall time as a shape by its outcome, its CPU time as a bar (per cent)."""

    at: float
    cpu: float | None
    top: int
    outcome: str
    faint: bool
    label: str
    words: str


@dataclass(frozen=True, slots=True)
class Lane:
    """The boots of a release."""

    release: str
    top: int
    dots: tuple[Dot, ...]


@dataclass(frozen=True, slots=True)
class Dots:
    """Every boot of a target, by release."""

    axis: Axis
    lanes: tuple[Lane, ...]
    height: int


def dots(result: TargetResult, axis: Axis) -> Dots:
    """Every boot, in the order of its release; warm-ups that started are faint."""
    lanes, top = [], 40
    for release in RELEASES:
        boots = [b for b in result.boots if b.release == release]
        if not boots:
            continue
        made = [
            _dot(boot, axis, top + 28 + 14 * n, boot.warm_up and boot.started)
            for n, boot in enumerate(boots)
        ]
        lanes.append(Lane(release, top, tuple(made)))
        top += 32 + 14 * len(boots)
    return Dots(axis, tuple(lanes), top + 6)


def _dot(boot: Boot, axis: Axis, top: int, faint: bool) -> Dot:
    wall = boot.ended if boot.seconds is None else boot.seconds
    label = "warm-up" if boot.warm_up else ""
    if boot.attempt > 1:
        label = f"{label} attempt {boot.attempt}".strip()
    words = f"{boot.release}, {which(boot)}: {boot.outcome}, {duration(wall)} wall"
    if boot.cpu_seconds is not None:
        words += f", {duration(boot.cpu_seconds)} CPU"
    if boot.waited:
        words += f", {duration(boot.run_delay)} waiting for a CPU"
    cpu = None if boot.cpu_seconds is None else axis.at(boot.cpu_seconds)
    return Dot(axis.at(wall), cpu, top, boot.outcome, faint, label, words)


def which(boot: Boot) -> str:
    """Which boot it is, with its attempt where it is not the first."""
    name = "warm-up" if boot.warm_up else f"boot {boot.number}"
    return f"{name}, attempt {boot.attempt}" if boot.attempt > 1 else name


def axis_of(result: TargetResult) -> Axis:
    """One axis for all drawings of a target."""
    walls = [b.ended if b.seconds is None else b.seconds for b in result.boots]
    return Axis.of([*walls, *(b.cpu_seconds or 0.0 for b in result.boots)], result.rules)


@dataclass(frozen=True, slots=True)
class Point:
    """A boot of the journal: per cent from the left, and from the top."""

    x: float
    y: float
    outcome: str


@dataclass(frozen=True, slots=True)
class Course:
    """How the share of the timeout went over days; heights are per cent from the top."""

    points: tuple[Point, ...]
    fail_at: float
    warn_at: float
    timeout: float
    line: tuple[float, float] | None


def course(
    used: Sequence[tuple[float, float, str]],
    rules: Rules,
    line: tuple[float, float] | None,
) -> Course:
    """A drawing of (instant, share, outcome), the oldest first; `line` are its two ends."""
    most = max([1.0, *(share for _, share, _ in used)]) * 1.08
    first, last = used[0][0], used[-1][0]
    span = (last - first) or 1.0

    def y(share: float) -> float:
        return round(100 * (1 - share / most), 2)

    points = [Point(round(100 * (at - first) / span, 2), y(s), outcome) for at, s, outcome in used]
    ends = None if line is None else (y(line[0]), y(line[1]))
    return Course(tuple(points), y(rules.fail_at), y(rules.warn_at), y(1.0), ends)
