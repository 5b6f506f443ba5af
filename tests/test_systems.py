"""The examples of other systems: each boots two real releases, and asks them for their data."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parent.parent / "examples"
IMAGES = {
    "PG_BASELINE": "bootgate-postgresql:15",
    "PG_CANDIDATE": "bootgate-postgresql:17",
    "REDIS_BASELINE": "bootgate-redis:7.0",
    "REDIS_CANDIDATE": "bootgate-redis:8.0",
    "API_IMAGE": "bootgate-web-api:local",
}

pytestmark = pytest.mark.docker


@pytest.fixture
def run(pytester, monkeypatch):
    """Run one pair of boots of an example, or of a changed copy of it; what the result says."""
    for name, image in IMAGES.items():
        monkeypatch.setenv(name, os.environ.get(name, image))

    def call(path: Path, *args: str):
        done = pytester.runpytest_subprocess(
            str(path / "bootgate.yaml"),
            *(f"--rootdir={pytester.path}", "-p", "no:cacheprovider"),
            *("--bootgate-boots", "1", "--bootgate-json", "out.json"),
            *args,
        )
        return done, json.loads((pytester.path / "out.json").read_text())

    return call


@pytest.fixture
def changed(tmp_path):
    """A copy of an example in which texts are replaced."""

    def copy(name: str, **replaced: tuple[str, str]) -> Path:
        path = shutil.copytree(EXAMPLES / name, tmp_path / name)
        for part, (old, new) in replaced.items():
            (file,) = path.glob(f"{part}.*")
            assert old in file.read_text()
            file.write_text(file.read_text().replace(old, new))
        return path

    return copy


def test_postgresql_recovers_from_a_crash(run):
    done, found = run(EXAMPLES / "postgresql")
    assert done.ret == 0
    phases = ["server_up", "recovery_begun", "redo_done", "accepting", "first_query"]
    assert booted(found, "after-crash") == {"baseline": phases, "candidate": phases}


def test_redis_loads_its_data(run):
    done, found = run(EXAMPLES / "redis")
    assert done.ret == 0
    phases = ["server_up", "loading", "loaded", "accepting", "first_answer"]
    assert booted(found, "restart") == {"baseline": phases, "candidate": phases}


def test_a_redis_that_lost_its_data_did_not_start(run, changed):
    gate = changed(
        "redis",
        server=("shutdown save", "shutdown nosave"),
        bootgate=("timeout: 15s", "timeout: 2s\n    listen: 1s"),
    )
    gate_file = gate / "bootgate.yaml"
    gate_file.write_text(gate_file.read_text().replace("{boots: 5..10}", "{retries: 0}"))
    done, found = run(gate)
    assert done.ret == 1
    (boot,) = [boot for boot in found["targets"][0]["boots"] if boot["release"] == "candidate"]
    assert boot["outcome"] == "timed_out"
    assert [p["name"] for p in boot["phases"] if p["seconds"] is not None] == [
        "server_up",
        "accepting",
    ]


def test_a_cell_runs_in_a_jupyter_kernel(run):
    done, found = run(EXAMPLES / "jupyter")
    assert done.ret == 0
    own = ["accepted", "kernel_process", "kernel_answers", "cell_ran"]
    running = ["accepted", "cell_ran"]
    assert booted(found, "isolated") == {"baseline": own, "candidate": own}
    assert booted(found, "main") == {"baseline": running, "candidate": running}


API = ["connect", "migrate", "cache", "proof"]


def test_a_web_api_with_its_services(run):
    done, found = run(EXAMPLES / "web-api")
    assert done.ret == 0
    assert booted(found, "api") == {"baseline": API, "candidate": API}
    assert "database system is ready" in "".join(found["targets"][0]["boots"][0]["tails"]["db.err"])


def test_a_migration_that_takes_longer(run, monkeypatch):
    monkeypatch.setenv("SLOW_MIGRATION", "4")
    done, found = run(EXAMPLES / "web-api", "--bootgate-boots", "5")
    assert done.ret == 1
    (target,) = found["targets"]
    slower = [f["subject"] for f in target["judgement"]["findings"] if f["kind"] == "slower"]
    assert slower == ["boot", "migrate"]


def test_a_database_that_does_not_start(run, changed):
    gate = changed("web-api", database=("exec postgres", "exec no-such-postgres"))
    done, found = run(gate)
    assert done.ret == 1
    (target,) = found["targets"]
    assert (target["judgement"], target["boots"]) == (None, [])
    assert target["error"].startswith("The service db exited with 127 before it was ready.")
    assert "no-such-postgres: not found" in target["error"]


def booted(found, target: str) -> dict[str, list[str]]:
    """The phases that each release went through in its measured boot, all of them started."""
    (named,) = [t for t in found["targets"] if t["target"] == target]
    boots = [boot for boot in named["boots"] if not boot["warm_up"]]
    assert [boot["outcome"] for boot in boots] == ["started"] * 2
    assert len({boot["version"] for boot in boots}) == 2
    return {
        boot["release"]: [p["name"] for p in boot["phases"] if p["seconds"] is not None]
        for boot in boots
    }
