"""The machines of an engine that has several, or one elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_bootgate.engines.base import Engine


@dataclass(frozen=True, slots=True)
class MachineUse:
    """The CPU seconds in which a machine was in use since its start, and how many CPUs it has.

    Of the gateway on it since that began: for how many seconds its tasks waited for a CPU
    (`run_delay`), and limits held it back (`throttled`), None where the kernel does not tell; and
    how many of its processes were killed because memory ran out.
    """

    busy: float
    cpus: int
    run_delay: float | None = None
    throttled: float | None = None
    oom_kills: int = 0


@dataclass(frozen=True, slots=True)
class Held:
    """A machine that another gate has.

    `run` is that one's, `user` who started it and where, empty where that is unknown. `booting` is
    for how many seconds it has had the machine, by the clocks of both.
    """

    machine: str
    run: str
    user: str = ""
    booting: float | None = None


#: See `Engine.waits`.
Waits = Callable[[Sequence[Held], float], None]


def nobody(held: Sequence[Held], seconds: float) -> None:
    """Nobody hears of it."""


class OneMachine:
    """What an engine has that boots on one machine only."""

    node = ""
    waits: Waits = staticmethod(nobody)

    def beside(self, most: int) -> Sequence[Engine]:  # noqa: ARG002
        """There is no other."""
        return ()

    def leave(self, *, shunned: bool = False) -> None:
        """Nothing: it is nobody else's."""
