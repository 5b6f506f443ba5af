"""What a run left that was killed with its reaper is removed by the next one, and nothing else."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pytest_bootgate.engines import remove, runs
from pytest_bootgate.engines.owner import gone, lives, own
from tests.engines.conftest import IMAGE, LOCAL_ENGINES
from tests.engines.test_reaper import left

ROOT = Path(__file__).parents[2]
KILLED = """
import os, sys, time
from pytest_bootgate.engines.base import UnitSpec
from tests.engines.conftest import make_engine
name, run, image = sys.argv[1:]
place = make_engine(name, run).place({})
python = "python3" if name == "docker" else sys.executable
command = [python, "-uc", "import os, time; os.setsid() if os.fork() == 0 else 0; time.sleep(60)"]
spec = UnitSpec("sidecar", image if name == "docker" else None, command)
place.create(spec, lambda chunk: None).start()
print("up", flush=True)
time.sleep(60)
"""


@pytest.fixture
def booting(run_id):
    """A run without a reaper that boots something, on an engine; it is killed in the end."""
    started = []

    def call(engine: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", KILLED, engine, run_id, IMAGE]
        environment = os.environ | {"TMPDIR": "/tmp"}
        parent = subprocess.Popen(
            command, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=environment
        )
        started.append((engine, parent))
        assert parent.stdout is not None
        assert parent.stdout.readline() == "up\n"
        return parent

    yield call
    for engine, parent in started:
        parent.kill()
        parent.communicate()
        remove(engine, run_id)


def test_an_owner_lives_as_long_as_its_process():
    assert (lives(own()), gone(own())) == (True, False)
    machine, pid, started = own().split(".")
    another = f"{machine}.{pid}.{int(started) + 1}"
    assert (lives(another), gone(another)) == (False, True)
    program = "from pytest_bootgate.engines.owner import own; print(own())"
    command = [sys.executable, "-c", program]
    ended = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True)
    assert gone(ended.stdout.strip())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "a.b.c",
        f"{own().split('.')[0]}.²3.1",
        "another+pid:[1].1.1",
        f"{own().split('.')[0]}..",
        "..",
        "\0.1.2",
    ],
)
def test_of_others_nobody_knows(text):
    assert (lives(text), gone(text)) == (False, False)


def test_a_process_that_is_hidden_is_not_gone(monkeypatch):
    """/proc may be mounted so that nobody sees the processes of others (hidepid)."""
    machine, _, started = own().split(".")
    monkeypatch.setattr("pytest_bootgate.engines.owner._started", lambda _: "")
    assert not gone(f"{machine}.1.{started}")


@pytest.mark.parametrize("run", ["*", "../../etc", "a/../b", "?"])
def test_a_label_that_is_no_run_is_nobodys(run):
    """Whatever a process calls its run: no directory is removed by that name."""
    environment = os.environ | {"BOOTGATE_RUN": run, "BOOTGATE_OWNER": "x"}
    with subprocess.Popen(["sleep", "60"], env=environment) as process:
        try:
            assert run not in runs("process")
        finally:
            process.kill()


@pytest.mark.parametrize("engine", LOCAL_ENGINES)
def test_what_a_killed_run_left_is_found_and_removed(booting, engine, run_id, monkeypatch):
    monkeypatch.setenv("TMPDIR", "/tmp")
    monkeypatch.setattr("tempfile.tempdir", None)
    parent = booting(engine)
    assert runs(engine)[run_id] == "lives"
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    # A gate that starts just now, in another test, may have removed it already.
    assert runs(engine).get(run_id, "gone") == "gone"
    remove(engine, run_id)
    until = time.monotonic() + 10
    while left(engine, run_id) and time.monotonic() < until:
        time.sleep(0.05)
    assert left(engine, run_id) == []
    assert run_id not in runs(engine)
