"""What happens to a boot, each thing by itself and at the moment it happens. Plain values.

A trigger event never implies an execution event: that a trigger was accepted says nothing about
the boot, and that a boot succeeded nothing about the task.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from pytest_bootgate.records.outcomes import Outcome
from pytest_bootgate.records.values import Boot


@dataclass(frozen=True, slots=True, kw_only=True)
class BootKey:
    """Which boot it is.

    `id` is unique among all boots of all runs.
    `run` is the id of its run.
    `target` is its target.
    `release` is ``baseline`` or ``candidate``.
    `profile` is its profile.
    `start` is ``cold`` or ``warm``.
    `number` is that of its pair, 0 for a warm-up boot.
    `attempt` counts from 1; more where a boot that timed out is tried again.
    `during` is ``campaign``, ``upgrade`` for what an upgrade in place boots, or ``propagation``
    for a boot that is held on purpose.
    """

    id: str
    run: str
    target: str
    release: str
    profile: str
    start: str
    number: int
    attempt: int = 1
    during: str = "campaign"


@dataclass(frozen=True, kw_only=True)
class Event:
    """Something that happened.

    `wall` is when, in Unix seconds by this machine's clock: for people and for queries, no duration
    is ever taken from it.
    """

    kind: ClassVar[str]
    wall: float


@dataclass(frozen=True, kw_only=True)
class BootEvent(Event):
    """Something that happened to one boot.

    `boot` is which one.
    `at` is when, in seconds after its trigger; None: before it.
    """

    boot: BootKey
    at: float | None = None


@dataclass(frozen=True, kw_only=True)
class BootBegan(BootEvent):
    """A boot is being made: its gateway starts, nothing was triggered yet."""

    kind = "boot_began"


@dataclass(frozen=True, kw_only=True)
class TriggerSent(BootEvent):
    """The gate triggered. Says nothing about whether anybody took it."""

    kind = "trigger_sent"


@dataclass(frozen=True, kw_only=True)
class TriggerAccepted(BootEvent):
    """The system said that it took the trigger. Says nothing about the runner."""

    kind = "trigger_accepted"


@dataclass(frozen=True, kw_only=True)
class PhaseReached(BootEvent):
    """The mark of a phase was seen.

    `phase` is the phase that ended with it.
    """

    kind = "phase_reached"
    phase: str


@dataclass(frozen=True, kw_only=True)
class BootSucceeded(BootEvent):
    """The proof came in time: the task started. Says nothing about how it ends."""

    kind = "boot_succeeded"


@dataclass(frozen=True, kw_only=True)
class BootTimedOut(BootEvent):
    """No proof within the timeout.

    `phase` is the one it was in.
    `detail` says in a sentence how that is known.
    """

    kind = "boot_timed_out"
    phase: str | None
    detail: str


@dataclass(frozen=True, kw_only=True)
class BootFailed(BootEvent):
    """A boot ended without its proof and not by its timeout, or the gate lost it.

    `outcome` is how it ended, such as ``crashed`` or ``false_ok``.
    `phase` is the one it was in.
    `detail` says the same in a sentence.
    `exit_code` is that of its gateway, where it exited.
    """

    kind = "boot_failed"
    outcome: Outcome
    phase: str | None
    detail: str
    exit_code: int | None = None


@dataclass(frozen=True, kw_only=True)
class FailureReported(BootEvent):
    """A signal reported a failure.

    `signal` is its name under ``signals``.
    `text` is what it reported.
    `late` is how many seconds after the failure; 0 for a report by which the failure is known.
    """

    kind = "failure_reported"
    signal: str
    text: str
    late: float


@dataclass(frozen=True, kw_only=True)
class TaskCompleted(BootEvent):
    """A signal reported that the task ended well, after the proof that it had started.

    `signal` is its name under ``signals``.
    """

    kind = "task_completed"
    signal: str


@dataclass(frozen=True, kw_only=True)
class RetryScheduled(BootEvent):
    """A boot that timed out will be tried once more.

    `pause` is in how many seconds.
    `reason` is the outcome of the boot and its `detail`.
    """

    kind = "retry_scheduled"
    pause: float
    reason: str


@dataclass(frozen=True, kw_only=True)
class BootEnded(BootEvent):
    """A boot is over; `at` is its end.

    `measured` is everything known of it.
    """

    kind = "boot_ended"
    measured: Boot


#: Whoever is to hear of events; called in the moment, so it must be quick.
Hear = Callable[[Event], None]


def ignore(event: Event) -> None:
    """For boots of which nobody needs to hear."""


class Voice:
    """Says of one boot what happens to it; `hear` is told in the moment, by a wall `clock`."""

    def __init__(self, hear: Hear, key: BootKey, clock: Callable[[], float]) -> None:
        self._hear, self.key, self._clock = hear, key, clock

    def say(self, event: type[BootEvent], at: float | None = None, **more: Any) -> None:
        """Tell of an event of this boot."""
        self._hear(event(boot=self.key, wall=self._clock(), at=at, **more))
