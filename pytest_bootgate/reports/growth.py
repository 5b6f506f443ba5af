"""How a boot grows with a quantity, in words and as a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from pytest_bootgate.checks.growth import Grew
from pytest_bootgate.records.check import Amount, Cell, Table
from pytest_bootgate.records.verdict import WHOLE
from pytest_bootgate.reports.amounts import NONE, duration, share
from pytest_bootgate.stats.growth import Between, Growth

#: Which times its rows are of.
_TIMES = "boot net of neighbours where known, phases wall time"
_SHAPES = {
    "constant": "constant",
    "linear": "linear",
    "faster": "faster than linear",
    "slower": "slower than linear",
    "unclear": "unclear",
}


def summary(grew: Grew, quantity: str, fail_at: float) -> str:
    """One line: the growth in both releases, and where the limit is reached."""
    parts = [
        f"{_growth(grown, quantity)} in the {name}"
        for name, grown in grew.every[0].releases.items()
    ]
    reach, candidate = grew.reach, grew.of("candidate")
    if reach is not None and candidate is not None:
        what = f"{share(fail_at)} of the timeout is reached"
        upto = "or more" if reach.high is None else f"to {reach.high:.0f}"
        if candidate.shape == "faster":  # it was followed in a line
            parts.append(f"{what} before {reach.middle:.0f} {quantity}, sooner than in a line")
        else:
            parts.append(f"{what} at about {reach.middle:.0f} {quantity} ({reach.low:.0f} {upto})")
    return "; ".join(parts) or "not seen"


def steeper(grew: Grew, quantity: str, written: Mapping[float, str]) -> str:
    """Why the candidate fails: it grows faster than the baseline."""
    baseline, candidate = grew.of("baseline"), grew.of("candidate")
    assert baseline is not None
    assert candidate is not None
    first, last = (written[value] for value in (candidate.values[0], candidate.values[-1]))
    phases = [name for name in grew.steeper if name != WHOLE]
    where = f", in {', '.join(phases)}" if phases else ""
    return (
        f"the candidate grows faster with {quantity} than the baseline: from {first} to {last} by"
        f" {_signed(candidate.rise.middle)} (baseline {_signed(baseline.rise.middle)}){where}"
    )


def unclear(grew: Grew, quantity: str) -> str:
    """Why nothing is said of the growths."""
    more = grew.every[0].more
    assert more is not None
    return (
        f"whether the candidate grows faster with {quantity} than the baseline cannot be told:"
        f" from the first value to the last by {_within(more)} more;"
        " more boots would tell"
    )


def table(grew: Grew, quantity: str, written: Mapping[float, str]) -> Table:
    """The means at each value, and the growth, of the boot and of every phase.

    `written` are the values as the gate file has them.
    """
    head = [
        "",
        "release",
        *(f"{quantity}={text}" for text in written.values()),
        f"per {quantity}",
        "growth",
    ]
    rows = [
        [one.subject, release, *_means(grown, list(written)), _each(grown), _shape(grown)]
        for one in grew.every
        for release, grown in one.releases.items()
    ]
    return Table("growth", f"Growth with {quantity} (means; {_TIMES})", head, rows)


def _means(grown: Growth, values: Sequence[float]) -> Iterator[Cell]:
    means = dict(zip(grown.values, grown.means, strict=True))
    for value in values:
        yield Amount(means[value], duration(means[value])) if value in means else NONE


def _each(grown: Growth) -> Cell:
    slope = grown.slope.middle
    return Amount(slope, _signed(slope)) if grown.shape != "constant" else NONE


def _shape(grown: Growth) -> str:
    if grown.shape != "unclear":
        return _SHAPES[grown.shape]
    rise = grown.rise
    return f"unclear ({_within(rise)} in all)"


def _growth(grown: Growth, quantity: str) -> str:
    if grown.shape == "constant":
        return "constant"
    if grown.shape == "unclear":
        rise = grown.rise
        return f"unclear growth ({_signed(rise.middle)} in all, {_within(rise)})"
    how = f" ({_SHAPES[grown.shape]})" if grown.shape != "linear" else ""
    return f"{_signed(grown.slope.middle)} per {quantity}{how}"


def _within(rise: Between) -> str:
    return f"{_signed(rise.low)} to {_signed(rise.high)}"


def _signed(seconds: float) -> str:
    return f"{'+' if seconds >= 0 else '-'}{_fine(abs(seconds))}"


def _fine(seconds: float) -> str:
    return duration(seconds) if seconds >= 1e-3 or seconds == 0 else f"{seconds * 1e6:.0f} µs"
