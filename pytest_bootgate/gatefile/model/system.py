"""What a system is run with already."""

from __future__ import annotations

from typing import ClassVar

from pytest_bootgate.demands import Existing
from pytest_bootgate.gatefile.model.base import Entry


class System(Entry, frozen=True, kw_only=True):
    """A service of a Compose file, or a container of a Kubernetes manifest, as the gateway.

    What it depends on, and the other containers of its pod, are its services. The file is read each
    time, and what the gate file says wins. Its image is that of each release that names none. Its
    health check is what `ready` waits for, and the proof of the target that is called like it; the
    timeout is `start_period` and `retries` times `interval`. In a manifest its readinessProbe is
    the proof, and the timeout what its startupProbe allows. Its limits are a profile. Volumes begin
    empty for each boot.

    `compose` is the Compose file: ``compose: docker-compose.yml``.
    `service` is its service under gate: ``service: api``.
    `manifest` is a Kubernetes manifest with a Deployment, StatefulSet, DaemonSet, Job, CronJob or
        Pod, as it is applied (after `helm template`): ``manifest: deployment.yaml``.
    `container` is its container under gate, with the name of its workload before it where several
        have one of that name: ``container: api``, ``container: shop/api``.
    `ignore` are keys of that file which the gate goes without, because a gate file cannot say the
        same: ``ignore: [sysctls]``.
    """

    noun: ClassVar = "the system"
    compose: Existing | None = None
    service: str | None = None
    manifest: Existing | None = None
    container: str | None = None
    ignore: list[str] = []
