"""However a run is killed, nothing that carries its label is left five seconds later."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.conftest import labelled

ENGINES = ["process", pytest.param("docker", marks=pytest.mark.docker)]
SLOW = """\
releases:
  candidate: {image: "%(image)s", command: [sleep, "60"]}
targets:
  boot: {timeout: 60s, proof: {line: never}}
gate: {boots: 1}
"""
IMAGE = os.environ.get("BOOTGATE_PYTHON_IMAGE", "python:3.13-slim")


def left(engine: str) -> list[str]:
    """What still carries the label of any run of this engine."""
    if engine == "process":
        return [str(pid) for pid in labelled("BOOTGATE_RUN=")]
    command = ["docker", "ps", "-aq", "--filter", "label=bootgate.run"]
    containers = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    command = ["docker", "volume", "ls", "-q", "--filter", "label=bootgate.run"]
    volumes = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return [*containers.split(), *volumes.split()]


def until(condition, seconds: float):
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.1)
    return value


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("how", ["ctrl-c", "sigterm", "sigkill", "timeout"])
def test_nothing_is_left_behind(tmp_path: Path, engine: str, how: str):
    before = set(left(engine))
    (tmp_path / "bootgate.yaml").write_text(SLOW % {"image": IMAGE})
    options = ["--timeout=3", "--timeout-method=thread"] if how == "timeout" else []
    pytest_run = subprocess.Popen(
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
        until(lambda: set(left(engine)) - before, 30)
        if how == "ctrl-c":
            os.killpg(pytest_run.pid, signal.SIGINT)
        elif how == "sigterm":
            pytest_run.terminate()
        elif how == "sigkill":
            pytest_run.kill()
        assert pytest_run.wait(20) != 0
        until(lambda: not set(left(engine)) - before, 5)
    finally:
        if pytest_run.poll() is None:
            pytest_run.kill()
