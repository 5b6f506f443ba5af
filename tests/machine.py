"""What a test may do to a machine without doing it to this one: stop its engine, set its clock."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import libfaketime
import psutil

IMAGE = os.environ.get("BOOTGATE_PYTHON_IMAGE", "python:3.13-slim")


class Engine(NamedTuple):
    """A Docker engine: its `DOCKER_HOST`, and the pid of its daemon."""

    host: str
    pid: int


@contextmanager
def an_engine() -> Iterator[Engine]:
    """A Docker engine that may be stopped, with the image of Python; it goes away at the end."""
    here = Path(tempfile.mkdtemp(dir="/tmp"))  # the path of a socket has 108 bytes at most
    socket = f"unix://{here}/docker.sock"
    state = [f"--data-root={here}/data", f"--exec-root={here}/exec", f"--pidfile={here}/pid"]
    apart = ["--bridge=none", "--iptables=false", "--ip-forward=false", "--storage-driver=vfs"]
    # In a network of its own: --bridge=none removes docker0, which is another engine's as well.
    with (here / "log").open("w") as log:
        command = ["unshare", "--net", "--mount", "dockerd", "-H", socket, *state, *apart]
        daemon = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        for _ in range(150):
            asked = ["docker", "-H", socket, "version"]
            if subprocess.run(asked, capture_output=True, check=False).returncode == 0:
                break
            time.sleep(0.2)
        with subprocess.Popen(["docker", "save", IMAGE], stdout=subprocess.PIPE) as saved:
            subprocess.run(
                ["docker", "-H", socket, "load", "-q"],
                stdin=saved.stdout,
                stdout=subprocess.DEVNULL,
                check=True,
            )
        yield Engine(socket, daemon.pid)
    finally:
        belongs = [p for p in psutil.process_iter() if _belongs(p, str(here))]
        for kill in [*(process.kill for process in belongs), daemon.kill]:
            with suppress(psutil.Error, ProcessLookupError):
                kill()
        daemon.wait(10)
        psutil.wait_procs(belongs, 10)
        for mount in reversed(Path("/proc/mounts").read_text().splitlines()):
            if str(here) in (place := mount.split()[1]):
                subprocess.run(["umount", "-l", place], check=False)
        shutil.rmtree(here, ignore_errors=True)


def _belongs(process: psutil.Process, where: str) -> bool:
    """Whether a process was started by the engine there, or by one of its containers."""
    with suppress(psutil.Error):
        family = [process, *process.parents()]
        return any(where in " ".join(each.cmdline()) for each in family)
    return False


def wall_clock(file: Path) -> dict[str, str]:
    """The environment in which a process's wall clock is off by what the file says (-3600s)."""
    file.write_text("+0s\n")
    library = Path(libfaketime.__path__[0]) / "vendor/libfaketime/src/libfaketime.so.1"
    return {
        "LD_PRELOAD": str(library),
        "FAKETIME_TIMESTAMP_FILE": str(file),
        **dict.fromkeys(
            ("FAKETIME_NO_CACHE", "FAKETIME_DONT_FAKE_MONOTONIC", "DONT_FAKE_MONOTONIC"), "1"
        ),
    }
