"""The probes of a container of a pod: its proof, and how long its start may take."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pytest_bootgate.gatefile.commands import vain
from pytest_bootgate.gatefile.origin.found import Lost, Part
from pytest_bootgate.gatefile.origin.pod_env import escaped
from pytest_bootgate.gatefile.origin.pods import PROBES
from pytest_bootgate.gatefile.origin.reading import (
    MisplacedError,
    maps,
    named,
    section,
    text,
    texts,
    whole,
)
from pytest_bootgate.gatefile.tree import Map, Scalar

#: What a kubelet does without being told otherwise: seconds, and tries.
_PERIOD, _FAILURES, _PATIENCE = 10, 3, 1
#: What a kubelet takes for success.
STATUS = [*range(200, 400)]
_OWN = ("", "localhost", "127.0.0.1", "::1", "[::1]")
_WAYS = ("httpGet", "tcpSocket", "grpc", "exec")
_KNOWN = {
    *_WAYS,
    *("initialDelaySeconds", "periodSeconds", "timeoutSeconds", "successThreshold"),
    *("failureThreshold", "terminationGracePeriodSeconds"),
}


def start(part: Part, container: Map) -> None:
    """What proves the start of a container, and what kills it where it takes too long."""
    asked = {name: section(container, name) for name in PROBES if section(container, name).entries}
    made = {name: _probe(part, name, one, container) for name, one in asked.items()}
    idle = {name: how for name, one in made.items() if (how := vain(one.get("exec", ())))}
    if asked.keys() - idle.keys():
        asked = {name: one for name, one in asked.items() if name not in idle}
        part.notes += [
            f"its {name} is left out: its command {how}, so it shows and limits nothing"
            for name, how in idle.items()
        ]
    limit = next((name for name in ("startupProbe", "livenessProbe") if name in asked), "")
    proof = "readinessProbe" if "readinessProbe" in asked else limit
    if limit:
        part.timeout, part.of = float(_allowance(asked[limit])), limit
        part.places["timeout"] = part.places["timeout_of"] = container.keys[limit]
        part.places["phases"] = part.places["ready_timeout"] = container.keys[limit]
    if not proof:
        return
    part.ready = made[proof]
    part.places["ready"] = part.places["proof"] = container.keys[proof]
    again = whole(asked[proof], "successThreshold", 1, 1) - 1
    part.stays = float(again * whole(asked[proof], "periodSeconds", _PERIOD, 1))
    if limit not in ("", *idle) and _same(made[limit]) != _same(made[proof]):
        part.first = made[limit]


def started(part: Part, container: Map) -> None:
    """What shows that a native sidecar has started, so that the next one may: its startupProbe."""
    probe = section(container, "startupProbe")
    if probe.entries:
        part.ready = _probe(part, "startupProbe", probe, container)
        part.timeout = float(_allowance(probe))
        part.places["ready"] = part.places["ready_timeout"] = container.keys["startupProbe"]


def _allowance(probe: Map) -> int:
    """Within how many seconds of its start a probe must succeed, or the kubelet kills."""
    failures = whole(probe, "failureThreshold", _FAILURES, 1)
    period = whole(probe, "periodSeconds", _PERIOD, 1)
    return whole(probe, "initialDelaySeconds", 0) + failures * period


def _same(probe: Mapping[str, Any]) -> dict[str, Any]:
    """What a probe asks, however long an answer may take."""
    return {key: value for key, value in probe.items() if key != "patience"}


def _probe(part: Part, name: str, probe: Map, container: Map) -> dict[str, Any]:
    ways = [way for way in _WAYS if way in probe]
    if len(ways) != 1:
        what = (
            f"the {name} has no one way to ask: {', '.join(ways) or 'none'} of {', '.join(_WAYS)}"
        )
        raise MisplacedError(container.keys[name], what)
    (way,) = ways
    for key in [each for each in probe.entries if each not in _KNOWN]:
        part.lost.append(Lost(key, f"`{key}` of the {name} cannot be taken over", probe.keys[key]))
    asked = section(probe, way)
    patience = {"patience": f"{whole(probe, 'timeoutSeconds', _PATIENCE, 1)}s"}
    if way == "exec":
        command = [escaped(word) for word in texts(asked, "command")]
        if not command:
            raise MisplacedError(asked.place, f"the {name} has no `command`")
        return {"exec": command, **patience}
    if (host := text(asked, "host")) not in _OWN:
        words = f"the {name} asks {host}, and in a gate it asks the container itself"
        part.lost.append(Lost("host", words, asked.keys["host"]))
    port = _port(asked, container)
    if way == "tcpSocket":
        return {"tcp": f":{port}"}
    if way == "grpc":
        service = {"service": text(asked, "service")} if text(asked, "service") else {}
        return {"grpc": f":{port}", **service, **patience}
    scheme = text(asked, "scheme").lower() or "http"
    if scheme not in ("http", "https"):
        raise MisplacedError(asked.at["scheme"], f"`{scheme.upper()}` is neither HTTP nor HTTPS")
    headers = {named(one): escaped(text(one, "value")) for one in maps(asked, "httpHeaders")}
    path = "/" + escaped(text(asked, "path")).lstrip("/")
    return {**_http(scheme, port, path, headers), "status": [*STATUS], **patience}


def _port(asked: Map, container: Map) -> int:
    """The number of a port, which may be called by its name."""
    said = text(asked, "port")
    tree = asked.below("port")
    ports = maps(container, "ports")
    number: Any = tree.value if isinstance(tree, Scalar) else None
    if isinstance(number, str):
        found = [one for one in ports if text(one, "name") == said]
        number = whole(found[0], "containerPort", 0) if found else number
        if isinstance(number, str) and number.isdecimal() and len(number) < 6:
            number = int(number)
    if type(number) is not int or not 1 <= number <= 65535:
        place = tree.place if tree is not None else asked.place
        raise MisplacedError(place, f"'{said}' is no port, and none of the container is called so")
    return number


def ports(container: Map) -> list[int]:
    """The ports on which it serves others."""
    found = [one for one in maps(container, "ports") if text(one, "protocol") in ("", "TCP")]
    return list(dict.fromkeys(filter(None, (whole(one, "containerPort", 0) for one in found))))


def _http(scheme: str, port: int, path: str, headers: dict[str, str]) -> dict[str, Any]:
    """An endpoint, whose certificate is nobody's concern here."""
    port = port or (443 if scheme == "https" else 80)
    more: dict[str, Any] = {"headers": headers} if headers else {}
    if scheme == "https":
        return {"http": f"https://:{port}{path}", "verify": False, **more}
    return {"http": f":{port}{path}", **more}
