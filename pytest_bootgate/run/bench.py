"""What the checks of one run boot with: an engine, a turn on the machine, a state to start on."""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from pytest_bootgate.checks.campaign import Ask
from pytest_bootgate.engines.base import Engine
from pytest_bootgate.engines.machines import Held
from pytest_bootgate.gatefile.rules import UPGRADE
from pytest_bootgate.records.boot_events import Hear
from pytest_bootgate.records.check import CheckResult
from pytest_bootgate.records.jobs import Kept
from pytest_bootgate.records.machine import Machine
from pytest_bootgate.records.result import GateResult
from pytest_bootgate.records.values import Boot
from pytest_bootgate.run.check import AnyCheck
from pytest_bootgate.run.conduct import conduct
from pytest_bootgate.run.expected import Expected
from pytest_bootgate.run.lanes import Lanes
from pytest_bootgate.run.machinery import Machinery
from pytest_bootgate.run.pair import Pair
from pytest_bootgate.run.place import Place
from pytest_bootgate.run.plan import Plan
from pytest_bootgate.run.progress import Moment, Progress
from pytest_bootgate.run.turn import Waiting
from pytest_bootgate.run.upgrade import InPlace, Site

_T = TypeVar("_T")
#: A boot on one of several machines that was not heard of for so many seconds is not shown.
_HEARD = 3.0


@dataclass(frozen=True)
class Bench:
    """What the checks of a run share.

    `watch` is told how far a boot is, `hear` every event. `begin` is called before the first boot,
    `outcome` gives what was found so far, `carry_out` the result of another check of the run,
    `expected` how long all will take.
    """

    plan: Plan
    run: str
    machinery: Machinery
    place: Place
    watch: Callable[[Progress], None]
    hear: Hear
    begin: Callable[[], None]
    outcome: Callable[[], GateResult]
    carry_out: Callable[[AnyCheck], CheckResult]
    in_place: InPlace | None
    expected: Callable[[], Expected]

    def ready(self) -> Engine:
        """The engine, ready for boots; the run has begun."""
        engine, _ = self.machinery.engine()
        engine.waits = self._waits
        self.machinery.ready()
        self.begin()
        return engine

    def _waits(self, held: Sequence[Held], seconds: float) -> None:
        """It has to wait for a machine: the same for whoever watches as another gate here."""
        waiting = Waiting(seconds, 1 if held else 0, machines=held)
        self.place.note(waiting)
        self.watch(Progress("", "", "", 0, 0, 0, "", 0.0, waiting=waiting))

    def take_turn(self, check: AnyCheck) -> None:
        """Wait for the machine, unless this gate has it since an earlier boot.

        Where engines lease machines, this one is not what matters.
        """
        engine = self.machinery.ready()
        if engine.traits.leases:
            self.expected().begin(check, engine.clock.now())
            return

        def tell(waiting: Waiting) -> None:
            self.watch(Progress(check.name, check.profile, "", 0, 0, 0, "", 0.0, waiting=waiting))

        if self.place.take(tell):
            self.machinery.look()
        self.expected().begin(check, engine.clock.now())

    def conduct(
        self,
        check: AnyCheck,
        asking: Generator[Ask, Boot, _T],
        *,
        most: int = 0,
        warm: bool = False,
        looks: Collection[int] = (),
        pause: float = 0.0,
    ) -> tuple[_T, Machine]:
        """Boot the target of a check until its campaign has what it wants; beside it the machine.

        `most` boots are announced; the rest is said by `run.conduct.conduct`.
        """
        engine = self.ready()
        self.take_turn(check)
        state = self.state(check.profile)

        def make(on: Engine, release: str, hear: Hear) -> Pair:
            recipe = self.machinery.recipe(check.profile, check.target, release)
            pair = Pair(on, recipe, lambda _: None, state=state, hear=hear)
            pair.during = check.during
            return pair

        # No more machines than there are pairs before a campaign may end.
        engines = [engine, *engine.beside(min(looks, default=most) - 1)]
        spread: dict[int, float] | None = {} if len(engines) > 1 else None

        def watch(ask: Ask) -> Callable[[Moment], None]:
            return self.watcher(check, ask, (min(looks, default=most), most), spread)

        onlooker = self.machinery.onlooker()
        lanes = Lanes(engines, make, watch, self.hear, warm=warm, after=onlooker.glance)
        return conduct(
            asking, lanes, watch, looks=looks, pause=pause, onlooker=onlooker, clock=engine.clock
        )

    def watcher(
        self,
        check: AnyCheck,
        ask: Ask,
        boots: tuple[int, int] = (0, 0),
        spread: dict[int, float] | None = None,
    ) -> Callable[[Moment], None]:
        """Who is told of the moments of a boot, of at least and at most so many.

        `spread` is where it is noted when each number was last heard of, if machines boot at once.
        """
        expected, clock = self.expected(), self.ready().clock
        paired = check.of_target and len(self.plan.releases) > 1

        def tell(moment: Moment) -> None:
            now = clock.now()
            beside: tuple[int, ...] = ()
            if spread is not None:
                spread[ask.number] = now
                beside = tuple(sorted(n for n, at in spread.items() if now - at < _HEARD))
            self.watch(
                Progress(
                    self.plan.label(check.profile, check.name),
                    check.profile,
                    ask.release,
                    ask.number,
                    *boots,
                    moment.doing,
                    moment.left,
                    moment.timeout,
                    paired=paired,
                    place=expected.place(check),
                    expected=expected.left(now),
                    beside=beside,
                )
            )

        return tell

    def site(self, profile: str) -> Site:
        """Where an upgrade in place happens."""
        check = self.plan.check(UPGRADE, profile, UPGRADE)

        def tell(release: str, moment: Moment) -> None:
            self.watcher(check, Ask(release, 0))(moment)

        return Site(self.ready(), profile, tell)

    def state(self, profile: str) -> Kept | None:
        """What a boot starts on: a copy of the baseline's state or of a given one, or nothing."""
        source = self.machinery.source(profile)
        if self.in_place is None:
            return source
        archive = self.in_place.base(self.site(profile)).archive
        return Kept(archive, redacted="" if source is None else source.redacted)

    def leave(self) -> None:
        """Let the next gate have the machine; the next boot waits for one."""
        self.place.leave()
        self.machinery.leave()

    def close(self) -> None:
        """Remove all that is left of the run, and let the next gate on this machine boot."""
        if self.in_place is not None:
            self.in_place.close()
        self.machinery.close()
        self.place.leave()
