"""The health check of an image, which must succeed."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import msgspec

from pytest_bootgate.probes.kind import Order, register
from pytest_bootgate.probes.polled import COMMANDS, Polled

if TYPE_CHECKING:
    from pytest_bootgate.gatefile.probe_rules import ProbeRules
    from pytest_bootgate.gatefile.tree import Map


@register
class Healthcheck(Polled, msgspec.Struct, frozen=True):
    """The health check of the image.

    `healthcheck` is whether the health check of the release's image must succeed; the gate runs its
        command at its own pace: ``healthcheck: true``.
    """

    key: ClassVar[str] = "healthcheck"
    needs_image: ClassVar[bool] = True

    healthcheck: bool

    @classmethod
    def check(cls, probe: Map, rules: ProbeRules, *, triggered: bool) -> None:
        if probe.get("healthcheck") is False:
            rules.mistake(
                probe.at["healthcheck"],
                "a health check that need not succeed proves nothing",
                "write true, or leave it out",
            )

    def ask(self) -> Order:
        return {"every": COMMANDS, **self.paced({"healthcheck": True})}
