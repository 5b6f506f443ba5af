"""The jobs that a system keeps, as it lists them. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_bootgate.masking import shortened
from pytest_bootgate.untrusted import read_json

_SHOWN = 120  # characters of an answer in a sentence


@dataclass(frozen=True)
class Job:
    """A job as listed: `fields` are all that were listed, without `runs`.

    `runs` is the length of its run history, None where the list does not say it.
    """

    id: str
    name: str
    fields: Mapping[str, Any]
    runs: int | None = None

    @property
    def enabled(self) -> bool:
        """Whether it would run by itself; where the list does not say so, it would."""
        return self.fields.get("enabled") is not False

    def holds(self, token: str) -> bool:
        """Whether a boot's token stands anywhere in it."""
        return token in json.dumps(self.fields, ensure_ascii=False)


@dataclass(frozen=True)
class Kept:
    """A state on this machine, as a tar file of its directory.

    `restart` says that the release which left it starts on it again: then all is as it was left.
    Else a release is deployed on it, and the gate file's own `files` win over those in it.
    `redacted` says what was taken out of it, for a boot that did not start; empty for nothing.
    """

    archive: Path
    restart: bool = False
    redacted: str = ""


class JobsError(Exception):
    """The system did not list its jobs; in words that follow "the list of jobs"."""


def read_jobs(text: str) -> tuple[Job, ...]:
    """Jobs from JSON: a list of objects, or an object whose first list it is.

    Raises `JobsError` for anything else, and for two jobs with one id.
    """
    try:
        answer = read_json(text)
    except ValueError:
        begin = shortened(" ".join(text.split()), _SHOWN)
        raise JobsError(f"is not JSON: {begin!r}" if begin else "is empty") from None
    if isinstance(answer, dict):
        answer = next((value for value in answer.values() if isinstance(value, list)), None)
    if not isinstance(answer, list):
        raise JobsError(f"is not a list: {shortened(text, _SHOWN)!r}")
    jobs: dict[str, Job] = {}
    for entry in answer:
        if not isinstance(entry, dict) or not {"id", "name"} <= entry.keys():
            shown = shortened(json.dumps(entry), _SHOWN)
            raise JobsError(f"has an entry without id and name: {shown}")
        runs = entry.get("runs")
        number = runs if isinstance(runs, int) and not isinstance(runs, bool) else None
        fields = {k: v for k, v in entry.items() if k != "runs" or number is None}
        job = Job(str(entry["id"]), str(entry["name"]), fields, number)
        if job.id in jobs:
            raise JobsError(f"has two jobs with the id {job.id!r}")
        jobs[job.id] = job
    return tuple(jobs.values())
