"""A container of a Kubernetes manifest."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pytest_bootgate.errors import BootgateError
from pytest_bootgate.gatefile.origin import probes
from pytest_bootgate.gatefile.origin.found import Found, Part, megabytes

_WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job", "CronJob", "Pod")
_PERIOD, _FAILURES = 10, 3
_UNITS = {"": 1, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}
_BINARY = {"Ki": 1 << 10, "Mi": 1 << 20, "Gi": 1 << 30, "Ti": 1 << 40}


def knows(found: Sequence[Any]) -> bool:
    """Whether a manifest among them runs containers."""
    return any(True for _ in _pods(found))


def _pods(found: Sequence[Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for one in found:
        if not isinstance(one, dict):
            continue
        if one.get("kind") == "List":
            yield from _pods(one.get("items") or [])
        if one.get("kind") not in _WORKLOADS:
            continue
        name, spec = (one.get("metadata") or {}).get("name", "boot"), one.get("spec") or {}
        if one["kind"] == "CronJob":
            spec = (spec.get("jobTemplate") or {}).get("spec") or {}
        pod = spec if one["kind"] == "Pod" else (spec.get("template") or {}).get("spec") or {}
        if pod.get("containers"):
            yield str(name), pod


def read(found: Sequence[Any], path: Path, service: str | None) -> Found:
    """The first container, or the one of a name, and the others of its pod beside it."""
    pods = [*_pods(found)]
    for name, pod in pods:
        for container in pod["containers"]:
            if service in (None, name, container.get("name")):
                return _found(name, pod, container)
    names = [str(one.get("name")) for _, pod in pods for one in pod["containers"]]
    raise BootgateError(f"{path} has no container {service}; there are {', '.join(names)}.")


def _found(name: str, pod: Mapping[str, Any], container: Mapping[str, Any]) -> Found:
    gated = _part(container, pod)
    gated.name = name
    if pod.get("initContainers"):
        gated.notes.append(
            "its init containers are left out: put what they do into `state`, or into a"
            " service that runs `once`"
        )
    others = [_part(one, pod) for one in pod["containers"] if one is not container]
    ports = container.get("ports") or []
    gated.port = next(
        (p["containerPort"] for p in ports if p.get("protocol", "TCP") == "TCP"), None
    )
    return Found(gated, others)


def _part(container: Mapping[str, Any], pod: Mapping[str, Any]) -> Part:
    part = Part(
        name=str(container.get("name", "boot")), image=str(container.get("image", "FILL-IN"))
    )
    part.command = [str(word) for word in container.get("args") or []] or None
    made = part.container
    if command := container.get("command"):
        made["entrypoint"] = [str(word) for word in command]
    if container.get("workingDir"):
        made["working_dir"] = container["workingDir"]
    part.env = dict(_environment(part, container))
    _security(made, container, pod)
    _volumes(part, container, pod)
    limits = (container.get("resources") or {}).get("limits") or {}
    if cpu := limits.get("cpu"):
        text = str(cpu)
        part.cpus = float(text[:-1]) / 1000 if text.endswith("m") else float(text)
    if memory := limits.get("memory"):
        part.memory = _size(str(memory))
    _health(part, container)
    return part


def _environment(part: Part, container: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for one in container.get("env") or []:
        name = str(one.get("name"))
        if "value" in one:
            yield name, str(one["value"]).replace("$", "$$")
        else:
            part.notes.append(f"{name} comes from the cluster there: set it where the gate runs")
            yield name, f"${{{name}:-}}"
    for one in container.get("envFrom") or []:
        kind, how = next(iter({k: v for k, v in one.items() if k != "prefix"}.items()))
        what = "ConfigMap" if kind.startswith("config") else "Secret"
        part.notes.append(f"the {what} {(how or {}).get('name')} is left out: write it into `env`")


def _security(made: dict[str, Any], container: Mapping[str, Any], pod: Mapping[str, Any]) -> None:
    context = {**(pod.get("securityContext") or {}), **(container.get("securityContext") or {})}
    if "runAsUser" in context:
        group = f":{context['runAsGroup']}" if "runAsGroup" in context else ""
        made["user"] = f"{context['runAsUser']}{group}"
    if context.get("readOnlyRootFilesystem"):
        made["read_only"] = True
    capabilities = context.get("capabilities") or {}
    for key, to in (("add", "cap_add"), ("drop", "cap_drop")):
        if capabilities.get(key):
            made[to] = [str(one).removeprefix("CAP_") for one in capabilities[key]]


def _volumes(part: Part, container: Mapping[str, Any], pod: Mapping[str, Any]) -> None:
    every = {str(one.get("name")): one for one in pod.get("volumes") or []}
    volumes: list[str] = []
    tmpfs: list[str] = []
    for mount in container.get("volumeMounts") or []:
        volume, at = every.get(str(mount.get("name")), {}), str(mount.get("mountPath"))
        if "emptyDir" in volume:
            in_memory = (volume["emptyDir"] or {}).get("medium") == "Memory"
            (tmpfs if in_memory else volumes).append(at)
        else:
            kind = next((key for key in volume if key != "name"), "volume")
            part.notes.append(
                f"{at} is a {kind} there and left out: put it there with `volumes`, `files` or"
                " `state`"
            )
    if volumes:
        part.container["volumes"] = volumes
    if tmpfs:
        part.container["tmpfs"] = tmpfs


def _health(part: Part, container: Mapping[str, Any]) -> None:
    start, ready = container.get("startupProbe"), container.get("readinessProbe")
    live = container.get("livenessProbe")
    if (proof := ready or start or live) is not None:
        part.ready = _probe(proof, container)
    limit = start or live
    if limit is not None:
        failures = limit.get("failureThreshold", _FAILURES)
        period = limit.get("periodSeconds", _PERIOD)
        part.timeout = limit.get("initialDelaySeconds", 0) + failures * period


def _probe(probe: Mapping[str, Any], container: Mapping[str, Any]) -> dict[str, Any] | None:
    if asked := probe.get("httpGet"):
        headers = {str(h["name"]): str(h["value"]) for h in asked.get("httpHeaders") or []}
        scheme = str(asked.get("scheme", "HTTP")).lower()
        port = _port(asked.get("port"), container)
        path = "/" + str(asked.get("path", "/")).lstrip("/")
        return {**probes.http(scheme, port, path, headers), "status": list(probes.CONTENT)}
    if asked := probe.get("tcpSocket"):
        return {"tcp": f":{_port(asked.get('port'), container)}"}
    if asked := probe.get("grpc"):
        service = {"service": asked["service"]} if asked.get("service") else {}
        return {"grpc": f":{asked.get('port')}", **service}
    if asked := probe.get("exec"):
        return {"exec": [str(word) for word in asked.get("command") or []]}
    return None


def _port(port: Any, container: Mapping[str, Any]) -> int:
    for one in container.get("ports") or []:
        if one.get("name") == port:
            return int(one["containerPort"])
    if not str(port).isdigit():
        raise BootgateError(f"No port of the container is called {port!r}.")
    return int(port)


def _size(text: str) -> str:
    found = re.fullmatch(r"(\d+(?:\.\d+)?)(Ki|Mi|Gi|Ti|[kMGT]?)", text)
    if found is None:
        raise BootgateError(f"{text!r} is no amount of memory.")
    return megabytes(float(found[1]) * {**_UNITS, **_BINARY}[found[2]])
