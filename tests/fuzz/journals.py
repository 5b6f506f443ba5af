"""Journals (SQLite): one of a few runs, then with odd values, without parts, with other bytes."""

from __future__ import annotations

import contextlib
import re
import sqlite3
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from pytest_bootgate.journal.store import Journal
from tests.fuzz.budget import Kind, directory
from tests.fuzz.commands import bootgate
from tests.journal import lives

#: As SQL has them.
ODD = [
    *("NULL", "''", "'x'", "x'fffe'", "CAST(x'fffe61' AS TEXT)", "CAST(x'00' AS TEXT)"),
    "char(55296)",
    *("-1", "0", "1", "9223372036854775807", "-9223372036854775808", "1e308", "-1e308", "9e999"),
    "-9e999",
    *("'{}'", "'[1'", "'[]'", "'null'", "'{\"a\": NaN}'", "'1e400'", "'\"\\ud800\"'", "1e18"),
    "0.1",
    *("zeroblob(4000)", "hex(zeroblob(3000))", "'started'", "'candidate'", "'propagation'"),
    "'2.0'",
    "char(27)",
    *("replace(hex(zeroblob(20000)), '0', '[')", "(SELECT result FROM runs LIMIT 1)", "rowid"),
    "'a' || rowid",
]  # fmt: skip
COMMANDS = [
    *(["log"], ["log", "--json"], ["log", "--events"], ["log", "--events", "--json"]),
    *(["log", "--run", "a"], ["log", "--events", "--run", "aa11"]),
    ["log", "--target", "isolated@default"],
    *(["log", "--release", "2.0"], ["log", "--release", "candidate"]),
    ["log", "--outcome", "timed_out"],
    ["log", "--since", "2026-11-01", "--limit", "2"],
    ["log", "--outcome", "in_flight", "--json"],
    *(["report", "last"], ["report", "aa11", "-vv"], ["compare", "aa11", "bb22"]),
]  # fmt: skip


def _whole() -> bytes:
    """A journal of two runs that ended and one that did not."""
    path = directory("journals") / "whole.db"
    kept = Journal(path)
    for run in ("aa11", "bb22", "cc33"):
        kept.hear(lives.began(run, lives.BEGIN))
        boots = []
        for number in range(3):
            key = lives.key(run, number, "candidate" if number else "baseline")
            boots.append(lives.measured(key, None if number == 2 else 0.5))
            for event in lives.life(key, lives.BEGIN + number, None if number == 2 else 0.5):
                kept.hear(event)
        for event in lives.ended(run, *boots) if run != "cc33" else ():
            kept.hear(event)
    kept.close()
    copy = path.with_name("copy.db")
    with (
        contextlib.closing(sqlite3.connect(path)) as one,
        contextlib.closing(sqlite3.connect(copy)) as other,
    ):
        one.backup(other)
    return copy.read_bytes()


def _loose(whole: bytes) -> bytes:
    """The same without a rule: any column takes anything."""
    path = directory("journals") / "loose.db"
    path.write_bytes(whole)
    with contextlib.closing(sqlite3.connect(path)) as journal:
        journal.execute("PRAGMA writable_schema = ON")
        for name, sql in journal.execute(
            "SELECT name, sql FROM sqlite_master WHERE type = 'table'"
        ).fetchall():
            sql = re.sub(r"--.*", "", sql)
            sql = re.sub(
                r"\bSTRICT\b|NOT NULL|REFERENCES .*?CASCADE|\bREAL\b|\bTEXT\b(?! PRIMARY)", "", sql
            )
            journal.execute("UPDATE sqlite_master SET sql = ? WHERE name = ?", (sql, name))
        journal.commit()
    return path.read_bytes()


WHOLE = _whole()
LOOSE = _loose(WHOLE)
with contextlib.closing(sqlite3.connect(directory("journals") / "whole.db")) as _journal:
    COLUMNS = [
        (table, column[1])
        for (table,) in _journal.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table'"
        ).fetchall()
        for column in _journal.execute(f"PRAGMA table_info({table})")
    ]
    PARTS = [
        tuple(row)
        for row in _journal.execute("SELECT type, name FROM sqlite_master WHERE sql IS NOT NULL")
    ]

odd_values = st.tuples(
    st.sampled_from(COLUMNS),
    st.sampled_from(ODD),
    st.sampled_from(["1", "rowid % 3 = 0", "rowid = 1", "rowid > 2"]),
).map(lambda t: f"UPDATE {t[0][0]} SET {t[0][1]} = {t[1]} WHERE {t[2]}")
statements = st.one_of(
    *[odd_values] * 6,
    st.sampled_from(PARTS).map(lambda part: f"DROP {part[0]} {part[1]}"),
    st.sampled_from(COLUMNS).map(lambda c: f"ALTER TABLE {c[0]} DROP COLUMN {c[1]}"),
    st.sampled_from(COLUMNS).map(lambda c: f"ALTER TABLE {c[0]} RENAME COLUMN {c[1]} TO x"),
    st.sampled_from(COLUMNS).map(lambda c: f"DELETE FROM {c[0]} WHERE rowid % 2"),
    st.sampled_from([0, 1, 2, 3, 99, -1, 2**31 - 1]).map(lambda n: f"PRAGMA user_version = {n}"),
    st.sampled_from([0, 1]).map(lambda n: f"PRAGMA application_id = {n}"),
)
#: (which base, statements, bytes to write by place, where it is cut)
journals = st.tuples(
    st.sampled_from([0, 0, 0, 1]),
    st.lists(statements, max_size=5),
    st.one_of(
        *[st.just([])] * 2,
        st.lists(
            st.tuples(st.integers(0, len(WHOLE) - 1), st.binary(min_size=1, max_size=8)),
            max_size=40,
        ),
        st.lists(st.tuples(st.integers(0, 200), st.binary(min_size=1, max_size=2)), max_size=2),
    ),
    st.one_of(*[st.none()] * 4, st.integers(0, len(WHOLE))),
)


def changed(path: Path, journal: bytes, statements: list[str]) -> Path:
    """Write a journal, and change it by SQL as far as SQL allows."""
    path.write_bytes(journal)
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as opened:
        opened.execute("PRAGMA journal_mode = DELETE")
        opened.execute("PRAGMA synchronous = OFF")
        for statement in statements:
            with contextlib.suppress(sqlite3.Error):  # a rule of the schema forbids it
                opened.execute(statement)
    return path


def attempt(made: tuple[int, list[str], list[tuple[int, bytes]], int | None]) -> str:
    """Every command that reads a journal."""
    base, changes, bytes_, end = made
    path = directory("journals") / "journal.db"
    for left in (path.with_name("journal.db-wal"), path.with_name("journal.db-shm")):
        left.unlink(missing_ok=True)
    changed(path, LOOSE if base == 0 else WHOLE, changes)
    data = bytearray(path.read_bytes())
    for at, some in bytes_:
        data[at : at + len(some)] = some
    path.write_bytes(data if end is None else data[:end])
    read: list[Any] = [bootgate(*command, "--journal", path) for command in COMMANDS]
    read.append(
        bootgate("report", "bb22", "--html", directory("journals") / "page.html", "--journal", path)
    )
    return "shown" if 0 in read else "refused"


KIND = Kind("journals", journals, attempt, usual=25)
