"""A place is one pod: a container for each unit, and one for the agent."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Collection, Mapping, Sequence

from lightkube.resources.core_v1 import Node, Pod

from pytest_bootgate.engines.base import Sink, UnitSpec
from pytest_bootgate.engines.kubernetes import status
from pytest_bootgate.engines.kubernetes.api import Cluster
from pytest_bootgate.engines.kubernetes.pod import SHARED, Shape, container_name, manifest
from pytest_bootgate.engines.kubernetes.unit import Host, PodUnit
from pytest_bootgate.engines.kubernetes.wire import AGENT, Wire
from pytest_bootgate.engines.machines import MachineUse
from pytest_bootgate.errors import EngineError, ImageError, LostError

#: How long a pod may wait for a node that has room, until one looks at its node as well, and for
#: its containers to be started.
ROOM, SLOW, UP = 60.0, 5.0, 180.0
_LOOK = 0.1
_WAITS = 30.0
#: How long what is killed may take to say its last.
_LAST = 3.0


class PodPlace:
    """One pod; it is made when all its units are known, as nothing can be added to it later.

    `shape` says what it is made of, `lost` is told where nobody knows any more what happens in it.
    Raises `EngineError`, and `LostError` where it was not
    the gate's or the release's fault.
    """

    dir = SHARED

    def __init__(
        self,
        cluster: Cluster,
        ports: Mapping[str, int],
        shape: Callable[[Sequence[UnitSpec], str | None], Shape],
        lost: Callable[[], None],
    ) -> None:
        self._cluster, self._shape, self._lost = cluster, shape, lost
        self.ports = dict(ports)
        self._name = ""
        self._host: Host | None = None
        self._specs: dict[str, UnitSpec] = {}
        self._identities: dict[str, str] = {}
        self._units: dict[str, PodUnit] = {}

    def expect(self, specs: Sequence[UnitSpec], helper: str | None) -> None:
        """Make the pod of these units. Raises `EngineError`."""
        shape = self._shape(specs, helper)
        self._specs = {spec.role: spec for spec in specs}
        self._name = shape.name
        self._cluster.create(manifest(shape))
        try:
            pod = self._up(shape.node)
            wire = Wire(self._cluster, self._name, self._away)
        except LostError:
            self._lost()
            raise
        self._identities = {
            one.role: (one.image or "").partition("@")[2]
            or status.digest(pod, container_name(one.role))
            for one in shape.units
        }
        node = status.node_of(pod)
        boot = status.boot_id(self._node(node))
        self._host = Host(self._cluster, wire, self._name, node, boot)

    def _away(self) -> str | None:
        """Why the pod is gone, None where it is not known to be."""
        pod = self._look()
        why = status.taken_away(pod, self._name)
        if why is None and pod is not None and status.over(pod):
            return f"all containers of pod {self._name} ended, that of its agent among them"
        return why

    def _look(self) -> Pod | None:
        with self._cluster.call("look at a pod"):
            return self._cluster.pod(self._name)

    def _node(self, name: str) -> Node | None:
        with self._cluster.call("look at a node"):
            return self._cluster.node(name) if name else None

    def _up(self, wanted: str) -> Pod:
        """The pod once all its containers run. Raises `EngineError`."""
        began = time.monotonic()
        while True:
            pod, waited = self._look(), time.monotonic() - began
            if pod is None:
                raise LostError(f"pod {self._name} was deleted")
            if status.all_run(pod):
                return pod
            for container, why in status.without_image(pod):
                raise ImageError(
                    f"Node {status.node_of(pod)} cannot have image {container.image}: {why}. Check"
                    " its name and registry, and kubernetes: {image_pull_secrets: ...}."
                )
            if (failed := status.failed_start(pod)) is not None:
                raise self._not_started(*failed)
            if (away := status.taken_away(pod, self._name)) is not None:
                raise LostError(away)
            if waited > ROOM and (why := status.unschedulable(pod)):
                raise EngineError(
                    f"No node has taken pod {self._name} for {ROOM:g} s: {why}. Free one, lower the"
                    " profile, or correct kubernetes: {nodes: ...}."
                )
            if waited > SLOW and (node := self._node(wanted)) and not status.ready(node):
                raise LostError(f"node {wanted} is not ready")
            if waited > UP:
                raise LostError(
                    f"node {status.node_of(pod) or '(none)'} has not started pod {self._name} for"
                    f" {UP:g} s"
                )
            time.sleep(_LOOK)

    def _not_started(self, container: str, why: str) -> EngineError:
        said = self._cluster.last_words(self._name, container)
        said = f" Its last output: {said}." if said else ""
        return EngineError(
            f"Container {container} of pod {self._name} did not start: {why}.{said} The container"
            f" {AGENT} needs an image with Python 3.9 or newer and a shell (the sidecar's), and an"
            " account that may give files away (root)."
        )

    def create(self, spec: UnitSpec, sink: Sink) -> PodUnit:
        """Take a unit that waits in the pod, and listen to it. Raises `EngineError`."""
        if self._host is None:
            self.expect([spec], None)
        host, announced = self._host, self._specs.get(spec.role)
        assert host is not None
        if announced is None or spec.role in self._units:
            raise EngineError(f"A {spec.noun} was not announced when pod {self._name} was made.")
        unit = self._units[spec.role] = PodUnit(host, announced, sink, self._identities[spec.role])
        if not host.wire.wait(lambda: unit.waits, _WAITS):
            raise LostError(f"the {spec.noun} of pod {self._name} is not up after {_WAITS:g} s")
        unit.made(spec)
        return unit

    def strangers(self, ports: Collection[int]) -> Mapping[int, str]:  # noqa: ARG002
        """Nobody: the network is its own."""
        return {}

    def machine(self) -> MachineUse | None:
        """The node's, and how the gateway fared on it, by its kernel's word."""
        assert self._host is not None
        return MachineUse(**self._host.wire.order("machine", container_name("gateway")))

    def remove(self) -> None:
        """End all of it, and let the cluster remove it. Raises `EngineError` without a cluster."""
        host, self._host = self._host, None
        if host is not None:
            for unit in self._units.values():
                unit.leave()
            with contextlib.suppress(EngineError):
                host.wire.order("end")
                host.wire.wait(lambda: all(unit.left for unit in self._units.values()), _LAST)
            if host.wire.lost:
                self._lost()
            host.wire.close()
        if self._name:
            with self._cluster.call("remove a pod"):
                self._cluster.delete(self._name)
