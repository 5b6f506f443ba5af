"""An endpoint that must answer as wanted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import msgspec

from pytest_bootgate.probes.kind import Kind, Order, register

if TYPE_CHECKING:
    from pytest_bootgate.gatefile.probe_rules import ProbeRules
    from pytest_bootgate.gatefile.tree import Map


@register
class Http(Kind, msgspec.Struct, frozen=True):
    """An endpoint that must answer.

    `http` is an endpoint that must answer: ``http: ":8080/readyz"``.
    `status` is the status that `http` must answer with, by default any 2xx but 202:
        ``status: 204``.
    `json` is JSON that the answer to `http` must contain: ``json: {status: ok}``.
    """

    key: ClassVar[str] = "http"
    stays: ClassVar[bool] = True

    http: str
    status: int | None = None
    json: dict[str, Any] | None = None

    @classmethod
    def check(cls, probe: Map, rules: ProbeRules, *, triggered: bool) -> None:
        rules.endpoint(probe)
        rules.status(probe)

    @property
    def endpoint(self) -> str:
        return self.http

    @property
    def health(self) -> str:
        return "/" + self.http.partition("/")[2]

    def watch(self) -> Order:
        return {"http": self.http, "status": self.status, "json": self.json}
