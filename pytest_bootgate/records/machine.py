"""What the machine was like during one campaign, as plain values. Shares are between 0 and 1."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median, median_low


@dataclass(frozen=True, slots=True)
class Span:
    """The least and the most that was seen of something."""

    least: float
    most: float

    @classmethod
    def of(cls, values: Iterable[float | None]) -> Span | None:
        """The span of the values that are known, None where none is."""
        known = [value for value in values if value is not None]
        return cls(min(known), max(known)) if known else None


@dataclass(frozen=True, slots=True)
class Work:
    """A fixed piece of work, done a number of times: the best time and a slow one, in seconds.

    `best` is the shortest wall or CPU time, `slow` the 90th percentile of the wall times, without
    the time in which a neighbour had the CPU where the kernel tells that (as boots are compared).
    """

    best: float
    slow: float


@dataclass(frozen=True, slots=True)
class Still:
    """Shares of a time in which the gate kept still, so all this is the doing of others.

    `busy` is the part of the CPU time in use (steal included, which is `steal`). `cpu`, `memory`
    and `io` are the parts of the time in which somebody waited for them (PSI, "some"), None where
    the kernel does not tell.
    """

    busy: float
    steal: float
    cpu: float | None = None
    memory: float | None = None
    io: float | None = None


@dataclass(frozen=True)
class Machine:
    """The machine beside the boots of one campaign.

    `here` says that the boots ran on the gate's own machine, of which all else speaks. `load` is
    the one-minute average, `available` the memory in bytes, `disk_free` in bytes; all were looked
    at between boots. `steal` is the share of the CPU time that a hypervisor gave to others.
    """

    here: bool
    work: tuple[Work, ...] = ()
    still: tuple[Still, ...] = ()
    load: Span | None = None
    available: Span | None = None
    disk_free: Span | None = None
    steal: float | None = None

    @property
    def spread(self) -> float | None:
        """How many times its best time the fixed piece of work took when it was slow.

        The lower median of all rounds, against the best of all, so that one bad moment is not
        the machine.
        """
        if not self.work or not all(w.best > 0 for w in self.work):
            return None
        return median_low(w.slow for w in self.work) / min(w.best for w in self.work)

    def usual(self, what: str) -> float | None:
        """The median of a share over all times in which the gate kept still."""
        shares = [share for s in self.still if (share := getattr(s, what)) is not None]
        return median(shares) if shares else None
