"""Can the marks of a boot be believed: are they of one boot, and are their times known? Pure."""

from __future__ import annotations

from pytest_bootgate.gatefile.model import ACCEPTED
from pytest_bootgate.observe.observation import Observation
from pytest_bootgate.observe.phases import LAG, DisorderError


def unsound(seen: Observation, *, clock_moved: bool = False) -> str:
    """Why the marks are none of one boot, or their times not known; empty where all is well.

    Where the wall clock was moved, the times in lines say nothing.
    """
    if seen.standing:
        names = " and ".join(seen.standing)
        return f"the mark of {names} was there before the trigger, so it proves nothing"
    if seen.accepted_again is not None:
        first = seen.marks[ACCEPTED]
        return (
            f"the trigger was accepted twice ({first:.3f} s and {seen.accepted_again:.3f} s"
            " after it was sent): two runs, so marks cannot be attributed to one boot"
        )
    late = None if clock_moved else seen.stamps.late()
    if late is not None:
        return (
            f"marks were flushed late: by its own timestamp the line of {late[0]} was written"
            f" {late[1]:.2f} s before it arrived, so the end of its phase is unknown"
        )
    if (disorder := _disorder(seen)) is None:
        return ""
    waits = f" (the gate and the sidecar waited {seen.waited:.1f} s for a CPU meanwhile)"
    return f"{disorder}{waits if held_up(seen) else ''}"


def held_up(seen: Observation) -> float:
    """For how many seconds the observers waited for a CPU, if that may have disordered the marks.

    0 where the marks are in order, or came in a wrong one by more than these seconds.
    """
    disorder = _disorder(seen)
    explains = disorder is not None and not disorder.sure and disorder.by <= LAG + seen.waited
    return seen.waited if explains else 0.0


def _disorder(seen: Observation) -> DisorderError | None:
    try:
        seen.phases()
    except DisorderError as error:
        return error
    return None
