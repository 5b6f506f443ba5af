"""A service of a Compose file, and what it depends on."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from pytest_bootgate.errors import BootgateError
from pytest_bootgate.gatefile.origin import mounts, shape
from pytest_bootgate.gatefile.origin.amounts import MisreadError, number, seconds, size, why
from pytest_bootgate.gatefile.origin.dotenv import NotThere, Variables
from pytest_bootgate.gatefile.origin.found import Found, Lost, Part, variables
from pytest_bootgate.gatefile.origin.found import seconds as written
from pytest_bootgate.gatefile.origin.loader import Loader
from pytest_bootgate.gatefile.origin.together import (
    DONE,
    HEALTHY,
    host,
    hosts_of,
    needs,
    ordered,
    source,
    tell_shared,
)
from pytest_bootgate.gatefile.secrets import of_variable
from pytest_bootgate.gatefile.variables import UnsetError

#: The defaults of a health check in Compose: interval and timeout in seconds, and retries.
_INTERVAL, _PATIENCE, _RETRIES = 30.0, 30.0, 3
#: Of a range of ports no more are looked at.
_MOST_PORTS = 100
_PORTS = re.compile(r"(?:^|:)(\d+)(?:-(\d+))?(?:/tcp)?$", re.IGNORECASE)
#: Taken over as they are; under other names below.
_SAME = ("user", "working_dir", "hostname", "init", "read_only", "cap_add", "cap_drop")
#: What means nothing in a gate.
_IDLE = {
    *("container_name", "restart", "logging", "depends_on", "expose", "ports", "networks", "links"),
    *("labels", "deploy", "profiles", "stop_grace_period", "stop_signal", "pull_policy", "version"),
    *("mem_reservation", "scale", "develop", "platform", "annotations"),
    *("oom_kill_disable", "oom_score_adj", "memswap_limit", "mem_swappiness", "cpu_shares"),
}
_KNOWN = {
    *("image", "build", "command", "entrypoint", "environment", "env_file", "healthcheck"),
    *("secrets", "configs", "tmpfs", "shm_size", "security_opt", "ulimits", "devices", "gpus"),
    *("extra_hosts", "volumes", "tty", "stdin_open"),
    *("pids_limit", "cpus", "mem_limit", *_SAME, *_IDLE),
}


def documents(path: Path) -> list[Any]:
    """The documents of a YAML file. Raises `BootgateError` where it is none."""
    try:
        return [one for one in yaml.load_all(path.read_text(), Loader) if one is not None]
    except yaml.YAMLError as error:
        raise BootgateError(f"{path} cannot be read: {error}") from None
    except (OSError, ValueError, RecursionError) as error:
        raise BootgateError(f"{path} cannot be read: {why(error)}.") from None


def knows(found: Sequence[Any]) -> bool:
    """Whether it is a Compose file."""
    return len(found) == 1 and isinstance(found[0], dict) and _services(found[0]) is not None


def services_of(root: Mapping[str, Any]) -> Mapping[str, Any]:
    """The services of a Compose file by their names."""
    return _services(root) or {}


def needed(name: str, services: Mapping[str, Any]) -> list[str]:
    """A service, and all that it depends on. Raises `BootgateError`."""
    return [name, *(other for other, _ in ordered(name, services))]


def top(services: Mapping[str, Any]) -> str:
    """The service that no other needs, best one that is built."""
    needed = {name for each in services.values() for name, _ in needs(each)}
    tops = [name for name in services if name not in needed]
    return next((n for n in tops if "build" in services[n]), (tops or [*services])[0])


def _services(root: Mapping[str, Any]) -> Mapping[str, Any] | None:
    services = root.get("services")
    return services if isinstance(services, dict) and services else None


def read(found: Sequence[Any], path: Path, service: str | None) -> Found:
    """The service to gate, and those that it depends on. Raises `BootgateError`."""
    root = found[0]
    for _, words in shape.wrong(root):
        raise BootgateError(f"{path} is not as Compose has it: {words}.")
    services = services_of(root)
    name = service or top(services)
    if name not in services:
        raise BootgateError(f"{path} has no service {name}; there are {', '.join(services)}.")
    gated = _part(name, services[name], path, root)
    parts = []
    for other, condition in ordered(name, services):
        part = _part(other, services[other], path, root)
        part.once = condition == DONE
        part.own = source(services[other]) == source(services[name])
        if condition == HEALTHY and "healthcheck" not in services[other]:  # that of its image
            part.ready, part.timeout = {"healthcheck": True}, _INTERVAL * _RETRIES
        parts.append(part)
    tell_shared([gated, *parts])
    hosts = dict.fromkeys(hosts_of([gated, *parts], services), "127.0.0.1")
    for place, part in enumerate(parts):
        part.name = host(part.name, [other.name for other in parts[:place]])
        hosts.pop(part.name, None)  # which it has by itself
    if hosts and parts:
        gated.container["extra_hosts"] = {**hosts, **gated.container.get("extra_hosts", {})}
    return Found(gated, parts)


def _part(name: str, service: Mapping[str, Any], path: Path, root: Mapping[str, Any]) -> Part:
    image = variables(str(service.get("image") or f"{_project(root, path)}-{name}"))
    part = Part(name=name, image=image, key=name)
    if "image" not in service:
        part.built = True
        part.notes.append(
            "its image is built by Compose: run `docker compose build` before the gate"
        )
    part.command, part.ports = _words(service.get("command"), name, "command"), _ports(service)
    container = part.container
    for key in _SAME:
        if service.get(key) is not None:
            container[key] = str(service[key]) if key == "user" else service[key]
    for key in ("tmpfs", "security_opt", "devices"):
        if given := service.get(key):
            container[key] = [given] if isinstance(given, str) else [*map(_device, given)]
    if "no-new-privileges:true" in container.get("security_opt", []):
        container["security_opt"].remove("no-new-privileges:true")  # so it is anyway
    if shared := service.get("shm_size"):
        container["shm_size"] = size(shared, name, "shm_size")
    if limits := service.get("ulimits"):
        container["ulimits"] = {
            key: f"{one['soft']}:{one['hard']}" if isinstance(one, dict) else one
            for key, one in limits.items()
        }
    if hosts := service.get("extra_hosts"):
        listed = [re.split("[:=]", host, maxsplit=1) for host in hosts]
        if isinstance(hosts, list) and any(len(each) != 2 for each in listed):
            raise MisreadError("A host has no address: write NAME:ADDRESS.", name, "extra_hosts")
        pairs = hosts.items() if isinstance(hosts, dict) else listed
        container["extra_hosts"] = {str(host): str(address) for host, address in pairs}
    part.env = dict(_environment(part, service, path))
    if volumes := [*mounts.volumes(part, service, path)]:
        container["volumes"] = volumes
    part.container = {key: value for key, value in container.items() if value not in ([], {}, None)}
    if (entrypoint := service.get("entrypoint")) is not None:  # an empty one clears the image's
        part.container["entrypoint"] = _words(entrypoint, name, "entrypoint") or []
    part.files = dict(mounts.files(part, service, root, path))
    _health(part, service)
    _limits(part, service)
    _otherwise(part, service)
    for key in service.keys() - _KNOWN:
        if not str(key).startswith("x-"):
            part.lost.append(Lost(str(key), f"`{key}` cannot be taken over"))
    return part


def _device(given: Any) -> str:
    """A device, or what else is a text, in its short form."""
    keys = ("source", "target", "permissions")
    return ":".join(given[k] for k in keys if k in given) if isinstance(given, dict) else str(given)


def _words(value: Any, *keys: str) -> list[str] | None:
    if value is None:
        return None
    if not isinstance(value, str):
        return [variables(str(word)) for word in value] or None
    # A default with spaces in it, of a variable that nothing has filled in, is not taken apart.
    text = re.sub(r"\$\{[^}]*\}", lambda found: found[0].replace(" ", "\0"), variables(value))
    try:
        return [word.replace("\0", " ") for word in shlex.split(text)] or None
    except ValueError:
        raise MisreadError(f"A quote in {value!r} has no end.", *keys) from None


def _environment(part: Part, service: Mapping[str, Any], path: Path) -> Iterator[tuple[str, str]]:
    given = service.get("environment") or {}
    if not isinstance(given, dict):
        parts = [str(one).partition("=") for one in given]
        given = {key: value if equals else None for key, equals, value in parts}
    for key, value in given.items():
        if value is None:  # of the shell
            yield str(key), f"${{{key}:-}}"
        else:
            text = str(value).lower() if isinstance(value, bool) else str(value)
            yield str(key), variables(text)
    files = service.get("env_file") or []
    try:
        if not isinstance(files, NotThere):
            files = Variables({}).of_files(files, path.absolute().parent)
    except (UnsetError, ValueError, OSError, RecursionError) as error:
        name = f"a variable in its name ({error})" if isinstance(error, UnsetError) else why(error)
        part.lost.append(Lost("env_file", f"`env_file` cannot be read: {name}"))
        return
    if isinstance(files, NotThere):
        part.lost.append(Lost("env_file", f"the file {files} of `env_file` is not there"))
        return
    for key, text in files.items():
        if key in given:
            continue
        secret = any(of_variable(key, text, placed=False))
        if secret:
            part.notes.append(f"{key} of `env_file` is not copied: set it where the gate runs")
        yield key, f"${{{key}}}" if secret else text


def _project(root: Mapping[str, Any], path: Path) -> str:
    """What Compose calls the images that it builds after."""
    name = root.get("name") or path.absolute().parent.name
    return re.sub(r"[^a-z0-9_-]", "", str(name).lower())


def _health(part: Part, service: Mapping[str, Any]) -> None:
    check = service.get("healthcheck")
    if not isinstance(check, dict) or check.get("disable"):
        return
    test = check.get("test")
    if isinstance(test, str):
        test = ["CMD-SHELL", test]
    if test is None:  # that of the image, at another pace
        part.ready = {"healthcheck": True}
    elif not test or test[0] == "NONE":
        return
    else:
        kind, *words = (variables(str(word)) for word in test)
        part.ready = {"exec": ["sh", "-c", *words] if kind == "CMD-SHELL" else words}
    at = (part.key, "healthcheck")
    interval = seconds(check.get("interval"), 0.0, *at, "interval") or _INTERVAL
    start = seconds(check.get("start_period"), 0.0, *at, "start_period")
    retries = number(check.get("retries") or _RETRIES, *at, "retries") or _RETRIES
    part.timeout = start + retries * interval
    patience = seconds(check.get("timeout"), 0.0, *at, "timeout")
    if test is not None or patience:  # an image says its own
        part.ready["patience"] = written(patience or _PATIENCE)


def _limits(part: Part, service: Mapping[str, Any]) -> None:
    deploy = service.get("deploy") or {}
    limits = (deploy.get("resources") or {}).get("limits") or {}
    below = ("deploy", "resources", "limits")
    cpus, memory = limits.get("cpus"), limits.get("memory")
    pids = (limits.get("pids"), (*below, "pids")), (service.get("pids_limit"), ("pids_limit",))
    for most, keys in pids:
        if (count := int(number(most or 0, part.key, *keys))) > 0:
            part.container["pids"] = count
            break
    if cpus is not None:
        part.cpus = number(cpus, part.key, *below, "cpus") or None
    elif service.get("cpus"):
        part.cpus = number(service["cpus"], part.key, "cpus") or None
    if memory not in (None, 0, "0"):
        part.memory = size(memory, part.key, *below, "memory")
    elif service.get("mem_limit") not in (None, "", 0, "0"):  # 0 is no limit
        part.memory = size(service["mem_limit"], part.key, "mem_limit")


def _otherwise(part: Part, service: Mapping[str, Any]) -> None:
    """What is different in a gate, or is not there at all."""
    for key, what in (("tty", "no terminal"), ("stdin_open", "an empty standard input")):
        if service.get(key) in (True, "true"):
            part.lost.append(Lost(key, f"`{key}` cannot be taken over: it has {what} here"))
    if platform := service.get("platform"):
        part.notes.append(f"`platform: {platform}` is not asked for: its image here is taken")
    if signal := service.get("stop_signal"):
        part.notes.append(f"`stop_signal: {signal}` is not sent: a boot is killed when it is over")
    deploy = service.get("deploy") or {}
    count = deploy.get("replicas", service.get("scale"))
    if count is not None and str(count) != "1":
        part.notes.append(f"there is one of it, and {count} in production")
    reserved = ((deploy.get("resources") or {}).get("reservations") or {}).get("devices") or []
    gpus = service.get("gpus") or []
    gpus = [{"count": gpus}] if isinstance(gpus, str) else gpus
    wanted = [("gpus", {"capabilities": ["gpu"], **one}) for one in gpus]
    for key, one in (*wanted, *(("deploy", one) for one in reserved)):
        if "gpu" in (one.get("capabilities") or []) and not one.get("device_ids"):
            count = one.get("count", "all")
            part.container["gpus"] = count if count == "all" else int(number(count, part.key, key))
            part.notes.append("it needs the GPUs here as well: `container: {gpus: null}` without")
        else:
            part.lost.append(Lost(key, "the devices that it reserves cannot be taken over"))


def _ports(service: Mapping[str, Any]) -> list[int]:
    """The ports on which it serves others: of its container, however they are called outside."""
    found: dict[int, None] = {}
    for port in [*(service.get("ports") or []), *(service.get("expose") or [])]:
        text = str(port.get("target")) if isinstance(port, dict) else str(port)
        kind = str(port.get("protocol") or "tcp") if isinstance(port, dict) else "tcp"
        span = _PORTS.search(text)
        if span and kind.lower() == "tcp" and not isinstance(port, float):
            first, last = int(span[1]), int(span[2] or span[1])
            found |= dict.fromkeys(range(first, min(last + 1, first + _MOST_PORTS)))
    return [port for port in found if 0 < port < 65536]
