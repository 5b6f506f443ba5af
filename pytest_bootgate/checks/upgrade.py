"""What became of the baseline's state under the candidate.

Records of what happened go in, findings come out: which jobs are lost, changed, ran. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pytest_bootgate.records.jobs import Job
from pytest_bootgate.records.telling import telling
from pytest_bootgate.records.upgrade import (
    JOBS,
    RESTART,
    ROLLBACK,
    RUNS,
    Repair,
    Start,
    Upgrade,
)
from pytest_bootgate.records.values import Stage
from pytest_bootgate.records.verdict import Finding

#: A stage that took this much longer (seconds) on the old state is part of the migration.
LEAST_SHRINK = 0.1
#: So many jobs are named in a sentence, or have a sentence each.
_MOST = 10


def migration(first: Start, second: Start) -> list[tuple[Stage, float]]:
    """The stages that were longer on the first start, and by how many seconds; longest first."""
    again: dict[tuple[str, str], float] = {}
    for stage in second.stages:
        key = (stage.source, stage.name)
        again[key] = max(again.get(key, 0.0), stage.seconds)
    once: dict[tuple[str, str], Stage] = {}
    for stage in first.stages:
        key = (stage.source, stage.name)
        if key not in once or once[key].seconds < stage.seconds:
            once[key] = stage
    shrunk = [(stage, stage.seconds - again.get(key, 0.0)) for key, stage in once.items()]
    # A stage that only took a little less the second time is one of every start.
    gone = [(s, by) for s, by in shrunk if by >= LEAST_SHRINK and by > s.seconds / 2]
    return sorted(gone, key=lambda s: -s[1])


# -- findings -----------------------------------------------------------------------------------


def judge_upgrade(seen: Upgrade) -> tuple[Finding, ...]:
    """All findings, in the order of the subjects. No finding about a subject is a pass."""
    jobs = [Finding("fail", JOBS, text) for text in _jobs(seen, seen.first)]
    if jobs and not seen.first.refused:
        jobs.append(Finding("fail", JOBS, _told(seen, seen.first)))
    runs = [Finding("fail", RUNS, text) for text in _runs(seen, seen.first)]
    if (failed := jobs or runs) and seen.repair is not None:
        failed.append(Finding("fail", failed[0].subject, _repaired(seen, seen.repair)))
    found = [*jobs, *runs]
    if not seen.due(seen.first):
        text = (
            "the candidate supports none of the targets whose jobs the baseline left, so no job was"
            " run"
        )
        found.append(Finding("error", RUNS, text))
    found += [Finding("fail", RESTART, text) for text in _restart(seen)]
    if seen.rollback_asked:
        found += [Finding("warn", ROLLBACK, text) for text in _rollback(seen)]
    return tuple(found)


def whole(seen: Upgrade, start: Start | None) -> bool:
    """Whether a start has all jobs as they were, and ran those that are due."""
    return start is not None and not [*_jobs(seen, start), *_runs(seen, start)]


def _jobs(seen: Upgrade, start: Start) -> list[str]:
    """What a start lost or changed of the jobs, a sentence each."""
    if start.refused:
        return [f"the {start.release} failed on the old state: {_why(start)}"]
    if start.jobs is None:
        return [f"the {start.release} was ready, but the list of jobs {start.jobs_error}"]
    compared, total = seen.compared(start), len(seen.jobs)
    texts = []
    if compared.lost:
        names = _names(seen, compared.lost)
        texts.append(f"{len(compared.found)} of {_jobs_word(total)} survived; lost: {names}")
    each = [
        f"job {seen.label(change.job)} changed: {change.path} was {_shown(change.old)},"
        f" is {_shown(change.new)}"
        for change in compared.changed
    ]
    each += [
        f"job {seen.label(old)}: its run history is shorter, {new.runs or 0} of {old.runs}"
        for old, new in compared.shorter
    ]
    more = [f"and {len(each) - _MOST} more such differences"] if len(each) > _MOST else []
    return [*texts, *each[:_MOST], *more]


def _why(start: Start) -> str:
    """Why a start was never ready; where it exited, with the line that says most about it."""
    line = telling(start.last) if start.stop is not None else ""
    said = f"{start.refused}; it printed: {line}"
    return said if line and line not in start.refused else start.refused


def _names(seen: Upgrade, jobs: Sequence[Job]) -> str:
    """The labels of the first few jobs, and how many more there are."""
    names = ", ".join(seen.label(job) for job in jobs[:_MOST])
    return f"{names} and {len(jobs) - _MOST} more" if len(jobs) > _MOST else names


def _told(seen: Upgrade, start: Start) -> str:
    """Who was told that jobs are not what they were: what the system said of itself meanwhile."""
    green = []
    if start.ready is not None:
        green.append(f"it was ready after {start.ready:.1f} s")
    if start.health is not None:
        green.append(f"{seen.health} was green after {start.health:.1f} s")
    if start.stop is not None and start.stop.clean:
        green.append(f"it stopped with exit code {start.stop.code}")
    if start.said:
        lines = "; ".join(f"{line!r}" for line in start.said[:3])
        return f"its output may mention it: {lines} ({', '.join(green)})"
    return f"not reported: {', '.join(green)}, and no line of its output mentions it"


def _runs(seen: Upgrade, start: Start, among: Sequence[Job] | None = None) -> list[str]:
    """Which of the jobs that are due a start did not run to their proof, a sentence each."""
    due = seen.due(start) if among is None else list(among)
    if start.refused or start.jobs is None:
        return [f"none of {_jobs_word(len(due))} ran"]
    ran = {run.job: run.boot for run in start.runs}
    missing = [job for job in due if job.id not in ran]
    texts = []
    if missing:
        names = _names(seen, missing)
        texts.append(f"{len(missing)} of {_jobs_word(len(due))} could not be run: {names}")
    for job in due:
        boot = ran.get(job.id)
        if boot is not None and not boot.started:
            before = next((r.boot for r in seen.baseline.runs if r.job == job.id), None)
            too = ""
            if before is not None and not before.started:
                too = " (the baseline did not start it either)"
            elif seen.nor_before(job):
                too = " (nor does the baseline, started again on its own state)"
            why = "; ".join([boot.why, *(n for n in boot.notes if n != boot.detail)])
            where = f" in phase {boot.ended_in}" if boot.ended_in and len(boot.phases) > 1 else ""
            texts.append(f"job {seen.label(job)} did not start: {boot.outcome}{where}, {why}{too}")
    return texts


def _restart(seen: Upgrade) -> list[str]:
    """What a clean stop and a second start did to what the first start still had."""
    if seen.first.refused:
        return ["no second start: the first one failed"]
    texts = _unclean(seen.first)
    if seen.second is None:
        return texts or ["no second start was made"]
    # What failed at the first start is told there, and was not tried again.
    before = [*_jobs(seen, seen.first), *_runs(seen, seen.first)]
    later = [*_jobs(seen, seen.second), *_runs(seen, seen.second, seen.ran(seen.first))]
    texts += [f"second start: {text}" for text in later if text not in before]
    texts += [f"second start: {text}" for text in _unclean(seen.second) if not seen.second.refused]
    if before and not texts:
        texts.append("the second start was no better than the first")
    return texts


def _unclean(start: Start) -> list[str]:
    stop = start.stop
    if stop is None or stop.clean:
        return []
    if stop.itself:
        return [f"the {start.release} {stop.words}"]
    return [f"the {start.release} did not stop cleanly: it {stop.words}"]


def _rollback(seen: Upgrade) -> list[str]:
    back = seen.rollback
    if back is None:
        return ["rollback was not tested: the candidate did not stop cleanly"]
    green = ""
    if back.health is not None:
        green = f" (although {seen.health} was green after {back.health:.1f} s)"
    texts = _jobs(seen, back)
    if not back.refused:  # what the baseline never ran is no reason not to go back
        due = [job for job in seen.ran(seen.baseline) if not seen.nor_before(job)]
        texts += _runs(seen, back, due)
    return [f"rollback does not work{green}: {'; '.join(texts)}"] if texts else []


def _repaired(seen: Upgrade, repair: Repair) -> str:
    """What the vendor's repair command changed, in one sentence."""
    command = f"`{repair.command}`"
    code = "was killed" if repair.code is None else f"exit {repair.code}"
    took = f"{repair.seconds:.1f} s, {code}"
    start = repair.start
    if start is None:
        return f"the repair command {command} ({took}) failed, so nothing was started on its result"
    if whole(seen, start):
        total, due = len(seen.jobs), len(seen.due(start))
        return (
            f"needs repair: {command} ({took}) first, then {total} of {_jobs_word(total)} are"
            f" there and {due} of {due} ran"
        )
    texts = "; ".join([*_jobs(seen, start), *_runs(seen, start)])
    if not start.refused and start.jobs is not None and not _jobs(seen, start):
        total, due = len(seen.jobs), len(seen.due(start))
        ran = sum(run.boot.started for run in start.runs)
        return (
            f"needs repair: {command} ({took}) first, then {total} of {_jobs_word(total)} are"
            f" there and {ran} of {due} ran: {texts}"
        )
    return f"the repair command {command} ({took}) does not help: {texts}"


def _jobs_word(number: int) -> str:
    return f"{number} job{'' if number == 1 else 's'}"


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}…"
