"""How a container is kept from going on: paused, left almost without CPU, or its runner killed."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import time
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docker.errors import NotFound

from pytest_bootgate.engines.base import State
from pytest_bootgate.engines.docker_api import DockerApi
from pytest_bootgate.errors import EngineError

if TYPE_CHECKING:
    from docker.api import APIClient

#: What is left to a starved container: the least that an engine takes, 1 % of a core.
_PERIOD, _QUOTA = 100_000, 1_000
_NANO = 10_000_000
_DEATH = 2.0


class ContainerHold:
    """Holds one container; `role` and `cpus` (the limit it has otherwise) are those of its unit."""

    def __init__(self, api: DockerApi, container: str, role: str, cpus: float | None) -> None:
        self._api, self._id, self._role, self._cpus = api, container, role, cpus

    def pause(self) -> None:
        """Freeze all its processes. Raises `EngineError`."""
        with self._api.call(f"pause the {self._role}") as client:
            client.pause(self._id)

    def starve(self) -> None:
        """Leave it 1 % of a core. Raises `EngineError`."""
        self._give(_QUOTA, _NANO)

    def release(self) -> None:
        """End what `pause` or `starve` began. Raises `EngineError`."""
        state = self.state()
        if state == "paused":
            with self._api.call(f"resume the {self._role}") as client:
                client.unpause(self._id)
        elif state == "starved":
            self._give(-1, None if self._cpus is None else round(self._cpus * 1e9))

    def _give(self, quota: int, nano: int | None) -> None:
        # The engine takes one of two ways to say it, the one in which it was said at first.
        limit = {"CpuPeriod": _PERIOD, "CpuQuota": quota}
        if self._cpus is not None:
            limit = {"NanoCpus": nano or 0}
        with self._api.call(f"limit the CPU of the {self._role}") as client:
            raw: Any = client  # its own `update_container` does not know NanoCpus
            url = raw._url("/containers/{0}/update", self._id)  # noqa: SLF001
            raw._raise_for_status(raw._post_json(url, data=limit))  # noqa: SLF001

    def state(self) -> State:
        """How it is held, by the engine's own word. Raises `EngineError`."""
        with self._api.call(f"look at the {self._role}") as client:
            try:
                seen = client.inspect_container(self._id)
            except NotFound:
                return ""
        if seen["State"].get("Paused"):
            return "paused"
        limits = seen["HostConfig"]
        starved = limits.get("CpuQuota") == _QUOTA or limits.get("NanoCpus") == _NANO
        return "starved" if starved and seen["State"]["Running"] else ""

    def processes(self) -> Mapping[int, str]:
        """Its processes but the main one and commands run inside: number and command line."""
        with self._api.call(f"list the processes of the {self._role}") as client:
            try:
                return self._below_main(client)
            except NotFound:
                return {}

    def _below_main(self, client: APIClient) -> dict[int, str]:
        init = int(client.inspect_container(self._id)["State"]["Pid"])
        listed = client.top(self._id, ps_args="-eo pid,ppid,args")["Processes"] or []
        commands = {int(pid): args for pid, _, args in listed}
        parents = {int(pid): int(parent) for pid, parent, _ in listed}

        def inside(pid: int) -> bool:
            while pid in parents and pid != init:
                pid = parents[pid]
            return pid == init

        # Below the init is the main process, the oldest; orphans come to the init later.
        own = sorted(pid for pid, parent in parents.items() if parent == init)
        without = {init, *own[:1]}
        return {p: args for p, args in commands.items() if p not in without and inside(p)}

    def kill(self, processes: Collection[int]) -> None:
        """Kill some of `processes` and wait until they are gone. Raises `EngineError`."""
        left = [pid for pid in processes if not _killed(pid, self._id)]
        if left:
            self._kill_from_inside(left)
        until = time.monotonic() + _DEATH
        while alive := set(processes) & self.processes().keys():
            if time.monotonic() > until:
                raise EngineError(
                    f"Docker could not kill a runner in the {self._role}: {len(alive)} of its"
                    " processes still run. Use propagation: {hold: pause}."
                )
            time.sleep(0.05)

    def _kill_from_inside(self, processes: Collection[int]) -> None:
        """Root's processes, gated by a user who is not root: the container may kill its own."""
        numbers = [number for pid in processes if (number := _inner(pid, self._id))]
        if not numbers:
            raise EngineError(
                f"The runner in the {self._role} cannot be killed: its engine is not on this"
                " machine, or this user may not see its processes. Use propagation: {hold: pause}."
            )
        with self._api.call(f"kill a runner in the {self._role}") as client:
            words = ["sh", "-c", f"kill -9 {' '.join(numbers)}"]
            made = client.exec_create(self._id, words, user="root")["Id"]
            client.exec_start(made)


def _killed(pid: int, container: str) -> bool:
    """Kill a process of a container on this machine, as far as this user may."""
    if not _here(pid, container):
        return False
    with contextlib.suppress(ProcessLookupError):
        try:
            os.kill(pid, signal.SIGKILL)
        except PermissionError:
            return False
    return True


def _here(pid: int, container: str) -> bool:
    """Whether a number is this container's process, and not one of another machine's engine."""
    try:
        return container in Path(f"/proc/{pid}/cgroup").read_text()
    except OSError:
        return False


def _inner(pid: int, container: str) -> str | None:
    """The number of a process as its container knows it."""
    with contextlib.suppress(OSError):
        if _here(pid, container):
            found = re.search(
                r"^NSpid:.*\t(\d+)$", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE
            )
            return found[1] if found else None
    return None
