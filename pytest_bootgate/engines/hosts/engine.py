"""Boots on several Docker hosts, each on one that no other gate has."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from pytest_bootgate.engines import owner
from pytest_bootgate.engines.base import CONTAINED, Capacity, python_image
from pytest_bootgate.engines.docker import DockerEngine, DockerPlace, most_memory
from pytest_bootgate.engines.docker_address import HOSTS
from pytest_bootgate.engines.docker_leftovers import LABEL, LEASED, OWNER, sweep_one
from pytest_bootgate.engines.hosts.host import Host
from pytest_bootgate.engines.hosts.lease import Lease
from pytest_bootgate.engines.machines import MachineUse
from pytest_bootgate.errors import EngineError
from pytest_bootgate.gatefile.model import Container as Wanted

_LOOK = 0.5


class Fleet:
    """The hosts of a run. Raises `EngineError` where none answers.

    `silent` are those that did not at first, and why. `images` has the id of each image that was
    asked for, and the host on which it was found first; `there` has which of them are where.
    """

    def __init__(self, run: str, names: Sequence[str]) -> None:
        self.names = names
        self.labels = {LABEL: run, OWNER: owner.own()}
        self.hosts: list[Host] = []
        self.silent: dict[str, str] = {}
        self.images: dict[str, tuple[str, str]] = {}
        self.there: set[tuple[str, str]] = set()
        self.lock = threading.RLock()
        self.closed = False
        with ThreadPoolExecutor(len(names)) as pool:
            for name, found in zip(names, pool.map(_connected, names), strict=True):
                if isinstance(found, Host):
                    self.hosts.append(found)
                else:
                    self.silent[name] = str(found)
        if not self.hosts:
            none = "" if len(names) == 1 else "None of the Docker hosts answers. "
            raise EngineError(none + " ".join(self.silent.values()))

    def usable(self) -> list[Host]:
        """Those that are not away; if all are, those that answer again. Raises `EngineError`."""
        found = [host for host in self.hosts if host.away is None]
        why = " ".join(host.away for host in self.hosts if host.away is not None)
        found = found or [host for host in self.hosts if not host.shunned and host.again()]
        if not found:
            raise EngineError(f"No Docker host of this gate is left. {why}")
        return found


def _connected(name: str) -> Host | EngineError:
    try:
        return Host(name)
    except EngineError as error:
        return error


class HostsEngine(DockerEngine):
    """The docker engine on one of several hosts, which it takes when it needs one."""

    traits = replace(CONTAINED, leases=True)

    def __init__(self, run: str, fleet: Fleet) -> None:
        # Until it has a host, any can be asked.
        super().__init__(run, fleet.hosts[0].api)
        self._fleet = fleet
        self._host: Host | None = None
        self._lease: Lease | None = None
        self.environment = {HOSTS: ",".join(fleet.names)}

    @property
    def version(self) -> str:
        """The engine and its version, and the hosts that answered, for people."""
        hosts = self._fleet.hosts
        versions = dict.fromkeys(host.api.version for host in hosts)
        return f"docker {', '.join(versions)} on {', '.join(host.name for host in hosts)}"

    @property
    def hosts(self) -> Sequence[Host]:
        """Those that answered at first."""
        return self._fleet.hosts

    @property
    def silent(self) -> Mapping[str, str]:
        """Those that did not, and why."""
        return self._fleet.silent

    # -- its host --------------------------------------------------------------------------

    @property
    def node(self) -> str:  # type: ignore[override]
        """The host that this gate has. Raises `EngineError`."""
        return self._mine()[0].name

    def _mine(self) -> tuple[Host, Lease]:
        """The host of this engine, which takes one if it has none any more."""
        came, waited = time.monotonic(), False
        while self._host is None or self._lease is None or not self._host.has(self._lease):
            if self._host is not None:
                self._host.leave(self._lease)
                self._host = self._lease = None
            with self._fleet.lock:
                if self._fleet.closed:
                    raise EngineError("The run is over.")
                hosts = [host for host in self._fleet.usable() if host.lease is None]
                # Others take another order, so that they rarely ask for the same.
                if any(map(self._take, random.sample(hosts, len(hosts)))):
                    continue
            if held := [host.held.has(host.name) for host in hosts if host.held is not None]:
                waited = True
                self.waits(held, time.monotonic() - came)
            time.sleep(_LOOK)
        if waited:
            self.waits((), time.monotonic() - came)
        return self._host, self._lease

    def _take(self, host: Host) -> bool:
        try:
            lease = host.take(python_image(), self._fleet.labels)
        except EngineError:
            if host.away is None:
                raise
            return False  # there may be others; if not, they say why
        if lease is not None:
            self._host, self._lease, self._api = host, lease, host.api
        return lease is not None

    def beside(self, most: int) -> Sequence[HostsEngine]:
        """On other hosts alike that no gate has just now. Raises `EngineError`."""
        found: list[HostsEngine] = []
        for host in self._fleet.hosts if most > 0 else ():
            own, _ = self._mine()
            free = host.away is None and host.lease is None
            if len(found) < most and free and host.like(own):
                other = HostsEngine(self._run, self._fleet)
                if other._take(host):
                    found.append(other)
        return found

    def leave(self, *, shunned: bool = False) -> None:
        """Let another gate have the host; `shunned`: boot there no more."""
        if self._host is not None:
            if shunned:
                self._host.shunned = True
                self._host.away = f"Docker host {self._host.name} was left out."
            self._host.leave(self._lease)
        self._host = self._lease = None

    # -- what it does there ----------------------------------------------------------------

    def capacity(self) -> Capacity:
        """A host as it tells it. Raises `EngineError`."""
        return (self._host or self._fleet.usable()[0]).capacity

    def resolve(self, image: str) -> str:
        """The id of an image, pulled on the host, and the same on all. Raises `EngineError`."""
        host, _ = self._mine()
        found = super().resolve(image)
        known, where = self._fleet.images.setdefault(image, (found, host.name))
        if known != found:
            raise EngineError(
                f"Image {image} is {found} on host {host.name}, but {known} on host {where}."
                " Pull it from one registry on both, or name it by its digest (image@sha256:…)."
            )
        self._fleet.there.add((image, host.name))
        return found

    def look_for(self, image: str) -> bool:
        """Whether an image is on all hosts. Raises `EngineError` where one cannot have it."""
        return all(DockerEngine(self._run, h.api).look_for(image) for h in self._fleet.hosts)

    def export(self, volume: str, image: str | None, into: Path) -> None:
        """Keep what is in a volume of the host as a tar file. Raises `EngineError`."""
        self._mine()
        super().export(volume, image, into)

    def place(self, ports: Mapping[str, int], network: Wanted | None = None) -> DockerPlace:
        """A new place on the host, which has all images that were resolved."""
        host, lease = self._mine()
        for image in [*self._fleet.images]:
            if (image, host.name) not in self._fleet.there:
                self.resolve(image)
        return _HostPlace(host, lease, self._run, ports, network or Wanted())

    def close(self) -> None:
        """Remove what is left of this run on all hosts, and disconnect. Raises `EngineError`."""
        failed = None
        with self._fleet.lock:
            self._fleet.closed = True
            for host in self._fleet.hosts:
                try:
                    sweep_one(host.api, self._run)
                except EngineError as error:
                    failed = error
                host.leave(host.lease)
                host.api.close()
        if failed is not None:
            raise failed


class _HostPlace(DockerPlace):
    """A place on a host as long as this gate has it by a lease."""

    def __init__(
        self, host: Host, lease: Lease, run: str, ports: Mapping[str, int], network: Wanted
    ) -> None:
        api = host.api.guarded(lambda: host.must_have(lease))
        super().__init__(api, run, ports, most_memory(host.capacity), network, {LEASED: "1"})
        self._host, self._lease = host, lease

    def machine(self) -> MachineUse:
        """The host's. Raises `LostError`."""
        self._host.must_have(self._lease)
        return self._lease.machine()

    def remove(self) -> None:
        """Remove all of it. Raises `LostError` where another gate may have booted beside it."""
        super().remove()
        self._host.must_have(self._lease)
