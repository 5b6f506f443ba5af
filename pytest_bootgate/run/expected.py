"""How long a gate will still take, by how long its checks took in earlier runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pytest_bootgate.run.check import AnyCheck
from pytest_bootgate.run.plan import Plan

#: What boots were made for, on which profile, of which target.
Key = tuple[str, str, str]


class Expected:
    """The checks of a run in their order, and what is known of how long each takes, in seconds."""

    def __init__(self, checks: Sequence[AnyCheck], history: Mapping[Key, float]) -> None:
        self.checks = checks
        self._history = history
        self._took: dict[AnyCheck, float | None] = {}
        self._over: set[AnyCheck] = set()
        self._current: AnyCheck | None = None
        self._began = 0.0

    def place(self, check: AnyCheck) -> tuple[int, int]:
        """Which of how many checks it is, from 1; 0 for one that was not expected."""
        number = self.checks.index(check) + 1 if check in self.checks else 0
        return number, len(self.checks)

    def begin(self, check: AnyCheck, now: float) -> None:
        """A check begins to boot; those before it are over."""
        if self._current is not None and self._current != check:
            self._over.add(self._current)
        self._current, self._began = check, now

    def left(self, now: float) -> float | None:
        """How many seconds are left, 0.0 where it takes longer than before; None if unknown."""
        waiting = [c for c in self.checks if c not in self._over and c != self._current]
        known = [self._of(check) for check in waiting]
        current = 0.0 if self._current is None else self._of(self._current)
        if current is None:
            return None
        seconds = [one for one in known if one is not None]
        if len(seconds) < len(known):
            return None
        return sum(seconds) + max(0.0, current - (now - self._began))

    def _of(self, check: AnyCheck) -> float | None:
        if check not in self._took:  # asked at every moment of every boot
            self._took[check] = self._known(check)
        return self._took[check]

    def _known(self, check: AnyCheck) -> float | None:
        if check.boots == (0, 0):
            return 0.0
        targets = {check.target} if check.of_target else {key[2] for key in self._history}
        keys = [(check.during, check.profile, target) for target in sorted(targets)]
        found = [self._history[key] for key in keys if key in self._history]
        return sum(found) if found else None


def well(plan: Plan) -> tuple[int, float]:
    """The boots that a gate takes where all is well, and the seconds within which they start.

    Bringing up gateways is not in it, nor are checks of which nobody can tell.
    """
    known = [(check, check.boots[0]) for check in plan.own if check.boots is not None]
    seconds = sum(
        boots * plan.file.targets[check.target].timeout for check, boots in known if check.of_target
    )
    return sum(boots for _, boots in known), float(seconds)
