"""One gate file under gate: what is asked of it is booted once, judged, told and kept."""

from __future__ import annotations

import datetime as dt
import os
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import cast

from pytest_bootgate import __version__
from pytest_bootgate.engines.base import Engine
from pytest_bootgate.engines.clock import REAL
from pytest_bootgate.engines.granted import beyond
from pytest_bootgate.errors import BootgateError, in_words
from pytest_bootgate.gatefile import Loaded
from pytest_bootgate.quantities import Boots
from pytest_bootgate.records.check import CheckResult
from pytest_bootgate.records.events import (
    BootBegan,
    Event,
    Hear,
    RunBegan,
    RunEnded,
    VerdictGiven,
    ignore,
)
from pytest_bootgate.records.result import SCHEMA, GateResult, ReleaseFacts, TargetResult, Unjudged
from pytest_bootgate.records.verdict import WHOLE
from pytest_bootgate.run.bench import Bench
from pytest_bootgate.run.check import KINDS, AnyCheck, Check, Found
from pytest_bootgate.run.expected import Expected, Key
from pytest_bootgate.run.machinery import Machinery
from pytest_bootgate.run.place import Place
from pytest_bootgate.run.plan import Plan
from pytest_bootgate.run.progress import Progress
from pytest_bootgate.run.shards import Sharing, record
from pytest_bootgate.run.upgrade import InPlace


