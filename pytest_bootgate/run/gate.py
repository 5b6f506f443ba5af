"""One gate file under gate: what is asked of it is booted once, judged, told and kept."""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from pytest_bootgate import __version__
from pytest_bootgate.checks.campaign import Ask, campaign
from pytest_bootgate.checks.host import weigh
from pytest_bootgate.checks.propagation import judge_propagation
from pytest_bootgate.checks.upgrade import judge_upgrade
from pytest_bootgate.engines.base import Engine
from pytest_bootgate.engines.clock import REAL
from pytest_bootgate.engines.confine import beyond
from pytest_bootgate.errors import BootgateError, in_words
from pytest_bootgate.gatefile import Loaded
from pytest_bootgate.gatefile.digest import measures
from pytest_bootgate.gatefile.propagation_rules import PROPAGATION
from pytest_bootgate.gatefile.quantities import Boots
from pytest_bootgate.gatefile.rules import UPGRADE
from pytest_bootgate.records.events import (
    BootBegan,
    Event,
    Hear,
    HostWarned,
    RunBegan,
    RunEnded,
    VerdictGiven,
    ignore,
)
from pytest_bootgate.records.jobs import Kept
from pytest_bootgate.records.machine import Machine
from pytest_bootgate.records.result import (
    SCHEMA,
    GateResult,
    PropagationResult,
    ReleaseFacts,
    TargetResult,
    Unjudged,
    UpgradeResult,
)
from pytest_bootgate.records.values import Boot
from pytest_bootgate.records.verdict import WHOLE, Finding, Judgement, Rules
from pytest_bootgate.run.conduct import conduct
from pytest_bootgate.run.machinery import Machinery
from pytest_bootgate.run.opened import Moment
from pytest_bootgate.run.pair import Pair
from pytest_bootgate.run.place import Place
from pytest_bootgate.run.plan import Plan
from pytest_bootgate.run.progress import Progress
from pytest_bootgate.run.propagation import stall
from pytest_bootgate.run.upgrade import InPlace, Site


