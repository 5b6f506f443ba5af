"""A command that must succeed."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import msgspec

from pytest_bootgate.demands import Action
from pytest_bootgate.probes.kind import Order, register
from pytest_bootgate.probes.polled import COMMANDS, Polled

if TYPE_CHECKING:
    from pytest_bootgate.gatefile.probe_rules import ProbeRules
    from pytest_bootgate.gatefile.tree import Map


@register
class Exec(Polled, msgspec.Struct, frozen=True):
    """A command that must end with 0.

    `exec` is a command that must end with 0, and may fail: ``exec: [pg_isready, -q]``.
    `in` is where `exec` runs, by default in the gateway, whose CPUs it uses: ``in: sidecar``, or a
        service, which as a proof needs ``${token}`` in the command: ``in: db``.
    """

    key: ClassVar[str] = "exec"

    exec: Action
    in_: str | None = msgspec.field(default=None, name="in")

    @classmethod
    def check(cls, probe: Map, rules: ProbeRules, *, triggered: bool) -> None:
        rules.where(probe, "in")

    @classmethod
    def check_mark(cls, probe: Map, rules: ProbeRules) -> None:
        rules.can_fail(probe, "exec")

    @property
    def unit(self) -> str:
        return "" if self.in_ in (None, "gateway", "sidecar") else self.in_ or ""

    def watch(self) -> Order | None:
        if self.in_ != "sidecar":
            return None
        return {"every": COMMANDS, **self.paced({"exec": self.exec})}

    def ask(self) -> Order | None:
        if self.in_ == "sidecar":
            return None
        return {"every": COMMANDS, **self.paced({"exec": self.exec})}
