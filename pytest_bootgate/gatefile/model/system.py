"""What a system is run with already."""

from __future__ import annotations

from typing import ClassVar

from pytest_bootgate.demands import Existing
from pytest_bootgate.gatefile.model.base import Entry


class System(Entry, frozen=True, kw_only=True):
    """A service of a Compose file as the gateway, and what it depends on as its services.

    The file is read each time, and what the gate file says wins. Its image is that of each release
    that names none. Its health check is what `ready` waits for, and the proof of the target that is
    called like it, with `start_period` and `retries` times `interval` as timeout. Its limits are a
    profile. Volumes of Compose begin empty for each boot.

    `compose` is the Compose file: ``compose: docker-compose.yml``.
    `service` is its service under gate: ``service: api``.
    `ignore` are keys of Compose that the gate goes without, because a gate file cannot say the
        same: ``ignore: [sysctls]``.
    """

    noun: ClassVar = "the system"
    compose: Existing
    service: str
    ignore: list[str] = []
