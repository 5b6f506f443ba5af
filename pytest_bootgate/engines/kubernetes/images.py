"""Images on the nodes: pulled before the first boot, so that none is measured with its pull."""

from __future__ import annotations

import time
from dataclasses import dataclass

from pytest_bootgate.engines.kubernetes import status
from pytest_bootgate.engines.kubernetes.api import Cluster
from pytest_bootgate.engines.kubernetes.pod import OWNER, RUN_LABEL, Shape, patched, placed
from pytest_bootgate.errors import EngineError, ImageError, LostError

#: What no image has: the kubelet pulls it, says which one it is, and starts nothing.
_NOTHING = "/bootgate-only-pulls"
_NAME = "image"
_PULL, _ROOM, _SLOW, _LOOK = 900.0, 60.0, 5.0, 0.1


@dataclass(frozen=True, slots=True)
class Warm:
    """An image that is on a node; `name` has its digest where its registry told that."""

    name: str
    digest: str
    node: str


def warm(cluster: Cluster, image: str, shape: Shape) -> Warm:
    """See to it that a node has an image. Raises `EngineError`."""
    spec = {
        "restartPolicy": "Never",
        "activeDeadlineSeconds": int(_PULL),
        "automountServiceAccountToken": False,
        "terminationGracePeriodSeconds": 0,
        "containers": [{"name": _NAME, "image": image, "command": [_NOTHING]}],
        **placed(shape.node, shape.asked),
    }
    labels, annotations = {RUN_LABEL: shape.run}, {OWNER: shape.owner}
    metadata = {"name": shape.name, "labels": labels, "annotations": annotations}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}
    # What is merged into the containers of boots is none of this one's.
    patch = shape.asked.pod
    own = {
        k: v for k, v in (patch.get("spec") or {}).items() if not k.lower().endswith("containers")
    }
    cluster.create(patched(pod, {**patch, "spec": own}))
    try:
        return _pulled(cluster, image, shape)
    finally:
        with cluster.call("remove a pod"):
            cluster.delete(shape.name)


def _pulled(cluster: Cluster, image: str, shape: Shape) -> Warm:
    began = time.monotonic()
    while (waited := time.monotonic() - began) < _PULL:
        with cluster.call(f"pull image {image}"):
            pod = cluster.pod(shape.name)
        if pod is None:
            break
        for _, why in status.without_image(pod):
            raise ImageError(
                f"Node {status.node_of(pod)} cannot have image {image}: {why}. Check its name and"
                " registry, and kubernetes: {image_pull_secrets: ...}."
            )
        if digest := status.digest(pod, _NAME):
            # A node may know it by another name, and so by another digest.
            own = image.partition("@")[2]
            return Warm(image, own or digest, status.node_of(pod))
        node = cluster.node(shape.node) if waited > _SLOW and shape.node else None
        if node is not None and not status.ready(node):
            raise LostError(f"node {shape.node} is not ready")
        if waited > _ROOM and (why := status.unschedulable(pod)):
            raise EngineError(
                f"No node has taken a pod that pulls {image} for {_ROOM:g} s: {why}. Correct"
                " kubernetes: {nodes: ...}."
            )
        time.sleep(_LOOK)
    raise EngineError(f"Image {image} was not pulled within {_PULL:g} s, or its pod was deleted.")
