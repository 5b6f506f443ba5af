"""One Docker host: its connection, and which lease of it this run has."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from docker.errors import NotFound

from pytest_bootgate.engines.base import Capacity
from pytest_bootgate.engines.docker_address import named
from pytest_bootgate.engines.docker_api import DockerApi
from pytest_bootgate.engines.docker_leftovers import sweep_leased
from pytest_bootgate.engines.hosts.lease import NAME, Holder, Lease, take
from pytest_bootgate.engines.images import have
from pytest_bootgate.engines.machines import Held
from pytest_bootgate.errors import EngineError, LostError


class Host:
    """A Docker host, connected from the start on. Raises `EngineError` where it does not answer.

    `away` is why it is not used just now, None while it may be; one that is `shunned` never is
    again. `lease` is this run's, be it lost by now; `held` says who else has it.
    """

    def __init__(self, text: str) -> None:
        self._address = named(text)
        self.name = self._address.name
        self.away: str | None = None
        self.shunned = False
        self.held: Holder | None = None
        self.lease: Lease | None = None
        self.api = DockerApi(self._address, lost=self._lost)

    def _lost(self, why: str) -> None:
        self.away = self.away or why

    def has(self, lease: Lease) -> bool:
        """Whether it is still had by this lease."""
        if self.lease is lease and lease.lost:
            self._lost(f"The lease of Docker host {self.name} ended, or was not answered for long.")
        return self.lease is lease and self.away is None

    def must_have(self, lease: Lease) -> None:
        """Raises `LostError` where another gate may boot here by now."""
        if not self.has(lease):
            why = self.away or f"Docker host {self.name} was lost"
            raise LostError(why.rstrip("."))

    def take(self, image: str, labels: Mapping[str, str]) -> Lease | None:
        """Take it, if it is free. What another run left here is removed. Raises `EngineError`."""
        with self.api.call(f"find image {image}") as client:
            have(client, image)
        found = take(self.api, image, labels, self.held)
        if not isinstance(found, Lease):
            self.held = found
            return None
        self.lease, self.held = found, None
        sweep_leased(self.api, labels)
        return found

    def who(self) -> Held | None:
        """Who has it, be it this run. Raises `EngineError`."""
        with self.api.call("look at its lease") as client:
            try:
                return Holder(client.inspect_container(NAME), 0.0).has(self.name)
            except NotFound:
                return None

    def leave(self, lease: Lease | None) -> None:
        """Let another gate have it. Nothing of this run may run here any more."""
        if lease is not None:
            lease.leave()
        if self.lease is lease:
            self.lease = None

    def again(self) -> bool:
        """Whether one that was away answers now."""
        if self.lease is not None:
            self.lease.abandon()
            self.lease = None
        self.api.close()
        try:
            self.api = DockerApi(self._address, lost=self._lost)
        except EngineError:
            return False
        self.away = None
        return True

    @cached_property
    def facts(self) -> Mapping[str, Any]:
        """What it tells about itself (``docker info``). Raises `EngineError`."""
        with self.api.call("report its machine") as client:
            return dict(client.info())

    @property
    def capacity(self) -> Capacity:
        """Its machine. Raises `EngineError`."""
        told = self.facts
        return Capacity(int(told["NCPU"]), int(told["MemTotal"]), str(told["DockerRootDir"]))

    def like(self, other: Host) -> bool:
        """Whether both are machines of one kind, so that a boot takes as long on either."""
        return all(self.facts.get(key) == other.facts.get(key) for key in ("NCPU", "Architecture"))
