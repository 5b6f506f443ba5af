"""How little a container may do: nobody trusts an image yet that is under gate."""

from __future__ import annotations

from typing import Any

from docker.types import DeviceRequest, Ulimit

from pytest_bootgate.engines.base import UnitSpec
from pytest_bootgate.gatefile.model import Container

#: What entry points of common images need: they begin as root, give a directory to the system's
#: own user (CHOWN, FOWNER, DAC_OVERRIDE) and go on as that one (SETUID, SETGID), some of them in a
#: directory of their own (SYS_CHROOT). Without KILL the container's init, which stays root, could
#: not pass SIGTERM on to them. NET_BIND_SERVICE is asked for by programs that have it as a file
#: capability, though every port is free in a network of its own.
CAPABILITIES = (
    *("CHOWN", "DAC_OVERRIDE", "FOWNER", "KILL", "NET_BIND_SERVICE", "SETGID", "SETUID"),
    "SYS_CHROOT",
)
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
    if "ALL" in asked.cap_add:
        return limits | {"cap_add": ["ALL"], "cap_drop": sorted(asked.cap_drop)}
    default = () if "ALL" in asked.cap_drop else {*CAPABILITIES} - {*asked.cap_drop}
    return limits | {"cap_drop": ["ALL"], "cap_add": sorted({*default, *asked.cap_add})}


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


def beyond(asked: Container) -> tuple[str, ...]:
    """What a gate file grants a gateway beyond that, in words."""
    granted: list[str] = [c for c in dict.fromkeys(asked.cap_add) if c not in CAPABILITIES]
    if "ALL" in granted:
        granted = ["ALL capabilities"]
    if asked.pids > Container().pids:
        granted.append(f"{asked.pids} tasks")
    granted += ["new privileges"] * asked.new_privileges
    granted += [f"network {asked.network}"] * (asked.network != "none")
    granted += [*asked.security_opt, *asked.devices]
    if asked.gpus is not None:
        granted.append(f"GPUs: {asked.gpus}")
    return tuple(granted)