class Gate:
    """One gate file under gate. Results are kept: a target is never booted twice in a run.

    `wanted_engine` is ``auto``, ``docker`` or ``process``; `boots` and `profiles` are those of
    `Plan`. `hear` is told every event of the run as it happens; where it raises `BootgateError`,
    nothing boots any more and the run is an `error`. `machinery` is for tests: with what the run
    boots, instead of an engine by its name. Raises `BootgateError` as `Plan` does.
    """

    def __init__(
        self,
        loaded: Loaded,
        *,
        wanted_engine: str = "auto",
        boots: Boots | None = None,
        profiles: Sequence[str] = (),
        watch: Callable[[Progress], None] = lambda _: None,
        hear: Hear = ignore,
        machinery: Callable[[Plan, str], Machinery] | None = None,
    ) -> None:
        self.plan = Plan(loaded, boots=boots, profiles=profiles)
        self.run = secrets.token_hex(6)
        self.watch, self._listener = watch, hear
        make = machinery or (lambda plan, run: Machinery(plan, run, wanted_engine))
        self._machinery = make(self.plan, self.run)
        self._in_place = self._upgrade_in_place()
        self._at = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
        self._results: dict[tuple[str, str], TargetResult] = {}
        self._upgrades: dict[str, UpgradeResult] = {}
        self._propagations: dict[tuple[str, str], PropagationResult] = {}
        self._shown: set[tuple[str, str, str]] = set()
        self._unheard: BootgateError | None = None
        self._told_begin = self._told_end = False
        self._place = Place(loaded.path)
        #: Why the run must not pass with what it left unjudged; whoever runs the gate says so.
        self.error: str | None = None

    def engine(self) -> tuple[Engine, str]:
        """The engine, and why this one. Raises `EngineError`, each time again."""
        return self._machinery.engine()

    # -- doing it --------------------------------------------------------------------------

    def result(self, profile: str, target: str) -> TargetResult:
        """Boot and judge one target on one profile, or recall what was found."""
        key = (profile, target)
        if key not in self._results:
            try:
                self._results[key] = self._gate(profile, target)
            except (BootgateError, OSError) as error:
                self._results[key] = self._found(profile, target, error=in_words(error))
            except BaseException:
                # Interrupted or timed out by pytest: not measured, and not to be tried again.
                why = self._place.interrupted(f"The boots of {target} were")
                self._results[key] = self._found(profile, target, error=why)
                raise
            finally:
                self._tell(target, self._results[key])
            if self.unheard is not None and self._results[key].error is None:
                self._results[key] = replace(self._results[key], error=self.unheard)
        return self._results[key]

    def upgrade(self, profile: str) -> UpgradeResult:
        """Let the candidate take over the baseline's state, or recall what came of it."""
        if profile not in self._upgrades:
            assert self._in_place is not None
            try:
                engine = self._ready()
                self._take_turn(UPGRADE, profile)
                seen = self._in_place.upgrade(self._site(engine, profile))
                found = UpgradeResult(profile, seen, judge_upgrade(seen))
            except (BootgateError, OSError) as error:
                found = UpgradeResult(profile, error=in_words(error))
            except BaseException:
                why = self._place.interrupted("The upgrade in place was")
                found = UpgradeResult(profile, error=why)
                raise
            finally:
                found = self.plan.loaded.mask.value(found)
                self._upgrades[profile] = found
                self._tell(UPGRADE, found)
            if self.unheard is not None and found.error is None:
                self._upgrades[profile] = replace(found, error=self.unheard)
        return self._upgrades[profile]

    def propagation(self, profile: str, target: str) -> PropagationResult:
        """Hold a boot of the candidate beyond its timeout, or recall who was told."""
        key, name = (profile, target), f"{target}::{PROPAGATION}"
        if key not in self._propagations:
            try:
                engine = self._ready()
                self._take_turn(name, profile)
                recipe = self._machinery.recipe(profile, target, "candidate")
                state = self._state(engine, profile)
                watch = self._watcher(profile, name, Ask("candidate", 0), 0)
                seen = stall(engine, recipe, watch, state, self._hear)
                found = PropagationResult(target, profile, seen, judge_propagation(seen))
            except (BootgateError, OSError) as error:
                found = PropagationResult(target, profile, error=in_words(error))
            except BaseException:
                why = self._place.interrupted(f"The propagation test of {target} was")
                found = PropagationResult(target, profile, error=why)
                raise
            finally:
                found = self.plan.loaded.mask.value(found)
                self._propagations[key] = found
                self._tell(name, found)
        return self._propagations[key]

    def known(self, profile: str, target: str) -> TargetResult | None:
        """What was found of a target, without booting it."""
        return self._results.get((profile, target))

    def _ready(self) -> Engine:
        """The engine, ready for boots; the run has begun."""
        engine = self._machinery.ready()
        self._begin()
        return engine

    def _take_turn(self, name: str, profile: str) -> None:
        """Wait for the machine, unless this gate has it since an earlier boot."""
        if self._place.take(lambda w: self.watch(Progress(name, profile, "", 0, 0, "", 0.0, w))):
            self._machinery.look()

    def leave(self) -> None:
        """Let the next gate on this machine have its turn; the next boot here waits for one."""
        self._place.leave()

    def _gate(self, profile: str, target: str) -> TargetResult:
        unsupported = self.plan.unsupported(target)
        if (reason := unsupported["candidate"]) is not None:
            return self._found(profile, target, left_out=reason)
        releases = [name for name, reason in unsupported.items() if reason is None]
        notes = [
            f"the {n} does not have this target: {r}"
            for n, r in unsupported.items()
            if r is not None
        ]
        engine, rules = self._ready(), self.plan.rules(profile, target)
        notes += self._machinery.cleaned_up()
        if engine.traits.images and self.plan.file.sidecar.image == "release":
            notes.append("the sidecar runs in the release's image and uses its Python")
        before: tuple[Boot, ...] = ()
        if self.plan.recorded is not None:
            same_image = self.plan.file.gate.allow == "same-image"
            self.plan.recorded.check(self.outcome(), profile, target, same_image=same_image)
            before = self.plan.recorded.boots(profile, target)
        self._take_turn(target, profile)
        judgement, boots, machine = self._campaign(engine, profile, target, releases, rules, before)
        judgement = weigh(judgement, boots, rules, self._machinery.machine, machine)
        if judgement.host:
            text = judgement.host
            self._hear(
                HostWarned(
                    run=self.run, wall=REAL.wall(), profile=profile, target=target, text=text
                )
            )
        return self._found(
            profile, target, boots=boots, judgement=judgement, notes=tuple(notes), machine=machine
        )

    def _found(self, profile: str, target: str, **found: Any) -> TargetResult:
        runs_as = self.plan.file.targets[target].extends or target
        result = TargetResult(target, profile, runs_as, self.plan.rules(profile, target), **found)
        return self.plan.loaded.mask.value(result)

    def _campaign(
        self,
        engine: Engine,
        profile: str,
        target: str,
        releases: list[str],
        rules: Rules,
        before: Sequence[Boot],
    ) -> tuple[Judgement, tuple[Boot, ...], Machine]:
        warm = self.plan.file.targets[target].start == "warm"
        state = self._state(engine, profile)

        def make(release: str) -> Pair:
            recipe = self._machinery.recipe(profile, target, release)
            return Pair(engine, recipe, lambda _: None, state=state, hear=self._hear)

        return conduct(
            campaign(releases, rules, warm=warm, recorded=before),
            make,
            lambda ask: self._watcher(profile, target, ask, rules.most),
            warm=warm,
            looks=rules.plan.looks,
            pause=rules.retry_pause,
            onlooker=self._machinery.onlooker(),
            clock=engine.clock,
        )

    def _upgrade_in_place(self) -> InPlace | None:
        if not self.plan.in_place:
            return None
        unsupported = {
            target: tuple(n for n, why in self.plan.unsupported(target).items() if why is not None)
            for target in self.plan.file.targets
        }
        recipe = self._machinery.recipe
        return InPlace(self.plan.file, self.run, recipe, unsupported, self._hear)

    def _site(self, engine: Engine, profile: str) -> Site:
        def tell(release: str, moment: Moment) -> None:
            self.watch(Progress(UPGRADE, profile, release, 0, 0, moment.doing, moment.left))

        return Site(engine, profile, tell)

    def _state(self, engine: Engine, profile: str) -> Kept | None:
        """What a boot starts on: a copy of the baseline's state, or nothing."""
        if self._in_place is None:
            return None
        return Kept(self._in_place.base(self._site(engine, profile)).archive)

    # -- telling it ------------------------------------------------------------------------

    def _hear(self, event: Event) -> None:
        """Tell an event. Nothing boots any more once somebody who must hear could not.

        That is raised where a boot begins; in the midst of one, or while a pair is being closed, it
        would leave things behind.
        """
        try:
            self._listener(self.plan.loaded.mask.value(event))
        except BootgateError as error:
            self._unheard = self._unheard or error
        if self._unheard is not None and isinstance(event, BootBegan):
            raise self._unheard

    @property
    def unheard(self) -> str | None:
        """Why not all events of this run were heard; None where they were."""
        return None if self._unheard is None else str(self._unheard)

    def _begin(self) -> None:
        """Tell that the run begins, once, before anything else of it is told."""
        if not self._told_begin:
            self._told_begin = True
            self._hear(RunBegan(run=self.run, wall=REAL.wall(), result=self.outcome()))

    def _tell(self, name: str, found: TargetResult | UpgradeResult | PropagationResult) -> None:
        """Tell a verdict, under the name of what was judged."""
        self._begin()
        findings: tuple[Finding, ...] = ()
        if not isinstance(found, TargetResult):
            findings = found.findings
        elif found.judgement is not None:
            findings = found.judgement.findings
        event = VerdictGiven(
            run=self.run,
            wall=REAL.wall(),
            profile=found.profile,
            target=name,
            verdict=found.verdict,
            findings=findings,
            error=found.error,
        )
        self._hear(event)

    def _watcher(self, profile: str, target: str, ask: Ask, most: int) -> Callable[[Moment], None]:
        def tell(moment: Moment) -> None:
            self.watch(
                Progress(target, profile, ask.release, ask.number, most, moment.doing, moment.left)
            )

        return tell

    # -- afterwards ------------------------------------------------------------------------

    def note_shown(self, profile: str, target: str, item: str = WHOLE) -> None:
        """Note that somebody was shown a verdict. Booted alone is not judged."""
        self._shown.add((profile, target, item))

    @property
    def unjudged(self) -> tuple[Unjudged, ...]:
        """Every verdict that the gate file asks for and that nobody was shown so far."""
        return tuple(
            Unjudged(target, profile, item, booted=self._booted(profile, target, item))
            for profile, target, item in self.plan.asked()
            if (profile, target, item) not in self._shown
        )

    def _booted(self, profile: str, target: str, item: str) -> bool:
        if target == UPGRADE:
            return profile in self._upgrades
        return (profile, target) in (self._propagations if item == PROPAGATION else self._results)

    @property
    def tried(self) -> bool:
        """Whether anything was booted so far, or tried to be."""
        return bool(self._results or self._upgrades or self._propagations)

    def outcome(self) -> GateResult:
        """Everything found so far."""
        plan = self.plan
        result = GateResult(
            schema=SCHEMA,
            file=str(plan.loaded.path),
            at=self._at,
            bootgate=__version__,
            run=self.run,
            engine=self._machinery.version,
            why_engine=self._machinery.why,
            machine=self._machinery.machine,
            releases=self._all_facts(),
            measures=measures(plan.loaded),
            targets=tuple(self._results[key] for key in plan.pairs if key in self._results),
            upgrades=tuple(self._upgrades[h] for h in plan.profile_names if h in self._upgrades),
            propagations=tuple(
                self._propagations[key] for key in plan.pairs if key in self._propagations
            ),
            unjudged=self.unjudged,
            error=self.error,
            lines=dict(self._lines()),
            waited=self._place.waited,
            engine_name=self._machinery.name,
            profiles=tuple(plan.profiles),
        )
        return plan.loaded.mask.value(result)

    def _lines(self) -> Iterator[tuple[str, int]]:
        loaded = self.plan.loaded
        yield UPGRADE, loaded.line("upgrade")
        for name, target in self.plan.file.targets.items():
            yield name, loaded.line("targets", name)
            for phase in target.phases:
                yield f"{name}::{phase}", loaded.line("targets", name, "phases", phase)
            if target.propagation is not None:
                yield f"{name}::{PROPAGATION}", loaded.line("targets", name, PROPAGATION)

    def _all_facts(self) -> dict[str, ReleaseFacts]:
        booted = {name: self._facts(name) for name in self.plan.releases}
        recorded = self.plan.recorded
        return booted if recorded is None else {"baseline": recorded.facts, **booted}

    def _facts(self, name: str) -> ReleaseFacts:
        release = self.plan.releases[name]
        said = [
            boot.version
            for result in self._results.values()
            for boot in result.boots
            if boot.release == name and boot.version
        ]
        held = [s.stall.boot for s in self._propagations.values() if s.stall is not None]
        said += [boot.version for boot in held if boot.release == name and boot.version]
        starts = [t.upgrade for t in self._upgrades.values() if t.upgrade is not None]
        for seen in starts:
            start = seen.baseline if name == "baseline" else seen.first
            said += [start.version] if start.version else []
        version = said[0] if said else release.version
        identity = self._machinery.identities.get(name)
        if not self._machinery.images:
            return ReleaseFacts(None, identity, version)
        granted = beyond(self.plan.file.gateway.needs)
        return ReleaseFacts(release.image, identity, version, granted=granted)

    def close(self) -> None:
        """Remove all that is left of this run, and tell that it is over."""
        if self._told_begin and not self._told_end:
            self._told_end = True
            self._hear(RunEnded(run=self.run, wall=REAL.wall(), result=self.outcome()))
        if self._in_place is not None:
            self._in_place.close()
        self._machinery.close()
        self.leave()
