"""The hooks that other plugins may implement."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_bootgate.records.events import Event


def pytest_bootgate_event(event: Event) -> None:
    """Hear of an event of a gate (`pytest_bootgate.records.events`) at the moment it happens.

    Called in the process that boots: under pytest-xdist that is a worker. While a boot runs the
    gate waits for it, so it should return at once.
    """
