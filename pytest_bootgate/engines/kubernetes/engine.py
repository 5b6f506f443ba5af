"""Boots as pods of a Kubernetes cluster, one at a time."""

from __future__ import annotations

import random
import secrets
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from lightkube.resources.core_v1 import Node

from pytest_bootgate.engines import owner
from pytest_bootgate.engines.base import CONTAINED, Capacity, UnitSpec, python_image
from pytest_bootgate.engines.clock import REAL
from pytest_bootgate.engines.kubernetes import registry
from pytest_bootgate.engines.kubernetes.api import Cluster
from pytest_bootgate.engines.kubernetes.images import Warm, warm
from pytest_bootgate.engines.kubernetes.lease import Leases, holders, remove
from pytest_bootgate.engines.kubernetes.place import PodPlace
from pytest_bootgate.engines.kubernetes.pod import OWNER, RUN_LABEL, Shape
from pytest_bootgate.engines.kubernetes.rights import missing
from pytest_bootgate.engines.kubernetes.status import over, ready
from pytest_bootgate.engines.machines import Waits, nobody
from pytest_bootgate.errors import EngineError, LostError
from pytest_bootgate.gatefile.model import Container, Kubernetes

#: By these the process that cleans up, and `bootgate clean`, find the cluster of a gate file.
CONTEXT, NAMESPACE = "BOOTGATE_KUBERNETES_CONTEXT", "BOOTGATE_KUBERNETES_NAMESPACE"
_REMOVAL, _LOOK = 20.0, 0.2


class KubernetesEngine:
    """A namespace of a cluster; every pod is labelled ``bootgate.run=<run>``.

    Raises `EngineError` where no cluster answers.
    """

    name = "kubernetes"
    traits = replace(CONTAINED, leases=True, closed=True)
    clock = REAL

    def __init__(self, run: str, asked: Kubernetes, cluster: Cluster | None = None) -> None:
        self._run, self._asked = run, asked
        self.cluster = cluster or Cluster(asked.context, asked.namespace)
        self._leases = Leases(self.cluster, run)
        self._node: str | None = None
        self.waits: Waits = nobody
        #: The nodes on which boots were lost.
        self._left: set[str] = set()
        self._images: dict[str, Warm] = {}
        #: Which of them are on which nodes.
        self._there: set[tuple[str, str]] = set()
        self._others: list[KubernetesEngine] = []

    @property
    def version(self) -> str:
        """The engine and its version, for people."""
        return f"kubernetes {self.cluster.version} ({self.cluster.context})"

    @property
    def environment(self) -> Mapping[str, str]:
        """Its context and namespace."""
        return {CONTEXT: self.cluster.context, NAMESPACE: self.cluster.namespace}

    def capacity(self) -> Capacity | None:
        """What a node of it has, None where this user may not look. Raises `EngineError`."""
        names = self._candidates()
        if not names:
            return None
        with self.cluster.call("look at its nodes"):
            node = self.cluster.node(self._node or next(iter(names)))
        has = node.status.capacity if node is not None and node.status is not None else None
        return Capacity(int(has["cpu"]), _bytes(str(has["memory"])), "") if has else None

    def _candidates(self) -> dict[str, Node]:
        """The nodes that may be used, none where nobody may list them. Raises `EngineError`."""
        with self.cluster.call("list its nodes"):
            found = self.cluster.nodes(self._asked.nodes)
        names = {str(one.metadata.name): one for one in found or () if one.metadata and ready(one)}
        if found is not None and not names:
            labels = ", ".join(f"{key}={text}" for key, text in self._asked.nodes.items())
            raise EngineError(
                f"The cluster of context {self.cluster.context} has no node that is ready"
                f"{f' with {labels}' if labels else ''}. Correct kubernetes: {{nodes: ...}}."
            )
        return names

    @property
    def node(self) -> str:
        """The node that this gate has; empty where the cluster chooses. Raises `EngineError`."""
        if self._node is None and (names := [*self._candidates()]):
            # Others take another order, so that they rarely ask for the same.
            wanted = [name for name in names if name not in self._left] or names
            self._node = self._leases.take(random.sample(wanted, len(wanted)), self.waits)
        return self._node or ""

    def beside(self, most: int) -> Sequence[KubernetesEngine]:
        """On other nodes of the same class that no gate has just now. Raises `EngineError`."""
        found: list[KubernetesEngine] = []
        nodes = self._candidates() if self.node else {}
        own = nodes.get(self.node)
        for name, node in nodes.items():
            alike = own is not None and alike_class(node, own)
            if len(found) < most and alike and name != self.node and name not in self._left:
                other = KubernetesEngine(self._run, self._asked, self.cluster)
                if other._leases.free(name):
                    other._node = name
                    # What one finds out, all know.
                    other._left, other._images = self._left, self._images
                    other._there = self._there
                    self._others.append(other)
                    found.append(other)
        return found

    def leave(self, *, shunned: bool = False) -> None:
        """Let another gate have the node; `shunned`: boot there no more."""
        if self._node and shunned:
            self._left.add(self._node)
        self._leases.leave()
        self._node = None

    def _leave(self) -> None:
        """A boot was lost here: go on elsewhere, if there is another node."""
        if self._node:
            self._left.add(self._node)
        self._leases.abandon()
        self._node = None

    def resolve(self, image: str) -> str:
        """The digest of an image, pulled on the node. Raises `EngineError`."""
        known, name = self._images.get(image), image
        if known is not None:
            name = known.name
        else:
            with suppress(EngineError):  # a registry that only nodes can reach
                name = registry.pinned(image)
        found = warm(self.cluster, name, self._shape([], image))
        if not self._node:
            self._node = self._leases.take([found.node], self.waits)
        if known is not None and known.digest != found.digest:
            raise EngineError(
                f"Image {image} is {found.digest} on node {found.node}, but was {known.digest} on"
                f" {known.node}: the tag was moved. Use the image's digest (image@sha256:…), or"
                " rerun."
            )
        self._images.setdefault(image, found)
        self._there.add((image, found.node))
        return found.digest

    def _pinned(self, image: str) -> str:
        """An image as it was found: by its digest, if that could be."""
        return self._images[image].name if image in self._images else image

    def _settle(self) -> None:
        """The node is this gate's, and has all images, which are the same as before."""
        if self._leases.lost:
            self._leave()
            raise LostError("another gate has taken over its node")
        for image in [*self._images]:
            if (image, self.node) not in self._there:
                self.resolve(image)

    def look_for(self, image: str) -> bool:
        """Nobody knows what nodes can pull before they have."""
        del image
        return True

    def rights(self) -> list[str]:
        """What this user may not do and a gate needs, in words. Raises `EngineError`."""
        return missing(self.cluster)

    def info(self) -> dict[str, Any]:
        """Nothing that is known of every cluster."""
        return {}

    def export(self, volume: str, image: str | None, into: Path) -> None:  # noqa: ARG002
        """There are no volumes of this kind. Raises `EngineError`."""
        raise EngineError(
            f"The kubernetes engine cannot copy volume {volume}. Name a directory or an archive, or"
            " use --bootgate-engine docker."
        )

    def place(self, ports: Mapping[str, int], network: Container | None = None) -> PodPlace:
        """A new place; the network is its own, so the ports are as asked for."""

        def shape(specs: Sequence[UnitSpec], helper: str | None) -> Shape:
            self._settle()
            if (agents := helper or python_image()) not in self._images:
                self.resolve(agents)
            return self._shape(specs, agents, network or Container())

        return PodPlace(self.cluster, ports, shape, self._leave)

    def _shape(
        self, specs: Sequence[UnitSpec], helper: str, network: Container | None = None
    ) -> Shape:
        return Shape(
            name=f"bootgate-{self._run}-{secrets.token_hex(4)}",
            run=self._run,
            owner=owner.own(),
            units=[replace(one, image=self._pinned(one.image or "")) for one in specs],
            helper=self._pinned(helper),
            node=self.node,
            network=network or Container(),
            asked=self._asked,
        )

    def close(self) -> None:
        """Remove what is left of this run, and disconnect."""
        try:
            until = time.monotonic() + _REMOVAL
            while _sweep(self.cluster, self._run) and time.monotonic() < until:
                time.sleep(_LOOK)
            for engine in (self, *self._others):
                engine.leave()
        finally:
            self.cluster.close()


