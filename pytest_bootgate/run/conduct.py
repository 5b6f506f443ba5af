"""Carry out a campaign: what it asks for is booted, and what came of it is given back to it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import TypeVar

from pytest_bootgate.checks.campaign import Ask
from pytest_bootgate.engines.clock import REAL, Clock
from pytest_bootgate.errors import EngineError, LostError
from pytest_bootgate.records.machine import Machine
from pytest_bootgate.records.values import Boot
from pytest_bootgate.run.meter import grown
from pytest_bootgate.run.onlooker import Onlooker
from pytest_bootgate.run.pair import Pair
from pytest_bootgate.run.progress import Moment
from pytest_bootgate.stats.schedule import order

_T = TypeVar("_T")
#: So many boots of a campaign may be lost with the machine or the network that they were on.
MOST_LOST = 3


def conduct(
    asking: Generator[Ask, Boot, _T],
    make: Callable[[str], Pair],
    watch: Callable[[Ask], Callable[[Moment], None]],
    *,
    warm: bool,
    looks: Collection[int] = (),
    pause: float = 0.0,
    onlooker: Onlooker,
    clock: Clock = REAL,
) -> tuple[_T, Machine]:
    """Boot until the campaign has what it wants; beside it what the machine was like.

    `make` gives a pair of a release that is not open yet, `watch` what a pair tells of its moments
    during a boot. Pairs stay open for the next boot where starts are `warm`; all are closed in the
    end, however it comes. A boot whose machine went away is made again, with a note, at most
    `MOST_LOST` times. `looks` are the pairs after which the campaign may end. A boot that timed
    out is tried again `pause` seconds after its gateway was removed. `onlooker` looks
    at the machine meanwhile, `clock` is the engine's. Raises `BootgateError` where the gate cannot
    measure.
    """
    up: dict[str, Pair] = {}
    others: float | None = onlooker.begin()
    here = False
    lost: list[str] = []
    told = 0
    try:
        ask = next(asking)
        while True:
            fresh = ask.release not in up
            pair = up[ask.release] if not fresh else make(ask.release)
            up[ask.release] = pair
            pair.watch = watch(ask)
            pair.begin(ask.number, ask.attempt)
            try:
                if fresh:
                    pair.open()
                boot = _boot(up, ask, clock)
            except LostError as error:
                lost.append(str(error))
                with suppress(EngineError):  # what cannot be removed now is when the run ends
                    up.pop(ask.release).close()
                if len(lost) > MOST_LOST:
                    raise EngineError(
                        f"{len(lost)} boots were lost, none of them by the fault of a release:"
                        f" {'; '.join(lost)}. Correct the cause, then rerun."
                    ) from error
                continue
            again = tuple(f"a boot was lost and repeated: {why}" for why in lost[told:])
            boot, told = replace(boot, notes=(*boot.notes, *again)), len(lost)
            if not warm or not boot.started:
                up.pop(ask.release).close()
            if ask.number in looks and ask.release == order(ask.number - 1)[1]:
                others = onlooker.look()
            else:
                onlooker.glance()
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
                pair.retried(pause, f"{boot.outcome}: {boot.detail}")
                watch(ask)(Moment("pause before the retry", pause))
                clock.sleep(pause)
    finally:
        for pair in up.values():
            pair.close()


def _boot(up: Mapping[str, Pair], ask: Ask, clock: Clock) -> Boot:
    """One boot of an open pair; what another one does that waits for its turn is on record."""
    waiting = [pair for release, pair in up.items() if release != ask.release]
    before, began = [pair.cpu_seconds() for pair in waiting], clock.now()
    boot = up[ask.release].boot(ask.number, warm_up=ask.warm_up)
    took = clock.now() - began
    each = [
        grown(pair.cpu_seconds(), at_first) for pair, at_first in zip(waiting, before, strict=True)
    ]
    used = [cpu for cpu in each if cpu is not None]
    return replace(boot, waiting_cores=sum(used) / took) if used and took else boot
