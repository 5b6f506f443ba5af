"""How a boot ended, in the words of the gate. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pytest_bootgate.engines.base import Exit
from pytest_bootgate.observe.lines import LeftOut
from pytest_bootgate.observe.observation import Observation
from pytest_bootgate.observe.phases import DisorderError
from pytest_bootgate.observe.sound import held_up, unsound
from pytest_bootgate.observe.timeouts import says_timeout
from pytest_bootgate.records.outcomes import Outcome
from pytest_bootgate.records.values import Boot

if TYPE_CHECKING:
    from pytest_bootgate.run.recipe import Recipe

#: A second that is put in or left out is none.
_CLOCK_MOVED = 1.5
_KILLED = (137, -9)


@dataclass(frozen=True, slots=True)
class Stall:
    """A time, from and to on the clock of the lines, in which an observer stood still."""

    who: str
    begin: float
    end: float

    @property
    def seconds(self) -> float:
        """How long it stood still."""
        return self.end - self.begin


@dataclass(frozen=True, slots=True)
class Ending:
    """What ended the watching: instants in seconds since the trigger.

    `not_ready` says why the gateway could never be triggered; then they count from its start.
    `reopened` is what became of a port of the gateway since the trigger, empty where it stayed
    open. `answered_by` says who answered whom the boot did not start, `last_answer` what was last
    seen where the proof should have been, both empty where there was none. `oom_kills` is how many
    of its processes were killed because memory ran out, `clock` by how many seconds the wall clock
    was moved. `lapsed` says how it did not stay up after its proof. `left_out` are the streams of
    which more came than could be looked at, and what was left out of them. `stalls` are the times
    in which this process or the engine stood still.
    """

    at: float
    timeout: float
    proof: float | None = None
    refused: str | None = None
    exited: Exit | None = None
    not_ready: str | None = None
    reopened: str = ""
    answered_by: str = ""
    last_answer: str = ""
    oom_kills: int = 0
    clock: float = 0.0
    lapsed: str = ""
    left_out: Mapping[str, LeftOut] = field(default_factory=dict)
    stalls: Sequence[Stall] = ()

    @property
    def clock_moved(self) -> bool:
        """Whether the wall clock was moved, by more than what keeping it right may do."""
        return abs(self.clock) >= _CLOCK_MOVED

    @property
    def not_accepted(self) -> bool:
        """Whether the trigger was refused by a gateway that goes on."""
        return self.refused is not None and self.exited is None

    @property
    def started(self) -> bool:
        """Whether the proof arrived inside the timeout."""
        return self.proof is not None and self.proof <= self.timeout


def exit_words(ended: Exit) -> str:
    """An exit in words that follow a subject."""
    if ended.gone:
        return "was removed from outside the gate"
    if ended.oom and ended.code in _KILLED:
        return "was OOM-killed"
    if ended.oom:
        return f"exited with {ended.code} after one of its processes was OOM-killed"
    return f"exited with {ended.code}"


def conclude(
    recipe: Recipe, seen: Observation, ending: Ending, *, number: int, warm_up: bool
) -> Boot:
    """The boot as a value, from all that was seen of it until now."""
    outcome, detail = outcome_of(seen, ending, triggered=recipe.triggered)
    stall = _stall(seen, ending) if outcome == "lost" else None
    stalled = stall.seconds if stall is not None else held_up(seen) if outcome == "lost" else 0.0
    try:
        phases = seen.phases()
    except DisorderError:  # then it is lost, or did not start anyway
        phases = seen.scattered()
    exited = ending.exited
    return Boot(
        target=recipe.target_name,
        release=recipe.release_name,
        profile=recipe.profile_name,
        number=number,
        start=recipe.target.start,
        warm_up=warm_up,
        outcome=outcome,
        detail=detail,
        timeout=ending.timeout,
        ended=ending.proof if ending.started and ending.proof is not None else ending.at,
        seconds=ending.proof if outcome == "started" else None,
        accepted=seen.accepted,
        triggered=recipe.triggered,
        phases=phases,
        stages=tuple(seen.stages),
        signals=seen.signals(),
        exit_code=exited.code if exited is not None else None,
        stalled=stalled,
        notes=tuple(_notes(seen, ending, triggered=recipe.triggered)),
        unordered=seen.unordered,
    )


def outcome_of(seen: Observation, ending: Ending, *, triggered: bool) -> tuple[Outcome, str]:
    """Say how a boot ended, in a word and in half a sentence."""
    who = "the gateway" if triggered else "the runner"
    if ending.answered_by:
        return "lost", ending.answered_by
    if unknown := _unknown(seen, ending):
        return "lost", unknown
    if ending.not_accepted:
        return "not_accepted", f"the trigger was rejected: {ending.refused}"
    exited = ending.exited
    if ending.reopened and exited is None:
        came = "the task started anyway" if ending.started else "no task started"
        return "crashed", f"the gateway restarted by itself: {ending.reopened} ({came})"
    if ending.started:
        why = unsound(seen, clock_moved=ending.clock_moved)
        if why:
            return "lost", why
        if (bad := seen.forbidden()) is not None:
            after = f"{bad.at or 0.0:.3g} s after the trigger: {bad.text}"
            return "forbidden", f"it started, but `{bad.name}` forbids what came {after}"
        return ("lapsed", ending.lapsed) if ending.lapsed else ("started", "")
    if exited is not None:
        how = ending.not_ready or f"{who} {exit_words(exited)}"
        if exited.gone:
            return "lost", how
        if exited.oom:
            return "oom_killed", how
        how = ending.not_ready or f"{how} before the task started"
        return ("silent_exit" if exited.code == 0 else "crashed"), how
    if ending.not_ready is not None:
        return "timed_out", ending.not_ready
    told = seen.failure()
    in_time = told is not None and told.at is not None and told.at < ending.timeout
    if told is not None and in_time:
        word: Outcome = "timed_out" if says_timeout(told.text) else "reported_error"
        return word, f"{told.name} reported: {told.text}"
    if ending.proof is None and seen.proof in seen.standing:
        # Its probe was satisfied before, and is not asked again.
        return "lost", unsound(seen, clock_moved=ending.clock_moved)
    if seen.proof_at is not None:
        when = f"{seen.proof_at:.1f} s after the trigger, the timeout is {ending.timeout:g} s"
        return "timed_out", f"the proof came {when}"
    if ending.oom_kills:
        return "oom_killed", f"{who} lost {_processes(ending.oom_kills)} to the OOM killer"
    said_ok = seen.said_ok()
    last = f"; {ending.last_answer}" if ending.last_answer else ""
    if said_ok is not None:
        what = f"{said_ok.name} reported ok, but there is no proof that the task started"
        return "false_ok", f"{what}{last}"
    return "timed_out", f"no proof within {ending.timeout:g} s{last}"


def _unknown(seen: Observation, ending: Ending) -> str:
    """Why a mark may have been missed or stamped late; empty where all were seen before that."""
    began = seen.trigger_at or 0.0
    gap = min((one.first for one in ending.left_out.values()), default=None)
    if gap is not None and not _all_seen(seen, gap - began):
        words = left_out_words(ending.left_out)
        return f"a mark may be in the output that was dropped: {words}"
    if stall := _stall(seen, ending):
        return (
            f"{stall.who} was stalled for {stall.seconds:.1f} s (stopped, suspended, or without a"
            " CPU), so the times of its marks are unknown"
        )
    return ""


def _stall(seen: Observation, ending: Ending) -> Stall | None:
    """The longest time in which an observer stood still while marks may have come."""
    began = seen.trigger_at or 0.0
    found = [s for s in ending.stalls if s.end > began and not _all_seen(seen, s.begin - began)]
    known = ending.exited is not None and not ending.started  # how it ended is known all the same
    return None if known else max(found, key=lambda one: one.seconds, default=None)


def _all_seen(seen: Observation, before: float) -> bool:
    """Whether all marks came before so many seconds after the trigger."""
    return seen.complete and all(at <= before for at in seen.marks.values())


def left_out_words(streams: Mapping[str, LeftOut]) -> str:
    """How much of which streams could not be looked at, and what to do."""
    parts = [
        f"{_size(one.bytes)} ({one.lines} line{'s' * (one.lines != 1)}) of {name}"
        for name, one in streams.items()
    ]
    them = "them" if len(parts) > 1 or any(one.lines != 1 for one in streams.values()) else "it"
    return (
        f"{' and '.join(parts)} came faster than this machine could read {them}; reduce that"
        " output, or stop other work here"
    )


def _size(size: int) -> str:
    return f"{size / 1e6:.1f} MB" if size >= 100_000 else f"{size} bytes"


def _processes(count: int) -> str:
    return f"{count} process{'es' * (count != 1)}"


def _notes(seen: Observation, ending: Ending, *, triggered: bool) -> list[str]:
    notes = []
    exited = ending.exited
    # A runner that starts by itself may be done once it has proved so; with 0, that is.
    right_after = ending.started and not ending.lapsed
    if right_after and exited is not None and (triggered or exited.code != 0):
        notes.append(f"the {'gateway' if triggered else 'runner'} {exit_words(exited)} right after")
    if ending.clock_moved:
        how = f"set {'back' if ending.clock < 0 else 'forward'} {abs(ending.clock):.0f} s"
        notes.append(
            f"the wall clock was {how} during the boot; the times shown here do not depend on it"
        )
    if ending.not_ready is not None:
        notes.append(ending.not_ready)
    if ending.refused is not None and not ending.not_accepted:
        notes.append(f"the trigger was rejected: {ending.refused}")
    why = "" if ending.started else unsound(seen, clock_moved=ending.clock_moved)
    if why:
        notes.append(why)
    if ending.oom_kills and ending.started:
        notes.append(f"{_processes(ending.oom_kills)} of it were OOM-killed")
    if ending.left_out and not _unknown(seen, ending):
        notes.append(f"after the proof {left_out_words(ending.left_out)}")
    if seen.strangers and not ending.started:
        notes.append(
            f"the stub was called {seen.strangers[0]:.1f} s after the trigger, but without this"
            " boot's token: the trigger's content did not reach the task"
        )
    return notes
