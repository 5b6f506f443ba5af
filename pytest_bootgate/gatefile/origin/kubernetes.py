"""A container of a Kubernetes manifest, and what runs in its pod beside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from pytest_bootgate.errors import BootgateError
from pytest_bootgate.gatefile.origin import pod_probes
from pytest_bootgate.gatefile.origin.found import Found, Lost, Part, megabytes
from pytest_bootgate.gatefile.origin.pod_env import Environment, escaped
from pytest_bootgate.gatefile.origin.pod_rights import rights
from pytest_bootgate.gatefile.origin.pod_volumes import Volumes
from pytest_bootgate.gatefile.origin.pods import Pod, chosen, pods
from pytest_bootgate.gatefile.origin.reading import (
    flag,
    maps,
    named,
    quantity,
    section,
    text,
    texts,
)
from pytest_bootgate.gatefile.origin.together import host
from pytest_bootgate.gatefile.source import documents
from pytest_bootgate.gatefile.tree import Map, Mistakes

#: What a gate file says for the container of a name.
Given = Callable[[str], Mapping[str, str]]
#: What is said of a pod and means nothing to one boot: where it runs, and how it ends.
_IDLE_POD = {
    *("containers", "initContainers", "volumes", "securityContext", "hostname", "hostAliases"),
    *("restartPolicy", "terminationGracePeriodSeconds", "activeDeadlineSeconds", "dnsPolicy"),
    *("dnsConfig", "nodeSelector", "serviceAccountName", "serviceAccount", "nodeName", "affinity"),
    *("automountServiceAccountToken", "imagePullSecrets", "schedulerName", "tolerations"),
    *("priorityClassName", "priority", "readinessGates", "enableServiceLinks", "subdomain"),
    *("preemptionPolicy", "overhead", "topologySpreadConstraints", "setHostnameAsFQDN", "os"),
    *("hostUsers", "schedulingGates", "hostNetwork", "hostPID", "hostIPC"),
    "shareProcessNamespace",
}
#: What changes a pod where it is true.
_SHARED = ("hostNetwork", "hostPID", "hostIPC", "shareProcessNamespace")
_KNOWN = {
    *("name", "image", "command", "args", "workingDir", "ports", "env", "envFrom", "resources"),
    *("volumeMounts", "livenessProbe", "readinessProbe", "startupProbe", "lifecycle"),
    *("imagePullPolicy", "securityContext", "stdin", "stdinOnce", "tty", "restartPolicy"),
    *("terminationMessagePath", "terminationMessagePolicy", "resizePolicy"),
}
_GPU = "nvidia.com/gpu"


def knows(path: Path) -> bool:
    """Whether a manifest runs containers. Raises `BootgateError` where it cannot be read."""
    return bool([*pods(_documents(path))])


def of_file(path: Path, wanted: str | None, given: Given = lambda _: {}) -> Found:
    """The container of a name, or the likely one; see `read`. Raises `BootgateError`."""
    return read(_documents(path), path, wanted, given)


def _documents(path: Path) -> list[Map]:
    mistakes = Mistakes()
    found = documents(path, mistakes)
    if found is None or mistakes:
        raise BootgateError(f"{path} cannot be read: {'; '.join(mistakes.lines(path))}")
    return found


def read(
    found: Sequence[Map], path: object, wanted: str | None, given: Given = lambda _: {}
) -> Found:
    """The container to gate, and the others of its pod as services.

    What the gate file says itself is `given` by the names of services, that of the gateway empty.
    Raises `NoContainerError`, and `MisplacedError` for what is not as Kubernetes has it.
    """
    pod, container = chosen([*pods(found)], wanted, path)
    gated = _part(container, pod, given(""))
    gated.ports = pod_probes.ports(container)
    pod_probes.start(gated, container)
    if pod.hostname:
        gated.container["hostname"] = escaped(pod.hostname)
    if aliases := maps(pod.spec, "hostAliases"):
        gated.container["extra_hosts"] = {
            name: text(one, "ip") for one in aliases for name in texts(one, "hostnames")
        }
    _of_pod(gated, pod)
    services: list[Part] = []
    for one in pod.first:
        services.append(part := _service(one, pod, services, given))
        if text(one, "restartPolicy") == "Always":
            pod_probes.started(part, one)
        else:
            part.once = True
    # They start when the gated one does: nobody waits for them, and they may wait for it.
    beside = [one for one in pod.containers if one is not container]
    for one in beside:
        services.append(_service(one, pod, services, given))
    for part in services:
        part.own = part.image == gated.image
    return Found(gated, services)


def _service(container: Map, pod: Pod, others: Sequence[Part], given: Given) -> Part:
    name = host(named(container), [part.name for part in others])
    named(container, "image")
    part = _part(container, pod, given(name))
    part.name = name
    return part


def _of_pod(gated: Part, pod: Pod) -> None:
    for key in _SHARED:
        if flag(pod.spec, key):
            words = f"`{key}` cannot be taken over"
            gated.lost.append(Lost(key, words, pod.spec.keys[key]))
    for key, place in pod.spec.keys.items():
        if key not in _IDLE_POD:
            gated.lost.append(Lost(key, f"`{key}` cannot be taken over", place))


def _part(container: Map, pod: Pod, given: Mapping[str, str]) -> Part:
    name = named(container)
    part = Part(name=name, image=escaped(text(container, "image")), key=name)
    part.built = not part.image
    environment = Environment(part, container, pod, given)
    part.env = environment.values
    part.command = [environment.expanded(word) for word in texts(container, "args")] or None
    made = part.container
    if command := texts(container, "command"):
        made["entrypoint"] = [environment.expanded(word) for word in command]
    if working := text(container, "workingDir"):
        made["working_dir"] = escaped(working)
    made |= rights(part, container, pod)
    volumes = Volumes(part, container, pod, read_only=bool(made.get("read_only")))
    more = {"volumes": volumes.volumes, "tmpfs": volumes.tmpfs, "shm_size": volumes.shm}
    made |= {key: value for key, value in more.items() if value}
    _limits(part, section(section(container, "resources"), "limits"))
    if section(container, "lifecycle").below("postStart") is not None:
        place = section(container, "lifecycle").keys["postStart"]
        part.lost.append(Lost("postStart", "`postStart` cannot be taken over", place))
    for key, place in container.keys.items():
        if key not in _KNOWN:
            part.lost.append(Lost(key, f"`{key}` cannot be taken over", place))
    _places(part, container)
    return part


def _limits(part: Part, limits: Map) -> None:
    part.cpus = quantity(limits, "cpu") or None
    if memory := quantity(limits, "memory"):
        part.memory = megabytes(memory)
    for key in limits.entries:
        if key == _GPU and (count := quantity(limits, key)):
            part.container["gpus"] = int(count)
        elif key not in (_GPU, "cpu", "memory", "ephemeral-storage"):
            part.lost.append(Lost(key, f"the limit `{key}` cannot be kept", limits.keys[key]))


def _places(part: Part, container: Map) -> None:
    """Where the keys of a gate file come from."""
    ways = {
        "image": ("image",),
        "command": ("args",),
        "env": ("env", "envFrom"),
        "files": ("volumeMounts",),
        "container": ("securityContext", "volumeMounts", "command"),
        "cpus": ("resources",),
        "memory": ("resources",),
    }
    part.places["key"] = container.place
    for key, names in ways.items():
        found = next((name for name in names if name in container), None)
        part.places[key] = container.place if found is None else container.keys[found]
