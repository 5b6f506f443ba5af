"""What a pod is made of: the units of a place, as Kubernetes takes them. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from pytest_bootgate.engines.base import UnitSpec
from pytest_bootgate.engines.granted import capabilities
from pytest_bootgate.engines.kubernetes.agent import (
    BIN,
    OWN,
    PROGRAM,
    ROOT,
    UNPACK,
    packed,
    wrapper,
)
from pytest_bootgate.engines.kubernetes.wire import AGENT
from pytest_bootgate.errors import EngineError
from pytest_bootgate.gatefile.model import Container, Kubernetes

#: The directory that all units of a place share.
SHARED = "/bootgate"
RUN_LABEL, OWNER = "bootgate.run", "bootgate.owner"
#: A pod that everybody forgot ends by itself after so many seconds.
DEADLINE = 24 * 3600
#: Who runs where nobody answers: longer than a gate waits for it.
_TOLERATION = 600
_OWN_VOLUME, _SHARED_VOLUME = "bootgate", "shared"
_AGENT_LIMITS = {"requests": {"cpu": "50m", "memory": "64Mi"}, "limits": {"memory": "256Mi"}}
_ENGINE = "--bootgate-engine docker"


def container_name(role: str) -> str:
    """What the container of a unit is called."""
    if role in ("gateway", "sidecar"):
        return role
    return f"s-{re.sub('[^a-z0-9-]', '-', role.lower())}"[:60].rstrip("-")


@dataclass(frozen=True)
class Shape:
    """A place before it is made: `units` are its specs, the sidecar first.

    `helper` is the image of the agent, `node` where it has to run, empty for any that fits.
    """

    name: str
    run: str
    owner: str
    units: Sequence[UnitSpec]
    helper: str
    node: str = ""
    network: Container = field(default_factory=Container)
    asked: Kubernetes = field(default_factory=Kubernetes)


def mounted_files(unit: UnitSpec) -> dict[str, str]:
    """The files of a unit that lie outside of what is shared, and where the agent has them."""
    inside = [SHARED, *[unit.state] * bool(unit.state)]
    outside = [
        p for p in unit.files if not any(PurePosixPath(p).is_relative_to(each) for each in inside)
    ]
    name = container_name(unit.role)
    return {path: f"files/{name}/{number}" for number, path in enumerate(sorted(outside))}


def copied(unit: UnitSpec) -> dict[str, tuple[str, str]]:
    """The volumes of a unit that are filled by the gate: name, source and target by target."""
    found = {}
    for number, text in enumerate(unit.container.volumes):
        source, _, rest = text.rpartition(":") if text.endswith((":ro", ":rw")) else (text, "", "")
        source, _, target = (source if rest else text).partition(":")
        if target:
            found[target] = (f"{container_name(unit.role)}-{number}", source)
    return found


def manifest(shape: Shape) -> dict[str, Any]:
    """The pod of a place. Raises `EngineError` for what a pod cannot have, with the way out."""
    volumes: list[dict[str, Any]] = [
        {"name": _OWN_VOLUME, "emptyDir": {}},
        {"name": _SHARED_VOLUME, "emptyDir": {}},
    ]
    agent_mounts = [
        {"name": _OWN_VOLUME, "mountPath": ROOT},
        {"name": _SHARED_VOLUME, "mountPath": SHARED},
    ]
    containers = []
    for unit in shape.units:
        made, own, beside = _unit(unit)
        containers.append(made)
        volumes += own
        agent_mounts += beside
    names = [container_name(unit.role) for unit in shape.units]
    files = [file for unit in shape.units for file in mounted_files(unit).values()]
    helper = {"image": shape.helper, "volumeMounts": agent_mounts, "securityContext": _AGENT_RIGHTS}
    spec: dict[str, Any] = {
        "restartPolicy": "Never",
        "activeDeadlineSeconds": DEADLINE,
        "terminationGracePeriodSeconds": 1,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "shareProcessNamespace": True,
        "tolerations": [
            {
                "key": f"node.kubernetes.io/{key}",
                "operator": "Exists",
                "effect": "NoExecute",
                "tolerationSeconds": _TOLERATION,
            }
            for key in ("not-ready", "unreachable")
        ],
        "initContainers": [
            {
                **helper,
                "name": f"{AGENT}-prepare",
                "command": ["python3", "-c", UNPACK, "prepare"],
                "args": [SHARED, " ".join(names), json.dumps(files)],
                "env": [{"name": "BOOTGATE_AGENT", "value": packed()}],
                "resources": _AGENT_LIMITS,
            }
        ],
        "containers": [
            {
                **helper,
                "name": AGENT,
                "command": ["python3", PROGRAM, "serve", *names],
                "resources": _AGENT_LIMITS,
            },
            *containers,
        ],
        "volumes": volumes,
        **_network(shape.network),
        **placed(shape.node, shape.asked),
    }
    labels = {key: text for unit in shape.units for key, text in unit.container.labels.items()}
    return patched(
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {
                "name": shape.name,
                "labels": {**labels, RUN_LABEL: shape.run},
                "annotations": {OWNER: shape.owner},
            },
            "spec": spec,
        },
        shape.asked.pod,
    )


#: The agent gives files to the users of units, reads what is theirs, and stops their processes.
#: It has no more than they have by default, so that namespaces of the level "baseline" take it.
_AGENT_RIGHTS = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"], "add": sorted(capabilities(Container())["add"])},
}


def placed(node: str, asked: Kubernetes) -> dict[str, Any]:
    """On which nodes a pod may run, and who may pull its images."""
    found: dict[str, Any] = {}
    if asked.nodes:
        found["nodeSelector"] = dict(asked.nodes)
    if node:
        # Not `nodeName`, which passes by the scheduler, and with it taints and what is free.
        term = {"matchFields": [{"key": "metadata.name", "operator": "In", "values": [node]}]}
        required = {"nodeSelectorTerms": [term]}
        found["affinity"] = {
            "nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": required}
        }
    if asked.image_pull_secrets:
        found["imagePullSecrets"] = [{"name": name} for name in asked.image_pull_secrets]
    return found


def _unit(
    unit: UnitSpec,
) -> tuple[dict[str, Any], list[dict[str, Any]], list[dict[str, Any]]]:
    """The container of a unit, its volumes, and how the agent mounts those that it fills."""
    name, asked = container_name(unit.role), unit.container
    _refuse(unit)
    mounts: list[dict[str, Any]] = [
        {"name": _SHARED_VOLUME, "mountPath": SHARED},
        {"name": _OWN_VOLUME, "mountPath": OWN, "subPath": f"units/{name}"},
        {"name": _OWN_VOLUME, "mountPath": BIN, "subPath": "bin", "readOnly": True},
    ]
    mounts += [
        {"name": _OWN_VOLUME, "mountPath": path, "subPath": file}
        for path, file in mounted_files(unit).items()
    ]
    volumes: list[dict[str, Any]] = []
    beside: list[dict[str, Any]] = []

    def add(path: str, *, read_only: bool = False, fill: bool = False, **kind: str | None) -> None:
        volume = f"{name}-{len(volumes)}"
        asked_for = {key: text for key, text in kind.items() if text is not None}
        volumes.append({"name": volume, "emptyDir": asked_for})
        mounts.append({"name": volume, "mountPath": path, "readOnly": read_only})
        if fill:
            beside.append({"name": volume, "mountPath": f"{ROOT}-{name}{path}"})

    sources = copied(unit)
    for text in asked.volumes:
        target = text.removesuffix(":ro").removesuffix(":rw").rpartition(":")[2]
        read_only = target in sources and not text.endswith(":rw")
        add(target, read_only=read_only, fill=target in sources)
    if unit.state and not PurePosixPath(unit.state).is_relative_to(SHARED):
        add(unit.state, fill=True)
    for text in asked.tmpfs:
        path, _, options = text.partition(":")
        add(path, medium="Memory", sizeLimit=_size(options))
    if asked.shm_size is not None:
        add("/dev/shm", medium="Memory", sizeLimit=str(int(asked.shm_size)))  # noqa: S108
    if unit.role == "sidecar":
        add("/tmp", medium="Memory", sizeLimit="64Mi")  # noqa: S108
    made: dict[str, Any] = {
        "name": name,
        "image": unit.image,
        # A cluster takes $(NAME) for a variable, and $$ for a dollar.
        "command": [word.replace("$", "$$") for word in wrapper(OWN)],
        "volumeMounts": mounts,
        "securityContext": _rights(unit),
        "resources": _limits(unit),
    }
    if asked.working_dir:
        made["workingDir"] = asked.working_dir
    return made, volumes, beside


def _size(options: str) -> str | None:
    found = re.search(r"(?:^|,)size=(\d+)([kmg]?)", options.lower())
    units = {"": "", "k": "Ki", "m": "Mi", "g": "Gi"}
    return f"{found[1]}{units[found[2]]}" if found else None


def _rights(unit: UnitSpec) -> dict[str, Any]:
    asked = unit.container
    rights: dict[str, Any] = {
        "allowPrivilegeEscalation": asked.new_privileges,
        "readOnlyRootFilesystem": asked.read_only or unit.role == "sidecar",
        "capabilities": capabilities(asked),
    }
    if unit.role == "sidecar":  # it follows files that their owners may have closed to others
        rights["capabilities"] = {"drop": ["ALL"], "add": ["DAC_OVERRIDE", *asked.cap_add]}
    if asked.user is not None:
        user, _, owner = asked.user.partition(":")
        rights["runAsUser"] = int(user)
        if owner:
            rights["runAsGroup"] = int(owner)
    if "seccomp=unconfined" in asked.security_opt:
        rights["seccompProfile"] = {"type": "Unconfined"}
    return rights


def _limits(unit: UnitSpec) -> dict[str, Any]:
    """Requests and limits alike: what a profile promises is there, and no more."""
    found: dict[str, str] = {}
    if unit.cpus is not None:
        found["cpu"] = f"{round(unit.cpus * 1000)}m"
    if unit.memory is not None:
        found["memory"] = str(unit.memory)
    if unit.container.gpus is not None:
        found["nvidia.com/gpu"] = str(unit.container.gpus)
    return {"requests": found, "limits": found} if found else {}


def _network(asked: Container) -> dict[str, Any]:
    found: dict[str, Any] = {"hostname": asked.hostname or "gateway"}
    if asked.extra_hosts:
        found["hostAliases"] = [
            {"ip": address, "hostnames": [name]} for name, address in asked.extra_hosts.items()
        ]
    return found


def _refuse(unit: UnitSpec) -> None:
    """Raises `EngineError` for what a pod cannot have."""
    asked, plain = unit.container, Container()
    numbers = asked.user is None or re.fullmatch(r"\d+(:\d+)?", asked.user)
    named = [v for v in copied(unit).values() if not v[1].startswith("/")]
    other = [option for option in asked.security_opt if option != "seccomp=unconfined"]
    refused = (
        (unit.image is None, "has no image", "name one"),
        (not numbers, f"has user {asked.user!r}", 'write the number, such as "1000:1000"'),
        (not asked.init, "has `init: false`", "leave it out: a pod has an init of its own"),
        (asked.network != plain.network, "has a `network`", "leave it out: it has the cluster's"),
        (asked.pids != plain.pids, "has `pids`", "leave it out: the kubelet limits them"),
        (bool(asked.ulimits), "has `ulimits`", "leave them out: they are those of the node"),
        (bool(asked.devices), "has `devices`", "ask for them in `kubernetes: {pod: ...}`"),
        (asked.gpus == "all", "has `gpus: all`", "write how many"),
        (bool(other), f"has `security_opt: {other}`", "write them in `kubernetes: {pod: ...}`"),
        (bool(named), "has a named volume", "mount a claim by `kubernetes: {pod: ...}`"),
    )
    for wrong, what, way_out in refused:
        if wrong:
            raise EngineError(
                f"The {unit.words} {what}, which a Kubernetes pod cannot honour: {way_out}, or use"
                f" {_ENGINE}."
            )


def patched(pod: dict[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    """A manifest with what a gate file adds: mappings are merged, so are lists of named things.

    Other lists get longer.
    """
    merged = dict(pod)
    for key, value in patch.items():
        before = merged.get(key)
        if isinstance(value, Mapping) and isinstance(before, Mapping):
            merged[key] = patched(dict(before), value)
        elif isinstance(value, list) and isinstance(before, list):
            merged[key] = _joined(before, value)
        else:
            merged[key] = value
    return merged


def _joined(before: list[Any], more: list[Any]) -> list[Any]:
    found = list(before)
    for one in more:
        name = one.get("name") if isinstance(one, Mapping) else None
        same = [n for n, old in enumerate(found) if name and old.get("name") == name]
        if same:
            found[same[0]] = patched(found[same[0]], one)
        else:
            found.append(one)
    return found
