"""What a system says about the jobs that it was left."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from pytest_bootgate.observe.observation import TAIL_WIDTH
from pytest_bootgate.observe.sighting import Sighting
from pytest_bootgate.records.jobs import Job

_MOST_SAID = 20
_LEAST = 6  # characters: a job called 1 would be named in every line
#: Words in which a system may tell of jobs that it did not take over.
_TELLING = re.compile(
    r"\b(lost|dropp\w+|orphan\w*|legacy|migrat\w+|import\w*|doctor)\b", re.IGNORECASE
)


class Ear:
    """Hears what a gateway says until its jobs are listed: does it tell what became of them?

    `names` are the names that each job has, by its id.
    """

    def __init__(self, names: Mapping[str, Iterable[str]]) -> None:
        self._names = {job: {n for n in all_ if len(n) >= _LEAST} for job, all_ in names.items()}
        self._telling: list[str] = []
        self._naming: dict[str, list[str]] = {}
        self.closed = False

    def hear(self, seen: Sighting) -> None:
        """Take in one sighting."""
        if self.closed or not seen.source.startswith(("gateway", "file:")):
            return
        text = seen.text[:TAIL_WIDTH]
        if _TELLING.search(text) and len(self._telling) < _MOST_SAID:
            self._telling.append(text)
        for job, names in self._names.items():
            lines = self._naming.setdefault(job, [])
            if len(lines) < _MOST_SAID and any(name in text for name in names):
                lines.append(text)

    def of(self, lost: Sequence[Job]) -> tuple[str, ...]:
        """What was said that may tell of these jobs, those that name one first."""
        naming = [line for job in lost for line in self._naming.get(job.id, ())]
        return tuple(dict.fromkeys([*naming, *self._telling]))[:_MOST_SAID]
