"""How the services of a Compose file belong together."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pytest_bootgate.gatefile.model.service import TAKEN
from pytest_bootgate.gatefile.origin.found import Part, variables

#: The condition of a dependency that does its work and ends.
DONE = "service_completed_successfully"


def source(service: Mapping[str, Any]) -> Any:
    """What a service's image is, or is built from."""
    return service.get("image") or service.get("build")


def tell_shared(services: Mapping[str, Any], parts: Sequence[Part]) -> None:
    """A volume that several of them have is one there, and each one's own here."""
    users: dict[str, list[str]] = {}
    for part in parts:
        for volume in services[part.name].get("volumes") or []:
            text = volume.get("source") if isinstance(volume, dict) else str(volume).split(":")[0]
            if text and not str(text).startswith((".", "/", "~", "$")):
                users.setdefault(str(text), []).append(part.name)
    for part in parts:
        for volume, names in users.items():
            if part.name in names[1:] and len(set(names)) > 1:
                words = f"the volume {volume} is also that of {names[0]}, and here each has its own"
                part.lost.append(("volumes", words))


def hosts_of(parts: Sequence[Part], services: Mapping[str, Any]) -> Iterator[str]:
    """The names by which they reach each other."""
    for part in parts:
        service = services[part.name]
        yield part.name
        if service.get("container_name"):
            yield variables(str(service["container_name"]))
        networks = service.get("networks")
        for network in networks.values() if isinstance(networks, dict) else ():
            yield from map(str, (network or {}).get("aliases") or [])
        for link in service.get("links") or []:
            yield str(link).rpartition(":")[2]


def needs(service: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What a service needs itself, and the condition on which it may start."""
    given = service.get("depends_on") or []
    if isinstance(given, dict):
        for name, how in given.items():
            yield str(name), str((how or {}).get("condition", ""))
    else:
        yield from ((str(name), "") for name in given)
    for link in service.get("links") or []:
        yield str(link).partition(":")[0], ""


def ordered(
    name: str, services: Mapping[str, Any], above: tuple[str, ...] = ()
) -> list[tuple[str, str]]:
    """What a service needs, that first which the others need."""
    order: dict[str, str] = {}
    for other, condition in needs(services.get(name, {})):
        if other in above:
            continue
        for one, how in ordered(other, services, (*above, name)):
            order[one] = how if how == DONE else order.get(one, how)
        order[other] = condition if condition == DONE else order.get(other, condition)
    return list(order.items())


def host(name: str) -> str:
    """The name of a service as a gate file may have it."""
    found = re.sub(r"[^a-z0-9-]", "-", name.lower()).strip("-") or "service"
    return f"{found}-1" if found in TAKEN else found
