"""The whole way: boot, calibrate, merge what it prints, boot again."""

from __future__ import annotations

import shutil
import sys

import yaml

from pytest_bootgate.gatefile import load
from pytest_bootgate.records import codec
from tests import nursery
from tests.cli.calibration.test_calibrate import merged
from tests.conftest import INCIDENT


def test_a_gate_is_green_under_the_limits_it_gets(pytester):
    shutil.copytree(INCIDENT, pytester.path / "incident")
    gate = pytester.path / "incident" / "good" / "bootgate.yaml"
    text = yaml.safe_load(gate.read_text())
    del text["releases"]["baseline"]  # whose boots say nothing here
    gate.write_text(yaml.safe_dump(text, sort_keys=False))

    def run(boots: str, result: str):
        return pytester.runpytest_subprocess(
            *("incident/good/bootgate.yaml", "-p", "no:cacheprovider", "--bootgate-boots", boots),
            *("-k", "isolated"),
            *("--bootgate-json", result, "--bootgate-engine", "process"),
        )

    run("10", "result.json")
    printed = nursery.run(
        [sys.executable, "-m", "pytest_bootgate", "calibrate", str(gate), "result.json"],
        capture_output=True,
        timeout=60,
        check=False,
        cwd=pytester.path,
    )
    assert printed.returncode == 0, printed.stderr
    assert b"boots of the candidate 1.1" in printed.stdout
    assert b"isolated.tools_config.limit: 10 boots, median 5" in printed.stdout
    gate.write_text(yaml.safe_dump(merged(text, yaml.safe_load(printed.stdout)), sort_keys=False))
    phases = load(gate).gate.targets["isolated"].phases
    assert phases["tools_config"].limit is not None
    assert 0.1 < phases["tools_config"].limit < 1
    run("2", "again.json")
    (again,) = codec.read(pytester.path / "again.json")
    (isolated,) = again.targets
    assert isolated.judgement is not None
    # These two phases sleep, so even a machine that has become busy keeps their limits.
    for phase in ("tools_config", "agent_persona"):
        rooms = {(r.subject, r.against): r.headroom for r in isolated.judgement.headrooms}
        room = rooms[phase, "limit"]
        assert room.level != "fail", room.reason
