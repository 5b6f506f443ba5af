"""A schema that was released stays as it is, and today's code reads every one of them."""

from __future__ import annotations

import hashlib
import sqlite3
from pathlib import Path

import pytest

from pytest_bootgate.journal import files, queries
from pytest_bootgate.journal.schema import MIGRATIONS, VERSION
from pytest_bootgate.journal.store import Journal
from tests.journal import lives

RELEASED = Path(__file__).parent / "released"
#: What each version's migration was when it came. A change is a new migration, and a new line.
DIGESTS = {
    1: "139307e10d5c2985",
    2: "74148f44aeeeac76",
}


def test_a_migration_never_changes():
    found = {
        number: hashlib.sha256(script.encode()).hexdigest()[:16]
        for number, script in enumerate(MIGRATIONS, 1)
    }
    assert found == DIGESTS, "add a migration to schema.py; leave those before it as they are"


def test_there_is_a_journal_of_every_version():
    assert [path.name for path in sorted(RELEASED.glob("*.sql"))] == [
        f"{number}.sql" for number in range(1, VERSION + 1)
    ]


@pytest.mark.parametrize("dump", sorted(RELEASED.glob("*.sql")), ids=lambda path: path.stem)
@pytest.mark.parametrize("way", ["written", "read"])
def test_every_version_opens(dump, way, tmp_path):
    path = tmp_path / "journal.db"
    with sqlite3.connect(path) as old:
        old.executescript(dump.read_text())
        before = old.execute("SELECT count(*) FROM events").fetchone()
    old.close()
    if way == "written":
        writing = Journal(path)
        for event in lives.campaign("today", 1):
            writing.hear(event)
        writing.close()
    with files.reading(path) as journal:
        assert journal.execute("PRAGMA user_version").fetchone()[0] == VERSION
        rows = [row for row in queries.boots(journal, queries.Filter()) if row.run != "today"]
        asked = (journal, "/srv/bootgate.yaml", "isolated", "default", 0.0)
        shares = [used.share for used in queries.usage(*asked)]
        events = journal.execute("SELECT count(*) FROM events WHERE run <> 'today'").fetchone()
    assert [(row.run, row.release, row.outcome) for row in rows] == [
        ("second", "candidate", None),
        ("first", "candidate", "timed_out"),
        ("first", "candidate", "started"),
        ("first", "baseline", "started"),
    ]
    assert sorted(shares) == [0.25] * (2 if way == "written" else 1) + [1.0]
    assert tuple(events) == before
