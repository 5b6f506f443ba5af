"""Where a campaign is, for whoever watches."""

from __future__ import annotations

from dataclasses import dataclass

from pytest_bootgate.run.turn import Waiting


@dataclass(frozen=True, slots=True)
class Progress:
    """Boot `number` of at least and at most so many (0: the warm-up), and what is being done.

    That may take `left` more seconds at most; of the boot itself `timeout` is its timeout. An
    upgrade in place has no numbers: all are 0. `place` is which of how many checks it is, `paired`
    whether each number is a pair of boots. `expected` are the seconds that the whole run will still
    take by its history, 0.0 where it takes longer than before, None where nobody knows. `beside`
    are the numbers that are booted just now, where several machines boot. While the gate waits for
    another one on this machine, only `waiting` says something, and once more when it has its turn.
    """

    target: str
    profile: str
    release: str
    number: int
    least: int
    most: int
    doing: str
    left: float
    timeout: float | None = None
    paired: bool = False
    place: tuple[int, int] = (0, 0)
    expected: float | None = None
    beside: tuple[int, ...] = ()
    waiting: Waiting | None = None


@dataclass(frozen=True, slots=True)
class Moment:
    """What a pair is doing just now: `left` is how many seconds it may still take at most.

    `timeout` is the timeout of the boot, where this is a part of it.
    """

    doing: str
    left: float
    timeout: float | None = None
