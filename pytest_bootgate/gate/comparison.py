"""The candidate beside the baseline: the comparison, what it may be doubted for, and in words."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median

from pytest_bootgate.gate.attribution import (
    BUSY,
    Attribution,
    Pairs,
    Shift,
    attribute,
    only_in_one,
    others_busy,
)
from pytest_bootgate.gate.regression import Regression, Schedule, compare, compare_recorded

#: How many cores a release may use while it waits for its turn without disturbing the other.
IDLE = 0.1
#: One release read this many bytes more than the other from disks, and this many times as much:
#: then their images were not equally warm.
COLD_BYTES, COLD_TIMES = 4 * 1024 * 1024, 4
_OTHER = {"baseline": "candidate", "candidate": "baseline"}


@dataclass(frozen=True, slots=True)
class Comparison:
    """What the pairs show; `attribution` is None unless the candidate is slower."""

    regression: Regression
    attribution: Attribution | None
    notes: tuple[str, ...]


def compare_boots(pairs: Pairs, plan: Schedule, tolerance: float, cpus: float | None) -> Comparison:
    """Compare pairs of boots that all started, as many as one of the plan's looks."""
    wall = pairs.values(lambda boot: boot.seconds or 0.0)
    if pairs.recorded:
        recorded = compare_recorded(wall, plan, tolerance)
        slower = attribute(pairs, plan, cpus) if recorded.verdict == "slower" else None
        return Comparison(recorded, slower, tuple(_notes(pairs)))
    measured = all(boot.cpu_seconds for boot in pairs.every)
    cpu = pairs.values(lambda boot: boot.cpu_seconds or 0.0) if measured else None
    found = compare(wall, cpu, plan, tolerance)
    if (reason := _doubt(pairs)) is not None:
        found = found.doubted(reason)
    slower = attribute(pairs, plan, cpus) if found.verdict == "slower" else None
    return Comparison(found, slower, tuple(_notes(pairs)))


def _doubt(pairs: Pairs) -> str | None:
    """Why the boots of the two releases cannot be held against each other, if so."""
    for release in ("baseline", "candidate"):
        used = [b.waiting_cores for b in pairs.of(_OTHER[release]) if b.waiting_cores is not None]
        if used and median(used) > IDLE:
            return (
                f"the {release} used {median(used):.2f} cores while it waited for its turn, and so"
                " disturbed the other release: write `start: cold` for this target"
            )
    read = {
        release: median(values)
        for release in _OTHER
        if (values := [b.disk_read for b in pairs.of(release) if b.disk_read is not None])
    }
    if len(read) == 2:
        more = max(read, key=lambda release: read[release])
        less = read[_OTHER[more]]
        if read[more] - less > COLD_BYTES and read[more] > COLD_TIMES * less:
            return (
                f"the {more} read {read[more] / 1e6:.0f} MB from disks in each boot, the"
                f" {_OTHER[more]} {less / 1e6:.0f} MB: their files were not equally warm (is there"
                " enough memory for both?)"
            )
    return None


def _notes(pairs: Pairs) -> list[str]:
    notes = []
    share = others_busy(pairs.every)
    if share is not None and share >= BUSY:
        notes.append(
            f"the host was busy: something else used {share * 100:.0f} % of its CPU time between"
            " the boots"
        )
    for name, release in only_in_one(pairs):
        notes.append(f"{name}: only the {release} has this phase")
    return notes


# -- in words ----------------------------------------------------------------------------------


def sentence(found: Regression) -> str:
    """The comparison as one sentence, with its interval, its p, and what showed it."""
    span = f"95 % interval {_span(found)}"
    if found.recorded:
        return _sentence_recorded(found, span)
    p = found.cpu_p if found.by == ("cpu",) else found.p
    evidence = f"exact p = {p:.2g} after {found.pairs} pairs"
    if found.verdict in ("slower", "faster"):
        return f"{_change(found.ratio)} ({span}), {evidence}, by {_by(found)}"
    if found.verdict == "same":
        at_most = f"surely no more than {found.tolerance * 100:g} % slower"
        return f"{at_most}: {_change(found.ratio)} ({span}), after {found.pairs} pairs"
    seen = f"{_change(found.ratio)} ({span}), {evidence}"
    if found.reason:
        return f"{found.reason}; measured {seen}"
    return f"neither slower nor the same for sure: {seen}; {_way_out(found)}"


def _by(found: Regression) -> str:
    if found.by == ("cpu",) and found.cpu_ratio is not None:
        less = "more" if found.cpu_ratio > 1 else "less"
        return f"CPU time alone ({_percent(found.cpu_ratio)} % {less} of it)"
    return "wall and CPU time" if len(found.by) == 2 else "wall time"


def _sentence_recorded(found: Regression, span: str) -> str:
    told = f"{found.tolerance * 100:g} %"
    text = f"{_change(found.ratio)} as recorded ({span}), {found.pairs} boots each"
    if found.verdict == "same":
        return f"{text}; less than {told} cannot be told from a recording"
    if found.verdict == "unsure":
        return (
            f"neither slower nor the same for sure: {text}; a recorded baseline shows only"
            f" differences above {told}, boot both releases to know more"
        )
    return f"{text}, exact p = {found.p:.2g}"


def blame(found: Attribution) -> str:
    """What grew by how much, as a sentence about the phase to blame."""
    first = found.inner[0] if found.inner else found.phases[0]
    text = f"{_grown(first)} of the {_signed(found.seconds)} of the whole boot"
    if found.stages and found.stages[0].seconds > 0:
        stage = found.stages[0]
        text += f"; self-reported stage {stage.name} {_grown(stage)}"
        if found.unattributed > 0:
            text += f", in no stage {_signed(found.unattributed)}"
    elif found.elsewhere and found.elsewhere[0].seconds > 0:
        stage = found.elsewhere[0]
        text += f"; no stage reported in it, elsewhere {stage.name} {_grown(stage)}"
    if found.kind is not None and found.cpu_seconds is not None:
        text += f"; {found.kind}: CPU time {_signed(found.cpu_seconds)}"
    return text


def _grown(one: Shift) -> str:
    return _signed(one.seconds) + (f" (only the {one.only} has it)" if one.only else "")


def _way_out(found: Regression) -> str:
    if found.more_pairs is None:
        return "no number of pairs would settle it: allow more with `slower`, or quiet the host"
    most = found.pairs + found.more_pairs
    return (
        f"about {found.more_pairs} more pairs would likely settle it (gate: {{boots: 5..{most}}})"
    )


def _change(ratio: float) -> str:
    if ratio >= 2:
        return f"{ratio:.1f} times as long as the baseline"
    if round(ratio, 3) == 1:
        return "as long as the baseline"
    word = "slower" if ratio > 1 else "faster"
    return f"{_percent(ratio)} % {word} than the baseline"


def _span(found: Regression) -> str:
    if found.ratio >= 2:
        return f"{found.low:.1f} to {found.high:.1f} times"
    if (found.low >= 1) == (found.high >= 1):
        near, far = sorted((found.low, found.high), key=lambda ratio: abs(ratio - 1))
        return f"{_percent(near)} to {_percent(far)} %"
    return f"{_percent(found.low)} % faster to {_percent(found.high)} % slower"


def _percent(ratio: float) -> str:
    """By how many per cent a time is longer, or shorter, than another."""
    part = abs(ratio - 1) * 100
    return f"{part:.0f}" if part >= 0.95 else f"{part:.1f}"


def _signed(seconds: float) -> str:
    return f"{seconds * 1000:+.0f} ms" if abs(seconds) < 0.9995 else f"{seconds:+.2f} s"
