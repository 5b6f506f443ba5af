"""What an item that boots gets before it runs: its gate file, and the time that it needs."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from pytest_bootgate.door.session import GATE

if TYPE_CHECKING:
    from pytest_bootgate.drive import Gate


def plan_item(item: pytest.Item, gate: Gate) -> None:
    """Note which gate an item boots, and give it the time that this needs."""
    item.stash[GATE] = gate.plan.loaded.path
    if item.config.pluginmanager.hasplugin("timeout") and not _timeout_set(item):
        item.add_marker(pytest.mark.timeout(gate.plan.budget(), func_only=False))


def _timeout_set(item: pytest.Item) -> bool:
    """Whether the user set a timeout for this run; one in the ini file is for other tests."""
    return (
        item.get_closest_marker("timeout") is not None
        or item.config.getoption("timeout", default=None) is not None
        or "PYTEST_TIMEOUT" in os.environ
    )
