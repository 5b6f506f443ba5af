"""A boot that was held on purpose, for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pytest_bootgate.checks.propagation import HELD, properties
from pytest_bootgate.records.check import Cell, Table
from pytest_bootgate.records.result import PropagationResult
from pytest_bootgate.records.stall import Stall
from pytest_bootgate.records.values import SignalReport
from pytest_bootgate.reports.advice import advice_on_propagation
from pytest_bootgate.reports.amounts import NONE, duration, seconds
from pytest_bootgate.reports.story import last_lines
from pytest_bootgate.reports.view import View


def heading(result: PropagationResult) -> str:
    """One line: who was told, and who was not."""
    if result.stall is None or result.verdict == "error":
        return "not tested"
    return sentence(result.stall)


class PropagationView(View[PropagationResult]):
    """A boot that was held on purpose."""

    noun = "propagation test"
    near = "held past its timeout on purpose"

    @property
    def says(self) -> str:
        return heading(self.found)

    @property
    def tables(self) -> Sequence[Table]:
        stall = self.found.stall
        return (signals(stall),) if stall is not None and stall.signals else ()

    def lines(self) -> Iterator[str]:
        yield from ()

    boots = lines

    @property
    def notes(self) -> Sequence[str]:
        stall = self.found.stall
        if stall is None:
            return ()
        return [*notes(stall), *([f"hold verified: {stall.evidence}"] if stall.evidence else [])]

    @property
    def last(self) -> list[str]:
        return last_lines(self.found.stall.boot) if self.found.stall is not None else []

    @property
    def todo(self) -> str:
        return advice_on_propagation(self.found)

    @property
    def step(self) -> str:
        return self.found.stall.phase if self.found.stall is not None else NONE

    def since(self, new: str, old: str) -> str:
        return f"{new}; a propagation test has no baseline"


def sentence(stall: Stall) -> str:
    """Who was told and how late, and who was told nothing."""
    if not stall.heard:
        return f"no report from {_names(stall.silent)}"
    said = [f"{told.name} {_late(stall, told)} ({_after(told)})" for told in stall.heard]
    never = f"; no report from {', '.join(t.name for t in stall.silent)}" if stall.silent else ""
    return f"reported by {', '.join(said)}{never}"


def held(stall: Stall) -> str:
    """How it was held: in which phase, from when to when."""
    if stall.began is None:
        return "it was not held"
    end = stall.watched if stall.ended is None else stall.ended
    what = HELD[stall.hold]
    if stall.hold in ("pause", "starve"):
        return f"{what} in {stall.phase} from {stall.began:.1f} s to {end:.1f} s"
    if stall.hold == "kill":
        return f"{what} in {stall.phase} at {stall.began:.1f} s"
    return f"{what}, from {stall.began:.1f} s on"


def notes(stall: Stall) -> Iterator[str]:
    """From when lateness counts, what was said, and what the release does with such a boot."""
    yield from stall.boot.notes
    if stall.began is None:
        return
    yield f"{held(stall)} after the trigger; its timeout is {stall.timeout:g} s"
    if stall.heard:
        yield f"delays count from {_since(stall)}"
    for told in stall.heard:
        yield f"{told.name} reported: {told.text}"
    for told in stall.silent:
        if told.text:
            yield f"{told.name}: {told.text}, and nothing after that"
    yield f"listened until {stall.watched:.1f} s after the trigger"
    yield from properties(stall)


def signals(stall: Stall) -> Table:
    """Every signal that was listened to while a boot was held."""
    rows: list[list[Cell]] = [
        [
            one.name,
            one.means if one.at is not None else "nothing",
            seconds(one.at, "never"),
            seconds(stall.late(one) if one.at is not None else None),
            one.text,
        ]
        for one in (*stall.heard, *stall.silent)
    ]
    head = ["signal", "said", "after the trigger", "late by", "text"]
    return Table("told", "Signals and when they reported", head, rows)


def _names(told: tuple[SignalReport, ...]) -> str:
    names = [t.name for t in told]
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else "".join(names)


def _late(stall: Stall, told: SignalReport) -> str:
    if (told.at or 0.0) < stall.speaks_from:
        return "before the timeout"
    return f"in {duration(stall.late(told))}"


def _after(told: SignalReport) -> str:
    return f"{told.at or 0.0:.1f} s after the trigger"


def _since(stall: Stall) -> str:
    if stall.hold == "pause":
        return f"the end of the pause at {stall.speaks_from:.1f} s: a paused gateway cannot report"
    if stall.hold == "kill":
        return f"the kill at {stall.speaks_from:.1f} s"
    return f"the timeout at {stall.speaks_from:g} s"
