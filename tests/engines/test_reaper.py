"""However the test process dies, nothing with the label is left within five seconds."""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from pytest_bootgate.engines import start_reaper
from pytest_bootgate.engines.processes import RUN_LABEL, carriers
from pytest_bootgate.engines.reaper import Reaper
from tests.engines.conftest import IMAGE, LOCAL_ENGINES, make_engine

PARENT = r"""
import os, sys, tempfile, time
from pytest_bootgate.engines import start_reaper
from pytest_bootgate.engines.base import UnitSpec
from tests.engines.conftest import make_engine
name, run, image, how = sys.argv[1:]
engine = make_engine(name, run)
reaper = start_reaper(run, engine)
tempfile.mkdtemp(prefix=f"bootgate-{run}-state-")
place = engine.place({})
python = "python3" if name == "docker" else sys.executable
for role in ("sidecar", "gateway"):
    command = [python, "-uc", "import os, time; os.write(1, b'up\\n'); time.sleep(60)"]
    spec = UnitSpec(role, image if name == "docker" else None, command, stdin=True)
    place.create(spec, lambda chunk: chunk.data and os.write(1, chunk.data)).start()
if how == "fork" and os.fork() == 0:
    os.close(1)
    time.sleep(20)
    os._exit(0)
os.write(1, b"reaper %d\n" % reaper.pid)  # whole, whoever else writes
while how == "busy":
    place.create(spec, print).start()
time.sleep(0.3)
if how == "os._exit":
    os._exit(1)
if how == "sys.exit":
    sys.exit(1)
time.sleep(60)
"""
SIGNALS = {"sigkill": signal.SIGKILL, "sigterm": signal.SIGTERM, "ctrl-c": signal.SIGINT}
ROOT = Path(__file__).parents[2]


def left(engine: str, run: str) -> list:
    directories = list(Path("/tmp").glob(f"bootgate-{run}-*"))
    if engine == "docker":
        from tests.engines.test_docker import labelled

        return labelled(run) + directories
    return carriers(RUN_LABEL, run) + directories


@pytest.mark.parametrize("engine", LOCAL_ENGINES)
@pytest.mark.parametrize("how", [*SIGNALS, "os._exit", "sys.exit", "fork", "busy"])
def test_nothing_is_left(engine, how, run_id):
    command = [sys.executable, "-c", PARENT, engine, run_id, IMAGE, how]
    environment = os.environ | {"TMPDIR": "/tmp"}
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=ROOT,
        env=environment,
        process_group=0,
    ) as parent:
        said: list[list[str]] = []
        while not {"up", "reaper"} <= {words[0] for words in said if words}:
            said.append(parent.stdout.readline().split())
        if how == "busy":
            time.sleep(secrets.randbelow(300) / 1000)
            parent.kill()
        if how == "fork":
            parent.kill()
        elif how in SIGNALS:
            os.killpg(parent.pid, SIGNALS[how])
        parent.wait()
        died = time.monotonic()
        while left(engine, run_id) and time.monotonic() - died < 5:
            time.sleep(0.05)
        assert left(engine, run_id) == []
    (reaper,) = (int(words[1]) for words in said if words[:1] == ["reaper"])
    while psutil.pid_exists(reaper) and psutil.Process(reaper).status() != "zombie":
        assert time.monotonic() - died < 5
        time.sleep(0.05)
    assert left(engine, run_id) == []


def reaper_of(run: str) -> Reaper:
    return start_reaper(run, make_engine("process", run))


def wait_for(process: psutil.Process) -> float:
    began = time.monotonic()
    with suppress(psutil.NoSuchProcess):  # it may end between two looks
        while process.is_running() and process.status() != "zombie":
            assert time.monotonic() - began < 20
            time.sleep(0.01)
    return time.monotonic() - began


def test_a_clean_stop_is_quick(run_id):
    reaper = reaper_of(run_id)
    process = psutil.Process(reaper.pid)
    reaper.stop(clean=True)
    reaper.stop()
    assert wait_for(process) < 1


def test_a_stop_that_is_not_clean_still_sweeps(run_id, local_bench):
    unit = local_bench.begin("import time; time.sleep(60)")
    reaper = reaper_of(run_id)
    process = psutil.Process(reaper.pid)
    reaper.stop()
    wait_for(process)
    assert not unit.running


def test_only_its_own_run(local_bench):
    unit = local_bench.begin("import time; time.sleep(60)")
    reaper = reaper_of("other")
    process = psutil.Process(reaper.pid)
    reaper.stop()
    wait_for(process)
    assert unit.running


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signals_do_not_end_it(run_id, number):
    reaper = reaper_of(run_id)
    process = psutil.Process(reaper.pid)
    time.sleep(0.5)
    process.send_signal(number)
    time.sleep(0.2)
    assert process.is_running()
    assert process.status() != "zombie"
    assert RUN_LABEL not in process.environ()
    reaper.stop(clean=True)
    wait_for(process)
