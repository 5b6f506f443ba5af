"""A journal of the words before 0.2.0 opens, and is shown in those of now."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from pytest_bootgate.journal import files, queries
from pytest_bootgate.records import codec
from pytest_bootgate.records.result import TargetResult
from pytest_bootgate.records.values import Boot
from pytest_bootgate.reports import boot_table

#: Written by the code before the words changed: a run with everything that has another name now.
OLD = Path(__file__).with_name("old_words.sql")


@pytest.fixture
def journal(tmp_path):
    path = tmp_path / "journal.db"
    with sqlite3.connect(path) as old:
        old.executescript(OLD.read_text())
    old.close()
    with files.reading(path) as found:
        yield found


def test_columns_and_values(journal):
    boots = journal.execute("SELECT profile, during FROM boots ORDER BY began").fetchall()
    assert [tuple(row) for row in boots] == [
        ("low-spec", "campaign"),
        ("default", "propagation"),
        ("default", "campaign"),
    ]
    signals = journal.execute("SELECT DISTINCT name, means, at, text FROM signals").fetchall()
    assert [tuple(row) for row in signals] == [("log", "failed", 2.1, "job failed")]
    verdicts = journal.execute("SELECT profile, target, verdict, error FROM verdicts").fetchall()
    assert sorted(tuple(row) for row in verdicts) == [
        ("default", "isolated::propagation", "error", None),
        ("default", "main", "error", "the engine went away"),
        ("low-spec", "isolated", "inconclusive", None),
    ]
    assert [tuple(r) for r in journal.execute("SELECT verdict FROM runs")] == [("error",)]
    for view in ("boot_log", "boots_in_flight", "last_boots"):
        journal.execute(f"SELECT profile FROM {view}")


def test_json(journal):
    (whole,) = journal.execute("SELECT whole FROM boots WHERE profile = 'low-spec'").fetchone()
    plain = json.loads(whole)
    assert plain["profile"] == "low-spec"
    assert plain["signals"] == [{"name": "log", "means": "failed", "at": 2.1, "text": "job failed"}]
    assert plain.keys() <= Boot.__dataclass_fields__.keys()
    (findings,) = journal.execute(
        "SELECT findings FROM verdicts WHERE verdict = 'inconclusive'"
    ).fetchone()
    assert json.loads(findings) == [
        {
            "verdict": "inconclusive",
            "subject": "boot",
            "text": '3 % slower: "verdict":"broken" is a text',
            "timed": False,
            "kind": "inconclusive",
        }
    ]


def test_events(journal):
    boots = queries.boots(journal, queries.Filter())
    events = queries.events(journal, boots, "older")
    kinds = {row.kind for row in events}
    assert "failure_reported" in kinds
    assert "failure_told" not in kinds
    rest = [json.loads(row.rest) for row in events]
    assert {"signal": "log", "text": "job failed", "late": 0.1} in rest
    assert {"signal": "log"} in rest
    given = [r for row, r in zip(events, rest, strict=True) if row.kind == "verdict_given"]
    assert sorted((r["profile"], r["target"], r["verdict"], r["error"]) for r in given) == [
        ("default", "isolated::propagation", "error", None),
        ("default", "main", "error", "the engine went away"),
        ("low-spec", "isolated", "inconclusive", None),
    ]


def test_the_result(journal):
    (text,) = journal.execute("SELECT result FROM runs").fetchone()
    result = codec.decode(text)
    upgrade, isolated, main, propagation = result.checks
    assert isinstance(isolated, TargetResult)
    assert (isolated.verdict, isolated.profile) == ("inconclusive", "low-spec")
    assert (isolated.rules.fail_at, isolated.rules.warn_at) == (0.8, 0.6)
    assert isolated.rules.inconclusive == "fail"
    assert isolated.judgement.findings[0].kind == "inconclusive"
    assert [s.name for s in isolated.boots[0].signals] == ["log"]
    assert main.error == "the engine went away"
    assert propagation.error == "the stall did not hold"
    assert propagation.findings[0].subject == "propagation"
    assert upgrade.error == "no engine"
    assert result.lines == {"isolated::propagation": 7, "isolated": 5}


def test_the_table(journal):
    rows = queries.boots(journal, queries.Filter())
    lines = list(boot_table.boots(rows, (), 200))
    assert any("isolated@low-spec" in line for line in lines)
    assert any(" held " in line for line in lines)
