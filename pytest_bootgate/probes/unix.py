"""A Unix socket that must accept."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import msgspec

from pytest_bootgate.probes.kind import Order, register
from pytest_bootgate.probes.polled import Polled

if TYPE_CHECKING:
    from pytest_bootgate.gatefile.probe_rules import ProbeRules
    from pytest_bootgate.gatefile.tree import Map


@register
class Unix(Polled, msgspec.Struct, frozen=True):
    """A Unix socket that must accept.

    `unix` is a socket below ``${dir}`` that must accept a connection, or through which `http` asks:
        ``unix: "${dir}/app.sock"``.
    """

    key: ClassVar[str] = "unix"

    unix: str

    @classmethod
    def check(cls, probe: Map, rules: ProbeRules, *, triggered: bool) -> None:
        rules.absolute(probe, "unix")

    @property
    def path(self) -> str:
        return self.unix

    def watch(self) -> Order:
        return self.paced({"unix": self.unix})
