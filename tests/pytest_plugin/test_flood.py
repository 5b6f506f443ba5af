"""A system that never stops writing, or a gate that stands still: no false duration, no waiting."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests import nursery

IMAGE = os.environ.get("BOOTGATE_PYTHON_IMAGE", "python:3.13-slim")
ENGINES = ["process", pytest.param("docker", marks=pytest.mark.docker)]
MOST_MEMORY = 200 * 1024  # KiB
#: Writes the greatest memory of the gate's own process. (`ru_maxrss` is that of its parent, too.)
PEAK = """\
import pathlib, re
def pytest_unconfigure():
    status = pathlib.Path("/proc/self/status").read_text()
    pathlib.Path("peak").write_text(re.search("VmHWM:\\\\s+(\\\\d+)", status)[1])
"""
GATE = """\
releases: {{candidate: {{image: {image}, command: {command}}}}}
target: {{timeout: {timeout}, listen: 0s}}
targets: {{boot: {{{probes}}}}}
gate: {{boots: 1, noise: 1000, retries: 0}}
"""
PROOF = 'proof: {line: "^ready$"}'


@pytest.fixture
def booted(pytester):
    """Gate a program; returns its one boot and how it was judged."""

    def call(program: str, engine: str, *, timeout: str = "30s", probes: str = PROOF) -> dict:
        python = "python3" if engine == "docker" else sys.executable
        text = GATE.format(
            image=IMAGE,
            command=json.dumps([python, "-c", program]),
            timeout=timeout,
            probes=probes,
        )
        (pytester.path / "bootgate.yaml").write_text(text)
        (pytester.path / "conftest.py").write_text(PEAK)
        pytester.runpytest_anew(  # a fork would have the memory of all tests before
            *("-p", "no:cacheprovider", "bootgate.yaml", "--bootgate-engine", engine),
            *("--bootgate-json", "out.json"),
        )
        (target,) = json.loads((pytester.path / "out.json").read_text())["targets"]
        assert int((pytester.path / "peak").read_text()) < MOST_MEMORY
        return target

    return call


@pytest.mark.docker
def test_one_that_writes_without_pause_has_a_deadline(booted):
    """The clock was looked at only when nothing was left to read: never.

    `ci/faults --quick` shows it on both engines.
    """
    began = time.monotonic()
    found = booted(
        "import os\nwhile True: os.write(1, b'y' + b'\\n' * 65000)", "docker", timeout="1s"
    )
    assert time.monotonic() - began < 60  # about 9 s
    boot = found["boots"][-1]  # those that were lost are repeated where the host was busy
    assert (found["verdict"], boot["outcome"]) == ("error", "lost")
    told = r" lines\) of gateway\.out (and .*)?came faster than this machine could read them"
    assert re.search(told, boot["detail"])  # and some of the sidecar's, where it was busier


MANY_LINES = """\
text = "".join(f"line {i} of a chatty system\\n" for i in range(300_000))
sys.stdout.write(text + "ready\\n")
"""
ONE_LINE = """\
for _ in range(250): os.write(1, b"x" * 1_000_000)
os.write(1, b"\\nready\\n")
"""


#: `ci/faults` has a million lines, and a line of 500 MB.
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("much", [MANY_LINES, ONE_LINE], ids=["many lines", "one line"])
def test_much_at_once_is_all_read(booted, engine, much):
    program = f"import os, sys, time\n{much}sys.stdout.flush()\ntime.sleep(30)"
    found = booted(program, engine)
    assert found["verdict"] == "pass", found


def test_a_pattern_that_takes_for_ever_is_named(booted):
    began = time.monotonic()
    program = "import time\nprint('zq' * 99 + '!', flush=True)\ntime.sleep(30)"
    phases = 'phases: {up: {line: "^(zq|zqzq)+$"}, proof: {line: ready}}'  # `check` knows no zq
    found = booted(program, "process", probes=phases)
    assert time.monotonic() - began < 60  # about 4 s
    assert found["verdict"] == "error"
    assert "The pattern `^(zq|zqzq)+$` took more than 1 s of CPU time on one line" in found["error"]


def test_a_hint_may_not_take_for_ever(booted):
    """The pattern is a good one; what is looked for to find lines that are near to it is not."""
    began = time.monotonic()
    program = f"import time\nprint('{'word ' * 12}!', flush=True)\ntime.sleep(30)"
    found = booted(program, "process", timeout="1s", probes=r'proof: {line: "^(\\w+ )+started$"}')
    assert time.monotonic() - began < 60  # about 5 s; before, it took years
    assert found["boots"][0]["outcome"] == "timed_out"


@pytest.mark.parametrize(
    ("engine", "timeout", "seconds"),
    [
        ("process", "30s", 6.0),
        ("process", "5s", 1.0),  # a second is much where there are five
        pytest.param("docker", "30s", 6.0, marks=pytest.mark.docker),
    ],
)
def test_a_gate_that_stood_still_knows_no_duration(pytester, engine, timeout, seconds):
    """It passed with the seconds for which it was stopped in the boot, or failed for them."""
    python = "python3" if engine == "docker" else sys.executable
    program = "import time; time.sleep(3); print('ready', flush=True); time.sleep(60)"
    command = json.dumps([python, "-c", program])
    text = GATE.format(image=IMAGE, command=command, timeout=timeout, probes=PROOF)
    (pytester.path / "bootgate.yaml").write_text(text)
    gate = nursery.Python(
        [
            *(sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "bootgate.yaml"),
            *("--bootgate-engine", engine, "--bootgate-json=out.json"),
            "--bootgate-journal=journal.db",
        ],
        cwd=pytester.path,
        stdout=subprocess.DEVNULL,
    )
    try:
        until = time.monotonic() + 60
        while not _triggered(pytester.path / "journal.db"):
            assert time.monotonic() < until
            time.sleep(0.05)
        gate.send_signal(signal.SIGSTOP)
        time.sleep(seconds)
        gate.send_signal(signal.SIGCONT)
        gate.wait(60)
    finally:
        gate.kill()
        gate.wait()
    (target,) = json.loads((pytester.path / "out.json").read_text())["targets"]
    boot, again = target["boots"]  # it is stopped once, so the repeat knows
    assert (boot["outcome"], again["outcome"], target["verdict"]) == ("lost", "started", "warn")
    said = re.match(r"the gate itself was stalled for (\d+\.\d) s", boot["detail"])
    assert said, boot["detail"]
    assert seconds - 0.1 <= float(said[1]) < seconds + 3


def _triggered(journal: Path) -> bool:
    try:
        with contextlib.closing(sqlite3.connect(f"file:{journal}?mode=ro", uri=True)) as found:
            query = "SELECT count(*) FROM events WHERE kind = 'trigger_sent'"
            return bool(found.execute(query).fetchone()[0])
    except sqlite3.Error:
        return False
