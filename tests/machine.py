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


#: An image with a shell and `sleep`: that of Python takes seconds to be copied to an engine.
SHELL = "bootgate-shell:local"
_ITS_FILES = (
    "tar -chf - /bin/sh /bin/sleep"
    " $(ldd /bin/sh /bin/sleep | grep -o '/[^ :]*[.]so[^ :]*' | sort -u)"
)


@contextmanager
def an_engine(image: str = IMAGE) -> Iterator[Engine]:
    """A Docker engine that may be stopped, with one image; it goes away at the end."""
    here = Path(tempfile.mkdtemp(dir="/tmp"))  # the path of a socket has 108 bytes at most
    socket = f"unix://{here}/docker.sock"
    try:
        # A machine that is a container itself can do the second one only.
        daemon = _daemon(here, socket, "overlay2") or _daemon(here, socket, "vfs")
        assert daemon is not None, (here / "log").read_text()
        gives, takes = ["docker", "save", IMAGE], ["load", "-q"]
        if image == SHELL:
            gives = ["docker", "run", "--rm", IMAGE, "sh", "-c", _ITS_FILES]
            takes = ["import", "-", SHELL]
        with subprocess.Popen(gives, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as given:
            subprocess.run(
                ["docker", "-H", socket, *takes],
                stdin=given.stdout,
                stdout=subprocess.DEVNULL,
                check=True,
            )
        yield Engine(socket, daemon.pid)
        daemon.kill()
        daemon.wait(10)
    finally:
        belongs = [p for p in psutil.process_iter() if _belongs(p, str(here))]
        for process in belongs:
            with suppress(psutil.Error):
                process.kill()
        psutil.wait_procs(belongs, 10)
        for mount in reversed(Path("/proc/mounts").read_text().splitlines()):
            if str(here) in (place := mount.split()[1]):
                subprocess.run(["umount", "-l", place], check=False)
        shutil.rmtree(here, ignore_errors=True)


def _daemon(here: Path, socket: str, driver: str) -> subprocess.Popen[bytes] | None:
    """A daemon that answers; None where it cannot store images in this way."""
    state = [f"--data-root={here}/data", f"--exec-root={here}/exec", f"--pidfile={here}/pid"]
    apart = ["--bridge=none", "--iptables=false", "--ip-forward=false"]
    # In a network of its own: --bridge=none removes docker0, which is another engine's as well.
    with (here / "log").open("a") as log:
        command = ["unshare", "--net", "--mount", "dockerd", "-H", socket, *state, *apart]
        daemon = subprocess.Popen([*command, f"--storage-driver={driver}"], stdout=log, stderr=log)
    while daemon.poll() is None:
        asked = ["docker", "-H", socket, "version"]
        up = (here / "docker.sock").exists()
        if up and subprocess.run(asked, capture_output=True, check=False).returncode == 0:
            return daemon
        time.sleep(0.1)
    return None


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
