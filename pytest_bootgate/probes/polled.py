"""What is asked again and again until it is so."""

from __future__ import annotations

from typing import Annotated, ClassVar

import msgspec

from pytest_bootgate.demands import positive
from pytest_bootgate.probes.kind import Kind, Order
from pytest_bootgate.quantities import Seconds

#: The pause between two looks of a command, in seconds: it costs more than a request, and in the
#: gateway it uses the gateway's CPUs.
COMMANDS = 0.25


class Polled(Kind, msgspec.Struct, frozen=True, kw_only=True):
    """A probe that asks again and again.

    `every` is the pause between two looks, by default 20 ms (250 ms for `exec` and `healthcheck`):
        ``every: 500ms``.
    `patience` is how long one answer may take before it is asked for again; by default a slow
        answer counts whenever it comes, and more are asked for meanwhile: ``patience: 1s``.
    """

    stays: ClassVar[bool] = True

    every: Annotated[Seconds, positive("20ms")] | None = None
    patience: Annotated[Seconds, positive("2s")] | None = None

    def paced(self, order: Order) -> Order:
        """An order with what this probe says of its pace."""
        pace = {"every": self.every, "patience": self.patience}
        return {**order, **{key: float(each) for key, each in pace.items() if each is not None}}
