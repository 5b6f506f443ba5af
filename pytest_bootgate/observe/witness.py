"""From what is seen of a boot to the events of its life, as it is seen."""

from __future__ import annotations

from pytest_bootgate.observe.observation import Observation
from pytest_bootgate.observe.sighting import Sighting
from pytest_bootgate.records.boot_events import (
    BootEnded,
    BootEvent,
    BootFailed,
    BootSucceeded,
    BootTimedOut,
    FailureReported,
    PhaseReached,
    TaskCompleted,
    TriggerAccepted,
    TriggerSent,
    Voice,
)
from pytest_bootgate.records.outcomes import OUTCOMES, Outcome
from pytest_bootgate.records.values import Boot


class Witness:
    """Shows sightings to an observation, and tells what is new after each of them."""

    def __init__(self, seen: Observation, voice: Voice) -> None:
        self._seen, self._voice = seen, voice
        self._said: set[str] = set()
        self._known = -1
        self._failed_at: float | None = None

    def sent(self) -> None:
        """The trigger was sent, or where the start is the trigger, it is about to start."""
        self._voice.say(TriggerSent, 0.0)

    def see(self, sighting: Sighting) -> None:
        """Take in one sighting, and tell what it brought."""
        self._seen.see(sighting)
        self.look()

    def look(self) -> None:
        """Tell what is new."""
        seen = self._seen
        # Of thousands of lines a few bring something new.
        known = len(seen.marks) + len(seen.reported) + (seen.accepted is not None)
        if known == self._known:
            return
        self._known = known
        if seen.accepted is not None and self._new("accepted"):
            self._voice.say(TriggerAccepted, seen.accepted)
        for name, at in seen.marks.items():
            if self._new(f"phase {name}"):
                self._voice.say(PhaseReached, at, phase=name)
        for name, told in seen.reported.items():
            if told.means != "ok" and self._new(f"told {name}"):
                at = told.at or 0.0
                late = max(0.0, at - self._failed_at) if self._failed_at is not None else 0.0
                self._voice.say(FailureReported, at, signal=name, text=told.text, late=late)
            elif told.means == "ok" and seen.proof_at is not None and self._new(f"told {name}"):
                self._voice.say(TaskCompleted, told.at, signal=name)

    def _new(self, what: str) -> bool:
        new = what not in self._said
        self._said.add(what)
        return new

    def decided(self, outcome: Outcome, at: float, detail: str, code: int | None) -> None:
        """How the boot ended is known, at an instant in seconds since the trigger; told once."""
        if not self._new("decided"):
            return
        self._failed_at = None if outcome == "started" else at
        phase = self._seen.current
        kind: type[BootEvent] = BootSucceeded
        more: dict[str, object] = {}
        if OUTCOMES[outcome].waited_out:
            kind, more = BootTimedOut, {"phase": phase, "detail": detail}
        elif outcome != "started":
            kind = BootFailed
            more = {"outcome": outcome, "phase": phase, "detail": detail, "exit_code": code}
        self._voice.say(kind, at, **more)

    def ended(self, boot: Boot) -> None:
        """The boot is over, and all that is known of it is known."""
        self.look()
        self.decided(boot.outcome, boot.ended, boot.detail, boot.exit_code)
        self._voice.say(BootEnded, boot.ended, measured=boot)
