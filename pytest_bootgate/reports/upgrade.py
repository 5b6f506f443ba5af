"""An upgrade in place for people: what became of each job, how long it took, and why."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

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
_MOST_STAGES = 3


def came_of_it(result: UpgradeResult) -> str:
    """One line: how many jobs are there, and how many ran."""
    seen = result.upgrade
    if seen is None:
        return "not measured"
    if seen.first.refused:
        return "the candidate refused the state"
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
    yield from (_row(seen, job) for job in seen.jobs)


def table(seen: Upgrade) -> Iterator[str]:
    """The rows of the first jobs as lines."""
    yield from columns([*islice(rows(seen), _MOST_JOBS + 1)])
    if len(seen.jobs) > _MOST_JOBS:
        yield f"and {len(seen.jobs) - _MOST_JOBS} more, all in --bootgate-json"


class UpgradeView(View[UpgradeResult]):
    """An upgrade in place."""

    noun = "upgrade"
    subject = "upgrade in place"
    near = "about state, not time"

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


def _row(seen: Upgrade, job: Job) -> list[str]:
    first, second = seen.first, seen.second
    compared = seen.compared(first)
    name = job.name if len(job.name) <= 40 else f"{job.name[:39]}…"
    row = [name, seen.target(job) or NONE]
    if first.jobs is None:
        return [*row, NONE, NONE, NONE, NONE, NONE]
    if job.id not in compared.found:
        return [*row, "LOST", NONE, NONE, NONE, _again(seen, second, job)]
    changed = [change.path for change in compared.changed if change.job.id == job.id]
    runs = compared.found[job.id].runs
    history = NONE if job.runs is None else str(runs or 0)
    if job.runs is not None and (runs or 0) < job.runs:
        history = f"{runs or 0} of {job.runs}"
    return [
        *row,
        "yes",
        ", ".join(dict.fromkeys(changed)) or "yes",
        history,
        _ran(seen, first, job),
        _again(seen, second, job),
    ]


def _ran(seen: Upgrade, start: Start, job: Job) -> str:
    """How a job ran on a start: the time to its proof, or the outcome."""
    boot = next((run.boot for run in start.runs if run.job == job.id), None)
    if boot is not None:
        return duration(boot.seconds) if boot.started else boot.outcome
    if not job.enabled:
        return "disabled"
    return "no" if job in seen.due(start) else NONE


def _again(seen: Upgrade, second: Start | None, job: Job) -> str:
    if second is None:
        return NONE
    if second.jobs is None or job.id not in seen.compared(second).found:
        return "LOST" if second.jobs is not None else NONE
    return _ran(seen, second, job) if job in seen.ran(seen.first) else "there"
