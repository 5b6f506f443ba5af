"""Keep a journal of the present schema: python -m tests.journal.release, once for each version."""

from __future__ import annotations

import sqlite3
import tempfile
from pathlib import Path

from pytest_bootgate.journal.schema import APPLICATION, VERSION
from pytest_bootgate.journal.store import Journal
from pytest_bootgate.records.events import Event
from tests.journal import lives


def main() -> None:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "journal.db"
        journal = Journal(path)
        boots = [lives.key("first", 1, "baseline"), lives.key("first", 1), lives.key("first", 2)]
        events: list[Event] = [lives.began("first")]
        for number, (boot, seconds) in enumerate(zip(boots, (0.4, 0.5, None), strict=True)):
            events += lives.life(boot, lives.BEGIN + number, seconds)
        events += lives.ended("first", wall=lives.BEGIN + 3)
        events += [lives.began("second", lives.BEGIN + 10)]
        events += list(lives.life(lives.key("second", 1), lives.BEGIN + 11))[:-1]
        for event in events:
            journal.hear(event)
        journal.close()
        with sqlite3.connect(path) as connection:
            dump = "\n".join(connection.iterdump())
    pragmas = f"PRAGMA application_id = {APPLICATION};\nPRAGMA user_version = {VERSION};\n"
    (Path(__file__).parent / "released" / f"{VERSION}.sql").write_text(f"{dump}\n{pragmas}")


if __name__ == "__main__":
    main()
