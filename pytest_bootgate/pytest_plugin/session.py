"""What one pytest run knows about its gates; nothing heavy is imported until there is one."""

from __future__ import annotations

import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_bootgate.pytest_plugin.given import engine_for
from pytest_bootgate.pytest_plugin.ini import asked_engine, taken
from pytest_bootgate.pytest_plugin.planned import Timer
from pytest_bootgate.pytest_plugin.progress import ProgressLine

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_bootgate.gatefile.model import Notify
    from pytest_bootgate.journal.store import Journal
    from pytest_bootgate.records.events import Event
    from pytest_bootgate.records.result import GateResult
    from pytest_bootgate.records.shard import Shard
    from pytest_bootgate.run import Gate, Progress

KEY = pytest.StashKey["Session"]()
#: The options with which pytest collects items and runs none of them.
_LISTS = {
    "collectonly": "--collect-only",
    "setupplan": "--setup-plan",
    "setuponly": "--setup-only",
}
#: How a run ends that got to its end, and in which of these cases nothing failed.
FINISHED = (
    pytest.ExitCode.OK,
    pytest.ExitCode.TESTS_FAILED,
    pytest.ExitCode.NO_TESTS_COLLECTED,
)
PASSING = (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED)
#: How a run ends whose gates may be asked for; where it ends otherwise, pytest says why.
JUDGED = (*FINISHED, pytest.ExitCode.INTERRUPTED)


def is_gate_file(path: Path) -> bool:
    """Whether a file is a gate file by its name: ``bootgate.yaml`` or ``NAME.bootgate.yaml``."""
    name = path.name
    return path.suffix in (".yaml", ".yml") and (
        name.startswith("bootgate.") or name[: -len(path.suffix)].endswith(".bootgate")
    )


