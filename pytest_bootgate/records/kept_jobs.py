"""Two lists of jobs held against each other: which are still there, and still the same. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pytest_bootgate.records.jobs import Job


@dataclass(frozen=True, slots=True)
class Change:
    """A field of a job that is not what it was; `path` leads to the first difference."""

    job: Job
    path: str
    old: Any
    new: Any


@dataclass(frozen=True)
class Comparison:
    """The baseline's jobs beside those of a later start.

    `found` has the later job for the id of each that is still there; `shorter` are pairs of a
    job before and after whose run history lost entries.
    """

    found: Mapping[str, Job]
    lost: tuple[Job, ...]
    changed: tuple[Change, ...]
    shorter: tuple[tuple[Job, Job], ...]
    added: tuple[Job, ...]


def compare(before: Sequence[Job], after: Sequence[Job], same: Iterable[str]) -> Comparison:
    """Find each job again, by its id or else by its name, and hold its fields against each other.

    What only the later job has inside of a field is no difference.
    """
    same = list(same)
    by_id = {job.id: job for job in after}
    known = {job.id for job in before}
    by_name = {job.name: job for job in after if job.id not in known}
    found: dict[str, Job] = {}
    for job in before:
        again = by_id.get(job.id) or by_name.pop(job.name, None)
        if again is not None:
            found[job.id] = again
    changed = [
        Change(job, *difference)
        for job in before
        if job.id in found
        for field in same
        if field in job.fields
        and (difference := differs(job.fields[field], found[job.id].fields.get(field), field))
    ]
    shorter = [
        (job, again)
        for job in before
        if (again := found.get(job.id)) is not None
        and job.runs is not None
        and (again.runs or 0) < job.runs
    ]
    matched = {job.id for job in found.values()}
    return Comparison(
        found,
        tuple(job for job in before if job.id not in found),
        tuple(changed),
        tuple(shorter),
        tuple(job for job in after if job.id not in matched),
    )


def differs(old: Any, new: Any, path: str) -> tuple[str, Any, Any] | None:
    """The path to the first difference with both values, None where `old` is all in `new`."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        inside = (differs(value, new.get(key), f"{path}.{key}") for key, value in old.items())
        return next((difference for difference in inside if difference), None)
    if isinstance(old, (list, tuple)) and isinstance(new, (list, tuple)) and len(old) == len(new):
        pairs = enumerate(zip(old, new, strict=True))
        inside = (differs(a, b, f"{path}[{number}]") for number, (a, b) in pairs)
        return next((difference for difference in inside if difference), None)
    if isinstance(old, bool) == isinstance(new, bool) and old == new:
        return None
    return path, old, new


def volatile(before: Sequence[Job], after: Sequence[Job]) -> set[str]:
    """The fields in which two lists of the same jobs differ: what running a job changes."""
    later = {job.id: job for job in after}
    return {
        name
        for job in before
        if job.id in later
        for name in {*job.fields, *later[job.id].fields}
        if job.fields.get(name) != later[job.id].fields.get(name)
    }
