"""Words for waiting: which gate has the machine, the place in the queue, for how long so far."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_bootgate.reports.amounts import ordinal, roughly
from pytest_bootgate.reports.clean import one_line

if TYPE_CHECKING:
    from pytest_bootgate.engines.machines import Held
    from pytest_bootgate.run.turn import Holder, Waiting

#: Seconds: waiting that is over sooner is not worth a word.
WORTH_SAYING = 1.0
#: Seconds between two lines in a log.
_EVERY = 60.0


def holder_words(holder: Holder) -> str:
    """The gate file, and in brackets its user, its process, and since when it boots."""
    parts = [f"user {holder.user}", f"pid {holder.pid}"]
    if holder.stopped:
        parts.append(f"stopped: continue it with `kill -CONT {holder.pid}`, or end it")
    if holder.booting is not None:
        parts.append(f"booting for {roughly(holder.booting)}")
    return one_line(f"{holder.file or 'gate file unknown'} ({', '.join(parts)})")


def held_words(held: Held) -> str:
    """A machine, and in brackets the run that has it, who started that, and since when it boots."""
    parts = [f"run {held.run or 'unknown'}"]
    if held.user:
        parts.append(f"of {held.user}")
    if held.booting is not None:
        parts.append(f"for {roughly(held.booting)}")
    return one_line(f"{held.machine} ({' '.join(parts)})")


def waiting_words(waiting: Waiting, most: int | None = None) -> str:
    """For whom a gate waits, its place, and for how long so far.

    Where that is longer than `most` characters, what matters most comes first.
    """
    if waiting.machines:
        nodes = ", ".join(held_words(held) for held in waiting.machines)
        return f"waiting for a node{_so_far(waiting)}: other gates have {nodes}"
    place = f"{ordinal(waiting.place)} in the queue"
    so_far = _so_far(waiting)
    holder = holder_words(waiting.holder) if waiting.holder is not None else "unknown"
    text = f"waiting for another gate on this machine: {holder}, {place}{so_far}"
    if most is None or len(text) <= most:
        return text
    return f"waiting, {place}{so_far}, for {holder}"


def _so_far(waiting: Waiting) -> str:
    return f", {roughly(waiting.seconds)} so far" if waiting.seconds >= WORTH_SAYING else ""


def waited_words(seconds: float) -> str | None:
    """For how long a gate has waited; None where that is not worth a word."""
    return f"waited {roughly(seconds)} for another gate" if seconds >= WORTH_SAYING else None


class WaitingLog:
    """What a log says of waiting: when it begins, every minute, and when it is over."""

    def __init__(self) -> None:
        self._next = 0.0

    def line(self, waiting: Waiting) -> str | None:
        """The line for what is known just now; None where there is nothing to be said."""
        if not waiting.place:
            self._next = 0.0
            return f"bootgate: waited {roughly(waiting.seconds)}; this gate runs now"
        if waiting.seconds < self._next:
            return None
        self._next = waiting.seconds + _EVERY
        return f"bootgate: {waiting_words(waiting)}"
