"""Where a campaign is, for whoever watches."""

from __future__ import annotations

from dataclasses import dataclass

#: What a gate does while another one boots on this machine.
WAITING = "wait for another gate on this machine"


@dataclass(frozen=True, slots=True)
class Progress:
    """Boot `number` of `total` (0: the warm-up), what is being done, and for how long at most.

    An upgrade in place has no numbers: both are 0.
    """

    target: str
    host: str
    release: str
    number: int
    total: int
    doing: str
    left: float
