"""The lifecycle events of a gate: what listeners and the hook ``pytest_bootgate_event`` are given.

Those of a boot stand in `boot_events`; here are those of a whole run.
"""

from __future__ import annotations

from dataclasses import dataclass

from pytest_bootgate.records.boot_events import (
    BootBegan,
    BootEnded,
    BootEvent,
    BootFailed,
    BootKey,
    BootSucceeded,
    BootTimedOut,
    Event,
    FailureReported,
    Hear,
    PhaseReached,
    RetryScheduled,
    TaskCompleted,
    TriggerAccepted,
    TriggerSent,
    ignore,
)
from pytest_bootgate.records.result import GateResult
from pytest_bootgate.records.verdict import Finding, Verdict

__all__ = [
    "BootBegan",
    "BootEnded",
    "BootEvent",
    "BootFailed",
    "BootKey",
    "BootSucceeded",
    "BootTimedOut",
    "Event",
    "FailureReported",
    "Hear",
    "HostWarned",
    "NotificationFailed",
    "PhaseReached",
    "RetryScheduled",
    "RunBegan",
    "RunEnded",
    "TaskCompleted",
    "TriggerAccepted",
    "TriggerSent",
    "VerdictGiven",
    "ignore",
]


@dataclass(frozen=True, kw_only=True)
class RunEvent(Event):
    """Something that happened to a run.

    `run` is its id.
    """

    run: str


@dataclass(frozen=True, kw_only=True)
class RunBegan(RunEvent):
    """A gate is about to boot for the first time.

    `result` is what is known so far: the gate file, engine, releases and machine.
    """

    kind = "run_began"
    result: GateResult


@dataclass(frozen=True, kw_only=True)
class HostWarned(RunEvent):
    """The host is such that a boot so near its timeout is not to be trusted to fit.

    `profile` is the profile that was booted.
    `target` is the target that came near its timeout.
    `text` is the finding, in a sentence.
    """

    kind = "host_warned"
    profile: str
    target: str
    text: str


@dataclass(frozen=True, kw_only=True)
class VerdictGiven(RunEvent):
    """A target, an upgrade in place, or another check was judged on a profile.

    `profile` is the profile.
    `target` is the target; ``upgrade`` for an upgrade in place, ``TARGET::propagation`` for that
    test.
    `verdict` is the verdict; None for a target that the gate file leaves out.
    `findings` are what it rests on, each with `kind`, `verdict` and `text`.
    `error` is why it could not be judged, in a sentence.
    """

    kind = "verdict_given"
    profile: str
    target: str
    verdict: Verdict | None
    findings: tuple[Finding, ...] = ()
    error: str | None = None


@dataclass(frozen=True, kw_only=True)
class NotificationFailed(RunEvent):
    """Somebody was to be told of a verdict and was not.

    `to` is the name under ``notify``.
    `detail` is why, in a sentence.
    """

    kind = "notification_failed"
    to: str
    detail: str


@dataclass(frozen=True, kw_only=True)
class RunEnded(RunEvent):
    """A gate is over.

    Under pytest-xdist it is told once more, by the process that knows all workers, where the run as
    a whole judged less than it should have.

    `result` is all that it found.
    """

    kind = "run_ended"
    result: GateResult
