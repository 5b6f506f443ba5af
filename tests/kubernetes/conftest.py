"""Gates on a cluster, and what happens to it meanwhile."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.kubernetes.rig import get, kubectl, rig

IMAGE = os.environ.get("BOOTGATE_PYTHON_IMAGE", "python:3.13-slim")

GATE = """\
releases: {{{baseline}candidate: {{image: "{image}"}}}}
gateway:
  command: [python3, -uc, "{program}"]
targets:
  start: {{timeout: {timeout}, phases: {{up: {{line: ^up}}, done: {{line: ^done}}}}}}
gate: {{boots: {boots}, fail_at: 99%, warn_at: 98%, {rules}}}
kubernetes: {{{kubernetes}}}
{more}
"""
#: A boot that takes some seconds, in which it speaks ten times a second.
SLOW = (
    "import time; print('up'); [(print(n), time.sleep(.1)) for n in range({tenths})]; print('done')"
)


@dataclass
class Run:
    """A gate that runs, and what it finds."""

    process: subprocess.Popen[str]
    path: Path
    kube: Kube
    label: str = ""

    def pod(self, timeout: float = 60.0) -> dict:
        """The pod of the boot, once its gateway has said its first line."""
        until = time.monotonic() + timeout
        while time.monotonic() < until:
            for pod in self.kube.pods():
                states = pod["status"].get("containerStatuses", [])
                if len(states) > 1 and all("running" in one["state"] for one in states):
                    time.sleep(1.0)  # its agent is asked, and it is started
                    self.label = pod["metadata"]["labels"]["bootgate.run"]
                    return pod
            assert self.process.poll() is None, self.end()
            time.sleep(0.1)
        raise AssertionError("no boot within a minute")

    def end(self, timeout: float = 240.0) -> str:
        """All that it printed."""
        out, _ = self.process.communicate(timeout=timeout)
        print(out)
        return out

    def left(self, within: float = 60.0) -> list[dict]:
        """The pods that it leaves for longer than so many seconds."""
        until = time.monotonic() + within
        while (left := self.kube.pods(f"={self.label}")) and time.monotonic() < until:
            time.sleep(0.5)
        return left

    @property
    def boots(self) -> list[dict]:
        (target,) = json.loads((self.path / "out.json").read_text())["targets"]
        return target["boots"]


class Kube:
    """The cluster, as `kubectl` sees it."""

    def __call__(self, *words: str) -> str:
        return kubectl(*words)

    def pods(self, run: str = "") -> list[dict]:
        return get("pods", "-l", f"bootgate.run{run}")["items"]

    def rig(self, *words: str) -> None:
        """Something happens to a machine of the cluster."""
        # What it starts must not keep its files in a directory of this test.
        rig(*words, env={name: text for name, text in os.environ.items() if name != "TMPDIR"})

    def ready(self, node: str) -> None:
        self("wait", "--for=condition=Ready", f"node/{node}", "--timeout=120s")


@pytest.fixture
def kube() -> Kube:
    return Kube()


@pytest.fixture
def gate(tmp_path, kube) -> Iterator:
    begun: list[Run] = []

    def begin(tenths: int = 60, *args: str, **parts: str) -> Run:
        path = tmp_path / str(len(begun))
        path.mkdir()
        given = {
            "image": IMAGE,
            "program": SLOW.format(tenths=tenths),
            "timeout": "20s",
            "boots": "1",
            "baseline": "",
            "rules": "retries: 0",
            "kubernetes": "",
            "more": "",
            **parts,
        }
        (path / "bootgate.yaml").write_text(GATE.format(**given))
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
        command += ["--rootdir", str(path), "--benchmark-disable", "--bootgate-engine"]
        command += ["kubernetes", "--bootgate-json", "out.json", *args, "bootgate.yaml"]
        process = subprocess.Popen(
            command,
            cwd=path,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        begun.append(Run(process, path, kube))
        return begun[-1]

    yield begin
    for run in begun:
        if run.process.poll() is None:
            os.killpg(run.process.pid, signal.SIGKILL)
            run.process.wait()
        run.process.stdout.close()
