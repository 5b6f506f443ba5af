"""The time axis of the drawings: seconds in, per cent of the width out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import floor, log10

from pytest_bootgate.records.verdict import Rules
from pytest_bootgate.reports.amounts import limit

#: Boots that use less than this share of where the zones begin get an axis that is cut.
_SMALL = 0.6
#: Where a cut axis is cut, and where it goes on (per cent of its width).
_CUT, _ON = 70.0, 78.0


@dataclass(frozen=True, slots=True)
class Tick:
    """A labelled instant of an axis; `at` in per cent of its width."""

    at: float
    text: str


@dataclass(frozen=True, slots=True)
class Axis:
    """Seconds from left to right; `high` is the last second left of the cut, if it is `cut`."""

    high: float
    timeout: float
    fail_at: float
    warn_at: float
    cut: bool

    @classmethod
    def of(cls, seconds: Iterable[float], rules: Rules) -> Axis:
        """An axis for durations, with the timeout on it; cut where they are far below it."""
        longest = max(seconds, default=0.0)
        zones = min(rules.warn_at, rules.fail_at) * rules.timeout
        cut = 0 < longest < _SMALL * zones
        high = longest * 1.08 if cut else max(longest, rules.timeout) * 1.02
        return cls(
            high, rules.timeout, rules.fail_at * rules.timeout, rules.warn_at * rules.timeout, cut
        )

    def at(self, seconds: float) -> float:
        """Where an instant stands, in per cent of the width."""
        if not self.cut:
            return round(100 * min(seconds, self.high) / self.high, 2)
        if seconds <= self.high:
            return round(_CUT * seconds / self.high, 2)
        if seconds < self.warn_at:
            return (_CUT + _ON) / 2
        end = self.timeout * 1.02
        part = (min(seconds, end) - self.warn_at) / (end - self.warn_at)
        return round(_ON + (100 - _ON) * part, 2)

    @property
    def cut_at(self) -> tuple[float, float]:
        """Where it is cut, and where it goes on."""
        return _CUT, _ON

    @property
    def thresholds(self) -> list[Tick]:
        """Where it becomes critical, the last first: the lines through all drawings."""
        named = [("timeout", self.timeout), ("fail_at", self.fail_at), ("warn_at", self.warn_at)]
        return [Tick(self.at(seconds), f"{name} {limit(seconds)}") for name, seconds in named]

    @property
    def ticks(self) -> list[Tick]:
        """Round instants, three to five, left of the cut."""
        step = _round_step(self.high / 4)
        count = floor(self.high / step + 1e-9)
        ticks = [Tick(self.at(step * n), _tick(step * n)) for n in range(count + 1)]
        return [tick for tick in ticks if tick.at < 97]


def _round_step(about: float) -> float:
    power = 10.0 ** floor(log10(about))
    return next(m * power for m in (1, 2, 2.5, 5, 10) if m * power >= about * 0.999)


def _tick(seconds: float) -> str:
    if seconds == 0:
        return "0"
    return f"{seconds * 1000:g} ms" if seconds < 1 else f"{seconds:g} s"
