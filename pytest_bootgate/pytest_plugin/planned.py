"""What an item that boots gets before it runs: its gate file, and the time that it needs."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pytest_bootgate.run import Gate
    from pytest_bootgate.run.turn import Waiting

#: The gate file of an item that boots.
GATE = pytest.StashKey[Path]()
#: The timeout that an item got from here, in seconds.
_BUDGET = pytest.StashKey[float]()


def plan_item(item: pytest.Item, gate: Gate) -> None:
    """Note which gate an item boots, and give it the time that this needs."""
    item.stash[GATE] = gate.plan.loaded.path
    if item.config.pluginmanager.hasplugin("timeout") and not _timeout_set(item):
        budget = item.stash[_BUDGET] = gate.plan.budget()
        item.add_marker(pytest.mark.timeout(budget, func_only=False))


def _timeout_set(item: pytest.Item) -> bool:
    """Whether the user set a timeout for this run; one in the ini file is for other tests."""
    return (
        item.get_closest_marker("timeout") is not None
        or item.config.getoption("timeout", default=None) is not None
        or "PYTEST_TIMEOUT" in os.environ
    )


def timed_out(error: BaseException, why: str | None) -> str:
    """What pytest-timeout says, and what the gate knows of it."""
    return f"{str(error).rstrip('.')}: {why}"


class Timer:
    """The timer of pytest-timeout for the item that runs just now.

    It stands still while the item waits for its turn on this machine, and then has all its time,
    if the time is what the plugin gave. A timeout that the user set counts whatever happens.
    """

    def __init__(self) -> None:
        self._running: tuple[pytest.Item, Any] | None = None
        self._still: tuple[pytest.Item, Any] | None = None

    def began(self, item: pytest.Item, settings: Any) -> None:
        """Note what pytest-timeout has set for an item."""
        self._running = item, settings

    def ended(self) -> None:
        """Note that pytest-timeout has ended its timer."""
        self._running = self._still = None

    def watch(self, waiting: Waiting) -> None:
        """Stop the timer as long as the item waits, then set it anew."""
        if waiting.place and self._running is not None:
            item, settings = running = self._running
            if item.stash.get(_BUDGET, None) == settings.timeout:
                item.ihook.pytest_timeout_cancel_timer(item=item)
                self._still = running
        elif not waiting.place and self._still is not None:
            item, settings = self._still
            item.ihook.pytest_timeout_set_timer(item=item, settings=settings)
            self._still = None
