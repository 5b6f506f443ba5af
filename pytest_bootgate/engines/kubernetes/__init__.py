"""Boots as pods of a Kubernetes cluster.

Needs the extra ``pytest-bootgate[kubernetes]``; so what needs it is imported when it is used.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

from pytest_bootgate.errors import EngineError

if TYPE_CHECKING:
    from pytest_bootgate.engines.kubernetes.api import Cluster
    from pytest_bootgate.engines.kubernetes.engine import KubernetesEngine
    from pytest_bootgate.gatefile.model import Kubernetes

_NEEDED = ("lightkube", "websocket")


def connect(run: str, asked: Kubernetes) -> KubernetesEngine:
    """The engine of a run. Raises `EngineError` where it is not installed, or nothing answers."""
    _must_be_installed()
    from pytest_bootgate.engines.kubernetes.engine import KubernetesEngine

    return KubernetesEngine(run, asked)


def sweep(run: str, where: Mapping[str, str] = os.environ) -> int:
    """Remove all pods of a run; how many that were. `where` names the cluster."""
    cluster = _cluster(where)
    from pytest_bootgate.engines.kubernetes.engine import sweep

    return sweep(run, cluster)


def runs(where: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Of all runs that have pods in the namespace, the owner. Raises `EngineError`."""
    cluster = _cluster(where)
    from pytest_bootgate.engines.kubernetes.engine import runs

    return runs(cluster)


def _cluster(where: Mapping[str, str]) -> Cluster:
    _must_be_installed()
    from pytest_bootgate.engines.kubernetes.api import Cluster
    from pytest_bootgate.engines.kubernetes.engine import CONTEXT, NAMESPACE

    return Cluster(where.get(CONTEXT) or None, where.get(NAMESPACE) or None)


def _must_be_installed() -> None:
    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise EngineError(
            "The kubernetes engine needs packages that are not installed: pip install"
            " 'pytest-bootgate[kubernetes]'."
        )
