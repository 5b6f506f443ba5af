"""How the services of a Compose file belong together."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pytest_bootgate.gatefile.model.service import TAKEN
from pytest_bootgate.gatefile.origin.amounts import MisreadError
from pytest_bootgate.gatefile.origin.found import Lost, Part, variables

#: The condition of a dependency that does its work and ends.
DONE = "service_completed_successfully"
#: That of one whose health check must succeed first, be it that of its image.
HEALTHY = "service_healthy"


def source(service: Mapping[str, Any]) -> Any:
    """What a service's image is, or is built from."""
    return service.get("image") or service.get("build")


def tell_shared(parts: Sequence[Part]) -> None:
    """What several of them have and one writes is one there, and each one's own here."""
    users: dict[str, list[tuple[Part, str]]] = {}
    written = set()
    for part in parts:
        for mounted, name, writable in part.mounts:
            users.setdefault(mounted, []).append((part, name))
            written |= {mounted} if writable else set()
    for mounted in written & users.keys():
        (first, _), *others = users[mounted]
        for part, name in others:
            if part is not first:
                words = f"the volume {name} is also that of {first.name}, and here each has its own"
                part.lost.append(Lost("volumes", words))


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
            condition = (how or {}).get("condition")
            yield str(name), condition if condition in (HEALTHY, DONE) else ""
    else:
        yield from ((str(name), "") for name in given)
    for link in service.get("links") or []:
        yield str(link).partition(":")[0], ""


def ordered(
    name: str, services: Mapping[str, Any], above: tuple[str, ...] = ()
) -> list[tuple[str, str]]:
    """What a service needs, that first which the others need, and the strictest condition.

    Raises `MisreadError` for one that is not there, unless it is not required.
    """
    order: dict[str, str] = {}
    for other, condition in needs(services[name]):
        if other in above:
            continue
        if other not in services:
            if not _required(other, services[name]):
                continue
            key = "depends_on" if other in (services[name].get("depends_on") or ()) else "links"
            raise MisreadError(f"{name} depends on {other}, which is no service.", name, key)
        for one, how in (*ordered(other, services, (*above, name)), (other, condition)):
            order[one] = max(order.get(one, ""), how, key=("", HEALTHY, DONE).index)
    return list(order.items())


def _required(other: str, service: Mapping[str, Any]) -> bool:
    given = service.get("depends_on")
    how = given.get(other) if isinstance(given, dict) else None
    return bool((how or {}).get("required", True))


def host(name: str, others: Sequence[str] = ()) -> str:
    """The name of a service as a gate file may have it, unlike those of the others."""
    found = re.sub(r"[^a-z0-9-]", "-", name.lower()).strip("-") or "service"
    names = (found, *(f"{found}-{number}" for number in range(1, len(others) + 2)))
    return next(each for each in names if each not in TAKEN and each not in others)
