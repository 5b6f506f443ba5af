"""The examples of other systems: each boots two real releases, and asks them for their data.

`ci/systems` runs their `prepare` before, and `ci/local-images` names the images.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

EXAMPLES = Path(__file__).parent.parent / "examples"
pytestmark = [pytest.mark.docker, pytest.mark.systems]


@pytest.fixture
def run(pytester):
    """Run one pair of boots of an example, or of a changed copy of it; what the result says."""

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
    done, found = run(EXAMPLES / "web-api")
    assert done.ret == 1
    (target,) = found["targets"]
    failed = [f["subject"] for f in target["judgement"]["findings"] if f["verdict"] == "fail"]
    assert failed == ["migrate"]


def test_a_database_that_does_not_start(run, changed):
    gate = changed("web-api", database=("exec postgres", "exec no-such-postgres"))
    done, found = run(gate)
    assert done.ret == 1
    (target,) = found["targets"]
    assert (target["judgement"], target["boots"]) == (None, [])
    assert target["error"].startswith("The service db exited with 127 before it was ready.")
    assert "no-such-postgres: not found" in target["error"]


def test_an_identity_provider_behind_tls(run):
    done, found = run(EXAMPLES / "identity")
    assert done.ret == 0
    phases = ["augmented", "realms", "healthy", "issues"]
    assert booted(found, "login") == {"baseline": phases, "candidate": phases}


def test_a_health_that_says_nothing_of_the_host_name(run, changed, monkeypatch):
    monkeypatch.setenv("NEW_HOSTNAME", "localhost")
    gate = changed("identity", bootgate=("{boots: 5..10}", "{retries: 0}"))
    gate_file = gate / "bootgate.yaml"
    gate_file.write_text(gate_file.read_text().replace("timeout: 20s", "timeout: 6s"))
    done, found = run(gate)
    assert done.ret == 1
    boot = failed(found, "timed_out", before="issues")
    assert "404 Not Found" in boot["detail"]


def test_a_node_service_that_is_locked_down(run):
    done, found = run(EXAMPLES / "node")
    assert done.ret == 0
    phases = ["shared_memory", "cache", "catalogue", "sells"]
    assert booted(found, "shop") == {"baseline": phases, "candidate": phases}
    (first, *_) = found["targets"][0]["boots"]
    assert "shop 1.0 as 1000, process 1" in first["tails"]["gateway.out"]


def test_a_release_that_writes_beside_its_program(run, monkeypatch):
    monkeypatch.setenv("NEW_CACHE", "/usr/routes.json")
    done, found = run(EXAMPLES / "node")
    assert done.ret == 1
    boot = failed(found, "crashed", before="cache")
    assert "EROFS: read-only file system" in "".join(boot["tails"]["gateway.err"])


def test_two_virtual_environments(run):
    done, found = run(EXAMPLES / "gunicorn")
    assert done.ret == 0
    phases = ["listening", "worker", "serves"]
    assert booted(found, "site") == {"baseline": phases, "candidate": phases}


def test_a_worker_without_an_application(run, monkeypatch):
    monkeypatch.setenv("NEW_APP", "app:application")
    done, found = run(EXAMPLES / "gunicorn")
    assert done.ret == 1
    failed(found, "crashed", before="serves")


def test_a_celery_task_is_executed(run):
    done, found = run(EXAMPLES / "celery")
    assert done.ret == 0
    phases = ["received", "ran"]
    assert booted(found, "report") == {"baseline": phases, "candidate": phases}


def test_a_worker_that_is_ready_and_does_not_know_the_task(run, monkeypatch):
    monkeypatch.setenv("NEW_TASKS", "beat")
    done, found = run(EXAMPLES / "celery")
    assert done.ret == 1
    boot = failed(found, "reported_error", before="received")
    assert "Received unregistered task of type 'reports.daily'" in boot["detail"]


def test_mariadb_takes_over_its_data(run):
    done, found = run(EXAMPLES / "mariadb", "-k", "upgrade")
    assert done.ret == 0
    (upgrade,) = [one["upgrade"] for one in found["upgrades"]]
    starts = [upgrade[name] for name in ("baseline", "first", "second", "rollback")]
    assert [start["version"].split(".")[0] for start in starts] == ["10", "11", "11", "10"]
    for start in starts:
        (job,) = start["jobs"]
        assert (job["fields"]["orders"], job["fields"]["worth"]) == (20000, 50002500)
        assert [ran["boot"]["outcome"] for ran in start["runs"]] == ["started"]


def test_a_mariadb_that_starts_beside_its_data(run, monkeypatch):
    monkeypatch.setenv("NEW_DATADIR", "/tmp/data")
    done, found = run(EXAMPLES / "mariadb", "-k", "upgrade")
    assert done.ret == 1
    done.stdout.fnmatch_lines(["*fail: jobs: 0 of 1 job survived; lost: report 1"])
    (upgrade,) = [one["upgrade"] for one in found["upgrades"]]
    assert (upgrade["first"]["jobs"], upgrade["first"]["refused"]) == ([], "")


def test_rabbitmq_counts_its_messages(run):
    done, found = run(EXAMPLES / "rabbitmq")
    assert done.ret == 0
    phases = ["starting", "recovered", "listening", "messages"]
    assert booted(found, "broker", versions=1) == {"baseline": phases, "candidate": phases}


def test_a_rabbitmq_of_another_name(run, monkeypatch):
    monkeypatch.setenv("NEW_NODENAME", "rabbit@gateway")
    done, found = run(EXAMPLES / "rabbitmq")
    assert done.ret == 1
    boot = failed(found, "reported_error")  # how far it gets while that is heard, is open
    assert "Node database directory at /state/mnesia/" in boot["detail"]
    assert boot["phases"][-1]["seconds"] is None


def test_a_jvm_on_half_a_cpu(run):
    done, found = run(EXAMPLES / "java")
    assert done.ret == 0
    phases = ["jvm", "wired", "serves"]
    assert booted(found, "service") == {"baseline": phases, "candidate": phases}


def test_a_jvm_that_has_more_to_do(run, monkeypatch):
    monkeypatch.setenv("NEW_COMPONENTS", "4000")
    done, found = run(EXAMPLES / "java")
    assert done.ret == 1
    (target,) = found["targets"]
    findings = target["judgement"]["findings"]
    assert [f["subject"] for f in findings if f["verdict"] == "fail"] == ["wired"]


def failed(found, outcome: str, *, before: str = "") -> dict[str, Any]:
    """The candidate's one boot, which ended before a mark; the baseline started."""
    (target,) = found["targets"]
    assert target["verdict"] == "fail"
    measured = {boot["release"]: boot for boot in target["boots"]}
    boot = measured["candidate"]
    assert (measured["baseline"]["outcome"], boot["outcome"]) == ("started", outcome)
    assert before in ("", next(p["name"] for p in boot["phases"] if p["seconds"] is None))
    return boot


def booted(found, target: str, versions: int = 2) -> dict[str, list[str]]:
    """The phases that each release went through in its measured boot, all of them started."""
    (named,) = [t for t in found["targets"] if t["target"] == target]
    boots = [boot for boot in named["boots"] if not boot["warm_up"]]
    assert [boot["outcome"] for boot in boots] == ["started"] * 2
    assert len({boot["version"] for boot in boots}) == versions
    return {
        boot["release"]: [p["name"] for p in boot["phases"] if p["seconds"] is not None]
        for boot in boots
    }
