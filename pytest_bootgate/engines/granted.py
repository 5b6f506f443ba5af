"""What a gateway in a container may do by default, and what a gate file grants it beyond."""

from __future__ import annotations

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


def capabilities(asked: Container) -> dict[str, list[str]]:
    """What a gateway may: capabilities to ``add`` once those to ``drop`` are dropped."""
    if "ALL" in asked.cap_add:
        return {"add": ["ALL"], "drop": sorted(asked.cap_drop)}
    default = () if "ALL" in asked.cap_drop else {*CAPABILITIES} - {*asked.cap_drop}
    return {"add": sorted({*default, *asked.cap_add}), "drop": ["ALL"]}


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
