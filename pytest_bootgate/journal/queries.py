"""Reading a journal that was opened with `files.reading`: boots, events, runs, and a trend."""

from __future__ import annotations

import datetime as dt
import json
import math
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeVar

import msgspec

from pytest_bootgate.errors import JournalError
from pytest_bootgate.journal.process import Writer
from pytest_bootgate.records.outcomes import OUTCOMES, is_share

#: Stands for the outcome of a boot that has none yet.
IN_FLIGHT = "in_flight"
#: What boots may be asked for.
WANTED = (*OUTCOMES, IN_FLIGHT)
#: The names that releases have in gate files; anything else that is asked for is a version.
_NAMES = ("baseline", "candidate")
_COLUMNS = (
    "id, run, target, release, version, profile, number, attempt, start, during, began, outcome,"
    " detail, phase, seconds, ended, timeout, accepted, ready, cpu_seconds, exit_code"
)

#: Beyond it nothing is measured.
_GREATEST = 1e18

State = Literal["running", "finished", "killed", "unknown"]
Kind = TypeVar("Kind")


@dataclass(frozen=True, slots=True)
class Filter:
    """Which boots: `run` by its whole id, `since` in Unix seconds, `outcome` one of `WANTED`.

    `release` is ``baseline``, ``candidate``, or a version; `target` may name a profile as
    well (``target@profile``). None: whichever. At most `limit` of them, the newest.
    """

    run: str | None = None
    release: str | None = None
    target: str | None = None
    outcome: str | None = None
    since: float | None = None
    limit: int = 50


@dataclass(frozen=True, slots=True)
class Row:
    """One boot as its row says, and the state of its run; `began` in Unix seconds."""

    id: str
    run: str
    target: str
    release: str
    version: str | None
    profile: str
    number: int
    attempt: int
    start: str
    during: str
    began: float
    outcome: str | None
    detail: str | None
    phase: str | None
    seconds: float | None
    ended: float | None
    timeout: float | None
    accepted: float | None
    ready: float | None
    cpu_seconds: float | None
    exit_code: int | None
    run_state: State

    @property
    def share(self) -> float | None:
        """The share of its timeout that it used, None where it did not get to use it."""
        if not is_share(self.outcome) or not self.timeout:
            return None
        used = self.seconds if self.seconds is not None else self.ended
        share = math.inf if used is None else used / self.timeout
        return share if math.isfinite(share) else None


@dataclass(frozen=True, slots=True)
class RunRow:
    """A run; `began` in Unix seconds."""

    id: str
    gate_file: str | None
    began: float
    verdict: str | None
    state: State

    @property
    def words(self) -> str:
        """Its verdict, or what has become of it without one."""
        return self.verdict or self.state


@dataclass(frozen=True, slots=True)
class EventRow:
    """An event: `wall` in Unix seconds, `at` in seconds since the trigger, `rest` is JSON."""

    id: int
    run: str
    boot: str | None
    kind: str
    wall: float
    at: float | None
    rest: str


class _RunId(NamedTuple):
    id: str


class Usage(NamedTuple):
    """How near a boot came to its timeout: `wall` in Unix seconds, `share` 1.0 at the timeout."""

    wall: float
    share: float
    outcome: str


def usage(
    journal: sqlite3.Connection,
    gate_file: str | Path,
    target: str,
    profile: str,
    since: float,
) -> list[Usage]:
    """The measured boots of the candidate since an instant (Unix seconds), the oldest first.

    `gate_file` is its resolved path. Boots that were thrown away, held on purpose, in flight or
    lost are left out; one that ended early by itself has the share at which it did.
    """
    rows = journal.execute(
        "SELECT b.began AS wall, coalesce(b.seconds, b.ended) / b.timeout AS share, b.outcome"
        " FROM boots b INDEXED BY boots_by_target JOIN runs r ON r.id = b.run"
        " WHERE b.target = ? AND b.began >= ? AND b.profile = ? AND b.release = 'candidate'"
        " AND b.number > 0 AND b.during = 'campaign' AND b.timeout > 0"
        " AND b.outcome IS NOT NULL AND b.outcome <> 'lost' AND r.gate_file = ?"
        " ORDER BY b.began",
        (target, since, profile, str(gate_file)),
    )
    return [_typed(Usage, row) for row in rows if row["share"] is not None]


