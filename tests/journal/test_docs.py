"""The queries that docs/journal.md shows, on a journal in which they have something to find."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path

import pytest

from pytest_bootgate.journal.store import Journal
from tests.journal import lives

PAGE = (Path(__file__).parents[2] / "docs" / "journal.md").read_text()
QUERIES = re.findall(r"```sql\n(.*?)```", PAGE, re.DOTALL)
WIPE = QUERIES[-1]


@pytest.fixture
def journal(tmp_path):
    """A run of long ago with a boot that timed out, and one with a boot in flight."""
    journal = Journal(tmp_path / "journal.db")
    old = lives.BEGIN - 365 * 86400
    events = [
        lives.began("old", old),
        *lives.life(lives.key("old", 1), old + 1),
        *lives.life(lives.key("old", 2), old + 2, None),
        *lives.ended("old", wall=old + 3),
        lives.began("new", lives.BEGIN),
        next(lives.life(lives.key("new", 1), lives.BEGIN)),
    ]
    for event in events:
        journal.hear(event)
    journal.close()
    with sqlite3.connect(journal.path, isolation_level=None) as connection:
        yield connection
    connection.close()


def test_there_are_queries_to_try():
    assert len(QUERIES) == 5


@pytest.mark.parametrize(
    ("query", "found"),
    [
        (QUERIES[0], [("isolated", "2.0", 3, 100.0)]),
        (QUERIES[1], [("2025-11-01", "task_started", 0.4), ("2025-11-01", "engine", 0.1)]),
        (
            QUERIES[2],
            [("2025-11-01 00:00:02", "isolated", "2.0", "timed_out", "task_started", "log", 2.1)],
        ),
        (QUERIES[3], [("2026-11-01 00:00:00", "new", "/srv/bootgate.yaml")]),
    ],
    ids=["nearest", "phases", "failed", "unfinished"],
)
def test_queries(journal, query, found):
    rows = journal.execute(query).fetchall()
    assert [row[: len(found[0])] for row in rows] == found


def test_old_runs_go(journal):
    # The day of the test may be any, so "now" is that of the newer run.
    wipe = WIPE.replace("'now'", "'2026-11-02'")
    assert wipe != WIPE
    journal.executescript(wipe)
    for table in ("boots", "events", "releases"):
        assert journal.execute(f"SELECT DISTINCT run FROM {table}").fetchall() == [("new",)]
    assert journal.execute("SELECT count(*) FROM marks").fetchone() == (0,)


def test_every_table_is_named(journal):
    names = journal.execute("SELECT name FROM sqlite_master WHERE type IN ('table', 'view')")
    for (name,) in names.fetchall():
        assert f"`{name}`" in PAGE, name


def test_every_option_is_named(capsys):
    from pytest_bootgate.cli import main

    with pytest.raises(SystemExit):
        main(["log", "--help"])
    for option in re.findall(r"--\w+", capsys.readouterr().out):
        assert option == "--help" or f"`{option}" in PAGE, option
