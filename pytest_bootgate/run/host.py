"""The machine on which boots are measured: what it is."""

from __future__ import annotations

import os
import platform
import tempfile
import time

from pytest_bootgate.engines.base import Capacity
from pytest_bootgate.records.values import HostFacts
from pytest_bootgate.run.cgroup import limits
from pytest_bootgate.run.onlooker import disk_free, pressures


def facts(engine: Capacity | None = None) -> HostFacts:
    """What is known of the machine just now; `engine` is what the engine says of its own."""
    import psutil

    memory, load = psutil.virtual_memory(), os.getloadavg()
    cpu_limit, memory_limit = limits()
    disk = data_disk(engine)
    return HostFacts(
        system=f"{platform.system()} {platform.release()}",
        python=platform.python_version(),
        cpus=os.cpu_count() or 1,
        memory=memory.total,
        load=load[0],
        load5=load[1],
        load15=load[2],
        cpu_limit=cpu_limit,
        memory_limit=memory_limit,
        available=memory.available,
        uptime=time.time() - psutil.boot_time(),
        disk=disk,
        disk_free=disk_free(disk),
        pressure=pressures(),
        engine_cpus=engine.cpus if engine is not None else None,
        engine_memory=engine.memory if engine is not None else None,
    )


def data_disk(engine: Capacity | None = None) -> str:
    """Where on this machine boots write: the engine's directory, or the temporary one."""
    if engine is not None and os.access(engine.root, os.R_OK):
        return engine.root
    return tempfile.gettempdir()
