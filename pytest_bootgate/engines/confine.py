"""How little a container may do: nobody trusts an image yet that is under gate."""

from __future__ import annotations

from typing import Any

from docker.types import DeviceRequest, Ulimit

from pytest_bootgate.engines.base import UnitSpec
from pytest_bootgate.engines.granted import capabilities
from pytest_bootgate.gatefile.model import Container

#: A sidecar has a thread for every request at its stub. It, or a command that the gate file
#: runs in it, may be a program of the release.
_SIDECAR_PIDS = 512
_SIDECAR_MEMORY = 512 << 20
_SIDECAR_TMP = "size=64m"


def confined(spec: UnitSpec) -> dict[str, Any]:
    """What a container of this unit is created with, as the SDK's `create_host_config` takes it."""
    asked = spec.container
    limits = _asked(asked)
    if spec.role == "sidecar":
        return limits | {
            "cap_drop": ["ALL"],
            # It follows files that belong to the gateway's user, who may have closed them to all
            # others. No other user than root can be given a capability in a container, so it stays
            # what its image says, mostly root: one who may read, and change nothing of others.
            "cap_add": sorted({"DAC_READ_SEARCH", *asked.cap_add}),
            "read_only": True,
            "tmpfs": {"/tmp": _SIDECAR_TMP, **limits["tmpfs"]},  # noqa: S108
            "pids_limit": max(_SIDECAR_PIDS, asked.pids if asked.pids != Container().pids else 0),
            "mem_limit": _SIDECAR_MEMORY,
            "memswap_limit": _SIDECAR_MEMORY,
        }
    wanted = capabilities(asked)
    return limits | {"cap_add": wanted["add"], "cap_drop": wanted["drop"]}


def _asked(asked: Container) -> dict[str, Any]:
    """What a gate file asks for besides capabilities."""
    options = list(asked.security_opt)
    if not asked.new_privileges:
        options.append("no-new-privileges")
    requests = []
    if asked.gpus is not None:
        count = -1 if asked.gpus == "all" else int(asked.gpus)
        requests = [DeviceRequest(count=count, capabilities=[["gpu"]])]
    return {
        "security_opt": options,
        "pids_limit": asked.pids,
        "read_only": asked.read_only,
        "tmpfs": {path: options for path, _, options in (t.partition(":") for t in asked.tmpfs)},
        "shm_size": asked.shm_size,
        "ulimits": [_ulimit(name, str(limit)) for name, limit in asked.ulimits.items()],
        "devices": list(asked.devices),
        "device_requests": requests,
        # As process 1, a runner's own SIGSEGV would be ignored.
        "init": asked.init,
    }


def _ulimit(name: str, limit: str) -> Ulimit:
    soft, _, hard = limit.partition(":")
    return Ulimit(name=name, soft=int(soft), hard=int(hard or soft))
