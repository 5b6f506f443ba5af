"""The machines of a campaign: boots one by one on each, pairs ahead on those that are free.

A pair of boots stays on one machine. Threads make the boots where there are several machines; what
they have to tell is told by the thread of the campaign, in its order.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace

from pytest_bootgate.checks.attribution import BUSY
from pytest_bootgate.checks.campaign import Ask
from pytest_bootgate.engines.base import Engine
from pytest_bootgate.engines.machines import Held
from pytest_bootgate.errors import BootgateError, EngineError, ImageError, LostError
from pytest_bootgate.patience import by_main
from pytest_bootgate.records.boot_events import BootKey, Hear, RetryScheduled, Voice
from pytest_bootgate.records.events import Event
from pytest_bootgate.records.values import Boot
from pytest_bootgate.run.lost import Lost
from pytest_bootgate.run.meter import grown
from pytest_bootgate.run.pair import Pair
from pytest_bootgate.run.progress import Moment

#: How long boots may take to end that nobody wants any more.
_STOP = 10.0
#: How often a thread that waits for an answer looks whether anybody will give one.
_ANSWER = 1.0
#: The boots of one pair, or those that are thrown away, in their order.
Batch = Sequence[Ask]


#: Who is told of the moments of a boot.
Watch = Callable[[Ask], Callable[[Moment], None]]


#: Makes a pair of a release that is not open yet, on an engine; who hears of it is told its events.
Make = Callable[[Engine, str, Hear], Pair]


class _OverError(BootgateError):
    """The campaign is over, and this boot with it."""


class Lane:
    """One machine. Its gateways stay up for the next boot where starts are `warm`."""

    def __init__(self, engine: Engine, make: Callable[[str], Pair], *, warm: bool) -> None:
        self.engine = engine
        self._make, self._warm = make, warm
        self._up: dict[str, Pair] = {}
        #: What boots are called in events, by their `id`.
        self.keys: dict[str, BootKey] = {}
        #: Whether the boots were made that are thrown away.
        self.warmed = False

    def boot(
        self,
        batch: Batch,
        watch: Watch,
        after: Callable[[], None],
    ) -> list[Boot]:
        """Make boots up to one that did not start; `after` is called after each.

        Raises `BootgateError` where the gate cannot measure.
        """
        boots: list[Boot] = []
        for ask in batch:
            boots.append(self._one(ask, watch(ask)))
            after()
            if boots[-1].node != boots[0].node:
                raise LostError(f"{boots[0].node} went away between two boots of a pair")
            if not boots[-1].started:
                break
        return boots

    def _one(self, ask: Ask, watch: Callable[[Moment], None]) -> Boot:
        fresh = ask.release not in self._up
        pair = self._up[ask.release] if not fresh else self._make(ask.release)
        self._up[ask.release] = pair
        pair.watch = watch
        pair.begin(ask.number, ask.attempt)
        if fresh:
            watch(Moment("prepare", 0.0))
            pair.open()
        boot = self._measured(pair, ask)
        assert pair.told_as is not None
        self.keys[boot.id] = pair.told_as
        if not self._warm or not boot.started:
            watch(Moment("remove", 0.0))
            self._up.pop(ask.release).close()
        return replace(boot, node=self.engine.node)

    def _measured(self, pair: Pair, ask: Ask) -> Boot:
        """One boot of an open pair; what another one does that waits for its turn is on record."""
        clock = self.engine.clock
        waiting = [other for release, other in self._up.items() if release != ask.release]
        before, began = [other.cpu_seconds() for other in waiting], clock.now()
        boot = pair.boot(ask.number, warm_up=ask.warm_up)
        took = clock.now() - began
        each = [
            grown(other.cpu_seconds(), first) for other, first in zip(waiting, before, strict=True)
        ]
        used = [cpu for cpu in each if cpu is not None]
        return replace(boot, waiting_cores=sum(used) / took) if used and took else boot

    def close(self) -> None:
        """Remove what is up."""
        while self._up:
            self._up.popitem()[1].close()


class Lanes:
    """All lanes of a campaign; `watch` and `hear` are told of boots by whoever calls `boot`.

    `notes` say which boots were lost and which machines are left out. `after` is called after each
    boot where there is one machine.
    """

    def __init__(
        self,
        engines: Sequence[Engine],
        make: Make,
        watch: Watch,
        hear: Hear,
        *,
        warm: bool,
        after: Callable[[], None] = lambda: None,
    ) -> None:
        self._main, self._many = engines[0], len(engines) > 1
        self._watch, self._hear = watch, hear
        self._after = (lambda: None) if self._many else after
        self._lanes = [self._lane(engine, make, warm=warm) for engine in engines]
        self._told = self._main.waits
        for engine in engines if self._many else ():
            engine.waits = self._waits
        self._inbox: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._over = threading.Event()
        self._running: dict[Lane, Batch] = {}
        self._owners: dict[int, Lane] = {}
        #: The share of each machine that others used during its first boots.
        self._busy: dict[Lane, float] = {}
        self._made: dict[Ask, Boot] = {}
        self._thrown_away: Batch | None = None
        self._lost = Lost()
        self.notes: list[str] = []

    def _lane(self, engine: Engine, make: Make, *, warm: bool) -> Lane:
        return Lane(engine, lambda release: make(engine, release, self._tell), warm=warm)

    # -- what the campaign asks for --------------------------------------------------------

    def boot(self, ask: Ask) -> Boot:
        """The boot that is asked for, with what was made ahead. Raises `BootgateError`."""
        if self._thrown_away is None:
            self._thrown_away = [one for one in (ask, *ask.ahead) if one.warm_up]
        while ask not in self._made:
            self._hand_out(ask)
            self._inbox.get()()
        return self._made.pop(ask)

    def _hand_out(self, ask: Ask) -> None:
        """Give what is asked for, and what will be next, to machines that are free."""
        batches: dict[int, list[Ask]] = {}
        for one in (ask, *ask.ahead):
            batches.setdefault(one.number, []).append(one)
        running = {batch[0].number for batch in self._running.values()}
        for number, batch in batches.items():
            if number not in running and batch[0] not in self._made:
                free = [lane for lane in self._lanes if lane not in self._running]
                owner = self._owners.get(number)
                if owner is not None and owner in self._lanes:
                    free = [lane for lane in free if lane is owner]
                if free:
                    self._begin(free[0], batch)
            if not self._many:
                return

    def _begin(self, lane: Lane, batch: Batch) -> None:
        self._running[lane] = batch
        if self._many:
            name = f"bootgate boots on {lane.engine.node}"
            threading.Thread(
                target=self._carry_out, args=(lane, batch), name=name, daemon=True
            ).start()
        else:
            self._carry_out(lane, batch)

    def _carry_out(self, lane: Lane, batch: Batch) -> None:
        """In a thread of its own where there are several machines."""
        if self._many:
            by_main(self._ask)
        before: list[Boot] = []
        try:
            if batch[0].number and not lane.warmed and self._thrown_away:
                before = lane.boot(self._thrown_away, self._watcher, self._after)
                self._note_busy(lane, before)
            boots = [] if self._too_busy(lane) else lane.boot(batch, self._watcher, self._after)
        except BaseException as error:
            failed = error
            self._inbox.put(lambda: self._failed(lane, failed))
        else:
            self._inbox.put(lambda: self._ended(lane, batch, boots, before or boots))

    # -- what came of it -------------------------------------------------------------------

    def _ended(
        self, lane: Lane, batch: Batch, boots: Sequence[Boot], first: Sequence[Boot]
    ) -> None:
        del self._running[lane]
        for ask, boot in zip(batch, boots, strict=False):
            self._made[ask], self._owners[ask.number] = boot, lane
        if not lane.warmed:
            self._note_busy(lane, first)
        lane.warmed = True
        for idle in [one for one in self._lanes if one not in self._running]:
            if busy := self._too_busy(idle):
                self._leave_out(idle, f"others used {busy:.0%} of its CPUs")

    def _leave_out(self, lane: Lane, why: str) -> None:
        """Boot there no more."""
        self.notes.append(f"node {lane.engine.node} is left out: {why}")
        self._drop(lane)
        lane.engine.leave(shunned=True)

    def _note_busy(self, lane: Lane, boots: Sequence[Boot]) -> None:
        shares = [boot.others_busy for boot in boots if boot.others_busy is not None]
        if shares:
            self._busy[lane] = max(shares)

    def _too_busy(self, lane: Lane) -> float | None:
        """The share of a machine that others used, where that of another one is much less."""
        others = [self._busy[other] for other in self._lanes if other in self._busy]
        share = self._busy.get(lane, 0.0)
        return share if others and share - min(others) > BUSY else None

    def _failed(self, lane: Lane, error: BaseException) -> None:
        del self._running[lane]
        if isinstance(error, ImageError) and len(self._lanes) > 1:
            self._leave_out(lane, str(error).rstrip("."))
            return
        if not isinstance(error, LostError):
            raise error
        with suppress(EngineError):  # what cannot be removed now is when the run ends
            lane.close()
        self._lost.note(error)
        self.notes.append(self._lost.notes[-1])
        if len(self._lanes) > 1:
            self._drop(lane)

    def _drop(self, lane: Lane) -> None:
        self._lanes.remove(lane)
        with suppress(EngineError):
            lane.close()

    def retried(self, boot: Boot, pause: float) -> None:
        """A boot will be tried once more, `pause` seconds from now: tell so."""
        lane = self._owners[boot.number]
        voice = Voice(self._hear, lane.keys[boot.id], lane.engine.clock.wall)
        voice.say(RetryScheduled, pause=pause, reason=f"{boot.outcome}: {boot.detail}")

    def _ask(self, work: Callable[[], object]) -> object:
        """Let the thread of the campaign do some work, and wait for what comes of it."""
        answers: queue.SimpleQueue[tuple[object, Exception | None]] = queue.SimpleQueue()

        def do() -> None:
            try:
                answers.put((work(), None))
            except Exception as error:
                answers.put((None, error))

        self._inbox.put(do)
        while True:
            with suppress(queue.Empty):
                found, error = answers.get(timeout=_ANSWER)
                if error is not None:
                    raise error
                return found
            if self._over.is_set():
                raise _OverError("The campaign is over.")

    # -- what is told meanwhile ------------------------------------------------------------

    def _tell(self, event: Event) -> None:
        if self._many:
            self._inbox.put(lambda: self._hear(event))
        else:
            self._hear(event)

    def _waits(self, held: Sequence[Held], seconds: float) -> None:
        self._inbox.put(lambda: self._told(held, seconds))

    def _watcher(self, ask: Ask) -> Callable[[Moment], None]:
        watch = self._watch(ask)
        if not self._many:
            return watch

        def tell(moment: Moment) -> None:
            if self._over.is_set():
                raise _OverError("The campaign is over.")
            self._inbox.put(lambda: watch(moment))

        return tell

    # -- the end ---------------------------------------------------------------------------

    def close(self) -> None:
        """End what still runs, remove what is up, and give the other machines back."""
        self._over.set()
        until = time.monotonic() + _STOP
        while self._running and time.monotonic() < until:
            with suppress(BootgateError, queue.Empty):
                self._inbox.get(timeout=0.1)()
        for lane in self._lanes:
            if lane not in self._running:  # what still runs is removed with the run
                lane.close()
                if lane.engine is not self._main:
                    lane.engine.leave()
        while not self._inbox.empty():
            with suppress(BootgateError):
                self._inbox.get()()
        self._main.waits = self._told
