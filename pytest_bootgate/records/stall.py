"""What came of holding a boot on purpose, as plain values. Seconds since the trigger."""

from __future__ import annotations

from dataclasses import dataclass

from pytest_bootgate.gatefile.model import Hold, Propagation, Target
from pytest_bootgate.records.values import Boot, SignalReport

#: What was on its way when a hold took effect arrives within these seconds.
GRACE = 0.3


@dataclass(frozen=True, kw_only=True)
class Stall:
    """A boot that was held in `phase`, and who told of its failure.

    It was held from `began` to `ended`; `began` is None where it could not be, and `why_not` says
    why; `slipped` says how the engine or the sidecar contradicts the hold. `evidence` is what
    they said of it. `timeout` is when the system should have given up; the watching ended at
    `watched`. `signals` are all that were watched, those that stayed silent included;
    `speaks_from` is the instant from which the system could report: a gateway that is paused
    cannot. `proof` is when the task started, if it did, however late.
    """

    hold: Hold
    phase: str
    timeout: float
    boot: Boot
    began: float | None = None
    ended: float | None = None
    watched: float = 0.0
    speaks_from: float = 0.0
    signals: tuple[SignalReport, ...] = ()
    proof: float | None = None
    holds_task: bool = False
    why_not: str = ""
    slipped: str = ""
    evidence: str = ""

    @property
    def heard(self) -> tuple[SignalReport, ...]:
        """The signals that reported the failure, the first one first."""
        return tuple(
            sorted((t for t in self.signals if t.at is not None), key=lambda t: t.at or 0.0)
        )

    @property
    def silent(self) -> tuple[SignalReport, ...]:
        """The signals that reported nothing."""
        return tuple(t for t in self.signals if t.at is None)

    def late(self, told: SignalReport) -> float:
        """How many seconds after it could a signal reported."""
        return max(0.0, (told.at or 0.0) - self.speaks_from)


def hold_until(propagation: Propagation, timeout: float) -> float:
    """When a hold ends, in seconds since the trigger, for a timeout of `timeout`."""
    beyond = max(1.0, timeout / 4) if propagation.for_ is None else float(propagation.for_)
    return timeout + beyond


def held_in(propagation: Propagation, target: Target) -> str:
    """The phase in which a target is held."""
    names = list(target.phases)
    if propagation.in_ is not None:
        return propagation.in_
    after = names.index("accepted") + 1 if "accepted" in names else 0
    return names[min(after, len(names) - 1)]
