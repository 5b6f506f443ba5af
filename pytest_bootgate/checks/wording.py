"""What a comparison found, as sentences."""

from __future__ import annotations

from pytest_bootgate.records.attribution import Attribution, Shift
from pytest_bootgate.stats.regression import LEAST, MOST, Regression


def sentence(found: Regression, *, told: bool = True) -> str:
    """The comparison as one sentence: estimate, interval, what is allowed, and what is sure.

    With a way out where it is not clear, if that is to be `told`.
    """
    made = f"{found.pairs} boots each, recorded" if found.recorded else f"{found.pairs} pairs"
    time = "net of neighbours" if found.net else "wall time"
    seen = f"{change(found.ratio)} (95 % interval {_span(found)}), {made}, {time}"
    allowed, half, more = (f"{s * found.tolerance * 100:g} %" for s in (1.0, LEAST, MOST))
    if found.reason:
        return f"{found.reason}; measured {seen}"
    seen = f"{seen}; tolerance {allowed}"
    if found.verdict == "slower":
        by = ", by CPU time" if found.by == ("cpu",) else ""
        if found.again is None:
            return f"{seen}; a slowdown of {half} or less is ruled out (exact p = {found.p:.2g})"
        twice = f"exact p = {found.p:.2g}, then {found.again:.2g} in fresh boots{by}"
        return f"{seen}; a slowdown of {half} or less is ruled out twice ({twice})"
    if found.verdict in ("same", "faster"):
        return f"{seen}; a slowdown of {more} or more is ruled out"
    if found.again is not None:
        return f"{seen}; fresh boots did not confirm a slowdown"
    if found.by:
        return f"{seen}; the boots to confirm the slowdown were not run"
    doubt = f"{half} or less" if found.ratio >= 1 + found.tolerance else f"{more} or more"
    return f"{seen}; a slowdown of {doubt} is not ruled out" + f"; {way_out(found)}" * told


def blame(found: Attribution) -> str:
    """What grew by how much, as a sentence about the phase to blame."""
    first = found.inner[0] if found.inner else found.phases[0]
    if first.seconds <= 0:  # what is slower is slower net of neighbours
        work = "" if found.cpu_seconds is None else f"; CPU time {_signed(found.cpu_seconds)}"
        return f"no phase took longer by wall time, in which neighbours delayed both releases{work}"
    text = f"{_grown(first)}, the whole boot {_signed(found.seconds)} against the baseline"
    if (less := _signed(first.seconds - found.seconds)[1:]) and first.seconds > found.seconds:
        text += f" (other phases together {less} shorter)"
    if found.stages and found.stages[0].seconds > 0:
        stage = found.stages[0]
        text += f"; self-reported stage {stage.name} {_grown(stage)}"
        if found.unattributed > 0:
            text += f", outside any stage {_signed(found.unattributed)}"
    elif found.elsewhere and found.elsewhere[0].seconds > 0:
        stage = found.elsewhere[0]
        text += f"; no stage reported in this phase, elsewhere {stage.name} {_grown(stage)}"
    if found.kind is not None and found.cpu_seconds is not None:
        text += f"; {found.kind}: CPU time {_signed(found.cpu_seconds)}"
    return text


def _grown(one: Shift) -> str:
    return _signed(one.seconds) + (f" (only the {one.only} has it)" if one.only else "")


def way_out(found: Regression) -> str:
    """What to do where the boots give no clear answer."""
    if found.recorded:
        return "boot both releases for a clear answer"
    if found.more_pairs is None:
        return (
            "durations vary too much for more pairs to settle it: raise the tolerance (`slower`) or"
            " reduce noise"
        )
    most = found.pairs + found.more_pairs
    pairs = f"{found.more_pairs} more pair{'s' * (found.more_pairs > 1)}"
    return f"about {pairs} would settle it (gate: {{boots: 5..{most}}})"


def change(ratio: float) -> str:
    """How long a boot takes, against the baseline's."""
    if ratio >= 2:
        return f"{ratio:.1f} times as long"
    if round(ratio, 3) == 1:
        return "as long as the baseline"
    return f"{_percent(ratio)} % {'slower' if ratio > 1 else 'faster'}"


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
