"""What a test may do to a machine without doing it to this one: stop its engine, set its clock."""

from __future__ import annotations

import getpass
import os
import shutil
import socket
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


class Ssh(NamedTuple):
    """A Docker host behind ssh: its name for `--bootgate-hosts`, and a directory for PATH.

    The command ssh of that directory is the machine's own, with a configuration of its own.
    """

    host: str
    path: str
    pid: int


@contextmanager
def an_ssh_host(docker_host: str) -> Iterator[Ssh]:
    """A real sshd, for this user alone, behind which the docker command finds an engine."""
    sshd = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin")
    assert sshd is not None
    here = Path(tempfile.mkdtemp(dir="/tmp"))
    Path("/run/sshd").mkdir(exist_ok=True)  # sshd's own condition, where no system has started it
    for key in ("host", "user"):
        made = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(here / key)]
        subprocess.run(made, check=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    (here / "sshd_config").write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {here}/host\nPidFile none\nUsePAM no\n"
        f"AuthorizedKeysFile {here}/user.pub\nStrictModes no\nPasswordAuthentication no\n"
        f"PermitRootLogin prohibit-password\n"
        # Without what this user's own shell does at the start, and whoever kills it in the midst.
        f"SetEnv DOCKER_HOST={docker_host} HOME={here}\n"
    )
    key = (here / "host.pub").read_text()
    (here / "known_hosts").write_text(f"[127.0.0.1]:{port} {key}")
    (here / "ssh_config").write_text(
        f"Host staging\n  HostName 127.0.0.1\n  Port {port}\n  IdentityFile {here}/user\n"
        f"  User {getpass.getuser()}\n  UserKnownHostsFile {here}/known_hosts\n"
    )
    (here / "bin").mkdir()
    ssh = here / "bin/ssh"
    ssh.write_text(f'#!/bin/sh\nexec {shutil.which("ssh")} -F {here}/ssh_config "$@"\n')
    ssh.chmod(0o755)
    with (here / "log").open("w") as log:
        daemon = subprocess.Popen([sshd, "-D", "-e", "-f", str(here / "sshd_config")], stderr=log)
    try:
        until = time.monotonic() + 10
        while time.monotonic() < until:
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            assert daemon.poll() is None, (here / "log").read_text()
            time.sleep(0.05)
        yield Ssh("ssh://staging", str(here / "bin"), daemon.pid)
    finally:
        for process in psutil.Process(daemon.pid).children(recursive=True):
            with suppress(psutil.Error):
                process.kill()
        daemon.kill()
        daemon.wait(10)
        shutil.rmtree(here)
