"""Where a campaign is, for whoever watches."""

from __future__ import annotations

from dataclasses import dataclass

from pytest_bootgate.run.turn import Waiting


@dataclass(frozen=True, slots=True)
class Progress:
    """Boot `number` of `total` (0: the warm-up), what is being done, and for how long at most.

    An upgrade in place has no numbers: both are 0. While the gate waits for another one on this
    machine, only `waiting` says something, and once more when it has its turn.
    """

    target: str
    profile: str
    release: str
    number: int
    total: int
    doing: str
    left: float
    waiting: Waiting | None = None


@dataclass(frozen=True, slots=True)
class Moment:
    """What a pair is doing just now: `left` is how many seconds it may still take at most."""

    doing: str
    left: float
