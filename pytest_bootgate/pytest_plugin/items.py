"""What all items of a gate file have in common."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import pytest

from pytest_bootgate.errors import BootgateError, BootgateWarning
from pytest_bootgate.pytest_plugin.planned import timed_out
from pytest_bootgate.pytest_plugin.session import KEY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_bootgate.pytest_plugin.collect import TargetNode
    from pytest_bootgate.pytest_plugin.upgrade import UpgradeNode
    from pytest_bootgate.records.result import PropagationResult, TargetResult, UpgradeResult

Found = TypeVar("Found", bound="TargetResult | UpgradeResult | PropagationResult")


class GateFunction(pytest.Function):
    """An item of a gate file: a function that lets the item judge."""

    parent: TargetNode | UpgradeNode

    def iter_markers_with_node(self, name: str | None = None) -> Iterator[tuple[Any, pytest.Mark]]:
        """All markers but `xfail`: a verdict that fails must not look like a pass."""
        marked = super().iter_markers_with_node(name)
        return ((node, mark) for node, mark in marked if mark.name != "xfail")

    def check(self) -> None:
        """Judge: fail, warn, skip, or pass."""
        raise NotImplementedError

    def measure(self, result: Callable[[], Found]) -> Found:
        """What was found, booted now unless an item before this one did; in setup.

        What could not be measured is an error of the item that tried, and named in the others.
        """
        session, parent = self.config.stash[KEY], self.parent.name
        try:
            session.claim(self.path)
            found = result()
        except BootgateError as error:
            self.stop(str(error))
        except pytest.fail.Exception as error:  # pytest-timeout's signal, in the midst of a boot
            self.stop(timed_out(error, result().error))
        finally:
            session.progress.end()
        if found.error is not None:
            again = f"{parent} is an error: see above."
            self.stop(found.error if session.first_time(found.error) else again)
        return found

    def stop(self, text: str) -> NoReturn:
        """Fail, or in setup err, in the gate's own words and without a traceback."""
        from pytest_bootgate.reports.clean import clean

        self.note_shown()
        _, line, _ = self.reportinfo()
        pytest.fail(f"{self.path.name}:{(line or 0) + 1}: {clean(text)}", pytrace=False)

    def remark(self, text: str) -> None:
        """Warn of what passes; where the user made these warnings errors, fail as `stop` does."""
        try:
            warnings.warn(BootgateWarning(text), stacklevel=2)
        except BootgateWarning:
            self.stop(f"warn: {text}")

    def note_shown(self) -> None:
        """Note that this item shows its verdict, whichever it is."""
        self.parent.gate.note_shown(self.parent.profile, self.parent.target, self.name)


def goes_on(item: pytest.Item, following: pytest.Item | None) -> bool:
    """Whether the gate of an item keeps the machine for the item that follows."""
    gate_file = isinstance(item, GateFunction) and isinstance(following, GateFunction)
    return gate_file and following is not None and item.path == following.path


def check(request: pytest.FixtureRequest) -> None:
    """What pytest calls for every item: the item judges itself."""
    request.node.note_shown()
    request.node.check()
