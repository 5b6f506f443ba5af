"""The writer: every event is kept as it happens, and what it says goes into its tables."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import msgspec

from pytest_bootgate.errors import JournalError
from pytest_bootgate.journal import files
from pytest_bootgate.journal.process import Writer
from pytest_bootgate.records import codec
from pytest_bootgate.records.events import (
    BootBegan,
    BootEnded,
    BootEvent,
    BootFailed,
    BootKey,
    Event,
    FailureReported,
    PhaseReached,
    RunBegan,
    RunEnded,
    VerdictGiven,
)
from pytest_bootgate.records.outcomes import OUTCOMES
from pytest_bootgate.records.result import GateResult
from pytest_bootgate.records.values import Boot

#: After these nothing that happened before may be lost, not even by a power cut.
_LASTING = ("boot_ended", "verdict_given", "run_ended")
#: What stands in columns or tables of its own, not in an event's `rest`.
_APART = frozenset(("boot", "run", "wall", "at", "measured", "result"))
#: How large the write-ahead log may grow before its pages go where they belong, in bytes.
_WAL = 4 * 2**20


class Journal:
    """A journal open for writing; `hear` is a listener of events.

    Several processes may write at once. Raises `JournalError` where it cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._sql = files.writing(path)
        self._file = _identity(path)
        self._wal = path.with_name(f"{path.name}-wal")
        self._writer = Writer.this()
        self._turn = threading.Lock()
        self._trouble: JournalError | None = None
        self._names: dict[str, list[str]] = {}
        self._runs: set[str] = set()
        self._boots: set[str] = set()
        self._also: Mapping[str, Callable[[Any], None]] = {
            "run_began": self._run_began,
            "boot_began": self._boot_began,
            "phase_reached": self._phase_reached,
            "failure_reported": self._failure_reported,
            "boot_failed": self._boot_failed,
            "boot_ended": self._boot_ended,
            "verdict_given": self._verdict_given,
            "run_ended": self._run_ended,
        }

    def hear(self, event: Event) -> None:
        """Keep an event: it survives a SIGKILL from here on. Raises `JournalError`.

        The end of a boot is on the disk with all that came before it. Between the events of one
        boot nothing waits for the disk. Once an event could not be kept, those of boots are not
        tried any more, since they would belong to nothing; verdicts are.
        """
        if self._trouble is not None and isinstance(event, BootEvent):
            raise self._trouble
        lasting = event.kind in _LASTING
        with self._turn, self._in_words():
            if lasting:
                self._still_there()
                self._sql.execute("PRAGMA synchronous = FULL")
            try:
                self._sql.execute("BEGIN IMMEDIATE")
                self._keep(event)
                self._sql.execute("COMMIT")
            except BaseException:
                # Also where a timeout or Ctrl-C comes in the midst of it.
                if self._sql.in_transaction:
                    self._sql.execute("ROLLBACK")
                self._runs.clear()
                self._boots.clear()
                raise
            finally:
                if lasting:
                    self._sql.execute("PRAGMA synchronous = NORMAL")
            if lasting and self._wal.stat().st_size > _WAL:
                self._sql.execute("PRAGMA wal_checkpoint(PASSIVE)")

    def close(self) -> None:
        """Close it. What was heard is kept already, so this never raises."""
        with self._turn, contextlib.suppress(sqlite3.Error):
            self._sql.close()

    def knows(self, boot: str) -> bool:
        """Whether it has a boot of this id. Raises `JournalError`."""
        with self._turn, self._in_words():
            found = self._sql.execute("SELECT 1 FROM boots WHERE id = ?", (boot,)).fetchone()
        return found is not None

    @contextlib.contextmanager
    def _in_words(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            reason = files.why(error)
        except OSError as error:
            reason = error.strerror or str(error)
        except UnicodeError:
            reason = "it contains a name that is not UTF-8"
        else:
            return
        self._trouble = JournalError(
            f"The journal {self.path} could not be written: {reason}. A run without a complete"
            " journal does not pass: free disk space there, or use another journal with"
            " --bootgate-journal PATH, and rerun."
        )
        raise self._trouble from None

    def _still_there(self) -> None:
        """SQLite writes on into a file that somebody removed, and nobody would see it."""
        if _identity(self.path) != self._file:
            raise JournalError(
                f"The journal {self.path} was removed or replaced while it was being written. Do"
                " not touch it while a gate runs, or use another journal with --bootgate-journal"
                " PATH, and rerun."
            )

    # -- events ----------------------------------------------------------------------------

    def _keep(self, event: Event) -> None:
        boot = event.boot if isinstance(event, BootEvent) else None
        run = boot.run if boot is not None else str(getattr(event, "run", ""))
        self._ensure_run(run, event.wall)
        if boot is not None:
            self._ensure_boot(boot, event.wall)
        self._sql.execute(
            "INSERT INTO events (run, boot, kind, wall, at, rest) VALUES (?, ?, ?, ?, ?, ?)",
            (
                run,
                None if boot is None else boot.id,
                event.kind,
                event.wall,
                getattr(event, "at", None),
                _json({n: getattr(event, n) for n in self._rest(event)}),
            ),
        )
        if (more := self._also.get(event.kind)) is not None:
            more(event)

    def _rest(self, event: Event) -> list[str]:
        """What an event has besides its columns."""
        if event.kind not in self._names:
            names = [field.name for field in fields(event)]
            self._names[event.kind] = [name for name in names if name not in _APART]
        return self._names[event.kind]

    def _ensure_run(self, run: str, wall: float) -> None:
        if run in self._runs:
            return
        writer = self._writer
        self._sql.execute(
            "INSERT OR IGNORE INTO runs (id, began, host_name, pid, pid_started, kernel,"
            " machine_id) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                *(run, wall, writer.host_name),
                *(writer.pid, writer.started, writer.kernel, writer.machine),
            ),
        )
        self._runs.add(run)

    def _ensure_boot(self, key: BootKey, wall: float) -> None:
        if key.id in self._boots:
            return
        self._sql.execute(
            "INSERT OR IGNORE INTO boots (id, run, target, release, version, profile, number,"
            " attempt, start, during, began) VALUES (?, ?, ?, ?,"
            " (SELECT version FROM releases WHERE run = ? AND name = ?), ?, ?, ?, ?, ?, ?)",
            (
                *(key.id, key.run, key.target, key.release, key.run, key.release),
                *(key.profile, key.number, key.attempt, key.start, key.during, wall),
            ),
        )
        self._boots = {key.id}  # one boot at a time

    # -- what they say ---------------------------------------------------------------------

    def _run_began(self, event: RunBegan) -> None:
        result = event.result
        self._sql.execute(
            "UPDATE runs SET gate_file = ?, began = ?, engine = ?, bootgate = ?, machine = ?"
            " WHERE id = ?",
            (
                *(result.file, event.wall, result.engine, result.bootgate),
                *(_json(result.machine), event.run),
            ),
        )
        self._releases(event.run, result)

    def _releases(self, run: str, result: GateResult) -> None:
        self._sql.executemany(
            "INSERT OR REPLACE INTO releases (run, name, image, identity, version, recorded)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            [
                (run, name, facts.image, facts.identity, facts.version, facts.recorded)
                for name, facts in result.releases.items()
            ],
        )

    def _boot_began(self, event: BootBegan) -> None:
        """Its row says that it is in flight."""

    def _phase_reached(self, event: PhaseReached) -> None:
        if event.at is not None:
            self._mark(event.boot.id, event.phase, event.at, None)

    def _mark(self, boot: str, phase: str, at: float, seconds: float | None) -> None:
        self._sql.execute(
            "INSERT OR REPLACE INTO marks (boot, phase, at, seconds) VALUES (?, ?, ?, ?)",
            (boot, phase, at, seconds),
        )

    def _failure_reported(self, event: FailureReported) -> None:
        self._reported(event.boot.id, event.signal, "failed", event.at, event.text)

    def _reported(self, boot: str, name: str, means: str, at: float | None, text: str) -> None:
        self._sql.execute(
            "INSERT OR REPLACE INTO signals (boot, name, means, at, text) VALUES (?, ?, ?, ?, ?)",
            (boot, name, means, at, text),
        )

    def _boot_failed(self, event: BootFailed) -> None:
        if OUTCOMES[event.outcome].unknown:
            # The gate gave it up: no end will follow. Where one does, it says the same.
            self._sql.execute(
                "UPDATE boots SET outcome = ?, detail = ?, phase = ?, ended = ? WHERE id = ?",
                (event.outcome, event.detail, event.phase, event.at, event.boot.id),
            )

    def _boot_ended(self, event: BootEnded) -> None:
        boot, key = event.measured, event.boot.id
        self._sql.execute(
            "UPDATE boots SET outcome = ?, detail = ?, phase = ?, seconds = ?, ended = ?,"
            " timeout = ?, accepted = ?, ready = ?, cpu_seconds = ?, exit_code = ?,"
            " version = coalesce(?, version), whole = ? WHERE id = ?",
            (
                *(boot.outcome, boot.detail, None if boot.started else boot.last_phase),
                *(boot.seconds, boot.ended, boot.timeout, boot.accepted, boot.ready),
                *(boot.cpu_seconds, boot.exit_code, boot.version, _json(boot), key),
            ),
        )
        for phase in boot.phases:
            if phase.at is not None:
                self._mark(key, phase.name, phase.at, phase.seconds)
        self._sql.executemany(
            "INSERT INTO stages (boot, source, name, phase, at, seconds) VALUES (?, ?, ?, ?, ?, ?)",
            [(key, s.source, s.name, s.phase, s.at, s.seconds) for s in boot.stages],
        )
        for told in boot.signals:
            self._reported(key, told.name, told.means, told.at, told.text)

    def _verdict_given(self, event: VerdictGiven) -> None:
        self._sql.execute(
            "INSERT OR REPLACE INTO verdicts (run, profile, target, verdict, findings, error)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (
                *(event.run, event.profile, event.target, event.verdict),
                *(_json(event.findings), event.error),
            ),
        )

    def _run_ended(self, event: RunEnded) -> None:
        result = event.result
        self._sql.execute(
            "UPDATE runs SET finished = ?, verdict = ?, engine = ?, result = ? WHERE id = ?",
            (
                *(event.wall, result.verdict, result.engine),
                *(msgspec.json.format(codec.encode(result), indent=-1).decode(), event.run),
            ),
        )
        self._releases(event.run, result)
        # What became known of a boot after its end: what it was measured beside.
        self._sql.executemany(
            "UPDATE boots SET whole = ? WHERE id = ? AND run = ?",
            [(_json(boot), boot.id, event.run) for boot in _boots(result)],
        )
        self._sql.execute(
            "UPDATE boots SET outcome = 'lost', detail = 'the run ended before this boot did' WHERE"
            " run = ? AND outcome IS NULL",
            (event.run,),
        )


def _boots(result: GateResult) -> list[Boot]:
    return [b for found in result.checks for b in found.boots if b.id and not b.recorded]


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _json(value: Any) -> str:
    """A value as JSON; what JSON does not know is there as a text."""
    return msgspec.json.encode(value, enc_hook=str).decode()
