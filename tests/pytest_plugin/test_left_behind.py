"""However a run is killed, nothing that carries its label is left five seconds later."""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from tests import nursery
from tests.conftest import labelled

ENGINES = ["process", pytest.param("docker", marks=pytest.mark.docker)]
SLOW = """\
releases:
  candidate: {image: "%(image)s", command: %(command)s}
targets:
  boot: {timeout: 60s, proof: {line: never}}
gate: {boots: 1}
"""
IMAGE = os.environ.get("BOOTGATE_PYTHON_IMAGE", "python:3.13-slim")


def docker(*args: str) -> list[str]:
    """The lines that the docker command prints."""
    command = ["docker", *args]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()


def run_of(engine: str, command: str) -> str | None:
    """The label of the run in which a command runs."""
    if engine == "docker":
        line = '{{.Label "bootgate.run"}} {{.Command}}'
        lines = docker("ps", "--no-trunc", "--format", line)
        return next((text.split()[0] for text in lines if command in text), None)
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if command in (process / "cmdline").read_bytes().replace(b"\0", b" ").decode():
                environ = (process / "environ").read_bytes().decode()
                return environ.partition("BOOTGATE_RUN=")[2].partition("\0")[0]
        except OSError:
            continue
    return None


def left(engine: str, run: str) -> list[object]:
    """What still carries the label of a run."""
    if engine == "process":
        return [*labelled(f"BOOTGATE_RUN={run}")]
    label = f"label=bootgate.run={run}"
    volumes = docker("volume", "ls", "-q", "--filter", label)
    return [*docker("ps", "-aq", "--filter", label), *volumes]


def until(condition, seconds: float):
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.1)
    return value


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("how", ["ctrl-c", "sigterm", "sigkill", "timeout"])
def test_nothing_is_left_behind(tmp_path: Path, engine: str, how: str):
    command = f"sleep 60.{secrets.randbelow(10**9):09}"
    (tmp_path / "bootgate.yaml").write_text(SLOW % {"image": IMAGE, "command": command.split()})
    options = ["--timeout=3", "--timeout-method=thread"] if how == "timeout" else []
    pytest_run = nursery.Python(
        [
            *(sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "bootgate.yaml"),
            *("--bootgate-engine", engine, *options),
        ],
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        run = until(lambda: run_of(engine, command), 30)
        if how == "ctrl-c":
            os.killpg(pytest_run.pid, signal.SIGINT)
        elif how == "sigterm":
            pytest_run.terminate()
        elif how == "sigkill":
            pytest_run.kill()
        assert pytest_run.wait(20) != 0
        until(lambda: not left(engine, run), 5)
    finally:
        if pytest_run.poll() is None:
            pytest_run.kill()


@pytest.mark.parametrize("engine", ENGINES)
def test_the_next_gate_removes_what_was_killed_with_its_reaper(tmp_path: Path, engine: str):
    command = f"sleep 60.{secrets.randbelow(10**9):09}"
    (tmp_path / "bootgate.yaml").write_text(SLOW % {"image": IMAGE, "command": command.split()})
    environment = os.environ | {"TMPDIR": str(tmp_path)}
    gate = [
        *(sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "bootgate.yaml"),
        *("--bootgate-engine", engine, "--bootgate-json=out.json"),
    ]
    killed = nursery.Python(gate, cwd=tmp_path, stdout=subprocess.DEVNULL, env=environment)
    run = until(lambda: run_of(engine, command), 30)
    for process in psutil.Process(killed.pid).children():
        if "engines.reaper" in " ".join(process.cmdline()):
            process.kill()
    killed.kill()
    killed.wait()
    assert left(engine, run) or list(tmp_path.glob(f"bootgate-{run}*"))
    fine = SLOW.replace("never", "up") % {"image": IMAGE, "command": ["echo", "up"]}
    (tmp_path / "bootgate.yaml").write_text(fine)
    again = nursery.run(gate, cwd=tmp_path, stdout=subprocess.PIPE, env=environment, check=False)
    (target,) = json.loads((tmp_path / "out.json").read_text())["targets"]
    # Of other tests' runs, perhaps, as well.
    assert any(
        note.startswith("removed leftovers of killed runs") and run in note
        for note in target["notes"]
    )
    assert b"note: removed leftovers of killed runs on this machine" in again.stdout
    assert not left(engine, run)
    assert not list(tmp_path.glob("bootgate-*"))
