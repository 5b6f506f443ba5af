"""A request at the sidecar's stub."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import msgspec

from pytest_bootgate.probes.kind import Kind, register

if TYPE_CHECKING:
    from pytest_bootgate.gatefile.probe_rules import ProbeRules
    from pytest_bootgate.gatefile.tree import Map
    from pytest_bootgate.observe.sighting import Sighting


@register
class Stub(Kind, msgspec.Struct, frozen=True):
    """A request to the sidecar's stub.

    `stub` is a request to the sidecar's stub: ``stub: true`` for any path, or a regular expression
        for the path, as in ``stub: ^/v1/chat``.
    """

    key: ClassVar[str] = "stub"
    at_stub: ClassVar[bool] = True

    stub: bool | str

    @classmethod
    def check(cls, probe: Map, rules: ProbeRules, *, triggered: bool) -> None:
        if probe.get("stub") is False:
            rules.mistake(
                probe.at["stub"],
                "a stub that need not be called proves nothing",
                "write true, or a regular expression for the path",
            )
        elif not rules.has_stub:
            rules.mistake(
                probe.keys["stub"], "there is no stub", "add sidecar: {stub: {port: 8099}}"
            )
        rules.pattern(probe, "stub")

    @property
    def regex(self) -> str | None:
        return self.stub if isinstance(self.stub, str) else None

    def read(self, seen: Sighting, source: str, name: str) -> str | None:
        return str(seen.get("path")) if seen.is_a("called") else None
