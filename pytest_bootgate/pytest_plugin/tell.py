"""Who is told of a run when it is over: those who asked for it, and the journal."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_bootgate.masking import Mask
    from pytest_bootgate.pytest_plugin.session import Session


def inform(ours: Session) -> None:
    """Tell those who asked to be told of a verdict, in the process that knows all results."""
    if not (results := ours.results()):
        return
    from pytest_bootgate.errors import BootgateError
    from pytest_bootgate.reports.notify import notify

    asked = {str(path): gate.plan.file.notify for path, gate in ours.gates.items()}
    asked |= ours.notify_of_workers
    for result in results:
        try:
            told, untold = notify(
                result, asked.get(result.file, {}), ours.hear, _mask(ours, result.file)
            )
        except BootgateError as error:  # nor could the journal keep that somebody was not told
            told, untold = [], [str(error)]
        ours.informed += [f"told {name}: {result.verdict}" for name in told]
        ours.uninformed += untold


def _mask(ours: Session, file: str) -> Mask:
    """What hides the secrets of a gate file, be it that a worker booted it."""
    from pytest_bootgate.errors import BootgateError
    from pytest_bootgate.gatefile import load

    for path, gate in ours.gates.items():
        if str(path) == file:
            return gate.plan.loaded.mask
    try:
        return load(Path(file)).mask
    except BootgateError:
        return Mask()


def correct(ours: Session) -> None:
    """Tell the end of runs once more whose workers could not know all of it."""
    from pytest_bootgate.errors import BootgateError
    from pytest_bootgate.records.events import RunEnded

    told = {result.run: result for result in ours.from_workers}
    for result in ours.results():
        if result.run in told and result != told[result.run]:
            try:
                ours.hear(RunEnded(run=result.run, wall=time.time(), result=result))
            except BootgateError as error:
                ours.unheard_of_workers.append(str(error))
