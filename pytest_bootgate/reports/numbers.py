"""What the boots of a target add up to: computed here, once, for every report and table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from pytest_bootgate.records.result import TargetResult
from pytest_bootgate.records.values import Boot
from pytest_bootgate.records.verdict import WHOLE
from pytest_bootgate.reports.amounts import NONE
from pytest_bootgate.reports.story import failed_boot

#: What tables say where nothing was measured that should have been, and of boots as a whole.
NEVER, WHOLE_BOOT = "never", "whole boot"


@dataclass(frozen=True, slots=True)
class Took:
    """How long some boots (at least one) took, as a whole or in a phase, in seconds."""

    boots: int
    fastest: float
    median: float
    slowest: float


@dataclass(frozen=True, slots=True)
class Row:
    """One thing that is timed; for each side what it took there, or the word for nothing."""

    name: str
    cells: tuple[Took | str, ...]


def phases(result: TargetResult) -> list[str]:
    """The names of a target's phases, in their order."""
    return list(
        dict.fromkeys([*result.rules.phases, *(p.name for b in result.boots for p in b.phases)])
    )


def times(boots: Sequence[Boot], subject: str) -> list[float]:
    """How many seconds each boot took, as a whole or for a phase, where that was measured."""
    if subject == WHOLE:
        return values(boots, "seconds")
    found = [boot.phase(subject) for boot in boots]
    return [phase.seconds for phase in found if phase is not None and phase.seconds is not None]


def compared(result: TargetResult, release: str) -> tuple[list[float], str]:
    """How many seconds the boots of a release took, as they were compared, and the word for it."""
    judged = result.judgement
    net = judged is not None and judged.regression is not None and judged.regression.net
    made = [boot for boot in result.of(release) if boot.started]
    return values(made, "net_seconds" if net else "seconds"), " net of neighbours" * net


def values(boots: Sequence[Boot], field: str) -> list[float]:
    """A field of boots, where it was measured."""
    return [value for boot in boots if (value := getattr(boot, field)) is not None]


def took(seconds: Sequence[float]) -> Took | None:
    """What durations add up to; None where there are none."""
    if not seconds:
        return None
    return Took(len(seconds), min(seconds), median(seconds), max(seconds))


def table(*sides: Sequence[Boot]) -> Iterator[Row]:
    """All phases of some boots, and what is known of these boots as a whole, side by side.

    `NEVER` stands for a phase that boots were to show and none did.
    """
    boots = [boot for side in sides for boot in side]
    for name in dict.fromkeys(phase.name for boot in boots for phase in boot.phases):
        cells = []
        for side in sides:
            known = any(boot.phase(name) is not None for boot in side)
            cells.append(took(times(side, name)) or (NEVER if known else NONE))
        yield Row(name, tuple(cells))
    for name, field in whole(boots).items():
        missing = NEVER if field == "seconds" else NONE
        yield Row(name, tuple(took(values(side, field)) or missing for side in sides))


def whole(boots: Sequence[Boot]) -> dict[str, str]:
    """What a table says of whole boots: the fields of a boot, by title.

    Waiting for a CPU is left out where no boot waited for a noticeable time.
    """
    found = {WHOLE_BOOT: "seconds", "cpu time": "cpu_seconds"}
    if any(boot.waited for boot in boots):
        found |= {"waited for a CPU": "run_delay", "net of neighbours": "net_seconds"}
    return found | ({"gateway ready": "ready"} if values(boots, "ready") else {})


def stages(boots: Sequence[Boot]) -> dict[tuple[str, str | None], float]:
    """The median of each self-reported stage by its name and phase, the longest first."""
    found: dict[tuple[str, str | None], list[float]] = {}
    for boot in boots:
        for stage in boot.stages:
            found.setdefault((f"{stage.source} {stage.name}", stage.phase), []).append(
                stage.seconds
            )
    medians = {key: median(seconds) for key, seconds in found.items()}
    return dict(sorted(medians.items(), key=lambda one: -one[1]))


def used(result: TargetResult, release: str = "candidate") -> float | None:
    """The share of its timeout that a target's slowest boot used.

    All of it where one ran into the timeout; None where one ended in another way, or none started.
    """
    failed = failed_boot(result, release)
    if failed is not None:
        return 1.0 if failed.traits.waited_out else None
    found = took(times(result.of(release), WHOLE))
    return found.slowest / result.rules.timeout if found is not None else None


def outcomes(boots: Sequence[Boot]) -> dict[str, int]:
    """How many boots ended in which way, in the order in which these came up."""
    words = [boot.outcome for boot in boots]
    return {word: words.count(word) for word in dict.fromkeys(words)}


def outcome_words(boots: Sequence[Boot]) -> str:
    """The same as words: ``4 started, 1 timed_out``."""
    return ", ".join(f"{number} {word}" for word, number in outcomes(boots).items()) or "no boot"


def longest_phase(result: TargetResult) -> tuple[str, float] | None:
    """The candidate's phase with the longest median, and that."""
    boots = result.of("candidate")
    found = {name: one for name in phases(result) if (one := took(times(boots, name)))}
    name = max(found, key=lambda name: found[name].median, default=None)
    return None if name is None else (name, found[name].median)
