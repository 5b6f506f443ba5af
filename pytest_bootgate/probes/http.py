"""An endpoint that must answer as wanted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar

import msgspec

from pytest_bootgate.demands import Endpoint, Existing, Status, not_empty
from pytest_bootgate.probes.kind import Order, register
from pytest_bootgate.probes.polled import Polled

if TYPE_CHECKING:
    from pytest_bootgate.gatefile.probe_rules import ProbeRules
    from pytest_bootgate.gatefile.tree import Map

Statuses = Annotated[list[Status], not_empty("write [200, 204]")]


@register
class Http(Polled, msgspec.Struct, frozen=True):
    """An endpoint that must answer.

    `http` is an endpoint that must answer, ``:8080/readyz`` on the gateway's own loopback or a
        URL: ``http: "https://[::1]:8443/readyz"``.
    `headers` are headers of the request: ``headers: {Host: app.example.com}``.
    `status` is the status that `http` must answer with, or several of them, by default any 2xx but
        202: ``status: [200, 401]``.
    `json` is JSON that the answer to `http` must contain: ``json: {status: ok}``.
    `body` is a regular expression that must match in the text of the answer: ``body: ^ready``.
    `verify` is how the certificate of an ``https`` endpoint is verified: against the system's
        authorities by default, those in a file, or not at all: ``verify: ./ca.pem``.
    `unix` is a socket below ``${dir}`` that must accept a connection, or through which `http` asks:
        ``unix: "${dir}/app.sock"``.
    """

    key: ClassVar[str] = "http"

    http: Endpoint
    headers: dict[str, str] = {}
    status: Status | Statuses | None = None
    json: dict[str, Any] | None = None
    body: str | None = None
    verify: bool | Existing | None = None
    unix: str | None = None

    @classmethod
    def check(cls, probe: Map, rules: ProbeRules, *, triggered: bool) -> None:
        rules.endpoint(probe)
        rules.request(probe)
        rules.pattern(probe, "body")

    @property
    def endpoint(self) -> str | None:
        return self.http if self.unix is None else None

    @property
    def path(self) -> str | None:
        return self.unix

    @property
    def health(self) -> str:
        return "/" + self.http.rpartition("://")[2].partition("/")[2]

    def watch(self) -> Order:
        asked = {
            "http": self.http, "headers": self.headers, "status": self.status, "json": self.json,
            "body": self.body, "verify": self.verify, "unix": self.unix,
        }  # fmt: skip
        return self.paced({key: each for key, each in asked.items() if each not in (None, {})})
