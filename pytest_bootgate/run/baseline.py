"""What a baseline must do that writes the state which the candidate takes over."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from pytest_bootgate.errors import BootgateError
from pytest_bootgate.gatefile.model import GateFile
from pytest_bootgate.records.jobs import Job, JobsError
from pytest_bootgate.run.inplace import InPlacePair


def proving(gate: GateFile) -> list[str]:
    """The targets that leave a job: distinct session targets with a trigger, in their order."""
    named = [n for n, t in gate.targets.items() if t.trigger is not None and not t.extends]
    return named or [n for n, t in gate.targets.items() if t.trigger is not None]


def quoted(lines: Iterable[str]) -> str:
    """The last lines, as the end of a message."""
    last = list(lines)[-3:]
    return f" Its last output: {' / '.join(last)}." if last else ""


def still_up(pair: InPlacePair, when: str) -> None:
    """Raises `BootgateError` where it has ended."""
    if pair.over:
        raise BootgateError(
            f"The baseline ended {when}, so it wrote no state.{quoted(pair.last)} Find out why, or"
            " leave that target out."
        )


def listed(pair: InPlacePair) -> tuple[Job, ...]:
    """Its jobs. Raises `BootgateError` where it does not list them."""
    try:
        return pair.jobs()
    except JobsError as error:
        raise BootgateError(
            f"The baseline's list of jobs {error}. Correct state: jobs; without a list there is"
            " nothing to compare."
        ) from None


def worth_proving(jobs: Sequence[Job], owners: Mapping[str, Job]) -> None:
    """Raises `BootgateError` where none of its jobs could reach its proof."""
    if not jobs:
        raise BootgateError(
            "The baseline has no jobs after its targets were booted, so the upgrade in place cannot"
            " be tested. Let the triggers leave jobs, or add some with state: seed."
        )
    if not any(job.enabled for job in owners.values()):
        raise BootgateError(
            f"None of the baseline's {len(jobs)} jobs is enabled and contains the token of a boot,"
            " so none can reach its proof. Put ${token} into the jobs that the trigger leaves."
        )
