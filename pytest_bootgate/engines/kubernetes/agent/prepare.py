"""Before all else in a pod: what its containers need to wait for the gate.

An image may hold a single program and no shell. So a shell of this image comes along, with its
libraries, and is started by their loader.
"""

from __future__ import annotations

import os
import re
import shutil
import struct
import subprocess
import sys

from pytest_bootgate.engines.kubernetes.agent import ROOT
from pytest_bootgate.engines.kubernetes.agent.slot import make_pipes

_PT_INTERP = 3


def prepare(shared: str, units: list[str], files: list[str]) -> None:
    """Make the directories of the units, empty files to be mounted, and the shell."""
    os.umask(0)
    os.chmod(shared, 0o1777)
    for unit in units:
        make_pipes(f"{ROOT}/units/{unit}")
    for file in files:
        os.makedirs(os.path.dirname(f"{ROOT}/{file}"), exist_ok=True)
        with open(f"{ROOT}/{file}", "w"):
            pass
    _bring_shell(f"{ROOT}/bin")


def _bring_shell(into: str) -> None:
    shell = os.path.realpath(shutil.which("sh") or "/bin/sh")
    loader = _loader(shell)
    if not loader:
        sys.exit("The shell of this image is linked statically. Use another image for the sidecar.")
    listed = subprocess.run([loader, "--list", shell], capture_output=True, text=True, check=True)
    os.makedirs(into, exist_ok=True)
    wanted = dict(re.findall(r"(\S+) => (/\S+)", listed.stdout))
    for name, path in {**wanted, "ld": loader, "sh": shell}.items():
        shutil.copy(os.path.realpath(path), f"{into}/{os.path.basename(name)}")
        os.chmod(f"{into}/{os.path.basename(name)}", 0o755)


def _loader(program: str) -> str:
    """The interpreter that an ELF program of 64 bits names; empty for a static one."""
    with open(program, "rb") as file:
        data = file.read()
    (table,) = struct.unpack_from("=Q", data, 32)
    size, count = struct.unpack_from("=HH", data, 54)
    for at in range(table, table + size * count, size):
        (kind,) = struct.unpack_from("=I", data, at)
        if kind == _PT_INTERP:
            (begin,) = struct.unpack_from("=Q", data, at + 8)
            (length,) = struct.unpack_from("=Q", data, at + 32)
            return data[begin : begin + length].rstrip(b"\0").decode()
    return ""
