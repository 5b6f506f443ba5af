"""A server that must say by the health protocol of gRPC that it is well."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar

import msgspec

from pytest_bootgate.demands import Socket, must
from pytest_bootgate.probes.kind import Order, register
from pytest_bootgate.probes.polled import Polled

if TYPE_CHECKING:
    from pytest_bootgate.gatefile.probe_rules import ProbeRules
    from pytest_bootgate.gatefile.tree import Map

_is_short = must(lambda name: len(name) <= 100, "{name} is too long", "write its full name")


@register
class Grpc(Polled, msgspec.Struct, frozen=True):
    """A gRPC server that must report SERVING.

    `grpc` is a port whose server must report SERVING by the health protocol of gRPC (plain HTTP/2):
        ``grpc: ":50051"``.
    `service` is the service that `grpc` asks for, by default the whole server:
        ``service: shop.Orders``.
    """

    key: ClassVar[str] = "grpc"

    grpc: Socket
    service: Annotated[str, _is_short] = ""

    @classmethod
    def check(cls, probe: Map, rules: ProbeRules, *, triggered: bool) -> None:
        rules.socket(probe, "grpc")

    @property
    def endpoint(self) -> str:
        return self.grpc

    def watch(self) -> Order:
        return self.paced({"grpc": self.grpc, "service": self.service})
