"""What a gate has to be allowed on a cluster; docs/kubernetes.md has it as a Role."""

from __future__ import annotations

from collections.abc import Mapping

from pytest_bootgate.engines.kubernetes.api import Cluster

_LEASES = "coordination.k8s.io"
#: Verbs by API group and resource.
NEEDED: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("", "pods"): ("create", "delete", "get", "list"),
    ("", "pods/exec"): ("create", "get"),
    (_LEASES, "leases"): ("create", "delete", "get", "list", "update"),
}


def missing(cluster: Cluster) -> list[str]:
    """What this user may not do of it, as ``verb resource``. Raises `EngineError`."""
    return [
        f"{verb} {resource}"
        for (group, resource), verbs in NEEDED.items()
        for verb in verbs
        if not cluster.may(verb, resource, group=group)
    ]
