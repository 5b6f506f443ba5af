"""Boots that were lost with the machine or the network that they were on: made again, and told."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from pytest_bootgate.errors import EngineError, LostError

#: So many boots of a check may be lost.
MOST_LOST = 3

_T = TypeVar("_T")


class Lost:
    """Those of one check; `notes` tell of each."""

    def __init__(self) -> None:
        self._whys: list[str] = []
        self.notes: list[str] = []

    def note(self, error: LostError) -> None:
        """One more. Raises `EngineError` where these are too many."""
        self._whys.append(str(error))
        self.notes.append(f"a boot was lost and repeated: {error}")
        if len(self._whys) > MOST_LOST:
            raise EngineError(
                f"{len(self._whys)} boots were lost, none of them by the fault of a release:"
                f" {'; '.join(self._whys)}. Correct the cause, then rerun."
            ) from error

    def repeat(self, boot: Callable[[], _T]) -> _T:
        """Boot until it was not lost. Raises `EngineError` as `note`."""
        while True:
            try:
                return boot()
            except LostError as error:
                self.note(error)
