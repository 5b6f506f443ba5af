"""What an item gets before it runs: the time that its boots need, and a worker."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pytest_bootgate.drive import Gate


def plan_item(item: pytest.Item, gate: Gate, group: str) -> None:
    """Give an item the time that its boots need, and one worker for all items of a gate."""
    plugins = item.config.pluginmanager
    if plugins.hasplugin("timeout") and not _timeout_set(item):
        item.add_marker(pytest.mark.timeout(gate.plan.budget(), func_only=False))
    if plugins.hasplugin("xdist"):
        item.add_marker(pytest.mark.xdist_group(name=group))


def _timeout_set(item: pytest.Item) -> bool:
    """Whether the user set a timeout for this run; one in the ini file is for other tests."""
    return (
        item.get_closest_marker("timeout") is not None
        or item.config.getoption("timeout", default=None) is not None
        or "PYTEST_TIMEOUT" in os.environ
    )
