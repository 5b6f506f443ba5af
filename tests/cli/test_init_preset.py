"""`bootgate init --preset ... --from ...`: a target for each kind of job that somebody runs."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from pytest_bootgate.cli import main
from pytest_bootgate.gatefile import load

OWN = '{agents: {defaults: {model: "anthropic/claude"}}, channels: {telegram: {botToken: "1:s"}}}'


def job(name: str, session: str = "isolated", **more: Any) -> dict[str, Any]:
    payload = {"kind": "agentTurn", "message": f"the prompt of {name}", **more.pop("payload", {})}
    return {"id": name, "name": name, "enabled": True, "sessionTarget": session,
            "payload": payload, "delivery": {"mode": "announce"}, **more}  # fmt: skip


JOBS = [
    job("Morning brief"),
    job("Evening brief", schedule={"kind": "cron", "expr": "0 19 * * *"}),
    job("Check", agentId="ops", payload={"model": "local/x", "lightContext": True}),
    job("Check 2", agentId="ops"),
    job("Stand-up", "session:stand up/1"),
    job("Reminder", "main", payload={"kind": "systemEvent", "text": "x"}),
    job("Backup", payload={"kind": "command", "argv": ["true"]}),
    job("Old", enabled=False),
]


def in_a_file(directory: Path, jobs: list[dict[str, Any]]) -> None:
    (directory / "cron").mkdir()
    (directory / "cron" / "jobs.json").write_text(json.dumps({"version": 1, "jobs": jobs}))


def in_a_database(directory: Path, jobs: list[dict[str, Any]]) -> None:
    (directory / "state").mkdir()
    with closing(sqlite3.connect(directory / "state" / "openclaw.sqlite")) as kept, kept:
        kept.execute("CREATE TABLE cron_jobs (job_json TEXT, enabled INTEGER, sort_order INTEGER)")
        rows = [(json.dumps(one), one["enabled"], n) for n, one in enumerate(jobs)]
        kept.executemany("INSERT INTO cron_jobs VALUES (?, ?, ?)", rows)


@pytest.fixture
def own(tmp_path):
    directory = tmp_path / "state of mine"
    directory.mkdir()
    (directory / "openclaw.json").write_text(OWN)
    return directory


@pytest.mark.parametrize("keep", [in_a_file, in_a_database])
def test_a_target_for_each_kind_of_job(own, tmp_path, capsys, keep):
    keep(own, JOBS)
    assert main(["init", "--preset", "openclaw", "--from", str(own), str(tmp_path)]) == 0
    assert "First put your own two images" in capsys.readouterr().out
    path = tmp_path / "bootgate.yaml"
    text, gate = path.read_text(), load(path, {}).gate
    assert "the prompt of" not in text
    for line in ("# Morning brief, Evening brief", "# Left out: Old: it is disabled"):
        assert line in text
    assert "# Left out: Backup: a command job calls no model" in text
    assert gate.state.from_ == str(own)
    assert gate.gateway.files["${dir}/openclaw.json"].path == str(own / "openclaw.json")
    sent = {
        name: {
            key: each for key, each in target.trigger.send.items() if key not in ("name", "text")
        }
        for name, target in gate.targets.items()
    }
    assert sent == {
        "isolated": {"sessionTarget": "${target}"},
        "isolated-ops": {
            "sessionTarget": "isolated",
            "agentId": "ops",
            "payload": {"model": "local/x", "lightContext": True},
        },
        "isolated-ops-2": {"sessionTarget": "isolated", "agentId": "ops"},
        "session:stand-up-1": {"sessionTarget": "session:stand up/1"},
        "main": {"sessionTarget": "${target}"},
    }
    assert {name: target.start for name, target in gate.targets.items()}["main"] == "cold"


@pytest.mark.parametrize(
    ("there", "said"),
    [
        ({}, "holds neither openclaw.json nor"),
        ({"openclaw.json": OWN}, "holds no enabled job that starts a session"),
        ({"cron/jobs.json": "{"}, "is no JSON"),
        ({"state/openclaw.sqlite": "what" * 200}, "file is not a database"),
    ],
)
def test_a_directory_from_which_nothing_comes(tmp_path, capsys, there, said):
    for name, text in there.items():
        (tmp_path / "own" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "own" / name).write_text(text)
    words = ["init", "--preset", "openclaw", "--from", str(tmp_path / "own"), str(tmp_path)]
    assert main(words) != 0
    assert said in capsys.readouterr().err
    assert not (tmp_path / "bootgate.yaml").exists()
