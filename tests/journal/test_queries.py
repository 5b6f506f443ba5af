"""Which boots are found, how near they came to their timeout, and what became of a run."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pytest_bootgate.errors import JournalError
from pytest_bootgate.journal import files, queries
from pytest_bootgate.journal.process import Writer
from pytest_bootgate.journal.queries import Filter
from pytest_bootgate.journal.store import Journal
from pytest_bootgate.records.events import BootBegan, Event, RunBegan
from tests.journal import lives

DAY = 86400.0


@pytest.fixture(scope="module")
def journal(tmp_path_factory):
    """Three runs, a day apart: two that ended, and one that is still on."""
    path = tmp_path_factory.mktemp("journal") / "journal.db"
    kept = Journal(path)
    poor: dict[str, Any] = {"profile": "low-spec", "target": "main", "attempt": 2}
    for day, run in enumerate(("aa11", "aa22")):
        wall = lives.BEGIN + day * DAY
        events: list[Event] = [lives.began(run, wall)]
        for number in (0, 1, 2):
            for release in ("baseline", "candidate"):
                boot = lives.key(run, number, release)
                took = None if (run, number, release) == ("aa22", 2, "candidate") else 0.5
                events += lives.life(boot, wall + 10 * number + (release == "candidate"), took)
        events += [*lives.life(lives.key(run, 7, **poor), wall + 60), *lives.ended(run)]
        for event in events:
            kept.hear(event)
    last = lives.BEGIN + 2 * DAY
    kept.hear(lives.began("bb33", last))
    kept.hear(next(lives.life(lives.key("bb33", 1), last)))
    yield path
    kept.close()


@pytest.fixture
def find(journal):
    def call(**asked) -> list[str]:
        with files.reading(journal) as connection:
            return [row.id for row in queries.boots(connection, Filter(**asked))]

    return call


def test_the_newest_first(find):
    assert find(limit=3) == ["bb33-candidate-1", "aa22-candidate-7", "aa22-candidate-2"]
    assert len(find()) == 15


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"outcome": "in_flight"}, ["bb33-candidate-1"]),
        ({"outcome": "timed_out"}, ["aa22-candidate-2"]),
        ({"outcome": "started", "limit": 1}, ["aa22-candidate-7"]),
        ({"outcome": "started", "target": "main"}, ["aa22-candidate-7", "aa11-candidate-7"]),
        ({"target": "main", "run": "aa11"}, ["aa11-candidate-7"]),
        ({"target": "main@low-spec"}, ["aa22-candidate-7", "aa11-candidate-7"]),
        ({"target": "main@default"}, []),
        ({"release": "1.0", "limit": 1}, ["aa22-baseline-2"]),
        ({"release": "baseline", "limit": 1}, ["aa22-baseline-2"]),
        ({"release": "2.0", "since": lives.BEGIN + 2 * DAY}, ["bb33-candidate-1"]),
        ({"since": lives.BEGIN + DAY + 50}, ["bb33-candidate-1", "aa22-candidate-7"]),
        ({"release": "3.0"}, []),
    ],
    ids=str,
)
def test_filters(find, asked, found):
    assert find(**asked) == found


def test_a_run_by_how_its_id_begins(journal):
    with files.reading(journal) as connection:
        assert queries.find_run(connection, "aa2") == "aa22"
        with pytest.raises(JournalError, match=r"Several runs begin with 'aa': aa22, aa11\."):
            queries.find_run(connection, "aa")
        with pytest.raises(JournalError, match="the latest are bb33, aa22, aa11"):
            queries.find_run(connection, "_")


def test_usage_of_the_measured_boots_of_the_candidate(journal):
    with files.reading(journal) as connection:
        asked = (connection, "/srv/bootgate.yaml", "isolated", "default")
        every = queries.usage(*asked, 0.0)
        later = queries.usage(*asked, lives.BEGIN + DAY)
        elsewhere = queries.usage(connection, "/srv/other.yaml", "isolated", "default", 0.0)
        poor = queries.usage(connection, "/srv/bootgate.yaml", "main", "low-spec", 0.0)
    assert every == [
        (lives.BEGIN + 11, 0.25, "started"),
        (lives.BEGIN + 21, 0.25, "started"),
        (lives.BEGIN + DAY + 11, 0.25, "started"),
        (lives.BEGIN + DAY + 21, 1.0, "timed_out"),
    ]
    assert later == every[2:]
    assert elsewhere == []
    assert [used.share for used in poor] == [0.25, 0.25]


def test_usage_leaves_out_what_an_upgrade_in_place_boots(tmp_path):
    journal = Journal(tmp_path / "journal.db")
    journal.hear(lives.began("r"))
    for number, during in ((1, "upgrade"), (2, "campaign")):
        for event in lives.life(lives.key("r", number, during=during)):
            journal.hear(event)
    journal.close()
    with files.reading(journal.path) as connection:
        used = queries.usage(connection, "/srv/bootgate.yaml", "isolated", "default", 0.0)
        assert len(used) == 1
        assert {row.during for row in queries.boots(connection, Filter())} == {
            "upgrade",
            "campaign",
        }


def test_the_events_of_boots_and_of_a_run(journal):
    with files.reading(journal) as connection:
        rows = queries.boots(connection, Filter(run="bb33"))
        assert [e.kind for e in queries.events(connection, rows, None)] == ["boot_began"]
        kinds = [e.kind for e in queries.events(connection, rows, "bb33")]
        assert kinds == ["run_began", "boot_began"]


def test_a_run_that_booted_nothing(tmp_path):
    journal = Journal(tmp_path / "journal.db")
    for event in (lives.began("r"), *lives.ended("r")):
        journal.hear(event)
    journal.close()
    with files.reading(journal.path) as connection:
        (run,) = queries.runs_without_boots(connection, Filter())
        assert (run.id, run.words) == ("r", "error")
        assert queries.runs_without_boots(connection, Filter(outcome="started")) == []


# -- running, killed, or unknown ---------------------------------------------------------------


def state(path, **changed) -> str:
    """What is said of a run whose process is described so."""
    with sqlite3.connect(path) as connection:
        for name, value in changed.items():
            connection.execute(f"UPDATE runs SET {name} = ?", (value,))
    with files.reading(path) as connection:
        (row,) = queries.boots(connection, Filter())
        return row.run_state


@pytest.fixture
def flying(tmp_path):
    """A journal with a boot in flight, written by this very process."""
    journal = Journal(tmp_path / "journal.db")
    journal.hear(RunBegan(wall=1.0, run="r", result=lives.result("r")))
    journal.hear(BootBegan(wall=1.0, boot=lives.key("r", 1)))
    yield journal.path
    journal.close()


def test_a_run_whose_process_lives(flying):
    assert state(flying) == "running"


def test_a_process_of_the_same_id_that_came_later(flying):
    assert state(flying, pid_started=Writer.this().started - 1) == "killed"


def test_a_process_that_is_gone_or_not_waited_for(flying):
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    stat = Path(f"/proc/{child.pid}/stat").read_text()
    started = int(stat.rpartition(")")[2].split()[19])
    assert state(flying, pid=child.pid, pid_started=started) == "running"
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert state(flying) == "killed"
    child.wait()
    assert state(flying) == "killed"


def test_another_machine_or_namespace_is_unknown(flying):
    here = Writer.this()
    start, namespace = here.kernel.split()
    assert state(flying, kernel=f"{start} pid:[1]") == "unknown"
    assert state(flying, kernel=f"other {namespace}", machine_id="other") == "unknown"
    assert state(flying, kernel=None, machine_id=None) == "unknown"


def test_before_the_machine_was_restarted(monkeypatch):
    monkeypatch.setattr("pytest_bootgate.journal.process._machine", lambda: "this machine")
    then = replace(Writer.this(), kernel="earlier pid:[1]")
    assert then.lives() is False
    assert replace(then, host_name="elsewhere").lives() is None
    assert replace(then, machine="another machine").lives() is None
