"""Hooks of pytest-xdist, and those by which a worker's reports reach the process that shows all."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest

from pytest_bootgate.pytest_plugin.begin import clear, known, open_journal
from pytest_bootgate.pytest_plugin.session import KEY


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Let the workers of pytest-xdist know where they tell each other what they boot."""
    from pytest_bootgate.pytest_plugin.spread import SHARED

    node.workerinput[SHARED] = str(node.config.stash[KEY].shared)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_node_collection_finished(node: Any, ids: list[str]) -> None:
    """Under pytest-xdist only the workers collect; one of them gets all tests of a gate."""
    from pytest_bootgate.pytest_plugin.spread import gates_of, scheduler

    config, ours = node.config, node.config.stash[KEY]
    gates = gates_of(ours.shared, node.gateway.id)
    known(config, bool(gates))
    clear(config)
    if gates:
        distributed: Any = config.pluginmanager.get_plugin("dsession")
        old = distributed.sched
        if (new := scheduler(old, distributed.log, ids, gates)) is not None:
            for other in old.nodes:
                new.add_node(other)
                if other in ours.collected:
                    new.add_node_collection(other, ours.collected[other])
            distributed.sched = new
        open_journal(config)
    ours.collected[node] = ids


@pytest.hookimpl(wrapper=True)
def pytest_report_to_serializable(
    report: pytest.CollectReport | pytest.TestReport,
) -> Generator[None, dict[str, Any] | None, dict[str, Any] | None]:
    """A failure that is shown in a few lines is so where a worker of pytest-xdist sends it."""
    data = yield
    if data is not None and (parts := getattr(report.longrepr, "parts", None)) is not None:
        data["bootgate_brief"] = parts
    return data


@pytest.hookimpl(wrapper=True)
def pytest_report_from_serializable(data: dict[str, Any]) -> Generator[None, Any, Any]:
    """And is shown in as few in the process that shows all."""
    parts = data.pop("bootgate_brief", None)
    report = yield
    if parts is not None:
        from pytest_bootgate.pytest_plugin.items import Brief

        report.longrepr = Brief(report.longrepr, *parts)
    return report


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: Any) -> None:
    """Take over what a worker of pytest-xdist found."""
    from pytest_bootgate.pytest_plugin.workers import take_over

    ours = node.config.stash[KEY]
    take_over(ours, node.gateway.id, getattr(node, "workeroutput", {}), error)
