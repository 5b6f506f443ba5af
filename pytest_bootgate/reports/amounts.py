"""Amounts in words: seconds and shares as people read them."""

from __future__ import annotations

from math import isfinite

from pytest_bootgate.records.check import Amount, Cell

#: Stands for an amount that was not measured.
NONE = "-"
#: The cells of a bar.
_BAR = 30


def duration(seconds: float | None) -> str:
    """Seconds in the unit that reads best; `NONE` for what is no number of them."""
    if seconds is None or not isfinite(seconds):
        return NONE
    if seconds < 0.0095:
        return f"{seconds * 1000:.1f} ms"
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 9.995:
        return f"{seconds:.2f} s"
    if seconds < 119.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s"


def roughly(seconds: float) -> str:
    """Seconds as people say them while they wait: ``42 s``, ``8 min``, ``1 h 5 min``."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes = whole // 60
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def ordinal(number: int) -> str:
    """A number as a place: ``1st``, ``2nd``, ``11th``."""
    teen = 10 < number % 100 < 20
    return f"{number}{'th' if teen else {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th')}"


def limit(seconds: float) -> str:
    """A limit as somebody set it: no more digits than it has."""
    if seconds < 1:
        return f"{seconds * 1000:g} ms"
    return f"{seconds:g} s"


def whose(probe: str) -> str:
    """Whose limit it is, as the end of it; nothing where that is nobody's."""
    return f" ({probe})" if probe else ""


def share(part: float) -> str:
    """A share in per cent."""
    return f"{part * 100:.0f} %"


def change(old: float, new: float) -> str:
    """What became of an amount of seconds: ``+140 ms (+12 %)``."""
    by = duration(abs(new - old))
    sign = "-" if new < old else "+"
    if not old:
        return f"{sign}{by}"
    percent = round((new / old - 1) * 100)
    return f"{sign}{by} ({f'{percent:+d}' if percent else '0'} %)"


def bar(part: float, marks: tuple[float, ...] = ()) -> str:
    """A share as a bar; `marks` are the shares at which a line crosses its empty part."""
    filled = min(_BAR, round(part * _BAR))
    cells = ["█"] * filled + ["·"] * (_BAR - filled)
    for mark in marks:
        at = min(_BAR - 1, int(mark * _BAR))
        if at >= filled:
            cells[at] = "│"
    return "".join(cells)


def count(number: int, noun: str) -> str:
    """A number with its noun: ``1 boot``, ``5 boots``."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def seconds(value: float | None, missing: str = NONE) -> Cell:
    """A duration as a cell."""
    return missing if value is None else Amount(value, duration(value))


def part(value: float | None) -> Cell:
    """A share as a cell."""
    return NONE if value is None else Amount(value, share(value))