def _typed(kind: type[Kind], row: sqlite3.Row, **more: object) -> Kind:
    """A row as what it should be. Raises `JournalError` for what no gate wrote.

    The rules of a schema hold for those who write with SQLite, not for a disk.
    """
    values = {**dict(row), **more}
    try:
        for name, value in values.items():
            if isinstance(value, int | float) and not abs(value) <= _GREATEST:
                raise ValueError(f"{name} is {value:g}")
            if name in ("began", "wall"):
                dt.datetime.fromtimestamp(value, dt.UTC).astimezone()  # can it be shown?
        if issubclass(kind, tuple):
            return msgspec.convert(tuple(values.values()), kind)
        return msgspec.convert(values, kind)
    except (msgspec.ValidationError, TypeError, ValueError, OverflowError, OSError) as error:
        raise JournalError(
            f"The journal is damaged: it contains an invalid row ({error}). Keep a copy of it, and"
            " use another one with --journal PATH."
        ) from None


def _ids(rows: Iterable[sqlite3.Row]) -> list[str]:
    return [_typed(_RunId, row).id for row in rows]


def boots(journal: sqlite3.Connection, asked: Filter) -> list[Row]:
    """The boots that are asked for, the newest first."""
    where, values = _where(asked)
    rows = journal.execute(
        f"SELECT {_COLUMNS} FROM boots INDEXED BY {_index(asked)}{where}"  # noqa: S608 (constants)
        " ORDER BY began DESC, rowid DESC LIMIT ?",
        (*values, asked.limit),
    ).fetchall()
    states: dict[str, State] = {}
    for row in rows:
        if row["run"] not in states:
            states[row["run"]] = state(journal, row["run"])
    return [_typed(Row, row, run_state=states[row["run"]]) for row in rows]


def _index(asked: Filter) -> str:
    """The index by which the fewest rows are looked at.

    SQLite would have to guess: it does not know that most boots started, and that half of them
    are the candidate's.
    """
    if asked.run is not None:
        return "boots_by_run"
    if asked.release is not None and asked.release not in _NAMES:
        return "boots_by_version"
    if asked.outcome is not None and asked.outcome != "started":
        return "boots_by_outcome"
    return "boots_by_target" if asked.target is not None else "boots_by_began"


def _where(asked: Filter) -> tuple[str, list[Any]]:
    terms: list[tuple[str, Any]] = []
    if asked.run is not None:
        terms.append(("run = ?", asked.run))
    if asked.release is not None:
        column = "release" if asked.release in _NAMES else "version"
        terms.append((f"{column} = ?", asked.release))
    if asked.target is not None:
        name, _, profile = asked.target.partition("@")
        terms.append(("target = ?", name))
        if profile:
            terms.append(("profile = ?", profile))
    if asked.outcome is not None:
        terms.append(("outcome IS ?", None if asked.outcome == IN_FLIGHT else asked.outcome))
    if asked.since is not None:
        terms.append(("began >= ?", asked.since))
    if not terms:
        return "", []
    return " WHERE " + " AND ".join(term for term, _ in terms), [value for _, value in terms]


def state(journal: sqlite3.Connection, run: str) -> State:
    """What has become of a run. One of another machine that did not finish is `unknown`."""
    row = journal.execute(
        "SELECT host_name, pid, pid_started AS started, kernel, machine_id AS machine, finished"
        " FROM runs WHERE id = ?",
        (run,),
    ).fetchone()
    if row is None:
        return "unknown"
    if row["finished"] is not None:
        return "finished"
    lives = _typed(Writer, row).lives()
    return "unknown" if lives is None else "running" if lives else "killed"


