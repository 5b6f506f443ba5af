"""Boots and events of a journal, for people and as JSON lines. Wall times are this machine's."""

from __future__ import annotations

import datetime as dt
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict

from pytest_bootgate.journal.queries import EventRow, Row, RunRow
from pytest_bootgate.records.result import label
from pytest_bootgate.reports.amounts import NONE, duration, share
from pytest_bootgate.reports.clean import one_line
from pytest_bootgate.untrusted import read_json

_HEADER = ("when", "run", "release", "version", "target", "no.", "outcome", "after", "used")
#: The columns that are cut where a line would be too long, one after the other, and how short they
#: may get: ``cand…`` is enough to tell a release.
_ELASTIC = {2: 5, 4: 8, 3: 8}
_RIGHT = (5, 7, 8)
#: Older than so many seconds, the year is worth more than the time of day.
_OLD = 300 * 86400
#: So many characters of an id tell it from its neighbours.
_ID = 6


def boots(rows: Sequence[Row], without: Sequence[RunRow], width: int) -> Iterator[str]:
    """A table of boots; runs that booted nothing stand between them."""
    lines = [(row.began, _cells(row)) for row in rows]
    widths = [max(map(len, column)) for column in zip(_HEADER, *(c for _, c in lines), strict=True)]
    gap = "  " if sum(widths) + 2 * (len(widths) - 1) <= width else " "
    excess = sum(widths) + len(gap) * (len(widths) - 1) - width
    for column, shortest in _ELASTIC.items():
        less = max(0, min(excess, widths[column] - shortest))
        widths[column] -= less
        excess -= less
    if rows:
        yield _line(_HEADER, widths, gap)
    texts = [(began, _line(cells, widths, gap)) for began, cells in lines]
    for run in without:
        text = f"{_when(run.began)}{gap}{run.id[:_ID]}{gap}no boot: {run.words}"
        texts.append((run.began, text))
    yield from (text for _, text in sorted(texts, key=lambda pair: -pair[0]))


def _cells(row: Row) -> tuple[str, ...]:
    used = NONE if row.share is None else share(row.share)
    number = str(row.number) if row.attempt == 1 else f"{row.number}/{row.attempt}"
    if row.during == "propagation":
        number = "held"  # on purpose: that it timed out says nothing of the release
    return (
        _when(row.began),
        row.run[:_ID],
        row.release,
        row.version or NONE,
        # A journal has boots of many gate files, and not how many profiles each of them has.
        label(row.target, row.profile, several=row.profile != "default"),
        number,
        outcome(row),
        duration(row.seconds if row.seconds is not None else row.ended),
        used,
    )


def outcome(row: Row) -> str:
    """The outcome, or what is known of a boot that has none."""
    if row.outcome is not None:
        return row.outcome
    return {"killed": "killed in flight", "unknown": "unknown"}.get(row.run_state, "in flight")


def _line(cells: Sequence[str], widths: Sequence[int], gap: str) -> str:
    parts = [
        _cut(cell, size).rjust(size) if n in _RIGHT else _cut(cell, size).ljust(size)
        for n, (cell, size) in enumerate(zip(cells, widths, strict=True))
    ]
    return gap.join(parts).rstrip()


def _cut(text: str, size: int) -> str:
    return text if len(text) <= size else text[: size - 1] + "…"


def _when(wall: float) -> str:
    at = dt.datetime.fromtimestamp(wall)
    return f"{at:%Y-%m-%d}".ljust(14) if time.time() - wall > _OLD else f"{at:%m-%d %H:%M:%S}"


def events(found: Sequence[EventRow], rows: Sequence[Row]) -> Iterator[str]:
    """A line for each event, a heading for each boot."""
    known = {row.id: row for row in rows}
    last = ""
    for event in found:
        boot = event.boot
        if boot is not None and boot != last:
            last = boot
            yield " ".join(_cells(known[boot])[:7]) if boot in known else boot
        shown = f"{dt.datetime.fromtimestamp(event.wall):%H:%M:%S.%f}"[:-3]
        more = " ".join(
            f"{name}={_value(value)}"
            for name, value in _rest(event).items()
            if value not in (None, "")
        )
        yield f"  {shown} {duration(event.at):>8} {event.kind} {more}".rstrip()


def _rest(event: EventRow) -> dict[str, object]:
    """What else an event says; nothing where a damaged journal holds something else."""
    try:
        found = read_json(event.rest)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _value(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.3g}"
    return one_line(value) if isinstance(value, str) else json.dumps(value)


def boots_as_json(rows: Sequence[Row]) -> Iterator[str]:
    """Every column of a boot but the whole, the state of its run, and the share that it used."""
    for row in rows:
        yield json.dumps({**asdict(row), "share": row.share})


def events_as_json(found: Sequence[EventRow]) -> Iterator[str]:
    """Every column of an event."""
    for event in found:
        yield json.dumps({**asdict(event), "rest": _rest(event)})