class Session:
    """The gates of one pytest process.

    `selected` holds (gate file, profile, target) of all collected items; `mistakes` the texts of
    gate files that could not be read; `left_alone` those found but not named; `told` the texts that
    failed items have shown. `informed` and `uninformed` are those who asked to be told of a
    verdict, and were or were not; `written` are the reports that were, by their paths. `decision`
    is what the run ends with, as its last line. `ran` is set where pytest runs tests, or tries to;
    `insufficient` has a paragraph for each gate file that was not judged as it should be, and
    `missing` says the same to the user, also where there was no gate at all. `merged` has one of
    the shards of each gate file that was merged.
    """

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        #: Whether it is known that this run boots, or merges what others booted.
        self.boots = bool(self.merges) or next(self.named(), None) is not None
        self.engine, self.hosts = asked_engine(config)
        self.gates: dict[Path, Gate] = {}
        self.mistakes: dict[Path, str] = {}
        self.left_alone: list[Path] = []
        self.selected: list[tuple[Path, str, str]] = []
        self.from_workers: list[GateResult] = []
        self.told: set[str] = set()
        self.informed: list[str] = []
        self.written: list[str] = []
        self.decision = ""
        self.uninformed: list[str] = []
        self.lost_workers = self.ran = self.ended_early = False
        self.insufficient: dict[str, str] = {}
        self.missing: list[str] = []
        self.unheard_of_workers: list[str] = []
        self.notify_of_workers: dict[str, dict[str, Notify]] = {}
        self.merged: dict[str, Shard] = {}
        #: What each worker of pytest-xdist has collected.
        self.collected: dict[Any, list[str]] = {}
        self._journal: Journal | None = None
        self._shared: tempfile.TemporaryDirectory[str] | None = None
        self.progress, self.timer = ProgressLine(config), Timer()

    @property
    def is_worker(self) -> bool:
        """Whether this process is a worker of pytest-xdist."""
        return hasattr(self.config, "workerinput")

    @property
    def lists(self) -> str:
        """The option with which pytest runs no test, so that nothing is booted; else empty."""
        found = (text for name, text in _LISTS.items() if self.config.getoption(name, False))
        return next(found, "")

    @property
    def merges(self) -> list[str]:
        """The results of shards, of which this run makes one instead of booting anything."""
        return self.config.getoption("bootgate_merge") or []

    @property
    def required(self) -> bool:
        """Whether this run may pass only if it judged all that its gate files ask for."""
        return bool(self.merges or self.config.getoption("bootgate_require"))

    @property
    def writes(self) -> bool:
        """Whether this run is to write files."""
        return self.asks("json", "html", "report")

    def asks(self, *names: str) -> bool:
        """Whether one of some settings is to be followed.

        What the ini file sets is for runs that boot: others neither write nor remove a report.
        """
        asked = {name for name in names if self.config.getoption(f"bootgate_{name}") is not None}
        return bool(asked - taken(self.config)) or (bool(asked) and self.boots)

    @property
    def concerned(self) -> bool:
        """Whether there is anything to be said at the end of this run."""
        found = self.gates or self.from_workers or self.unheard_of_workers
        asks = self.writes or self.required or self.config.getoption("bootgate_set")
        return bool(found or asks)

    @property
    def lost_results(self) -> bool:
        """Whether workers of pytest-xdist booted what did not come back here."""
        distributed = bool(getattr(self.config.option, "tx", None))
        return self.lost_workers or (self.ended_early and distributed)

    def shown(self, path: Path) -> Path:
        """A path as the user writes it: from the directory where pytest was started."""
        base = self.config.invocation_params.dir
        return path.relative_to(base) if path.is_relative_to(base) else path

    def near(self) -> list[Path]:
        """The gate files in the rootdir, here, and in the named directories, but not named."""
        base = self.config.invocation_params.dir
        near = {self.config.rootpath, base}
        near |= {base / str(arg).partition("::")[0] for arg in self.config.args}
        found = {(d / "bootgate.yaml").resolve() for d in near if (d / "bootgate.yaml").is_file()}
        return sorted(found - set(self.named()))

    def leave_alone(self, path: Path) -> None:
        """Remember a gate file that was found and is not to be booted."""
        if path not in self.left_alone:
            self.left_alone.append(path)

    def named(self) -> Iterator[Path]:
        """The gate files named on the command line; those of a merge stand in its results."""
        if self.merges:
            return
        base = self.config.invocation_params.dir
        for arg in self.config.args:
            path = base / str(arg).partition("::")[0]
            if is_gate_file(path) and path.is_file():
                yield path.resolve()

    def gate(self, path: Path) -> Gate:
        """The gate of a gate file. Raises `BootgateError` for its mistakes."""
        path = path.resolve()
        if path not in self.gates:
            from pytest_bootgate.gatefile import load
            from pytest_bootgate.pytest_plugin.shards import sharing
            from pytest_bootgate.run import Gate
            from pytest_bootgate.run.machinery import refuse_engine

            option = self.config.getoption
            loaded = load(path)
            engine = engine_for(self.config, loaded, self.engine)
            gate = Gate(
                loaded,
                wanted_engine=engine,
                hosts=self.hosts,
                boots=option("bootgate_boots"),
                profiles=option("bootgate_profile") or (),
                sharing=sharing(self.config, path),
                watch=self._watch,
                hear=self.hear,
            )
            refuse_engine(gate.plan, engine)
            self.gates[path] = gate
        return self.gates[path]

    @property
    def shared(self) -> Path:
        """A directory for what the workers of pytest-xdist tell each other; made when asked for."""
        if self._shared is None:
            self._shared = tempfile.TemporaryDirectory(prefix="bootgate-")
        return Path(self._shared.name)

    def claim(self, path: Path) -> None:
        """Claim a gate before it boots. Raises `BootgateError` where another worker has it."""
        if self.is_worker:
            from pytest_bootgate.pytest_plugin.spread import claim

            path = path.resolve()
            claim(self.config.workerinput, path, self.shown(path))  # type: ignore[attr-defined]

    def _watch(self, progress: Progress) -> None:
        if progress.waiting is not None:
            self.timer.watch(progress.waiting)
        if not self.is_worker:
            self.progress.show(progress)

    def hear(self, event: Event) -> None:
        """Keep an event, then pass it on to whoever listens. Raises `BootgateError`."""
        try:
            self.open_journal().hear(event)
        finally:
            from pytest_bootgate.pytest_plugin.listeners import tell

            if self.config.hook.pytest_bootgate_event.get_hookimpls():
                self.progress.end()  # a listener may write
            tell(self.config, event)

    @property
    def journal_path(self) -> Path:
        """Where the journal is kept: what the option names, or below the rootdir."""
        named: Path | None = self.config.getoption("bootgate_journal")
        if named is not None:
            return self.config.invocation_params.dir / named
        from pytest_bootgate.journal.files import DEFAULT

        return self.config.rootpath / DEFAULT

    def open_journal(self) -> Journal:
        """The journal, open for writing; made where there is none. Raises `JournalError`."""
        if self._journal is None:
            from pytest_bootgate.journal.store import Journal

            self._journal = Journal(self.journal_path)
        return self._journal

    def unheard(self) -> list[str]:
        """Why events of this run were not heard, a text for each cause; empty where all were."""
        from_here = [text for gate in self.gates.values() if (text := gate.unheard) is not None]
        return list(dict.fromkeys([*self.unheard_of_workers, *from_here]))

    def first_time(self, text: str) -> bool:
        """Whether a text was not told in this run yet."""
        new = text not in self.told
        self.told.add(text)
        return new

    def results(self) -> list[GateResult]:
        """What all gates of this run found, those of the workers included.

        A gate that booted nothing is among them where that must not pass.
        """
        return [found for found in self.outcomes() if found.tried or found.error is not None]

    def outcomes(self) -> list[GateResult]:
        """The results of all gates that this run should boot, also where it booted nothing.

        Gates that were loaded for tests that did not run are not among them, unless required.
        """
        if not (self.gates or self.from_workers):
            return []
        from pytest_bootgate.pytest_plugin.require import settled

        here = [gate.outcome() for gate in self.gates.values()]
        asked = {str(path) for path in self.named()}
        every = self.required or self.config.getoption("bootgate")
        found = [
            r for r in settled([*self.from_workers, *here]) if r.tried or every or r.file in asked
        ]
        return [replace(r, error=self.insufficient.get(r.file, r.error)) for r in found]

    def leave(self) -> None:
        """Let the next gate on this machine have its turn."""
        for gate in self.gates.values():
            gate.leave()

    def close(self) -> None:
        """Remove what the engines still hold, and tell that it is over."""
        for gate in self.gates.values():
            gate.close()
        if self._journal is not None:
            self._journal.close()
            self._journal = None

    def end(self) -> None:
        """Say what to do, where that is asked for, after all that pytest says.

        Remove what the workers of pytest-xdist shared; none of them may run any more.
        """
        if self.decision:
            from pytest_bootgate.reports.clean import clean
            from pytest_bootgate.reports.layout import encodable

            print(encodable(clean(self.decision), sys.stdout.encoding), flush=True)
        if self._shared is not None:
            self._shared.cleanup()
            self._shared = None
