"""The pods of a manifest, and which of their containers is under gate."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pytest_bootgate.errors import BootgateError
from pytest_bootgate.gatefile.origin.cluster import Cluster, objects
from pytest_bootgate.gatefile.origin.reading import MisplacedError, maps, named, section, text
from pytest_bootgate.gatefile.tree import Map, did_you_mean, listed

#: Where the pod template of a workload stands; of a Pod, it is the object itself.
_TEMPLATES: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(
        ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "ReplicationController", "Job"),
        ("spec", "template"),
    ),
    "CronJob": ("spec", "jobTemplate", "spec", "template"),
    "Pod": (),
}
#: The probes of a container, that first which limits its start.
PROBES = ("startupProbe", "readinessProbe", "livenessProbe")


@dataclass(frozen=True)
class Pod:
    """What runs of a workload: its `template`, and what else of the `workload` matters."""

    kind: str
    name: str
    workload: Map
    template: Map
    cluster: Cluster

    @property
    def spec(self) -> Map:
        """What is said of its containers."""
        return section(self.template, "spec")

    @property
    def namespace(self) -> str:
        """The namespace that is written, empty for none."""
        return text(section(self.workload, "metadata"), "namespace")

    @property
    def containers(self) -> list[Map]:
        """Those that run side by side."""
        return maps(self.spec, "containers")

    @property
    def first(self) -> list[Map]:
        """Those that come first: they end before the others start, or are native sidecars."""
        return maps(self.spec, "initContainers")

    @property
    def claims(self) -> set[str]:
        """The volumes that a StatefulSet claims for each pod."""
        found = maps(section(self.workload, "spec"), "volumeClaimTemplates")
        return {text(section(one, "metadata"), "name") for one in found}

    @property
    def hostname(self) -> str:
        """The host name that somebody can know before."""
        ordinal = f"{self.name}-0" if self.kind == "StatefulSet" else ""
        return text(self.spec, "hostname") or ordinal


class NoContainerError(BootgateError):
    """A container that is not there, or is not the only one of its name, and the way out."""

    def __init__(self, what: str, way_out: str) -> None:
        super().__init__(f"{what}: {way_out}.")
        self.what, self.way_out = what, way_out


def pods(documents: Sequence[Map]) -> Iterator[Pod]:
    """The pods of all workloads. Raises `MisplacedError`."""
    every = [*objects(documents)]
    cluster = Cluster(every)
    for one in every:
        if (kind := text(one, "kind")) not in _TEMPLATES:
            continue
        template = one
        for key in _TEMPLATES[kind]:
            template = section(template, key)
        name = text(section(one, "metadata"), "name") or "boot"
        pod = Pod(kind, name, one, template, cluster)
        if not pod.containers:
            raise MisplacedError(one.place, f"the {kind} {name} has no `containers`")
        yield pod


def chosen(found: Sequence[Pod], wanted: str | None, file: object) -> tuple[Pod, Map]:
    """The container of a name, such as ``api``, ``shop/api`` or ``Deployment/shop/api``.

    For None the one that most looks like what the file is for, see `_likely`. Raises
    `NoContainerError`, and `MisplacedError`.
    """
    if not found:
        kinds = listed([*_TEMPLATES], "or")
        raise NoContainerError(f"{file} has no containers", f"name a file with a {kinds}")
    if wanted is None:
        return _likely(found)
    *above, name = wanted.split("/")
    each = [(pod, one) for pod in found for one in pod.containers if named(one) == name]
    hits = [(pod, one) for pod, one in each if above in ([], [pod.name], [pod.kind, pod.name])]
    if len(hits) == 1:
        return hits[0]
    ways = [f"{pod.name}/{name}" for pod, _ in hits]
    if len(hits) > 1:
        if len({*ways}) < len(ways):
            ways = [f"{pod.kind}/{pod.name}/{name}" for pod, _ in hits]
        raise NoContainerError(f"{file} has several containers '{wanted}'", f"write {ways[0]}")
    if any(named(one) == name for pod in found for one in pod.first):
        what = f"'{wanted}' of {file} is an init container, which starts before what is gated"
        raise NoContainerError(what, f"name one of {listed(_names(found))}")
    names = _names(found) if not above else [f"{p.name}/{n}" for p in found for n in _names([p])]
    way_out = did_you_mean(wanted, names, f"there are {listed(names)}")
    raise NoContainerError(f"{file} has no container '{wanted}'", way_out)


def _likely(found: Sequence[Pod]) -> tuple[Pod, Map]:
    """Of the first pod with probes the container that has some, best one named like the workload.

    Helpers beside it, which may come first, mostly have neither.
    """
    probed = [pod for pod in found if any(map(_probed, pod.containers))]
    pod = (probed or found)[0]

    def likeness(one: Map) -> tuple[bool, bool, bool]:
        name = named(one)
        return _probed(one), name == pod.name, pod.name.endswith(f"-{name}")

    return pod, max(pod.containers, key=likeness)


def _probed(container: Map) -> bool:
    return any(section(container, name).entries for name in PROBES)


def _names(found: Sequence[Pod]) -> list[str]:
    return list(dict.fromkeys(named(one) for pod in found for one in pod.containers))