def runs_without_boots(journal: sqlite3.Connection, asked: Filter) -> list[RunRow]:
    """The runs that booted nothing, the newest first; none where certain boots are asked for."""
    if asked.release is not None or asked.target is not None or asked.outcome is not None:
        return []
    rows = journal.execute(
        "SELECT id, gate_file, began, verdict FROM runs WHERE began >= ?"  # noqa: S608 (constants)
        + (" AND id = ?" if asked.run is not None else "")
        + " AND NOT EXISTS (SELECT 1 FROM boots WHERE boots.run = runs.id)"
        " ORDER BY began DESC LIMIT ?",
        (
            *([asked.since or 0.0] if asked.run is None else [asked.since or 0.0, asked.run]),
            asked.limit,
        ),
    ).fetchall()
    return [_typed(RunRow, row, state=state(journal, row["id"])) for row in rows]


def find_run(journal: sqlite3.Connection, begin: str) -> str:
    """The id of the run that begins so. Raises `JournalError` where it is none, or several."""
    found = _ids(
        journal.execute(
            "SELECT id FROM runs WHERE substr(id, 1, ?) = ? ORDER BY began DESC LIMIT 5",
            (len(begin), begin),
        )
    )
    if len(found) == 1:
        return found[0]
    if found:
        raise JournalError(f"Several runs begin with {begin!r}: {', '.join(found)}.")
    last = _ids(journal.execute("SELECT id FROM runs ORDER BY began DESC LIMIT 3"))
    known = f"the latest are {', '.join(last)}" if last else "it is empty"
    raise JournalError(f"There is no run {begin!r} in this journal; {known}.")


def last_run(journal: sqlite3.Connection) -> str:
    """The id of the newest run. Raises `JournalError` where there is none."""
    row = journal.execute("SELECT id FROM runs ORDER BY began DESC, rowid DESC LIMIT 1").fetchone()
    if row is None:
        raise JournalError("There is no run in this journal.")
    return _typed(_RunId, row).id


def took(journal: sqlite3.Connection, gate_file: str) -> dict[tuple[str, str, str], float]:
    """How many seconds the boots of each check took when they were last made.

    The keys are (what they were made for, profile, target). `gate_file` is how its path ends: that
    of another machine counts as well.
    """
    rows = journal.execute(
        "SELECT b.during, b.profile, b.target,"
        " sum(coalesce(b.ready, 0.0) + coalesce(b.ended, 0.0)) AS seconds"
        " FROM boots b JOIN runs r ON r.id = b.run"
        " WHERE substr('/' || r.gate_file, -length(?)) = ? AND r.finished IS NOT NULL"
        " AND b.outcome IS NOT NULL"
        " GROUP BY r.id, b.during, b.profile, b.target ORDER BY r.began, r.id",
        (f"/{gate_file}", f"/{gate_file}"),
    )
    return {(row["during"], row["profile"], row["target"]): float(row["seconds"]) for row in rows}


def saved_result(journal: sqlite3.Connection, run: str) -> str:
    """The complete result of a run as JSON. Raises `JournalError` where it has none."""
    row = journal.execute("SELECT result FROM runs WHERE id = ?", (run,)).fetchone()
    if row is not None and row["result"] is not None:
        return str(row["result"])
    what = {
        "running": "is still running",
        "killed": "was killed before it finished",
        "finished": "finished without a result",
        "unknown": "has not finished, as far as this machine knows",
    }[state(journal, run)]
    raise JournalError(
        f"Run {run} {what}, so it has no complete result. See its boots with `bootgate log --run"
        f" {run}`."
    )


def events(journal: sqlite3.Connection, rows: Sequence[Row], run: str | None) -> list[EventRow]:
    """The events of some boots, and those of a whole run besides, in the order they were heard."""
    found = journal.execute(
        "SELECT id, run, boot, kind, wall, at, rest FROM events"
        " WHERE boot IN (SELECT value FROM json_each(?)) OR (boot IS NULL AND run = ?)"
        " ORDER BY id",
        (json.dumps([row.id for row in rows]), run),
    )
    return [_typed(EventRow, row) for row in found]
