"""The whole way: boot, calibrate, apply the patch, boot again."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest

from pytest_bootgate.gatefile import load
from pytest_bootgate.records import codec
from tests.conftest import INCIDENT


@pytest.mark.parametrize("engine", ["process", pytest.param("docker", marks=pytest.mark.docker)])
def test_a_gate_is_green_under_the_limits_it_gets(pytester, engine):
    shutil.copytree(INCIDENT, pytester.path / "incident")
    gate = pytester.path / "incident" / "good" / "bootgate.yaml"

    def run(boots: str, result: str):
        return pytester.runpytest_subprocess(
            *("incident/good/bootgate.yaml", "-p", "no:cacheprovider", "--bootgate-boots", boots),
            *("--bootgate-json", result, "--bootgate-engine", engine),
        )

    run("10", "result.json")
    patch = subprocess.run(
        [sys.executable, "-m", "pytest_bootgate", "calibrate", str(gate), "result.json"],
        capture_output=True,
        timeout=60,
        check=False,
        cwd=pytester.path,
    )
    assert patch.returncode == 0, patch.stderr
    assert patch.stdout.startswith(b"--- a/incident/good/bootgate.yaml\n")
    assert b"boots of the candidate 1.1" in patch.stdout
    assert b"- tools_config: 10 boots, median 5" in patch.stdout
    subprocess.run(["patch", "-p1"], input=patch.stdout, cwd=pytester.path, check=True, timeout=60)
    phases = load(gate).gate.targets["isolated"].phases
    assert phases["tools_config"].limit is not None
    assert 0.1 < phases["tools_config"].limit < 1
    run("5", "again.json")
    (again,) = codec.read(pytester.path / "again.json")
    (isolated, _) = again.targets
    assert isolated.judgement is not None
    # These two phases sleep, so even a machine that has become busy keeps their limits.
    for phase in ("tools_config", "agent_persona"):
        room = isolated.judgement.headrooms[f"{phase}:limit"]
        assert room.level != "fail", room.reason
