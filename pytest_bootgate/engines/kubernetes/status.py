"""What the state of a pod means: not up yet, in trouble, ended by itself, or taken away. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lightkube.models.core_v1 import ContainerStateTerminated, ContainerStatus
from lightkube.resources.core_v1 import Node, Pod

#: Why a kubelet does not have an image, whatever it says of it.
_NO_IMAGE = {
    *("ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull"),
    *("ImageInspectError", "RegistryUnavailable"),
}
#: Of a container whose end nobody saw.
_UNSEEN = 255


def _of(pod: Pod) -> list[ContainerStatus]:
    status = pod.status
    if status is None:
        return []
    return [*(status.initContainerStatuses or ()), *(status.containerStatuses or ())]


def container(pod: Pod, name: str) -> ContainerStatus | None:
    """What is known of a container."""
    return next((one for one in _of(pod) if one.name == name), None)


def terminated(pod: Pod, name: str) -> ContainerStateTerminated | None:
    """How a container ended, None while it has not."""
    seen = container(pod, name)
    return seen.state.terminated if seen is not None and seen.state is not None else None


def all_run(pod: Pod) -> bool:
    """Whether all its containers were started."""
    main = (pod.status.containerStatuses if pod.status is not None else None) or []
    return bool(main) and all(one.state is not None and one.state.running for one in main)


def without_image(pod: Pod) -> Iterator[tuple[ContainerStatus, str]]:
    """The containers whose image the node cannot have, and why."""
    for one in _of(pod):
        waiting = one.state.waiting if one.state is not None else None
        if waiting is not None and waiting.reason in _NO_IMAGE:
            yield one, (waiting.message or waiting.reason or "").rstrip(".")


def unschedulable(pod: Pod) -> str:
    """Why no node takes it, empty where one did or nobody has looked yet."""
    for one in (pod.status.conditions if pod.status is not None else None) or ():
        if one.type == "PodScheduled" and one.status == "False":
            return (one.message or one.reason or "").rstrip(".")
    return ""


def failed_start(pod: Pod) -> tuple[str, str] | None:
    """The container that could not be started, and why; None where there is none."""
    for one in _of(pod):
        state = one.state
        if state is None:
            continue
        end, waiting = state.terminated, state.waiting
        if end is not None and end.exitCode != 0:
            why = (end.message or end.reason or "").strip().rstrip(".")
            return one.name, f"exited with {end.exitCode} ({why})"
        if waiting is not None and (waiting.reason or "").endswith(("Error", "BackOff")):
            return one.name, (waiting.message or waiting.reason or "").rstrip(".")
    return None


def taken_away(pod: Pod | None, name: str) -> str | None:
    """Why a pod is not what it was, None where nothing is known to have happened to it."""
    if pod is None:
        return f"pod {name} was deleted"
    assert pod.metadata is not None
    assert pod.status is not None
    if pod.status.phase == "Failed" and pod.status.reason:  # Evicted, DeadlineExceeded, …
        more = f": {pod.status.message.rstrip('.')}" if pod.status.message else ""
        return f"pod {name} was ended ({pod.status.reason}{more})"
    if pod.metadata.deletionTimestamp is not None:
        return f"pod {name} was deleted by somebody else"
    return None


def over(pod: Pod) -> bool:
    """Whether all its containers have ended, whyever."""
    return pod.status is not None and pod.status.phase in ("Failed", "Succeeded")


def unseen(end: ContainerStateTerminated) -> bool:
    """Whether nobody saw how a container ended: its node was off."""
    return end.exitCode == _UNSEEN or end.reason in ("Unknown", "ContainerStatusUnknown")


def digest(pod: Pod, name: str) -> str:
    """The image that a container has, by its digest; empty where it is not known yet."""
    seen = container(pod, name)
    found = re.search(r"sha256:[0-9a-f]{64}", seen.imageID or "" if seen is not None else "")
    return found[0] if found else ""


def node_of(pod: Pod) -> str:
    """The node on which it is, empty before it is on one."""
    return (pod.spec.nodeName if pod.spec is not None else None) or ""


def ready(node: Node) -> bool:
    """Whether the kubelet of a node answers, and takes pods."""
    conditions = (node.status.conditions if node.status is not None else None) or ()
    cordoned = node.spec is not None and bool(node.spec.unschedulable)
    return not cordoned and any(c.type == "Ready" and c.status == "True" for c in conditions)


def boot_id(node: Node | None) -> str:
    """Which start of its kernel a node is in, empty where that is not known."""
    info = node.status.nodeInfo if node is not None and node.status is not None else None
    return info.bootID if info is not None else ""
