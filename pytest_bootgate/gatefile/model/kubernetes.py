"""The cluster on which boots are pods."""

from __future__ import annotations

from typing import Any, ClassVar

from pytest_bootgate.gatefile.model.base import Entry


class Kubernetes(Entry, frozen=True, kw_only=True):
    """The cluster on which boots are pods (kubernetes engine).

    `context` is a context of the kubeconfig, by default the current one; inside of a cluster its
        service account: ``context: staging``.
    `namespace` is where the pods are made, by default the context's: ``namespace: bootgate``.
    `nodes` are the labels of the nodes that may be used: ``nodes: {pool: gate}``.
    `image_pull_secrets` are secrets of the namespace with which images are pulled:
        ``image_pull_secrets: [registry]``.
    `pod` is merged into every pod: ``pod: {spec: {priorityClassName: low}}``; lists get longer, and
        those of named things, such as containers, are merged by name.
    """

    noun: ClassVar = "kubernetes"
    context: str | None = None
    namespace: str | None = None
    nodes: dict[str, str] = {}
    image_pull_secrets: list[str] = []
    pod: dict[str, Any] = {}
