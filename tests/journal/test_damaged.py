"""A journal that somebody damaged is read as far as it can be, and never ends in a traceback."""

from __future__ import annotations

import random
import sqlite3
from pathlib import Path

import pytest

from pytest_bootgate.cli import main
from pytest_bootgate.journal.store import Journal
from tests.journal import lives

ODD = [None, "x", b"\xff\xfe", -1, 1e308, float("inf"), 10**18, "{}", "[1", "\x00", "x" * 5000]


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> bytes:
    """A journal of one run, with three boots."""
    path = tmp_path_factory.mktemp("journal") / "journal.db"
    kept = Journal(path)
    events = [lives.began("aa11", lives.BEGIN)]
    for number in (0, 1, 2):
        events += lives.life(lives.key("aa11", number), lives.BEGIN + number, 0.5)
    for event in [*events, *lives.ended("aa11")]:
        kept.hear(event)
    kept.close()
    copy = path.with_name("copy.db")
    with sqlite3.connect(path) as one, sqlite3.connect(copy) as other:
        one.backup(other)
    return copy.read_bytes()


def odd_values(path: Path, chance: random.Random) -> None:
    """Write odd values into a journal."""
    journal = sqlite3.connect(path)
    tables = [
        row[0] for row in journal.execute("SELECT name FROM sqlite_master WHERE type='table'")
    ]
    table = chance.choice(tables)
    columns = [row[1] for row in journal.execute(f"PRAGMA table_info({table})")]
    for _ in range(chance.choice((1, 2, 5))):
        row = f"(SELECT rowid FROM {table} LIMIT 1 OFFSET {chance.randrange(3)})"
        change = f"UPDATE {table} SET {chance.choice(columns)} = ? WHERE rowid IN {row}"
        try:
            journal.execute(change, (chance.choice(ODD),))
        except sqlite3.Error:  # a rule of the schema forbids it
            continue
    journal.commit()
    journal.close()


@pytest.mark.parametrize("seed", range(12))
def test_no_damage_ends_in_a_traceback(tmp_path, capsys, whole, seed):
    chance = random.Random(seed)
    for number in range(12):
        path = tmp_path / f"{number}.db"
        data, how = bytearray(whole), chance.random()
        if how < 0.35:
            for _ in range(chance.choice((1, 10, 200))):
                data[chance.randrange(len(data))] = chance.randrange(256)
        elif how < 0.45:
            del data[chance.randrange(len(data)) :]
        path.write_bytes(data)
        if how >= 0.45:
            odd_values(path, chance)
        for command in (["log"], ["log", "--json"], ["log", "--events"], ["report", "last"]):
            assert main([*command, "--journal", str(path)]) in (0, 4)
    assert "Traceback" not in capsys.readouterr().err


def test_a_text_that_is_none(tmp_path, capsys, whole):
    path = tmp_path / "journal.db"
    path.write_bytes(whole.replace(b"aa11", b"a\xff\xfe1"))
    assert main(["log", "--journal", str(path)]) in (0, 4)
    said = capsys.readouterr()
    assert "cannot be read" in said.err or said.out
