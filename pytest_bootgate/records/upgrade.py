"""What happened when the candidate took over what the baseline left, as plain values."""

from __future__ import annotations

from dataclasses import dataclass

from pytest_bootgate.records.jobs import Job
from pytest_bootgate.records.kept_jobs import Comparison, compare
from pytest_bootgate.records.values import Boot, Stage

#: What is judged, in this order; also the names of the items.
STATE, JOBS, RUNS, RESTART, ROLLBACK = "state", "jobs", "runs", "restart", "rollback"
SUBJECTS = (STATE, JOBS, RUNS, RESTART)  # and a rollback, where it is asked for
#: The exit code of what SIGTERM ended: 128 and 15.
_BY_SIGTERM = 143


@dataclass(frozen=True, slots=True)
class Run:
    """A job that is already there was run, as this boot of its target shows."""

    job: str
    boot: Boot


@dataclass(frozen=True, slots=True)
class Stop:
    """How a gateway took being asked to end: exit code, and seconds.

    `itself`: it had ended before it was asked. `killed`: it had not ended when its time was over.
    `clean_codes` are the exit codes of a clean stop.
    """

    code: int | None
    seconds: float
    itself: bool = False
    killed: bool = False
    clean_codes: tuple[int, ...] = (0,)

    @property
    def clean(self) -> bool:
        """Whether the state that it left may be trusted."""
        return self.code in self.clean_codes and not self.itself and not self.killed

    @property
    def words(self) -> str:
        """How it ended, in words that follow a subject; with what to write if that is clean."""
        if self.killed:
            return f"was killed because it did not stop within {self.seconds:.0f} s"
        code = "disappeared" if self.code is None else f"exited with {self.code}"
        if self.itself:
            return f"{code} before it was asked to stop"
        hint = ""
        if self.code == _BY_SIGTERM:
            codes = ", ".join(map(str, (*self.clean_codes, _BY_SIGTERM)))
            hint = f" (SIGTERM; if this is a normal shutdown, set state: {{stop_exit: [{codes}]}})"
        return f"{code} after {self.seconds:.1f} s{hint}"


@dataclass(frozen=True, kw_only=True)
class Start:
    """One start of a gateway on a state, and all that was asked of it until it was stopped.

    `ready` and `health` are seconds from the start, None where it never was; `cpu_seconds` is
    what the gateway used until it was ready. `refused` says why it was never ready, `jobs_error`
    why it listed no jobs. `said` are lines of its output in which it spoke of lost jobs or a
    migration; `last` are its last lines.
    """

    release: str
    version: str | None = None
    ready: float | None = None
    cpu_seconds: float | None = None
    health: float | None = None
    refused: str = ""
    stages: tuple[Stage, ...] = ()
    jobs: tuple[Job, ...] | None = None
    jobs_error: str = ""
    runs: tuple[Run, ...] = ()
    stop: Stop | None = None
    said: tuple[str, ...] = ()
    last: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Repair:
    """The vendor's repair command on a fresh copy of the state, and a start on the result."""

    command: str
    code: int | None
    seconds: float
    last: tuple[str, ...] = ()
    start: Start | None = None


@dataclass(frozen=True, slots=True)
class Owned:
    """A job of the baseline, the target that left it, and the token that it carries.

    `unsupported` are the releases that do not have this target, by the gate file.
    """

    job: str
    target: str
    token: str
    unsupported: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Upgrade:
    """Everything that happened when the candidate took over what the baseline left.

    `same` are the fields that must stay equal. `first` and `second` are the candidate's two
    starts, the second on what the first left. `health` is what the system calls ready. `control`
    is the baseline, started again on its own state to run what failed later; None if nothing did.
    """

    baseline: Start
    owned: tuple[Owned, ...]
    same: tuple[str, ...]
    first: Start
    second: Start | None = None
    repair: Repair | None = None
    rollback: Start | None = None
    rollback_asked: bool = False
    control: Start | None = None
    health: str = ""
    notes: tuple[str, ...] = ()

    @property
    def jobs(self) -> tuple[Job, ...]:
        """The jobs that the baseline left."""
        return self.baseline.jobs or ()

    def target(self, job: Job) -> str | None:
        """The target that left a job, None where it was none of this gate's."""
        return next((owned.target for owned in self.owned if owned.job == job.id), None)

    def label(self, job: Job) -> str:
        """A job for people: its name, and the target that left it where that says more."""
        target = self.target(job)
        return job.name if target is None or target in job.name else f"{job.name} ({target})"

    def compared(self, start: Start) -> Comparison:
        """What a start has of the baseline's jobs; all are lost where it listed none."""
        return compare(self.jobs, start.jobs or (), self.same)

    def due(self, start: Start) -> list[Job]:
        """The baseline's jobs that are to be run on a start: enabled, and a target's own."""
        ours = {owned.job for owned in self.owned if start.release not in owned.unsupported}
        return [job for job in self.jobs if job.enabled and job.id in ours]

    def ran(self, start: Start) -> list[Job]:
        """The jobs that are due a start and ran there to their proof."""
        started = {run.job for run in start.runs if run.boot.started}
        return [job for job in self.due(start) if job.id in started]

    @property
    def starts(self) -> tuple[Start, ...]:
        """All starts that were made."""
        repaired = self.repair.start if self.repair is not None else None
        made = (self.baseline, self.first, self.second, repaired, self.rollback, self.control)
        return tuple(start for start in made if start is not None)

    @property
    def failed(self) -> list[str]:
        """The ids of the jobs that some later start had and ran, but not to their proof."""
        repaired = self.repair.start if self.repair is not None else None
        starts = [start for start in (self.first, repaired, self.rollback) if start is not None]
        failed = {run.job for start in starts for run in start.runs if not run.boot.started}
        return [job.id for job in self.jobs if job.id in failed]

    def nor_before(self, job: Job) -> bool:
        """Whether the baseline, started again on its own state, did not run a job either."""
        runs = self.control.runs if self.control is not None else ()
        return any(run.job == job.id and not run.boot.started for run in runs)
