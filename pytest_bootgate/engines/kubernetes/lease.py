"""One gate at a time on a node, whoever asks for it: by a Lease of the node's name.

It is renewed while the gate lives. Another gate takes it over once it was not renewed for as long
as it says, by that gate's own clock: clocks of machines differ.
"""

from __future__ import annotations

import datetime as dt
import secrets
import threading
import time
from collections.abc import Collection
from contextlib import suppress

from lightkube.core.exceptions import ApiError
from lightkube.models.coordination_v1 import LeaseSpec
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.coordination_v1 import Lease

from pytest_bootgate.engines import owner
from pytest_bootgate.engines.kubernetes.api import CONFLICT, GONE, Cluster, again
from pytest_bootgate.engines.kubernetes.pod import RUN_LABEL
from pytest_bootgate.engines.machines import Held, Waits, nobody
from pytest_bootgate.errors import EngineError

SECONDS, _RENEW, _LOOK = 30, 8.0, 0.5
#: Who has it, for those who wait.
_BY = "bootgate.by"
#: Clocks of machines may differ by so much.
_STALE = 300


class Leases:
    """The lease of a run. Raises `EngineError` where the cluster refuses."""

    def __init__(self, cluster: Cluster, run: str) -> None:
        self._cluster, self._run = cluster, run
        # One run may hold several, and must not take its own for one that is free.
        self._holder = f"{run}-{secrets.token_hex(3)}"
        self._seen: dict[str, tuple[str, float]] = {}
        self._held: dict[str, Held] = {}
        self._since = dt.datetime.now(dt.UTC)
        self._over = threading.Event()
        self._node = ""
        self._abandoned: dict[str, float] = {}
        self.lost = False

    def take(self, nodes: Collection[str], waits: Waits = nobody) -> str:
        """Wait until one of these nodes is free, for as long as it takes; it is this run's then.

        `waits` is told as `Engine.waits` says.
        """
        came, waited = time.monotonic(), False
        self._held.clear()
        while not any(self.free(node) for node in nodes):
            waited = True
            if held := [self._held[node] for node in sorted(nodes) if node in self._held]:
                waits(held, time.monotonic() - came)
            time.sleep(_LOOK)
        if waited:
            waits((), time.monotonic() - came)
        return self._node

    def free(self, node: str) -> bool:
        """Take a node if it is free."""
        with self._cluster.call(f"lease node {node}"):
            taken = self._taken(node)
        if taken:
            self._node, self.lost = node, False
            self._over = threading.Event()
            threading.Thread(target=self._renew, args=(self._over,), daemon=True).start()
        return taken

    def _taken(self, node: str) -> bool:
        name, self._since = _name(node), dt.datetime.now(dt.UTC)
        try:
            again(lambda: self._cluster.client.create(self._lease(name)))
        except ApiError as error:
            if error.status.code != CONFLICT:
                raise
            return self._taken_over(node)
        return True

    def _taken_over(self, node: str) -> bool:
        """Whether a lease was one that nobody renews."""
        name = _name(node)
        found = self._found(name)
        if found is None or found.metadata is None or found.spec is None:
            return False
        if found.spec.holderIdentity == self._holder:  # its answer was lost on the way
            return True
        self._held[node] = _held(node, found)
        version = str(found.metadata.resourceVersion)
        before, since = self._seen.get(name, ("", 0.0))
        if version != before:
            self._seen[name] = version, time.monotonic()
            return False
        if time.monotonic() - since < (found.spec.leaseDurationSeconds or SECONDS):
            return False
        return self._replaced(name, version)

    def _replaced(self, name: str, version: str) -> bool:
        """Whether a lease is this run's now; not where it was changed meanwhile."""
        try:
            again(lambda: self._cluster.client.replace(self._lease(name, version)))
        except ApiError as error:
            if error.status.code in (CONFLICT, GONE):
                return False
            raise
        return True

    def _found(self, name: str) -> Lease | None:
        try:
            return again(lambda: self._cluster.client.get(Lease, name))
        except ApiError as error:
            if error.status.code == GONE:
                return None
            raise

    def _lease(self, name: str, version: str | None = None) -> Lease:
        now = dt.datetime.now(dt.UTC)
        return Lease(
            metadata=ObjectMeta(
                name=name,
                labels={RUN_LABEL: self._run},
                annotations={_BY: owner.me()},
                resourceVersion=version,
            ),
            spec=LeaseSpec(
                holderIdentity=self._holder,
                leaseDurationSeconds=SECONDS,
                acquireTime=self._since,
                renewTime=now,
            ),
        )

    def _renew(self, over: threading.Event) -> None:
        name, renewed = _name(self._node), time.monotonic()
        while not over.wait(_RENEW):
            with suppress(Exception):  # a server that is away may be back in time
                found = self._found(name)
                if not self._holds(found):
                    break
                assert found is not None
                assert found.metadata is not None
                if self._replaced(name, str(found.metadata.resourceVersion)):
                    renewed = time.monotonic()
            if time.monotonic() - renewed > SECONDS:
                break
        self.lost = not over.is_set()

    def _holds(self, found: Lease | None) -> bool:
        return (
            found is not None
            and found.spec is not None
            and (found.spec.holderIdentity == self._holder)
        )

    def abandon(self) -> None:
        """Renew it no more: what runs there ends by itself before another gate takes it over."""
        self._over.set()
        if self._node:
            self._abandoned[self._node] = time.monotonic()
        self._node = ""

    def leave(self) -> None:
        """Let another gate have the node. Nothing on it may run any more.

        So it is with those that were abandoned long enough ago.
        """
        self._over.set()
        ended = [n for n, at in self._abandoned.items() if time.monotonic() - at > SECONDS]
        for node in (*ended, *[self._node] * bool(self._node)):
            self._abandoned.pop(node, None)
            with suppress(EngineError), self._cluster.call("give back a node"):
                if self._holds(self._found(_name(node))):
                    self._cluster.client.delete(Lease, _name(node))
        self._node = ""


def remove(cluster: Cluster, run: str) -> int:
    """Remove the leases of a run that is gone; how many that were."""
    found = again(lambda: [*cluster.client.list(Lease, labels={RUN_LABEL: run})])
    for lease in found:
        assert lease.metadata is not None
        assert lease.metadata.name is not None
        cluster.client.delete(Lease, lease.metadata.name)
    return len(found)


def holders(cluster: Cluster) -> dict[str, bool]:
    """The runs that have leases, and whether they have renewed one lately."""
    since = dt.datetime.now(dt.UTC) - dt.timedelta(seconds=_STALE)
    found = again(lambda: [*cluster.client.list(Lease, labels={RUN_LABEL: None})])
    lately: dict[str, bool] = {}
    for lease in found:
        assert lease.metadata is not None
        run = (lease.metadata.labels or {})[RUN_LABEL]
        renewed = lease.spec.renewTime if lease.spec is not None else None
        lately[run] = lately.get(run, False) or bool(renewed and renewed > since)
    return lately


def _held(node: str, lease: Lease) -> Held:
    about, spec = lease.metadata, lease.spec
    run = ((about.labels if about is not None else None) or {}).get(RUN_LABEL, "")
    user = ((about.annotations if about is not None else None) or {}).get(_BY, "")
    since = spec.acquireTime if spec is not None else None
    passed = (dt.datetime.now(dt.UTC) - since).total_seconds() if since is not None else None
    return Held(node, run, user, None if passed is None else max(0.0, passed))


def _name(node: str) -> str:
    return f"bootgate-{node}"
