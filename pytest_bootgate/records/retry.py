"""Boots that are tried once more: which of them are forgiven, and what is said of them.

A boot timeout may pass by itself, so it gets another attempt, and every report names both. So does
a boot of which the gate saw too little because it stood still itself. No other outcome is
retried: a crash or a lie does not become better by trying again.
"""

from __future__ import annotations

from collections.abc import Sequence

from pytest_bootgate.records.values import Boot

#: How many boots of the candidate are repeated in one campaign because the gate stood still.
STALL_REPEATS = 2


def unseen(boots: Sequence[Boot]) -> tuple[Boot, ...]:
    """The candidate's boots that the gate did not see because it or its engine stood still."""
    return tuple(b for b in boots if b.release == "candidate" and b.stalled)


def repeated_unseen(boots: Sequence[Boot]) -> tuple[Boot, ...]:
    """Those of `unseen` that were repeated, however that ended."""
    made = [(b.release, b.number, b.attempt) for b in boots]
    return tuple(b for b in unseen(boots) if (b.release, b.number, b.attempt + 1) in made)


def timeouts(boots: Sequence[Boot], release: str) -> tuple[Boot, ...]:
    """The boots of a release that timed out, in their order."""
    return tuple(b for b in boots if b.release == release and b.traits.retried)


def started_later(boots: Sequence[Boot]) -> tuple[Boot, ...]:
    """The boots that failed and started when tried again; `boots` in the order they ran."""
    found = []
    for place, boot in enumerate(boots):
        same = (boot.release, boot.number)
        after = any((b.release, b.number) == same and b.started for b in boots[place + 1 :])
        if not boot.started and after:
            found.append(boot)
    return tuple(found)


def forgiven(boots: Sequence[Boot], release: str, retries: int) -> bool:
    """Whether a release timed out no more often than it may, and started each time it was retried.

    Also where it never timed out.
    """
    late, again = timeouts(boots, release), started_later(boots)
    return len(late) <= retries and all(boot in again for boot in late)


def made(boots: Sequence[Boot]) -> str:
    """How many boots these are, and whether warm-ups are among them: ``6 boots``."""
    beside = " (warm-ups included)" if len({boot.warm_up for boot in boots}) > 1 else ""
    return f"{len(boots)} boot{'s' * (len(boots) != 1)}{beside}"


def words(boots: Sequence[Boot], release: str) -> str:
    """How many of a release's boots timed out: ``1 of 2 boots timed out``, attempts counted."""
    tried = [boot for boot in boots if boot.release == release]
    return f"{len(timeouts(boots, release))} of {made(tried)} timed out"


def which(boot: Boot) -> str:
    """A boot in words: ``the warm-up boot``, ``boot 3``."""
    return "the warm-up boot" if boot.warm_up else f"boot {boot.number}"


def timed_out(boot: Boot) -> str:
    """Which boot, in which phase, and how: ``boot 3 in phase setup: no proof within 60 s``."""
    phase = f" in phase {boot.ended_in}" if boot.ended_in else ""
    return f"{which(boot)}{phase}" + (f": {boot.detail}" if boot.detail else "")
