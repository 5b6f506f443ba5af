"""What each event leaves in the tables."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass, replace

import msgspec
import pytest

from pytest_bootgate.errors import JournalError
from pytest_bootgate.journal.store import Journal
from pytest_bootgate.records import codec
from pytest_bootgate.records.events import BootBegan, BootFailed, Event, RunBegan, RunEnded
from pytest_bootgate.records.values import Boot
from tests.journal import lives


@pytest.fixture
def journal(tmp_path):
    journal = Journal(tmp_path / "journal.db")
    yield journal
    journal.close()


@pytest.fixture
def kept(journal):
    """Ask the journal from another connection, as somebody else would."""

    def ask(sql: str, *values):
        with sqlite3.connect(journal.path) as connection:
            return connection.execute(sql, values).fetchall()

    return ask


def tell(journal, *events):
    for event in events:
        journal.hear(event)


def test_a_run_and_its_releases(journal, kept):
    tell(journal, lives.began("r"))
    said = kept("SELECT gate_file, began, finished, engine, bootgate, verdict, result FROM runs")
    assert said == [("/srv/bootgate.yaml", lives.BEGIN, None, "docker 20.10", "0.1.0", None, None)]
    assert json.loads(kept("SELECT machine FROM runs")[0][0])["cpus"] == 2
    assert kept("SELECT name, image, identity, version FROM releases") == [
        ("baseline", "gateway:1.0", "sha256:1.0", "1.0"),
        ("candidate", "gateway:2.0", "sha256:2.0", "2.0"),
    ]


def test_a_boot_is_in_flight_until_it_ended(journal, kept):
    *before, last = lives.life(lives.key("r", 1))
    tell(journal, lives.began("r"), *before)
    assert kept("SELECT id, outcome, version FROM boots") == [("r-candidate-1", None, "2.0")]
    assert kept("SELECT run, boot, last_mark FROM boots_in_flight") == [
        ("r", "r-candidate-1", "task_started")
    ]
    tell(journal, last)
    assert kept("SELECT * FROM boots_in_flight") == []
    asked = "SELECT outcome, seconds, timeout, accepted, ready, cpu_seconds, phase FROM boots"
    assert kept(asked) == [("started", 0.5, 2.0, 0.01, 0.3, 0.2, None)]


def test_marks_stages_and_who_was_told(journal, kept):
    tell(journal, lives.began("r"), *lives.life(lives.key("r", 1), seconds=None))
    assert kept("SELECT phase, at, seconds FROM marks") == [("engine", 0.1, 0.1)]
    assert kept("SELECT source, name, phase, at, seconds FROM stages") == [
        ("engine", "plugins", "engine", 0.02, 0.04)
    ]
    assert kept("SELECT name, means, at, text FROM signals") == [
        ("log", "failed", 2.1, "job failed")
    ]
    assert kept("SELECT outcome, phase, ended FROM boots") == [("timed_out", "task_started", 2.0)]


def test_the_whole_boot_can_be_read_back(journal, kept):
    key = lives.key("r", 1)
    tell(journal, lives.began("r"), *lives.life(key))
    whole = kept("SELECT whole FROM boots")[0][0]
    assert msgspec.json.decode(whole, type=Boot) == lives.measured(key)


def test_what_became_known_after_the_end_of_a_boot(journal, kept):
    key = lives.key("r", 1)
    known = replace(lives.measured(key), others_busy=0.4)
    tell(journal, lives.began("r"), *lives.life(key), *lives.ended("r", known))
    assert kept("SELECT json_extract(whole, '$.others_busy') FROM boots") == [(0.4,)]
    result = codec.decode(kept("SELECT result FROM runs")[0][0])
    assert result.targets[0].boots == (known,)


def test_a_boot_of_another_run_is_left_as_it_is(journal, kept):
    key = lives.key("old", 1)
    tell(journal, *lives.campaign("old", 1))
    recorded = replace(lives.measured(key), recorded=True, others_busy=0.9)
    tell(journal, lives.began("r"), *lives.ended("r", recorded))
    assert kept("SELECT json_extract(whole, '$.others_busy') FROM boots") == [(None,)]


def test_a_verdict_with_its_findings(journal, kept):
    tell(journal, lives.began("r"), *lives.ended("r"))
    verdicts = kept("SELECT profile, target, verdict, findings, error FROM verdicts")
    assert [row[:3] for row in verdicts] == [("default", "isolated", "pass")]
    assert json.loads(verdicts[0][3])[0]["text"] == "well inside"
    assert kept("SELECT finished, verdict FROM runs") == [(lives.BEGIN, "error")]


def test_a_boot_that_the_gate_gave_up(journal, kept):
    boot = lives.key("r", 1)
    tell(journal, lives.began("r"), next(lives.life(boot)))
    tell(journal, BootFailed(wall=1.0, boot=boot, outcome="lost", phase=None, detail="gone"))
    assert kept("SELECT outcome, detail FROM boots") == [("lost", "gone")]


def test_no_boot_stays_in_flight_when_its_run_ended(journal, kept):
    tell(journal, lives.began("r"), next(lives.life(lives.key("r", 1))), *lives.ended("r"))
    assert kept("SELECT outcome, detail FROM boots") == [
        ("lost", "the run ended before this boot did")
    ]


def test_events_of_a_kind_that_nobody_knows_yet(journal, kept):
    @dataclass(frozen=True, kw_only=True)
    class MoonSeen(Event):
        kind = "moon_seen"
        run: str
        phase_of: object
        at: None = None

    tell(journal, MoonSeen(run="r", phase_of={"names": (1, 2)}, wall=3.0))
    assert kept("SELECT run, boot, kind, wall, rest FROM events") == [
        ("r", None, "moon_seen", 3.0, '{"phase_of":{"names":[1,2]}}')
    ]


def test_old_runs_go_with_all_that_was_theirs(journal, kept):
    for run in ("old", "new"):
        tell(journal, *lives.campaign(run, 2))
    with sqlite3.connect(journal.path) as connection:
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("DELETE FROM runs WHERE id = 'old'")
    for table in ("boots", "events", "releases", "verdicts"):
        assert {run for (run,) in kept(f"SELECT run FROM {table}")} == {"new"}
    assert {boot.split("-")[0] for (boot,) in kept("SELECT boot FROM marks")} == {"new"}
    assert {boot.split("-")[0] for (boot,) in kept("SELECT boot FROM stages")} == {"new"}


def test_a_journal_that_was_removed_in_the_midst(journal):
    tell(journal, lives.began("r"), next(lives.life(lives.key("r", 1))))
    journal.path.unlink()
    with pytest.raises(JournalError, match="was removed or replaced"):
        tell(journal, *lives.life(lives.key("r", 1)))


def test_somebody_else_keeps_it_locked(tmp_path, monkeypatch, journal):
    monkeypatch.setattr("pytest_bootgate.journal.files.BUSY", 0.2)
    impatient = Journal(journal.path)
    with sqlite3.connect(journal.path, isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(JournalError, match="another process has locked it for"):
            impatient.hear(lives.began("r"))
        other.execute("ROLLBACK")
    impatient.close()


def test_after_a_gap_boots_are_not_tried_but_verdicts_are(journal, kept):
    tell(journal, lives.began("r"))
    kept("CREATE TRIGGER full BEFORE INSERT ON boots BEGIN SELECT RAISE(ABORT, 'full'); END")
    began = BootBegan(wall=1.0, boot=lives.key("r", 1))
    with pytest.raises(JournalError, match=r"could not be written: full\."):
        tell(journal, began)
    kept("DROP TRIGGER full")
    with pytest.raises(JournalError, match="could not be written: full"):
        tell(journal, began)
    tell(journal, *lives.ended("r"))
    assert kept("SELECT kind FROM events") == [("run_began",), ("verdict_given",), ("run_ended",)]


def test_a_path_that_is_no_text(journal):
    result = lives.result("r", file="/srv/\udcff/bootgate.yaml")
    with pytest.raises(JournalError, match="name that is not UTF-8"):
        tell(journal, RunBegan(wall=1.0, run="r", result=result))


def test_what_was_interrupted_is_not_kept_by_half(journal, kept, monkeypatch):
    tell(journal, lives.began("r"))

    class Stop(BaseException):
        pass

    def stop(*_):
        raise Stop

    monkeypatch.setattr("pytest_bootgate.records.codec.encode", stop)
    with pytest.raises(Stop):
        journal.hear(RunEnded(wall=1.0, run="r", result=lives.result("r")))
    assert kept("SELECT kind FROM events") == [("run_began",)]
    tell(journal, *lives.life(lives.key("r", 1)))
    assert kept("SELECT count(*) FROM events") == [(8,)]


def test_the_log_beside_it_does_not_grow_for_ever(journal, kept):
    wal = journal.path.with_name("journal.db-wal")
    tell(journal, *lives.campaign("r", 700))
    assert 0 < wal.stat().st_size < 12 * 2**20
    assert kept("SELECT count(*) FROM boots") == [(700,)]


def test_only_the_end_of_a_boot_waits_for_the_disk(journal):
    tell(journal, lives.began("r"))
    said: list[str] = []
    journal._sql.set_trace_callback(said.append)
    *before, last = lives.life(lives.key("r", 1))
    tell(journal, *before)
    assert not [statement for statement in said if "synchronous" in statement]
    assert journal._sql.execute("PRAGMA synchronous").fetchone() == (1,)
    said.clear()
    tell(journal, last)
    wanted = ["PRAGMA synchronous = FULL", "COMMIT", "PRAGMA synchronous = NORMAL"]
    assert [statement for statement in said if statement in wanted] == wanted
