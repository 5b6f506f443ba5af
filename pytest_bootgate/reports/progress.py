"""How long a gate takes, in words: what to expect of it, and a line that is rewritten meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_bootgate.reports.amounts import count, limit, roughly
from pytest_bootgate.reports.queue import waiting_words

if TYPE_CHECKING:
    from pytest_bootgate.journal.history import History
    from pytest_bootgate.run import Progress

#: What a boot does just now, where that is no phase of the user's.
_DOING = {
    "prepare": "is prepared",
    "sidecar": "waits for its sidecar",
    "look ahead": "is looked at before its trigger",
    "marks": "showed its proof",
    "last look": "is looked at once more",
    "start": "starts",
    "settle": "settles",
    "health": "answers its health check",
    "reports": "may still be reported as failed",
    "afterwards": "must stay up",
    "end of run": "ends its run",
    "remove": "is removed",
}
_TO = "\N{EN DASH}"
#: An estimate is given in such steps, in seconds: nobody needs it to the second.
_STEP = 5


def expectation(known: History, well: tuple[int, float], budget: float) -> str:
    """How long a gate takes by its journal, and at most.

    `well` says how many boots it takes where all is well, and in how many seconds each of them
    would be started: all that is known before the first run.
    """
    most = f"at most {at_most(budget)}"
    if known.seconds is None:
        boots, seconds = well
        if not boots:
            return f"the first run shows how long it takes, {most}"
        each = "takes" if boots == 1 else "take"
        return (
            f"no earlier run to go by; if all is well, {count(boots, 'boot')} {each} less than"
            f" {roughly(seconds)} and their set-up; {most}, with every retry and limit used up"
        )
    runs = "the last run" if known.runs == 1 else f"{known.runs} runs"
    return f"expected about {roughly(known.seconds)} (from {runs}), {most}"


def at_most(seconds: float) -> str:
    """A longest duration, rounded up to a minute."""
    return roughly(max(1, -(-int(seconds) // 60)) * 60)


def progress_line(progress: Progress, width: int) -> str:
    """Which check, which boot of how many, what it does and for how long, cut to width."""
    most = max(width - 1, 20)
    if progress.waiting is not None:
        return f"bootgate: {waiting_words(progress.waiting, most - len('bootgate: '))}"[:most]
    number, of = progress.place
    head = f"[{number}/{of}] " if number else ""
    parts = [f"{head}{progress.target}", *_boot(progress), *_doing(progress), *_left(progress)]
    return " · ".join(parts)[:most]


def _boot(progress: Progress) -> list[str]:
    if not progress.most:
        return []
    least, most = progress.least, progress.most
    of = f"of {most}" if least == most else f"of {least}{_TO}{most}"
    noun = "pair" if progress.paired else "boot"
    if len(progress.beside) > 1:
        numbers = ", ".join(str(n) if n else "warm-up" for n in progress.beside)
        return [f"{noun}s {numbers} {of} on {len(progress.beside)} machines"]
    return [f"{noun} {progress.number} {of}" if progress.number else "warm-up"]


def _doing(progress: Progress) -> list[str]:
    """What one machine does; where several boot at once, each does something else."""
    if len(progress.beside) > 1 or not progress.release:
        return []
    release, doing = progress.release, progress.doing
    if progress.timeout is not None:
        at = max(0.0, progress.timeout - progress.left)
        return [f"{release} in {doing} {_clock(at)} of {limit(progress.timeout)}"]
    most = f", at most {roughly(progress.left)} more" if progress.left >= 1 else ""
    return [f"{release} {_DOING[doing]}{most}" if doing in _DOING else f"{release}: {doing}{most}"]


def _left(progress: Progress) -> list[str]:
    left = progress.expected
    if left is None:
        return []
    if left < 1:
        return ["longer than in earlier runs"]
    return [f"about {roughly(left if left < 2 * _STEP else round(left / _STEP) * _STEP)} left"]


def _clock(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 59.95 else roughly(seconds)
