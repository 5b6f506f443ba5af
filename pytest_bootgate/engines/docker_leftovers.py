"""What runs have on a Docker engine, and how to remove it: all of it carries the run's label."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from docker.errors import APIError

from pytest_bootgate.engines.container import remove_container
from pytest_bootgate.engines.docker_address import HOSTS, hosts, named
from pytest_bootgate.engines.docker_api import DockerApi, gone_is_fine
from pytest_bootgate.errors import EngineError

if TYPE_CHECKING:
    from docker.api import APIClient

LABEL = "bootgate.run"
OWNER = "bootgate.owner"
#: What may be there only as long as its run has the host.
LEASED = "bootgate.leased"
_REMOVAL_DEADLINE = 20.0


def sweep(run: str, where: Mapping[str, str] = os.environ) -> int:
    """Remove all that is labelled with a run; how much that was. `where` may name hosts.

    Raises `EngineError` where one does not answer, after all others.
    """
    removed, failed = 0, None
    for api in _engines(where):
        try:
            if isinstance(api, EngineError):
                raise api
            removed += sweep_one(api, run)
        except EngineError as error:
            failed = error
    if failed is not None:
        raise failed
    return removed


def runs(where: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Of all runs that have something there, the owner. `where` may name hosts.

    Raises `EngineError` where none answers.
    """
    found: dict[str, str] = {}
    answered, failed = 0, None
    for api in _engines(where):
        if isinstance(api, EngineError):
            failed = api
            continue
        answered += 1
        with api.call("list leftovers") as client:
            seen = client.containers(all=True, filters={"label": LABEL})
            seen += client.volumes(filters={"label": LABEL})["Volumes"] or []
        labels = [one["Labels"] for one in seen if one.get("Labels")]
        found |= {one[LABEL]: one.get(OWNER, "") for one in labels}
    if failed is not None and not answered:
        raise failed
    return found


def _engines(where: Mapping[str, str]) -> Iterator[DockerApi | EngineError]:
    """The engines that are meant, one after another, or why one does not answer."""
    for host in hosts(where[HOSTS]) if where.get(HOSTS) else [None]:
        try:
            api = DockerApi(None if host is None else named(host))
        except EngineError as error:
            yield error
            continue
        try:
            yield api
        finally:
            api.close()


def sweep_one(api: DockerApi, run: str) -> int:
    """Remove what a run has on one engine; how much that was. Raises `EngineError`."""
    return _removed(api, f"{LABEL}={run}", "")


def sweep_leased(api: DockerApi, labels: Mapping[str, str]) -> int:
    """Remove what other runs left behind that had this host before. Raises `EngineError`."""
    return _removed(api, LEASED, labels[LABEL])


def _removed(api: DockerApi, label: str, without: str) -> int:
    with api.call("remove leftovers") as client:
        found = client.containers(all=True, filters={"label": label})
        containers = [one for one in found if one["Labels"].get(LABEL) != without]
        for container in containers:
            remove_container(client, container["Id"])
        there = client.volumes(filters={"label": label})["Volumes"] or []
        volumes = [one for one in there if one["Labels"].get(LABEL) != without]
        for volume in volumes:
            remove_volume(client, volume["Name"])
    return len(containers) + len(volumes)


def remove_volume(client: APIClient, name: str) -> None:
    """Remove a volume, and wait for its last container."""
    until = time.monotonic() + _REMOVAL_DEADLINE
    with gone_is_fine():
        while True:
            try:
                return client.remove_volume(name, force=True)
            except APIError as error:  # its last container is still being removed
                if error.status_code != 409 or time.monotonic() > until:
                    raise
            time.sleep(0.05)
