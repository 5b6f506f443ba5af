"""Opening a journal: made where there is none, brought up to date, never taken for another file."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

from pytest_bootgate.errors import JournalError
from pytest_bootgate.journal.schema import APPLICATION, MIGRATIONS, VERSION

#: How many seconds one process waits while another one writes; a write takes about a millisecond.
BUSY = 10.0
#: The first SQLite that has STRICT tables.
_OLDEST = (3, 37, 0)
#: Where a journal is kept unless somebody says otherwise, below the rootdir.
DEFAULT = Path(".bootgate") / "journal.db"
_OPTION = "--bootgate-journal PATH"


def writing(path: Path) -> sqlite3.Connection:
    """Open a journal to write into it, made or migrated where needed. Raises `JournalError`."""
    way_out = f"Use another one with {_OPTION}."
    _check_sqlite()
    try:
        _make_directory(path.parent)
    except OSError as error:
        raise JournalError(
            f"The journal {path} cannot be created: {error.strerror}. {way_out}"
        ) from None
    if path.exists() and not path.is_file():
        raise JournalError(f"{path} is not a regular file. {way_out}")
    with _in_words(path, "opened", way_out):
        return _opened(f"{path.absolute().as_uri()}?mode=rwc", path)


@contextlib.contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a journal to read from it; nothing is changed but a schema that is older.

    Rows come as `sqlite3.Row`. Raises `JournalError` where there is none, or another file.
    """
    way_out = f"Give the journal that pytest wrote with {_OPTION}, or by default {DEFAULT}."
    _check_sqlite()
    if not path.is_file():
        what = f"{path} is not a regular file" if path.exists() else f"There is no journal {path}"
        raise JournalError(f"{what}. {way_out}")
    with _in_words(path, "read", way_out):
        connection = _for_reading(path)
    try:
        with _in_words(path, "read", way_out):
            yield connection
    finally:
        connection.close()


def _for_reading(path: Path) -> sqlite3.Connection:
    uri = path.absolute().as_uri()
    try:
        # Not mode=ro, which leaves files of its own beside a journal.
        connection = _connect(f"{uri}?mode=rw")
        connection.execute("PRAGMA query_only = ON")
        version = _version(connection, path)
    except sqlite3.OperationalError:
        if path.with_name(f"{path.name}-wal").exists():
            raise
        # A directory that takes no file beside it, and nobody who writes.
        connection = _connect(f"{uri}?immutable=1")
        version = _version(connection, path)
    if version == 0:
        connection.close()
        raise JournalError(f"{path} is empty: it is not a journal.")
    if version < VERSION:
        connection.close()
        connection = _opened(f"{uri}?mode=rw", path)
    connection.row_factory = sqlite3.Row
    return connection


def _opened(uri: str, path: Path) -> sqlite3.Connection:
    """A connection for writing, its schema up to date."""
    connection = _connect(uri)
    try:
        _version(connection, path)  # before anything is written: is it a journal?
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA wal_autocheckpoint = 0")  # the store says when
        _set_wal(connection, path)
        if _version(connection, path) < VERSION:
            _migrate(connection, path)
        # Also where nothing is to be changed: can it be written at all?
        connection.execute("BEGIN IMMEDIATE")
        connection.execute(f"PRAGMA user_version = {VERSION}")
        connection.execute("COMMIT")
    except BaseException:
        connection.close()
        raise
    return connection


def _connect(uri: str) -> sqlite3.Connection:
    # Transactions are said, not guessed. Who hears events from a thread may write from it.
    return sqlite3.connect(
        uri, uri=True, timeout=BUSY, isolation_level=None, check_same_thread=False
    )


def _version(connection: sqlite3.Connection, path: Path) -> int:
    """The schema version of a file, 0 for an empty one. Raises `JournalError` for another file."""
    tables: int = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    application: int = connection.execute("PRAGMA application_id").fetchone()[0]
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    if tables and (application != APPLICATION or version < 0):
        raise JournalError(f"{path} is a SQLite file, but not a journal; it was not changed.")
    if version > VERSION:
        raise JournalError(
            f"The journal {path} has schema {version}, but this version of pytest-bootgate supports"
            f" up to {VERSION}. Install the newer pytest-bootgate that wrote it, or name another"
            f" journal with {_OPTION}."
        )
    return version if tables else 0


def _set_wal(connection: sqlite3.Connection, path: Path) -> None:
    # Two processes that do so at once on a new file do not wait for each other by themselves.
    deadline = time.monotonic() + BUSY
    while True:
        try:
            mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
            break
        except sqlite3.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
    if mode != "wal":
        raise JournalError(
            f"The journal {path} cannot be kept there: its file system has no shared memory (WAL)."
            f" Name a local disk with {_OPTION}."
        )


def _migrate(connection: sqlite3.Connection, path: Path) -> None:
    """Bring the schema up to date, all of it or nothing."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        for number in range(_version(connection, path), VERSION):
            for statement in statements(MIGRATIONS[number]):
                connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION}")
        connection.execute(f"PRAGMA user_version = {VERSION}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def statements(script: str) -> Iterator[str]:
    """The statements of a script one by one; `executescript` would commit before it."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


def _make_directory(directory: Path) -> None:
    """Make the directory; one that is new is nobody's business under version control."""
    if directory.is_dir():
        return
    directory.mkdir(parents=True, exist_ok=True)
    (directory / ".gitignore").write_text("*\n")


def _check_sqlite() -> None:
    if sqlite3.sqlite_version_info < _OLDEST:
        oldest = ".".join(str(part) for part in _OLDEST)
        raise JournalError(
            f"The journal needs SQLite {oldest} or newer, but this Python has"
            f" {sqlite3.sqlite_version}. Use a newer Python."
        )


@contextlib.contextmanager
def _in_words(path: Path, what: str, way_out: str) -> Iterator[None]:
    """Turn what SQLite raises into words for people."""
    try:
        yield
    except (sqlite3.Error, UnicodeDecodeError) as error:
        raise JournalError(
            f"The journal {path} cannot be {what}: {why(error)}. {way_out}"
        ) from None


def why(error: sqlite3.Error | UnicodeDecodeError) -> str:
    """Half a sentence: what went wrong with a journal."""
    if isinstance(error, UnicodeDecodeError):
        return "it is damaged (text that is not UTF-8)"
    text = str(error)
    if "locked" in text:
        return f"another process has locked it for {BUSY:.0f} s"
    return text
