"""A gate's place in the queue of this machine, which it has from one boot to the next."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from pytest_bootgate.reports.amounts import ordinal
from pytest_bootgate.reports.queue import waited_words, waiting_words
from pytest_bootgate.run.turn import Turn, Waiting, take


class Place:
    """The place of a gate file; `waited` are the seconds for which it has waited so far."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._turn: Turn | None = None
        self._last: Waiting | None = None
        self.waited = 0.0

    def take(self, watch: Callable[[Waiting], None]) -> bool:
        """Wait for the turn, unless this gate has it; return whether it had to wait.

        `watch` is told as `run.turn.take` says. Raises `BootgateError` as that does.
        """
        if self._turn is not None:
            return False

        def note(waiting: Waiting) -> None:
            self._last = waiting
            watch(waiting)

        self._last = None
        try:
            self._turn = take(self._file, note)
        finally:
            if self._last is not None:
                self.waited += self._last.seconds
        return self._last is not None

    def note(self, waiting: Waiting) -> None:
        """Note that the engine waits for a machine, or has it now."""
        self._last = waiting
        if not waiting.place:
            self.waited += waiting.seconds

    def leave(self) -> None:
        """Let the next gate have its turn."""
        if self._turn is not None:
            self._turn.leave()
        self._turn = self._last = None

    def interrupted(self, what: str, boots: int) -> str:
        """Why nothing was measured of what was interrupted, and whether that waited.

        So many of its boots had begun.
        """
        meanwhile = ""
        if self._last is not None and self._last.place:
            meanwhile = f", while the gate was {waiting_words(self._last)}"
        elif self._last is not None and (waited := waited_words(self._last.seconds)):
            meanwhile = f", after the gate had {waited} on this machine"
        when = f"in the {ordinal(boots)} boot" if boots else "before the first boot"
        return f"Interrupted {when} of {what}{meanwhile}, so it was not judged."
