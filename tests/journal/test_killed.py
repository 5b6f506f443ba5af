"""However and whenever pytest is killed, the journal holds what had happened, and says so.

BOOTGATE_KILLS=20 kills as often on each engine.
"""

from __future__ import annotations

import os
import random
import time

import pytest

from pytest_bootgate.journal import files, queries
from tests.pytest_plugin.test_left_behind import IMAGE, left, until

KILLS = int(os.environ.get("BOOTGATE_KILLS", "0"))
#: Without a gateway, so that the image needs to hold nothing.
CONTAINERS = f"""\
releases:
  baseline: {{image: "{IMAGE}", command: [sh, -c, "sleep 0.2; echo up 1; sleep 60"]}}
  candidate: {{image: "{IMAGE}", command: [sh, -c, "sleep 0.2; echo up; sleep 60"]}}
targets:
  boot: {{timeout: 20s, phases: {{task_started: {{line: up}}}}}}
gate: {{boots: 40}}
"""


@pytest.mark.parametrize(
    ("engine", "kills", "longest"),
    [
        pytest.param("process", KILLS or 3, 3.0, id="process"),
        pytest.param("docker", KILLS or 2, 5.0, id="docker", marks=pytest.mark.docker),
    ],
)
def test_sigkill_at_any_instant(site, engine, kills, longest):
    here = site(text=CONTAINERS if engine == "docker" else "")
    here.options = ("--bootgate-engine", engine)
    chance = random.Random(4)
    runs: set[str] = set()
    seen: list[tuple[int, int]] = []
    for _ in range(kills):
        pytest_run = here.start()
        try:
            run = until(lambda: next((r for r, *_ in here.heard() if r not in runs), None), 30)
            # The first one dies when there is something to lose.
            awaited = "boot_began" if seen else "boot_ended"
            until(lambda run=run, k=awaited: k in {kind for _, kind, _ in here.heard(run)}, 30)
            time.sleep(chance.uniform(0, longest))
        finally:
            pytest_run.kill()
        assert pytest_run.wait(10) == -9
        runs.add(run)
        seen.append(compare(here, run))
        until(lambda run=run: not left(engine, run), 8)
    with here.kept() as journal:
        assert {run for (run,) in journal.execute("SELECT id FROM runs")} == runs
    finished, flying = (sum(numbers) for numbers in zip(*seen, strict=True))
    assert finished > 0
    print(f"{engine}: {kills} kills, {finished} finished boots kept, {flying} marked in flight")


def compare(here, run):
    """What is kept of a run that was killed, with what a listener heard of it.

    Returns how many boots were finished, and how many are in flight.
    """
    heard = [(kind, boot) for _, kind, boot in here.heard(run)]
    with here.kept() as journal:
        assert journal.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        asked = "SELECT kind, boot FROM events WHERE run = ? ORDER BY id"
        kept = journal.execute(asked, (run,)).fetchall()
    # The journal hears first: it may have one event that the listener did not live to hear.
    assert kept[: len(heard)] == heard
    assert len(kept) <= len(heard) + 1
    ended = {boot for kind, boot in kept if kind == "boot_ended"}
    flying = {boot for kind, boot in kept if kind == "boot_began"} - ended
    assert len(flying) <= 1
    with files.reading(here.journal) as journal:
        rows = queries.boots(journal, queries.Filter(run=run, limit=1000))
        assert {row.run_state for row in rows} == {"killed"}
        assert {row.id for row in rows if row.outcome is None} == flying
        assert {row.id for row in rows if row.outcome == "started"} == ended
        whole = "SELECT id FROM boots WHERE run = ? AND json_extract(whole, '$.seconds') > 0"
        assert {boot for (boot,) in journal.execute(whole, (run,))} == ended
    assert rows[0].id == next(boot for kind, boot in reversed(kept) if kind == "boot_began")
    return len(ended), len(flying)
