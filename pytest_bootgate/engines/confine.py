"""How little a container may do: nobody trusts an image yet that is under gate."""

from __future__ import annotations

from typing import Any

from pytest_bootgate.engines.base import UnitSpec
from pytest_bootgate.gatefile.model import Needs

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
    limits: dict[str, Any] = {"security_opt": ["no-new-privileges"]}
    if spec.role == "sidecar":
        return limits | {
            "cap_drop": ["ALL"],
            # It follows files that belong to the gateway's user, who may have closed them to all
            # others. No other user than root can be given a capability in a container, so it stays
            # what its image says, mostly root: one who may read, and change nothing of others.
            "cap_add": ["DAC_READ_SEARCH"],
            "read_only": True,
            "tmpfs": {"/tmp": _SIDECAR_TMP},  # noqa: S108
            "pids_limit": _SIDECAR_PIDS,
            "mem_limit": _SIDECAR_MEMORY,
            "memswap_limit": _SIDECAR_MEMORY,
        }
    needs = spec.needs
    limits["pids_limit"] = needs.pids
    if needs.new_privileges:
        del limits["security_opt"]
    if "ALL" in needs.capabilities:
        return limits | {"cap_add": ["ALL"]}
    return limits | {"cap_drop": ["ALL"], "cap_add": sorted({*CAPABILITIES, *needs.capabilities})}


def beyond(needs: Needs) -> tuple[str, ...]:
    """What a gate file grants a gateway beyond that, in words."""
    granted: list[str] = [c for c in dict.fromkeys(needs.capabilities) if c not in CAPABILITIES]
    if "ALL" in granted:
        granted = ["ALL capabilities"]
    if needs.pids > Needs().pids:
        granted.append(f"{needs.pids} tasks")
    return (*granted, *(["new privileges"] if needs.new_privileges else []))
