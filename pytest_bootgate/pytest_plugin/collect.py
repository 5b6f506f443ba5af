"""From a gate file to pytest items: a node for each thing that is checked, with its items."""

from __future__ import annotations

import types
from itertools import groupby
from typing import TYPE_CHECKING, Any

import pytest

from pytest_bootgate.errors import BootgateError
from pytest_bootgate.pytest_plugin.fixtures import MARKER
from pytest_bootgate.pytest_plugin.items import CheckItem
from pytest_bootgate.pytest_plugin.session import KEY

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_bootgate.run import Gate
    from pytest_bootgate.run.check import AnyCheck


class GateModule(pytest.Module):
    """A gate file."""

    def _getobj(self) -> types.ModuleType:
        # There is no Python behind it, but fixtures of module scope ask for one.
        return types.ModuleType(self.path.stem)

    def collect(self) -> Iterator[CheckNode]:
        """What is checked, once for every profile."""
        self.add_marker(MARKER)
        session = self.config.stash[KEY]
        try:
            gate = session.gate(self.path)
        except BootgateError as error:
            if session.is_worker:
                raise self.CollectError(str(error)) from None
            session.mistakes[self.path] = str(error)  # told as a usage error after collection
            return
        for key, checks in groupby(gate.plan.checks, lambda one: (one.profile, one.target)):
            name = gate.plan.label(*key)
            yield CheckNode.from_parent(self, name=name, gate=gate, checks=list(checks))


class CheckNode(pytest.Collector):
    """What is checked, on a profile: a session target, or what is a check by itself."""

    def __init__(self, *, gate: Gate, checks: Sequence[AnyCheck], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._gate, self._checks = gate, checks

    def collect(self) -> Iterator[CheckItem]:
        """The items of each check, in its order."""
        for asked in self._checks:
            yield from (CheckItem.of(self, self._gate, asked, name) for name in asked.items)
