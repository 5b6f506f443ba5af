"""A service of a Compose file, and what it depends on."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from pytest_bootgate.errors import BootgateError
from pytest_bootgate.gatefile.origin import probes
from pytest_bootgate.gatefile.origin.amounts import MisreadError, number, seconds, size
from pytest_bootgate.gatefile.origin.dotenv import NotThere, Variables
from pytest_bootgate.gatefile.origin.found import Found, Lost, Part, variables
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

#: The defaults of a health check in Compose: interval in seconds, and retries.
_INTERVAL, _RETRIES = 30.0, 3
#: Taken over as they are; under other names below.
_SAME = ("user", "working_dir", "hostname", "init", "read_only", "cap_add", "cap_drop")
#: What means nothing in a gate.
_IDLE = {
    *("container_name", "restart", "logging", "depends_on", "expose", "ports", "networks", "links"),
    *("labels", "deploy", "profiles", "stop_grace_period", "stop_signal", "pull_policy", "version"),
    *("mem_reservation", "scale", "develop", "stdin_open", "tty", "platform", "annotations"),
    *("oom_kill_disable", "oom_score_adj", "memswap_limit", "mem_swappiness", "cpu_shares"),
}
_KNOWN = {
    *("image", "build", "command", "entrypoint", "environment", "env_file", "healthcheck"),
    *(
        "secrets",
        "configs",
        "tmpfs",
        "shm_size",
        "security_opt",
        "ulimits",
        "devices",
        "extra_hosts",
        "volumes",
    ),
    *("pids_limit", "cpus", "mem_limit", *_SAME, *_IDLE),
}


class Loader(yaml.SafeLoader):
    """YAML as Compose reads it: `yes` and `22:22` are texts, as in YAML 1.2."""


Loader.yaml_implicit_resolvers = {
    first: [
        (tag, regexp)
        for tag, regexp in resolvers
        if tag.rpartition(":")[2] not in ("bool", "int", "float", "timestamp")
    ]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
for _kind, _form, _first in (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("int", r"[-+]?(?:0|[1-9][0-9]*)|0x[0-9a-fA-F]+|0o?[0-7]+", "-+0123456789"),
    ("float", r"[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?", "-+.0123456789"),
):
    Loader.add_implicit_resolver(
        f"tag:yaml.org,2002:{_kind}", re.compile(rf"^(?:{_form})$"), list(_first)
    )


def documents(path: Path) -> list[Any]:
    """The documents of a YAML file. Raises `BootgateError` where it is none."""
    try:
        return [one for one in yaml.load_all(path.read_text(), Loader) if one is not None]
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise BootgateError(f"{path} cannot be read: {error}") from None


def knows(found: Sequence[Any]) -> bool:
    """Whether it is a Compose file."""
    return len(found) == 1 and isinstance(found[0], dict) and _services(found[0]) is not None


def services_of(root: Mapping[str, Any]) -> Mapping[str, Any]:
    """The services of a Compose file by their names."""
    return _services(root) or {}


def needed(name: str, services: Mapping[str, Any], path: Path) -> list[str]:
    """A service, and all that it depends on. Raises `BootgateError`."""
    with _understood(path):
        return [name, *(other for other, _ in ordered(name, services))]


def _services(root: Mapping[str, Any]) -> Mapping[str, Any] | None:
    services = root.get("services")
    if not isinstance(services, dict) or not services:
        return None
    return services if all(isinstance(each, dict) for each in services.values()) else None


def read(found: Sequence[Any], path: Path, service: str | None) -> Found:
    """The service to gate, and those that it depends on. Raises `BootgateError`."""
    with _understood(path):
        return _found(found[0], path, service)


def _found(root: Mapping[str, Any], path: Path, service: str | None) -> Found:
    services = services_of(root)
    needed = {name for each in services.values() for name, _ in needs(each)}
    tops = [name for name in services if name not in needed]
    name = service or next((n for n in tops if "build" in services[n]), (tops or [*services])[0])
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
    tell_shared(services, [gated, *parts])
    hosts = dict.fromkeys(hosts_of([gated, *parts], services), "127.0.0.1")
    for place, part in enumerate(parts):
        part.name = host(part.name, [other.name for other in parts[:place]])
        hosts.pop(part.name, None)  # which it has by itself
    if hosts and parts:
        gated.container["extra_hosts"] = {**hosts, **gated.container.get("extra_hosts", {})}
    return Found(gated, parts)


@contextmanager
def _understood(path: Path, name: str = "") -> Iterator[None]:
    """Raises `BootgateError` for what is not as Compose has it, wherever that shows."""
    try:
        yield
    except (AttributeError, KeyError, IndexError, TypeError, ValueError) as error:
        what = f"The service {name} in {path}" if name else str(path)
        keys = (name,) if name else ()
        raise MisreadError(f"{what} is not as Compose has it: {error!r}.", *keys) from None


def _part(name: str, service: Mapping[str, Any], path: Path, root: Mapping[str, Any]) -> Part:
    with _understood(path, name):
        return _made(name, service, path, root)


def _made(name: str, service: Mapping[str, Any], path: Path, root: Mapping[str, Any]) -> Part:
    image = variables(str(service.get("image") or f"{_project(root, path)}-{name}"))
    part = Part(name=name, image=image, key=name)
    if "image" not in service:
        part.built = True
        part.notes.append(
            "its image is built by Compose: run `docker compose build` before the gate"
        )
    part.command, part.port = _words(service.get("command")), _port(service)
    container = part.container
    for key in _SAME:
        if service.get(key) is not None:
            container[key] = str(service[key]) if key == "user" else service[key]
    for key in ("tmpfs", "security_opt", "devices"):
        if given := service.get(key):
            container[key] = [given] if isinstance(given, str) else [str(one) for one in given]
    if "no-new-privileges:true" in container.get("security_opt", []):
        container["security_opt"].remove("no-new-privileges:true")  # so it is anyway
    if shared := service.get("shm_size"):
        container["shm_size"] = size(shared, name, "shm_size")
    if (pids := int(number(service.get("pids_limit") or 0, name, "pids_limit"))) > 0:
        container["pids"] = pids
    if limits := service.get("ulimits"):
        container["ulimits"] = {
            key: f"{one['soft']}:{one['hard']}" if isinstance(one, dict) else one
            for key, one in limits.items()
        }
    if hosts := service.get("extra_hosts"):
        listed = [re.split("[:=]", str(host), maxsplit=1) for host in hosts]
        pairs = hosts.items() if isinstance(hosts, dict) else listed
        container["extra_hosts"] = {str(host): str(address) for host, address in pairs}
    part.env = dict(_environment(part, service, path))
    if volumes := [*_volumes(part, service, path)]:
        container["volumes"] = volumes
    part.container = {key: value for key, value in container.items() if value not in ([], {}, None)}
    if (entrypoint := service.get("entrypoint")) is not None:  # an empty one clears the image's
        part.container["entrypoint"] = _words(entrypoint) or []
    part.files = dict(_files(part, service, root, path))
    _health(part, service)
    _limits(part, service)
    for key in service.keys() - _KNOWN:
        if not str(key).startswith("x-"):
            part.lost.append(Lost(str(key), f"`{key}` cannot be taken over"))
    return part


def _words(value: Any) -> list[str] | None:
    if value is None:
        return None
    if not isinstance(value, str):
        return [variables(str(word)) for word in value] or None
    # A default with spaces in it, of a variable that nothing has filled in, is not taken apart.
    text = re.sub(r"\$\{[^}]*\}", lambda found: found[0].replace(" ", "\0"), variables(value))
    return [word.replace("\0", " ") for word in shlex.split(text)] or None


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
    if not isinstance(files, NotThere):
        files = Variables({}).of_files(files, path.absolute().parent)
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


def _volumes(part: Part, service: Mapping[str, Any], path: Path) -> Iterator[str]:
    for volume in service.get("volumes") or []:
        if isinstance(volume, dict):
            source, target = volume.get("source"), str(volume.get("target"))
            read_only = bool(volume.get("read_only"))
            if volume.get("type") == "tmpfs":
                part.container.setdefault("tmpfs", []).append(target)
                continue
        else:
            first, *rest = variables(str(volume)).split(":")
            source, target = (first, rest[0]) if rest else (None, first)
            read_only = "ro" in rest[1:]
        if source is None:
            yield target
        elif str(source).startswith((".", "/", "~")):
            there = (path.absolute().parent / Path(str(source)).expanduser()).resolve()
            if not there.exists():
                words = f"the volume {source} is left out: it is not there"
                part.lost.append(Lost("volumes", words))
                continue
            if there.is_socket():
                words = f"the socket {source} is left out: boots would act on this very machine"
                part.lost.append(Lost("volumes", words))
                continue
            yield f"{there}:{target}{'' if read_only or there.is_file() else ':rw'}"
        else:
            part.notes.append(
                f'{target} begins empty; "NAME:{target}:rw" copies a volume for each boot, as'
                f" `docker volume ls` names {source}"
            )
            yield target


def _files(
    part: Part, service: Mapping[str, Any], root: Mapping[str, Any], path: Path
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Secrets and configs are files, those of secrets hidden in all reports."""
    for kind, above in (("secrets", "/run/secrets"), ("configs", "")):
        for one in service.get(kind) or []:
            source = one["source"] if isinstance(one, dict) else one
            target = str((one.get("target") if isinstance(one, dict) else None) or source)
            about = (root.get(kind) or {}).get(source) or {}
            secret = {"secret": True} if kind == "secrets" else {}
            at = target if target.startswith("/") else f"{above}/{target}"
            if about.get("file"):
                there = path.absolute().parent / Path(variables(str(about["file"]))).expanduser()
                yield at, {"path": str(there), **secret}
            elif about.get("environment"):
                yield at, {"text": f"${{{about['environment']}}}", **secret}
            elif about.get("content"):
                yield at, {"text": variables(str(about["content"])), **secret}
            else:
                words = f"{source} of `{kind}` is not in the Compose file"
                part.lost.append(Lost(kind, words))


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
        part.ready = probes.of_command(["sh", "-c", *words] if kind == "CMD-SHELL" else words)
    at = (part.key, "healthcheck")
    interval = seconds(check.get("interval"), 0.0, *at, "interval") or _INTERVAL
    start = seconds(check.get("start_period"), 0.0, *at, "start_period")
    retries = number(check.get("retries") or _RETRIES, *at, "retries") or _RETRIES
    part.timeout = start + retries * interval


def _limits(part: Part, service: Mapping[str, Any]) -> None:
    deploy = service.get("deploy") or {}
    limits = (deploy.get("resources") or {}).get("limits") or {}
    below = ("deploy", "resources", "limits")
    cpus, memory = limits.get("cpus"), limits.get("memory")
    if cpus is not None:
        part.cpus = number(cpus, part.key, *below, "cpus") or None
    elif service.get("cpus"):
        part.cpus = number(service["cpus"], part.key, "cpus") or None
    if memory not in (None, 0, "0"):
        part.memory = size(memory, part.key, *below, "memory")
    elif service.get("mem_limit") not in (None, "", 0, "0"):  # 0 is no limit
        part.memory = size(service["mem_limit"], part.key, "mem_limit")


def _port(service: Mapping[str, Any]) -> int | None:
    for port in [*(service.get("ports") or []), *(service.get("expose") or [])]:
        text = str(port.get("target")) if isinstance(port, dict) else str(port)
        found = re.search(r"(\d+)(?:/tcp)?$", text)
        if found and not text.endswith("/udp"):
            return int(found[1])
    return None
