"""An upgrade in place for people: what became of each job, how long it took, and why."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from pytest_bootgate.checks.upgrade import judge_upgrade, migration, whole
from pytest_bootgate.records.check import Table
from pytest_bootgate.records.jobs import Job
from pytest_bootgate.records.result import UpgradeResult
from pytest_bootgate.records.upgrade import ROLLBACK, Start, Upgrade
from pytest_bootgate.reports.advice import advice_on_upgrade
from pytest_bootgate.reports.amounts import NONE, count, duration
from pytest_bootgate.reports.clean import clean
from pytest_bootgate.reports.layout import columns
from pytest_bootgate.reports.view import View

_LAST_LINES = 8
_MOST_JOBS = 20
_FEW_JOBS = 5  # that nothing came of
_MOST_STAGES = 3


def came_of_it(result: UpgradeResult) -> str:
    """One line: how many jobs are there, and how many ran."""
    seen = result.upgrade
    if seen is None:
        return "not measured"
    if seen.first.refused:
        return "the candidate failed on the old state"
    total, due = len(seen.jobs), len(seen.due(seen.first))
    kept = len(seen.compared(seen.first).found)
    ran = len(seen.ran(seen.first))
    return f"{kept} of {count(total, 'job')} survived, {ran} of {due} ran"


def notes(seen: Upgrade) -> Iterator[str]:
    """What is neither good nor bad, but good to know: times, what was added, the rollback."""
    yield from seen.notes
    first, second = seen.first, seen.second
    if first.ready is not None:
        again = ""
        if second is not None and second.ready is not None:
            again = f", the second {_ready(second)}"
        text = f"first start on the old state {_ready(first)}{again}"
        stages = migration(first, second) if second is not None else []
        longest = ", ".join(f"{s.name} {duration(s.seconds)}" for s, _ in stages[:_MOST_STAGES])
        yield text + (f"; longer on the first: {longest}" if longest else "")
    if first.health is not None and first.ready is not None:
        yield f"{seen.health} was green after {duration(first.health)} (informational, not a proof)"
    added = seen.compared(first).added if first.jobs is not None else ()
    if added:
        names = ", ".join(job.name for job in added[:_MOST_JOBS])
        yield f"the candidate added {count(len(added), 'job')} of its own: {names}"
    back_again = not any(finding.subject == ROLLBACK for finding in judge_upgrade(seen))
    if seen.rollback is not None and back_again:
        took = duration(seen.rollback.ready)
        yield f"rollback works: the baseline was ready in {took} on the candidate's state"
    for job in (job for job in seen.jobs if seen.nor_before(job)):
        yield f"{seen.label(job)} does not run on the baseline either, started again on its state"
    yield f"fields compared: {', '.join(seen.same)}"


def rows(seen: Upgrade) -> Iterator[list[str]]:
    """A head, and a row for each job of the baseline."""
    yield ["job", "session target", "there", "equal", "history", "ran", "second start"]
    every = _Rows(seen)
    yield from sorted(map(every.row, seen.jobs), key=_place)


def table(seen: Upgrade) -> Iterator[str]:
    """The first rows as lines: those of jobs that something came of, and a few others."""
    head, *jobs = rows(seen)
    telling = sum(_place(row) < len(_PLACES) for row in jobs)
    shown = min(_MOST_JOBS, max(telling, _FEW_JOBS))
    yield from columns([head, *jobs[:shown]])
    if len(jobs) > shown:
        yield f"and {len(jobs) - shown} more, all in --bootgate-json"


#: What comes first: a job that is lost, one that changed, one that was to be run.
_PLACES: Sequence[Callable[[list[str]], bool]] = (
    lambda row: "LOST" in row,
    lambda row: row[3] not in ("yes", NONE) or " of " in row[4],
    lambda row: row[1] != NONE,
)


def _place(row: list[str]) -> int:
    """Where a row comes among the others."""
    return next((i for i, so in enumerate(_PLACES) if so(row)), len(_PLACES))


class UpgradeView(View[UpgradeResult]):
    """An upgrade in place."""

    noun = "upgrade"
    subject = "upgrade in place"

    @property
    def says(self) -> str:
        return came_of_it(self.found)

    @property
    def heading(self) -> str:
        return f"{self.subject}: {self.says}"

    @property
    def tables(self) -> Sequence[Table]:
        if self.found.upgrade is None:
            return ()
        head, *jobs = rows(self.found.upgrade)
        return (Table("jobs", "The jobs after the upgrade", head, jobs),)

    def lines(self) -> Iterator[str]:
        if self.found.upgrade is not None:
            yield from table(self.found.upgrade)

    def boots(self) -> Iterator[str]:
        yield from ()

    @property
    def notes(self) -> Sequence[str]:
        return list(notes(self.found.upgrade)) if self.found.upgrade is not None else ()

    @property
    def last(self) -> list[str]:
        return story(self.found)

    @property
    def todo(self) -> str:
        return advice_on_upgrade(self.found)

    @property
    def told(self) -> list[str]:
        return [self.heading, *(text for _, text in self.reasons), *self.last]

    def since(self, new: str, old: str) -> str:
        return f"{new}, on the state that {old} left"


def story(result: UpgradeResult) -> list[str]:
    """What a red item shows below its findings: the last words of who failed."""
    seen = result.upgrade
    if seen is None:
        return []
    failed = [start for start in (seen.first, seen.second) if start is not None]
    failed = [s for s in failed if s.refused or (s.stop is not None and not s.stop.clean)]
    if not failed and not whole(seen, seen.first):
        failed = [seen.first]
    lines = []
    if failed:
        lines += _quoted("the candidate", failed[0].last)
    if seen.repair is not None:
        lines += _quoted(f"`{seen.repair.command}`", seen.repair.last)
    return lines


def _ready(start: Start) -> str:
    cpu = start.cpu_seconds
    return duration(start.ready) + (f" ({cpu:.1f} CPU-s)" if cpu is not None else "")


def _quoted(who: str, said: Sequence[str]) -> list[str]:
    if not said:
        return [f"no output from {who}"]
    shown = said[-_LAST_LINES:]
    return [
        f"the last {count(len(shown), 'line')} of {who}:",
        *(f"    {clean(text)}" for text in shown),
    ]


class _Rows:
    """The rows of jobs: what is asked about each is looked up once for all."""

    def __init__(self, seen: Upgrade) -> None:
        self._seen, self._first, self._second = seen, seen.first, seen.second
        self._here = seen.compared(seen.first)
        self._there = seen.compared(seen.second).found if seen.second is not None else {}
        self._changed: dict[str, list[str]] = {}
        for change in self._here.changed:
            self._changed.setdefault(change.job.id, []).append(change.path)
        self._ran = {job.id for job in seen.ran(seen.first)}

    def row(self, job: Job) -> list[str]:
        """The cells of one job."""
        name = job.name if len(job.name) <= 40 else f"{job.name[:39]}…"
        row = [name, self._seen.target(job) or NONE]
        if self._first.jobs is None:
            return [*row, NONE, NONE, NONE, NONE, NONE]
        if job.id not in self._here.found:
            return [*row, "LOST", NONE, NONE, NONE, self._again(job)]
        runs = self._here.found[job.id].runs
        history = NONE if job.runs is None else str(runs or 0)
        if job.runs is not None and (runs or 0) < job.runs:
            history = f"{runs or 0} of {job.runs}"
        return [
            *row,
            "yes",
            ", ".join(dict.fromkeys(self._changed.get(job.id, ()))) or "yes",
            history,
            self._took(self._first, job),
            self._again(job),
        ]

    def _took(self, start: Start, job: Job) -> str:
        """How a job ran on a start: the time to its proof, or the outcome."""
        boot = next((run.boot for run in start.runs if run.job == job.id), None)
        if boot is not None:
            return duration(boot.seconds) if boot.started else boot.outcome
        if not job.enabled:
            return "disabled"
        due = self._seen.target(job) is not None and job in self._seen.due(start)
        return "no" if due else NONE

    def _again(self, job: Job) -> str:
        if self._second is None:
            return NONE
        if self._second.jobs is None or job.id not in self._there:
            return "LOST" if self._second.jobs is not None else NONE
        return self._took(self._second, job) if job.id in self._ran else "there"
