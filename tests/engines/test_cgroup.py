"""What the kernel says of the limits of a container, and of the machine of its engine."""

from __future__ import annotations

import os
import tempfile
import time

import psutil
import pytest

from pytest_bootgate.run.cgroup import limits, throttled
from pytest_bootgate.run.host import facts

pytestmark = pytest.mark.docker

BURN = "while True: pass"


def test_a_container_with_limits_and_how_they_hold_it_back(docker_bench):
    unit = docker_bench.begin(BURN, cpus=0.05, memory=2**28)
    unit.cpu_seconds()
    assert limits(unit.pid) == (0.05, 2**28)
    group, before = next(iter(throttled(unit.pid).items()))
    deadline = time.monotonic() + 30
    # On a busy machine it may take a while to use up a twentieth of a CPU.
    while (held := throttled(unit.pid)[group] - before) < 0.2 and time.monotonic() < deadline:
        time.sleep(0.1)
    assert held >= 0.2


def test_a_container_without_limits(docker_bench):
    unit = docker_bench.begin("import time; time.sleep(60)")
    unit.cpu_seconds()
    assert limits(unit.pid)[0] == limits()[0]
    assert throttled(unit.pid)


def test_the_machine_of_the_engine_is_this_one(docker_bench):
    told = docker_bench.engine.capacity()
    assert told.cpus == os.cpu_count()
    assert told.memory == pytest.approx(psutil.virtual_memory().total, rel=0.01)
    found = facts(told)
    assert found.engine_cpus == told.cpus
    # Not everybody may look into the engine's directory.
    assert found.disk in (told.root, tempfile.gettempdir())
    assert found.disk_free > 0
