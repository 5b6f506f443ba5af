"""What may lie where a journal should be, and what is said then."""

from __future__ import annotations

import re
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_bootgate.errors import JournalError
from pytest_bootgate.journal import files
from pytest_bootgate.journal.schema import APPLICATION, VERSION
from pytest_bootgate.journal.store import Journal
from tests.journal import lives


def filled(path: Path) -> Path:
    journal = Journal(path)
    for event in lives.campaign("r", 1):
        journal.hear(event)
    journal.close()
    return path


def count(path: Path) -> int:
    with files.reading(path) as journal:
        return journal.execute("SELECT count(*) FROM boots").fetchone()[0]


def test_a_new_journal(tmp_path):
    path = filled(tmp_path / "deep" / "down" / "journal.db")
    assert (path.parent / ".gitignore").read_text() == "*\n"
    assert sorted(p.name for p in path.parent.iterdir()) == [".gitignore", "journal.db"]
    with sqlite3.connect(path) as connection:
        said = [connection.execute(f"PRAGMA {name}").fetchone()[0] for name in PRAGMAS]
    assert said == [APPLICATION, VERSION, "wal"]


PRAGMAS = ("application_id", "user_version", "journal_mode")


def test_a_directory_that_is_there_is_nobody_elses_to_ignore(tmp_path):
    filled(tmp_path / "journal.db")
    assert not (tmp_path / ".gitignore").exists()


def test_an_empty_file_becomes_one(tmp_path):
    path = tmp_path / "journal.db"
    path.touch()
    with pytest.raises(JournalError, match="is empty"), files.reading(path):
        pass
    assert count(filled(path)) == 1


def test_another_file(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("Call the baker. " * 100)
    before = path.read_bytes()
    for way in (Journal, lambda p: files.reading(p).__enter__()):
        with pytest.raises(JournalError, match=r"file is not a database\. (Use|Give)"):
            way(path)
    assert path.read_bytes() == before


def test_another_database_is_left_as_it_is(tmp_path):
    path = tmp_path / "shop.db"
    with sqlite3.connect(path) as shop:
        shop.execute("CREATE TABLE orders (id)")
    before = path.read_bytes()
    for way in (Journal, lambda p: files.reading(p).__enter__()):
        with pytest.raises(JournalError, match="but not a journal; it was not changed"):
            way(path)
    assert path.read_bytes() == before


def test_a_version_that_never_was(tmp_path):
    path = filled(tmp_path / "journal.db")
    with sqlite3.connect(path) as journal:
        journal.execute("PRAGMA user_version = -1")
    for way in (Journal, lambda p: files.reading(p).__enter__()):
        with pytest.raises(JournalError, match="but not a journal; it was not changed"):
            way(path)


def test_a_newer_schema(tmp_path):
    path = filled(tmp_path / "journal.db")
    with sqlite3.connect(path) as journal:
        journal.execute(f"PRAGMA user_version = {VERSION + 1}")
    wanted = re.escape(f"has schema {VERSION + 1}") + ".*--bootgate-journal PATH"
    for way in (Journal, lambda p: files.reading(p).__enter__()):
        with pytest.raises(JournalError, match=wanted):
            way(path)


@pytest.mark.parametrize("place", ["file/journal.db", "/proc/journal.db", "/proc/no/journal.db"])
def test_a_place_that_takes_none(tmp_path, place):
    (tmp_path / "file").touch()
    with pytest.raises(
        JournalError, match=r"cannot be (created|opened): .*--bootgate-journal PATH"
    ):
        Journal(tmp_path / place)


def test_a_directory_in_its_place(tmp_path):
    with pytest.raises(JournalError, match=r"is not a regular file. .*--bootgate-journal PATH"):
        Journal(tmp_path)


def test_nothing_to_read(tmp_path):
    with pytest.raises(JournalError, match="There is no journal"), files.reading(tmp_path / "no"):
        pass
    assert not list(tmp_path.iterdir())


def test_what_a_killed_writer_left_is_read(tmp_path):
    path = tmp_path / "journal.db"
    script = (
        "import os, sys; from pathlib import Path; from tests.journal import lives\n"
        "from pytest_bootgate.journal.store import Journal\n"
        "journal = Journal(Path(sys.argv[1]))\n"
        "for event in lives.campaign('r', 3): journal.hear(event)\n"
        "os.kill(os.getpid(), 9)"
    )
    here = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", script, str(path)], cwd=here, check=False)
    assert done.returncode == -9
    assert path.with_name("journal.db-wal").stat().st_size
    assert count(path) == 3


def test_reading_changes_nothing(tmp_path):
    path = filled(tmp_path / "journal.db")
    before = path.read_bytes()
    with pytest.raises(JournalError, match="readonly"), files.reading(path) as journal:
        journal.execute("DELETE FROM runs")
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["journal.db"]
