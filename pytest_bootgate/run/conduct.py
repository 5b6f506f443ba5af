"""Carry out a campaign: what it asks for is booted, and what came of it is given back to it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator
from dataclasses import replace
from typing import TypeVar

from pytest_bootgate.checks.campaign import Ask
from pytest_bootgate.engines.clock import REAL, Clock
from pytest_bootgate.records.machine import Machine
from pytest_bootgate.records.values import Boot
from pytest_bootgate.run.lanes import Lanes
from pytest_bootgate.run.onlooker import Onlooker
from pytest_bootgate.run.progress import Moment
from pytest_bootgate.stats.schedule import order

_T = TypeVar("_T")


def conduct(
    asking: Generator[Ask, Boot, _T],
    lanes: Lanes,
    watch: Callable[[Ask], Callable[[Moment], None]],
    *,
    looks: Collection[int] = (),
    pause: float = 0.0,
    onlooker: Onlooker,
    clock: Clock = REAL,
) -> tuple[_T, Machine]:
    """Boot until the campaign has what it wants; beside it what the machine was like.

    What is open on the `lanes` is closed in the end, however it comes. A boot whose machine went
    away is made again, with a note. `looks` are the pairs after which the campaign may end. A boot
    that timed out is tried again `pause` seconds after its gateway was removed; `watch` is told of
    the pause. `onlooker` looks at this machine meanwhile, `clock` is the engine's. Raises
    `BootgateError` where the gate cannot measure.
    """
    others: float | None = onlooker.begin()
    here = False
    told = 0
    try:
        ask = next(asking)
        while True:
            boot = lanes.boot(ask)
            boot = replace(boot, notes=(*boot.notes, *lanes.notes[told:]))
            told = len(lanes.notes)
            if ask.number in looks and ask.release == order(ask.number - 1)[1]:
                others = onlooker.look()
            # What only this machine's kernel knows of a boot says that it was here.
            here = here or boot.disk_read is not None
            if boot.disk_read is not None and not ask.warm_up:
                boot, others = replace(boot, others_busy=others), None
            last = ask
            try:
                ask = asking.send(boot)
            except StopIteration as stop:
                found: _T = stop.value
                return found, onlooker.machine(here=here)
            if ask.attempt > last.attempt:
                lanes.retried(boot, pause)
                watch(ask)(Moment("pause before the retry", pause))
                clock.sleep(pause)
    finally:
        lanes.close()
