"""A command that must succeed."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

import msgspec

from pytest_bootgate.demands import Action
from pytest_bootgate.probes.kind import Order, register
from pytest_bootgate.probes.polled import COMMANDS, Polled

if TYPE_CHECKING:
    pass


@register
class Exec(Polled, msgspec.Struct, frozen=True):
    """A command that must end with 0.

    `exec` is a command that must end with 0: ``exec: [pg_isready, -q]``.
    `in` is where `exec` runs, by default in the gateway, whose CPUs it uses: ``in: sidecar``.
    """

    key: ClassVar[str] = "exec"

    exec: Action
    in_: Literal["gateway", "sidecar"] | None = msgspec.field(default=None, name="in")

    def watch(self) -> Order | None:
        if self.in_ != "sidecar":
            return None
        return {"every": COMMANDS, **self.paced({"exec": self.exec})}

    def ask(self) -> Order | None:
        if self.in_ == "sidecar":
            return None
        return {"every": COMMANDS, **self.paced({"exec": self.exec})}
