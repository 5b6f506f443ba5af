"""The propagation test: one boot of the candidate, held on purpose, in a pair of its own."""

from __future__ import annotations

from collections.abc import Callable

from pytest_bootgate.engines.base import Engine
from pytest_bootgate.gatefile.model import Propagation, Target
from pytest_bootgate.records.boot_events import Hear
from pytest_bootgate.records.jobs import Kept
from pytest_bootgate.records.stall import Stall, hold_until
from pytest_bootgate.run.hold import HeldPair
from pytest_bootgate.run.opened import Moment
from pytest_bootgate.run.recipe import Recipe


def stall(
    engine: Engine,
    recipe: Recipe,
    watch: Callable[[Moment], None],
    state: Kept | None,
    hear: Hear,
) -> Stall:
    """Hold a boot of a recipe's target as its `propagation` says; `state` is what it starts on.

    Raises `BootgateError` where the gate cannot measure.
    """
    pair = HeldPair(engine, recipe, watch, state=state, hear=hear)
    try:
        return pair.hold()
    finally:
        pair.close()


def propagation_budget(target: Target, propagation: Propagation) -> float:
    """The seconds that a held boot may take at the very most, once its gateway is ready."""
    timeout = float(propagation.timeout or target.timeout)
    first_word = max(float(propagation.listen or timeout), float(target.listen))
    return (
        hold_until(propagation, timeout) + (propagation.after or 0.0) + first_word + target.listen
    )
