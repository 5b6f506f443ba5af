"""Several processes write one journal at once, and nothing is lost.

BOOTGATE_AT_ONCE=60 lets two runs of pytest follow each other for a minute.
"""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

SECONDS = float(os.environ.get("BOOTGATE_AT_ONCE", "0"))
WRITER = """\
import sys
from pathlib import Path
from pytest_bootgate.journal.store import Journal
from tests.journal.lives import campaign

journal = Journal(Path(sys.argv[1]))
for event in campaign(sys.argv[2], boots=int(sys.argv[3])):
    journal.hear(event)
journal.close()
"""


def test_two_pytest_runs(site, tmp_path):
    journal = tmp_path / "shared" / "journal.db"
    places = [site(name, boots=2, journal=journal) for name in ("one", "two")]
    for place in places:
        place.options = ("--bootgate-engine", "process")
    until, ended = time.monotonic() + SECONDS, Counter[str]()
    running = {place.path.name: (place, place.start()) for place in places}
    while running:
        for name, (place, process) in list(running.items()):
            if process.poll() is None:
                continue
            assert process.returncode == 0
            ended[name] += 1
            running.pop(name)
            if time.monotonic() < until:
                running[name] = (place, place.start())
        time.sleep(0.02)
    heard = [event for place in places for event in place.heard()]
    with places[0].kept() as kept:
        assert kept.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        events = kept.execute("SELECT run, kind, boot FROM events").fetchall()
        boots = kept.execute("SELECT id FROM boots WHERE outcome = 'started'").fetchall()
        runs = kept.execute("SELECT count(*) FROM runs WHERE finished IS NOT NULL").fetchone()
    assert Counter(events) == Counter(heard)
    assert {boot for (boot,) in boots} == {boot for _, _, boot in heard} - {None}
    assert runs == (sum(ended.values()),)
    print(f"{sum(ended.values())} runs, {len(boots)} boots, {len(events)} events")


def test_four_writers_without_a_pause(tmp_path):
    journal, boots = tmp_path / "journal.db", 200
    names = [f"run{number}" for number in range(4)]
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(journal), name, str(boots)],
            cwd=Path(__file__).parents[2],
        )
        for name in names
    ]
    assert [writer.wait(60) for writer in writers] == [0, 0, 0, 0]
    with sqlite3.connect(journal) as kept:
        counts = kept.execute("SELECT run, count(*) FROM boots GROUP BY run").fetchall()
        events = kept.execute("SELECT run, count(*) FROM events GROUP BY run").fetchall()
    assert counts == [(name, boots) for name in names]
    assert events == [(name, boots * 7 + 3) for name in names]
