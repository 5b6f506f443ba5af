"""Where things stand in the drawings: plain numbers in per cent, drawn by the templates.

What there is much of, such as boots, is a path in thousandths of the width: a page of many targets
has one element for all of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from pytest_bootgate.records.result import TargetResult
from pytest_bootgate.records.values import Boot
from pytest_bootgate.records.verdict import WHOLE, Rules
from pytest_bootgate.reports.amounts import NONE, change, duration, limit
from pytest_bootgate.reports.html.axis import Axis, Tick
from pytest_bootgate.reports.numbers import NEVER, compared, phases, times
from pytest_bootgate.reports.story import failed_boot

#: Releases in the order in which they are drawn.
RELEASES = ("baseline", "candidate")
_LONGEST = 22  # characters of a name
_TOP, _LINE, _BAR, _ROW = 58, 18, 10, 8  # heights in pixels


@dataclass(frozen=True, slots=True)
class Row:
    """A phase: the medians of both releases, how they differ, and the marks of its limits."""

    name: str
    words: str
    change: str
    top: int
    limits: tuple[Tick, ...]


@dataclass(frozen=True, slots=True)
class Ended:
    """A boot that did not start: where, in per cent, and in pixels from the top.

    `width` (per cent, to the left) is there where it is drawn as the phase in which it ended.
    """

    at: float
    top: int
    outcome: str
    words: str
    width: float = 0.0


@dataclass(frozen=True, slots=True)
class Drawing:
    """The boots of a target, the first pair on top; below them its phases; on one axis.

    `paths` are the classes and the data of paths. `interval` is (left, width) of where the
    candidate is, by the 95 % interval of the comparison; `strip` are the top and the height of the
    boots.
    """

    axis: Axis
    paths: tuple[tuple[str, str], ...]
    ended: tuple[Ended, ...]
    rows: tuple[Row, ...]
    interval: tuple[float, float] | None
    strip: tuple[int, int]
    height: int
    words: str


def drawing(result: TargetResult) -> Drawing:
    """The drawing of a target that was booted."""
    walls = [_wall(boot) for boot in result.boots]
    axis = Axis.of([*walls, *(b.cpu_seconds or 0.0 for b in result.boots)], result.rules)
    made = pairs(result.boots)
    placed = [(b, _TOP + 4 + _ROW * n) for n, row in enumerate(made) for b in row.values()]
    end = _TOP + _ROW * len(made) + 4
    step = _LINE + _BAR * len(tried(result)) + 6
    rows = [_row(result, axis, n, end + 6 + step * place) for place, n in enumerate(phases(result))]
    height = end + 8 + step * len(rows)
    paths = [*_lines(axis, height), *_medians(result, axis, end), *_boots(placed, axis)]
    paths += _bars(result, axis, rows)
    ended = [
        Ended(axis.at(_wall(b)), y, b.outcome, f"{b.release}, {which(b)}: {b.outcome}")
        for b, y in placed
        if not b.started
    ]
    words = f"{len(result.boots)} boots by wall time, and their phases by medians; in numbers below"
    return Drawing(
        axis,
        tuple((name, data) for name, data in paths if data),
        (*ended, *_ended(result, axis, rows)),
        tuple(rows),
        _interval(result, axis),
        (_TOP, end - _TOP),
        height,
        words,
    )


def _lines(axis: Axis, height: int) -> Iterator[tuple[str, str]]:
    """The lines through all of a drawing: round instants, and the thresholds."""
    yield "grid", "".join(f"M{10 * tick.at:.0f} {_TOP - 4}V{height}" for tick in axis.ticks)
    for place, line in enumerate(axis.thresholds):
        yield line.text.split(" ")[0], f"M{10 * line.at:.0f} {3 + 12 * place}V{height}"


def tried(result: TargetResult) -> list[str]:
    """The releases of which there are boots."""
    return [release for release in RELEASES if result.of(release)]


# -- boots -------------------------------------------------------------------------------------


def which(boot: Boot) -> str:
    """Which boot it is, with its attempt where it is not the first."""
    name = "warm-up" if boot.warm_up else f"boot {boot.number}"
    return f"{name}, attempt {boot.attempt}" if boot.attempt > 1 else name


def pairs(boots: Sequence[Boot]) -> list[dict[str, Boot]]:
    """Boots in their order, those of a pair together, by their releases."""
    rows: list[dict[str, Boot]] = []
    last: dict[tuple[bool, int, int], dict[str, Boot]] = {}
    for boot in boots:
        key = (boot.warm_up, boot.number, boot.attempt)
        if boot.release in last.get(key, {boot.release: boot}):
            last[key] = {}
            rows.append(last[key])
        last[key][boot.release] = boot
    return rows


def _wall(boot: Boot) -> float:
    return boot.ended if boot.seconds is None else boot.seconds


def _medians(result: TargetResult, axis: Axis, end: int) -> Iterator[tuple[str, str]]:
    for release in RELEASES:
        if found := times(result.of(release), WHOLE):
            yield f"median {release}", f"M{10 * axis.at(median(found)):.0f} {_TOP}V{end}"


def _boots(placed: Sequence[tuple[Boot, int]], axis: Axis) -> Iterator[tuple[str, str]]:
    """The lines between the boots of a pair, CPU times, and the boots: those that started."""
    made = [(b, round(10 * axis.at(_wall(b))), y) for b, y in placed if b.started]
    lines: dict[int, list[int]] = {}
    for boot, x, y in made:
        if not boot.warm_up:
            lines.setdefault(y, []).append(x)
    both = ((y, x) for y, x in lines.items() if len(x) == 2)
    yield "pair", "".join(f"M{x[0]} {y}H{x[1]}" for y, x in both)
    for name in RELEASES:
        of = [(b, x, y) for b, x, y in made if b.release == name]
        cpu = [(round(10 * axis.at(b.cpu_seconds)), y - 3) for b, _, y in of if b.cpu_seconds]
        yield f"cpu {name}", _path(cpu, "v6", 6)
        for faint in (True, False):
            dots = [(x, y) for b, x, y in of if b.warm_up is faint]
            yield f"dot {name}{' faint' * faint}", _path(dots, "h0")


def _path(points: Iterable[tuple[int, int]], drawn: str, down: int = 0) -> str:
    """The same at each point, one after the other; `down` is how far it leads down."""
    made, at = [], (0, 0)
    for x, y in points:
        made.append(f"m{x - at[0]} {y - at[1]}{drawn}")
        at = (x, y + down)
    return "".join(made)


def _interval(result: TargetResult, axis: Axis) -> tuple[float, float] | None:
    regression = result.judgement.regression if result.judgement is not None else None
    before = times(result.of("baseline"), WHOLE)
    if regression is None or not before:
        return None
    left, right = (axis.at(median(before) * r) for r in (regression.low, regression.high))
    return left, round(right - left, 2)


# -- phases ------------------------------------------------------------------------------------


def seen(result: TargetResult, release: str, name: str) -> list[tuple[float, float]]:
    """(instant of the mark, length of the phase) of each measured boot that showed it."""
    found = [p for b in result.of(release) if (p := b.phase(name)) is not None]
    return [(p.at, p.seconds) for p in found if p.at is not None and p.seconds is not None]


def _row(result: TargetResult, axis: Axis, name: str, top: int) -> Row:
    words = " → ".join(middle(result, release, name) for release in tried(result))
    limits = tuple(_limits(result, axis, name))
    return Row(_short(name), words, difference(result, name), top, limits)


def _bars(result: TargetResult, axis: Axis, rows: Sequence[Row]) -> Iterator[tuple[str, str]]:
    """The phases of each release from its first to its last instant, by the medians."""
    for lane, release in enumerate(tried(result)):
        made = []
        for name, row in zip(phases(result), rows, strict=True):
            if found := seen(result, release, name):
                start, end = median(at - took for at, took in found), median(at for at, _ in found)
                left, right = (round(10 * axis.at(one)) for one in (start, end))
                y = row.top + _LINE + _BAR * lane + 4
                made.append(f"M{left} {y}h{max(right - left, 2)}")
        yield f"phase {release}", "".join(made)


def _ended(result: TargetResult, axis: Axis, rows: Sequence[Row]) -> Iterator[Ended]:
    """The phases in which a release ended that no boot of it got through."""
    for lane, release in enumerate(tried(result)):
        failed = failed_boot(result, release)
        for name, row in zip(phases(result), rows, strict=True):
            if failed is None or failed.ended_in != name or seen(result, release, name):
                continue
            start = max((p.at for p in failed.phases if p.at is not None), default=0.0)
            end, y = axis.at(failed.ended), row.top + _LINE + _BAR * lane + 4
            words = f"{release} ended in {name} after {duration(failed.ended)}: {failed.outcome}"
            width = max(round(end - axis.at(start), 2), 0.3)
            yield Ended(end, y, failed.outcome, words, width)


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


def difference(result: TargetResult, name: str) -> str:
    """How the medians of a phase, or of the whole boot, differ; empty where one is missing."""
    if name == WHOLE:
        old, new = (compared(result, release)[0] for release in RELEASES)
    else:
        old, new = (times(result.of(release), name) for release in RELEASES)
    return change(median(old), median(new)) if old and new else ""


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
        yield Tick(axis.at(since + seconds), f"{kind} {limit(seconds)}")


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…"


# -- days --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Course:
    """How the share of the timeout went over days; heights are per cent from the top."""

    path: str
    ended: tuple[tuple[float, float, str], ...]
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

    points = [(round(100 * (at - first) / span, 2), y(s), outcome) for at, s, outcome in used]
    dots = [(round(10 * x), round(10 * y)) for x, y, outcome in points if outcome == "started"]
    ended = tuple(point for point in points if point[2] != "started")
    ends = None if line is None else (y(line[0]), y(line[1]))
    return Course(_path(dots, "h0"), ended, y(rules.fail_at), y(rules.warn_at), y(1.0), ends)
