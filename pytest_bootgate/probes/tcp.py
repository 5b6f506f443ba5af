"""A port that must accept."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import msgspec

from pytest_bootgate.demands import Socket
from pytest_bootgate.probes.kind import Order, register
from pytest_bootgate.probes.polled import Polled

if TYPE_CHECKING:
    from pytest_bootgate.gatefile.probe_rules import ProbeRules
    from pytest_bootgate.gatefile.tree import Map


@register
class Tcp(Polled, msgspec.Struct, frozen=True):
    """A port that must accept.

    `tcp` is a port that must accept a connection: ``tcp: ":5432"``.
    """

    key: ClassVar[str] = "tcp"

    tcp: Socket

    @classmethod
    def check(cls, probe: Map, rules: ProbeRules, *, triggered: bool) -> None:
        rules.socket(probe, "tcp")

    @property
    def endpoint(self) -> str:
        return self.tcp

    def watch(self) -> Order:
        return self.paced({"tcp": self.tcp})
