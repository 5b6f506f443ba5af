"""A Kubernetes manifest under a gate file, each value at its place.

The cluster is not asked: the manifest is read each time the gate file is, by what also serves
``bootgate init --from``, so the two cannot drift apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pytest_bootgate.gatefile.origin import kubernetes
from pytest_bootgate.gatefile.origin.cluster import Cluster, objects
from pytest_bootgate.gatefile.origin.found import Origin, Part
from pytest_bootgate.gatefile.origin.pods import NoContainerError
from pytest_bootgate.gatefile.origin.reading import MisplacedError
from pytest_bootgate.gatefile.source import documents
from pytest_bootgate.gatefile.tree import Map, Mistakes, Place, Scalar, shown

_PROOF = '{http: ":8080/health"}'


def container(
    path: Path, wanted: Scalar, own: Map, mistakes: Mistakes, secrets: set[str]
) -> Origin | None:
    """A container of a manifest, and the others of its pod; None where there is a mistake."""
    before = Mistakes()
    found = documents(path, before)
    if found is None or before:
        mistakes.take(before)
        return None
    try:
        secrets |= {*Cluster([*objects(found)]).secrets()}
        read = kubernetes.read(found, shown(path), wanted.text, lambda name: _given(own, name))
    except NoContainerError as error:
        mistakes.add(wanted.place, error.what, error.way_out)
        return None
    except MisplacedError as error:
        mistakes.add(error.place, error.what, error.way_out)
        return None
    return Origin(read, _place, "container", _PROOF, outside=True)


def _place(part: Part, key: str) -> Place:
    return part.places.get(key, part.places["key"])


def _given(own: Map, service: str) -> Mapping[str, str]:
    """The environment that a gate file gives a service, or the gateway."""
    env = own.below("services", service, "env") if service else own.below("gateway", "env")
    entries = env.entries if isinstance(env, Map) else {}
    found = {key: each for key, each in entries.items() if isinstance(each, Scalar)}
    return {key: each.text for key, each in found.items() if not each.null}