def alike_class(one: Node, other: Node) -> bool:
    """Whether two nodes are machines of one kind: a boot takes as long on either."""
    return _class(one) == _class(other)


def _class(node: Node) -> tuple[str | None, ...]:
    has = (node.status.capacity if node.status is not None else None) or {}
    labels = (node.metadata.labels if node.metadata is not None else None) or {}
    kinds = ("kubernetes.io/arch", "node.kubernetes.io/instance-type")
    return (has.get("cpu"), *(labels.get(kind) for kind in kinds))


def _bytes(quantity: str) -> int:
    """Of what a node says of its memory."""
    units = {"Ki": 1 << 10, "Mi": 1 << 20, "Gi": 1 << 30}
    return int(quantity[:-2]) * units[quantity[-2:]] if quantity[-2:] in units else int(quantity)


def _sweep(cluster: Cluster, run: str) -> int:
    """Remove the pods of a run."""
    with cluster.call("remove leftovers"):
        found = cluster.pods({RUN_LABEL: run})
        for pod in found:
            assert pod.metadata is not None
            assert pod.metadata.name is not None
            cluster.delete(pod.metadata.name)
        return len(found)


def sweep(run: str, cluster: Cluster) -> int:
    """Remove all pods of a run, then its leases; how many that were."""
    try:
        if removed := _sweep(cluster, run):
            return removed
        with cluster.call("remove leftovers"):  # only when nothing is on the node any more
            return remove(cluster, run)
    finally:
        cluster.close()


def runs(cluster: Cluster) -> dict[str, str]:
    """Of all runs that have pods or leases in the namespace, the owner. Raises `EngineError`.

    ``gone`` where all its pods have ended, and it leases no node: the agents end with their gate.
    """
    try:
        with cluster.call("list leftovers"):
            pods = cluster.pods({RUN_LABEL: None})
            leasing = holders(cluster)
    finally:
        cluster.close()
    found = dict.fromkeys(leasing, "")
    alive = {run for run, renewed in leasing.items() if renewed}
    for pod in pods:
        assert pod.metadata is not None
        run = (pod.metadata.labels or {})[RUN_LABEL]
        found[run] = (pod.metadata.annotations or {}).get(OWNER, "")
        if not over(pod):
            alive.add(run)
    return {run: owner if run in alive else "gone" for run, owner in found.items()}
