"""What a slowdown is made of, as plain values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["more work", "more waiting", "busy host"]


@dataclass(frozen=True, slots=True)
class Shift:
    """By how many seconds a phase or stage grew; `only` names the one release that has it."""

    name: str
    seconds: float
    only: str | None = None


@dataclass(frozen=True, slots=True)
class Attribution:
    """What a slowdown of `seconds` is made of.

    `phases` are the phases, the largest shift first; where a release lacks marks, those of the
    other that lie between two common ones are counted as one phase, which `inner` takes apart.
    `stages` are the self-reported stages inside the first phase, `elsewhere` those of the other
    phases, and `unattributed` is what remains of the phase's shift without its stages. `kind`
    is None where wall time, CPU time and what others used do not tell the kinds apart.
    """

    seconds: float
    phases: tuple[Shift, ...]
    inner: tuple[Shift, ...]
    stages: tuple[Shift, ...]
    elsewhere: tuple[Shift, ...]
    unattributed: float
    cpu_seconds: float | None
    kind: Kind | None

    @property
    def phase(self) -> str:
        """The phase to blame."""
        return self.inner[0].name if self.inner else self.phases[0].name