class Gate:
    """One gate file under gate. Results are kept: a target is never booted twice in a run.

    `wanted_engine` is ``auto``, ``docker`` or ``process``, `hosts` are the Docker hosts to boot on,
    none for this machine's; `boots`, `profiles` and `sharing` are those of `Plan`. `hear` is told
    every event of the run as it happens; where it raises `BootgateError`, nothing boots any more
    and the run is an `error`. `machinery` is for tests: with what the run boots, instead of an
    engine by its name. Raises `BootgateError` as `Plan` does.
    """

    def __init__(
        self,
        loaded: Loaded,
        *,
        wanted_engine: str = "auto",
        hosts: Sequence[str] = (),
        boots: Boots | None = None,
        profiles: Sequence[str] = (),
        sharing: Sharing | None = None,
        watch: Callable[[Progress], None] = lambda _: None,
        hear: Hear = ignore,
        machinery: Callable[[Plan, str], Machinery] | None = None,
    ) -> None:
        self.plan = Plan(loaded, boots=boots, profiles=profiles, sharing=sharing)
        self.run = secrets.token_hex(6)
        self._listener = hear
        make = machinery or (lambda plan, run: Machinery(plan, run, wanted_engine, hosts))
        self._machinery = make(self.plan, self.run)
        self._bench = Bench(
            plan=self.plan,
            run=self.run,
            machinery=self._machinery,
            place=Place(loaded.path),
            watch=watch,
            hear=self._hear,
            begin=self._begin,
            outcome=self.outcome,
            carry_out=self.check,
            in_place=self._upgrade_in_place(),
            expected=self._expected,
        )
        self._at = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
        self._found: dict[AnyCheck, CheckResult] = {}
        self._shown: set[tuple[str, str, str]] = set()
        self._unheard: BootgateError | None = None
        self._told_begin = self._told_end = False
        self._begun = 0  # boots, of all checks
        #: The checks that will be carried out, in their order, and how long each took before, in
        #: seconds, by (what it boots for, profile, target): for those who wait.
        self.awaited: Sequence[AnyCheck] = self.plan.own
        self.took: Mapping[Key, float] = {}
        self._left: Expected | None = None
        #: Why the run must not pass with what it left unjudged; whoever runs the gate says so.
        self.error: str | None = None

    def engine(self) -> tuple[Engine, str]:
        """The engine, and why this one. Raises `EngineError`, each time again."""
        return self._machinery.engine()

    # -- doing it --------------------------------------------------------------------------

    def check(self, check: Check[Found]) -> Found:
        """Carry out one of the plan's checks, or recall what it found.

        Raises `BootgateError` for one that belongs to another shard.
        """
        key: AnyCheck = check
        if elsewhere := self.plan.elsewhere(key):
            raise BootgateError(f"{elsewhere}, so this run does not boot it.")
        if key not in self._found:
            before = self._begun
            try:
                found: CheckResult = check.measure(self._bench)
            except (BootgateError, OSError) as error:
                found = check.failed(in_words(error))
            except BaseException:
                # Interrupted or timed out by pytest: not measured, and not to be tried again.
                begun = self._begun - before
                found = check.failed(self._bench.place.interrupted(check.subject, begun))
                raise
            finally:
                found = self._found[key] = self.plan.loaded.mask.value(found)
                self._tell(check.name, found)
            if self.unheard is not None and found.error is None:
                self._found[key] = replace(found, error=self.unheard)  # type: ignore[type-var]
        return cast("Found", self._found[key])

    def result(self, profile: str, target: str) -> TargetResult:
        """Boot and judge one target on one profile, or recall what was found."""
        return self.check(self._startup(profile, target))

    def known(self, profile: str, target: str) -> TargetResult | None:
        """What was found of a target, without booting it."""
        return cast("TargetResult | None", self._found.get(self._startup(profile, target)))

    def _startup(self, profile: str, target: str) -> Check[TargetResult]:
        return cast("Check[TargetResult]", self.plan.check(WHOLE, profile, target))

    def leave(self) -> None:
        """Let the next gate on this machine have its turn; the next boot here waits for one."""
        self._bench.leave()

    def _expected(self) -> Expected:
        if self._left is None:
            self._left = Expected(self.awaited, self.took)
        return self._left

    def _upgrade_in_place(self) -> InPlace | None:
        if not self.plan.in_place:
            return None
        unsupported = {
            target: tuple(n for n, why in self.plan.unsupported(target).items() if why is not None)
            for target in self.plan.file.targets
        }
        recipe = self._machinery.recipe
        return InPlace(
            self.plan.file,
            self.run,
            recipe,
            unsupported,
            self._hear,
            source=self._machinery.source,
        )

    # -- telling it ------------------------------------------------------------------------

    def _hear(self, event: Event) -> None:
        """Tell an event. Nothing boots any more once somebody who must hear could not.

        That is raised where a boot begins; in the midst of one, or while a pair is being closed, it
        would leave things behind.
        """
        self._begun += isinstance(event, BootBegan)
        try:
            self._listener(self.plan.loaded.mask.value(event))
        except BootgateError as error:
            said = self.plan.loaded.mask.text(str(error))  # as a listener says it
            self._unheard = self._unheard or BootgateError(said)
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

    def _tell(self, name: str, found: CheckResult) -> None:
        """Tell a verdict, under the name of what was judged."""
        self._begin()
        event = VerdictGiven(
            run=self.run,
            wall=REAL.wall(),
            profile=found.profile,
            target=name,
            verdict=found.verdict,
            findings=found.findings,
            error=found.error,
        )
        self._hear(event)

    # -- afterwards ------------------------------------------------------------------------

    def note_shown(self, profile: str, target: str, item: str = WHOLE) -> None:
        """Note that somebody was shown a verdict. Booted alone is not judged."""
        self._shown.add((profile, target, item))

    @property
    def unjudged(self) -> tuple[Unjudged, ...]:
        """Every verdict that the gate file asks for and that nobody was shown so far."""
        return tuple(
            Unjudged(c.target, c.profile, item, booted=c in self._found, kind=c.kind)
            for c, item in self.plan.asked()
            if (c.profile, c.target, item) not in self._shown
        )

    def outcome(self) -> GateResult:
        """Everything found so far."""
        plan = self.plan
        shard = None if plan.sharing is None else record(plan, self._machinery.resolved)
        result = GateResult(
            schema=SCHEMA,
            # A path need be no text, what is written must.
            file=os.fsencode(plan.loaded.path).decode("utf-8", "replace"),
            at=self._at,
            bootgate=__version__,
            run=self.run,
            engine=self._machinery.version,
            why_engine=self._machinery.why,
            machine=self._machinery.machine,
            releases=self._all_facts(),
            measures=plan.measures.digest,
            measured=plan.measures.parts,
            checks=tuple(
                self._found[check]
                for kind in KINDS
                for check in plan.checks
                if check.kind == kind and check in self._found
            ),
            unjudged=self.unjudged,
            error=self.error or self.unheard or (None if shard is None else shard.error),
            lines=dict(self._lines()),
            waited=self._bench.place.waited,
            engine_name=self._machinery.name,
            profiles=tuple(plan.profiles),
            adapted=plan.adapted,
            environment=plan.loaded.environment,
            shard=shard,
        )
        return plan.loaded.mask.value(result)

    def _lines(self) -> Iterator[tuple[str, int]]:
        for check in self.plan.checks:
            whole = check.place()
            yield check.target, self.plan.loaded.line(*whole)
            for item in check.items:
                if (place := check.place(item)) != whole:
                    yield f"{check.target}::{item}", self.plan.loaded.line(*place)

    def _all_facts(self) -> dict[str, ReleaseFacts]:
        booted = {name: self._facts(name) for name in self.plan.releases}
        recorded = self.plan.recorded
        return booted if recorded is None else {"baseline": recorded.facts, **booted}

    def _facts(self, name: str) -> ReleaseFacts:
        release = self.plan.releases[name]
        said = [version for found in self._found.values() for version in found.versions(name)]
        version = said[0] if said else release.version
        identity = self._machinery.identities.get(name)
        if not self._machinery.images:
            return ReleaseFacts(None, identity, version)
        granted = beyond(self.plan.file.gateway.container)
        return ReleaseFacts(release.image, identity, version, granted=granted)

    def close(self) -> None:
        """Remove all that is left of this run, and tell that it is over."""
        try:
            if self._told_begin and not self._told_end:
                self._told_end = True
                self._hear(RunEnded(run=self.run, wall=REAL.wall(), result=self.outcome()))
        finally:
            self._bench.close()
