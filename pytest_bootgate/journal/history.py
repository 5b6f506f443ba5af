"""How long earlier runs of a gate file took: what people may expect of the next one."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from pytest_bootgate.errors import JournalError
from pytest_bootgate.journal import files

#: So many runs are looked at, the newest.
_RUNS = 5

#: What boots were made for, on which profile, of which target.
Key = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class History:
    """Of `runs` whole runs the median duration in seconds, None without any.

    `checks` has that of each check, from its first boot on. Waiting for other gates is in none.
    """

    runs: int = 0
    seconds: float | None = None
    checks: Mapping[Key, float] = field(default_factory=dict)


def history(path: Path, gate_file: Path, engine: str, least: int) -> History:
    """What a journal knows of a gate file on an engine; nothing where it cannot be read.

    A run of less than `least` boots was one of a part, or ended early.
    """
    try:
        with files.reading(path) as journal:
            return _history(journal, str(gate_file.resolve()), engine, least)
    except (JournalError, sqlite3.Error, TypeError, ValueError):
        return History()  # nobody needs it to gate an upgrade


def _history(journal: sqlite3.Connection, gate_file: str, engine: str, least: int) -> History:
    rows = journal.execute(
        "SELECT id, finished - began - CASE WHEN json_valid(result)"
        " THEN coalesce(json_extract(result, '$.waited'), 0.0) ELSE 0.0 END AS seconds"
        " FROM runs WHERE gate_file = ? AND engine = ? AND finished > began"
        " AND verdict <> 'error' AND (SELECT count(*) FROM boots WHERE run = runs.id) >= ?"
        " ORDER BY began DESC LIMIT ?",
        (gate_file, engine, least, _RUNS),
    ).fetchall()
    if not rows:
        return History()
    checks: dict[Key, list[float]] = defaultdict(list)
    for run in rows:
        found = journal.execute(
            "SELECT during, profile, target,"
            " max(began + coalesce(ready, 0.0) + coalesce(ended, 0.0)) - min(began) AS seconds"
            " FROM boots WHERE run = ? AND outcome IS NOT NULL GROUP BY during, profile, target",
            (run["id"],),
        )
        for row in found:
            checks[row["during"], row["profile"], row["target"]].append(float(row["seconds"]))
    whole = median(float(row["seconds"]) for row in rows)
    return History(len(rows), whole, {key: median(each) for key, each in checks.items()})
