"""How a container of a pod is kept from going on: there is no freezer, but its processes stop.

A starved one is let go on for 1 ms of each 100 ms (measured: 0.8 % of a core).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Literal, cast

from pytest_bootgate.engines.base import State
from pytest_bootgate.engines.kubernetes.wire import Wire
from pytest_bootgate.errors import EngineError


class PodHold:
    """Holds one container by orders to its agent. All raise `EngineError`."""

    def __init__(self, wire: Wire, slot: str, words: str) -> None:
        self._wire, self._slot, self._words = wire, slot, words

    def pause(self) -> None:
        """Stop all its processes."""
        self._hold("paused")

    def starve(self) -> None:
        """Leave it 1 % of a core."""
        self._hold("starved")

    def release(self) -> None:
        """Let it go on."""
        self._hold("")

    def _hold(self, how: Literal["paused", "starved", ""]) -> None:
        self._wire.order("hold", self._slot, how=how)

    def state(self) -> State:
        """How it is held, by the states of its processes."""
        return cast(State, self._wire.order("state", self._slot))

    def processes(self) -> Mapping[int, str]:
        """Its processes but the main one and commands run inside: number and command line."""
        found = self._wire.order("processes", self._slot)
        return {int(pid): words for pid, words in found.items()}

    def kill(self, processes: Collection[int]) -> None:
        """Kill some of `processes`, and wait until they are gone."""
        if left := self._wire.order("kill", self._slot, pids=[*processes]):
            raise EngineError(
                f"{len(left)} processes of a runner in the {self._words} still run after they were"
                " killed. Use propagation: {hold: pause}."
            )
