"""The loop that ties the rooms together: the campaign asks, the engine boots, the result keeps."""

from __future__ import annotations

import contextlib
import datetime as dt
import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pytest_bootgate import __version__
from pytest_bootgate.boot.host import data_disk, facts, one_at_a_time
from pytest_bootgate.boot.jobs import Kept
from pytest_bootgate.boot.machine import Machine
from pytest_bootgate.boot.opened import Moment
from pytest_bootgate.boot.pair import Pair
from pytest_bootgate.boot.recipe import Recipe
from pytest_bootgate.boot.values import Boot, HostFacts
from pytest_bootgate.conduct import conduct
from pytest_bootgate.engines import Reaper, choose, start_reaper
from pytest_bootgate.engines.base import Capacity, Engine
from pytest_bootgate.errors import BootgateError
from pytest_bootgate.events import (
    BootBegan,
    Event,
    Hear,
    HostWarned,
    RunBegan,
    RunEnded,
    VerdictGiven,
    ignore,
)
from pytest_bootgate.gate.campaign import Ask, campaign, plan
from pytest_bootgate.gate.host import weigh
from pytest_bootgate.gate.silence import judge_silence
from pytest_bootgate.gate.takeover import ROLLBACK, SUBJECTS, judge_takeover
from pytest_bootgate.gate.verdict import WHOLE, Finding, Judgement, Limits, Rules, Verdict
from pytest_bootgate.gatefile import Loaded
from pytest_bootgate.gatefile.digest import measures
from pytest_bootgate.gatefile.model import Host, Release
from pytest_bootgate.gatefile.quantities import Boots
from pytest_bootgate.gatefile.rules import UPGRADE
from pytest_bootgate.gatefile.silence_rules import SILENCE
from pytest_bootgate.recorded import Recorded
from pytest_bootgate.result import (
    SCHEMA,
    GateResult,
    ReleaseFacts,
    SilenceResult,
    TakeoverResult,
    TargetResult,
    Unjudged,
)
from pytest_bootgate.silence import silence_budget, stall
from pytest_bootgate.takeover import InPlace, Site

#: What bringing up and removing one pair may cost, in seconds, on top of the boot itself.
_AROUND = 60.0
#: What a gate does while another one boots on this machine.
WAITING = "wait for another gate on this machine"


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a campaign is: boot `number` of `total` (0: the warm-up), and for how long at most.

    An upgrade in place has no numbers: both are 0.
    """

    target: str
    host: str
    release: str
    number: int
    total: int
    doing: str
    left: float


class Gate:
    """One gate file under gate. Results are kept: a target is never booted twice in a run.

    `wanted_engine` is ``auto``, ``docker`` or ``process``; `boots` overrides the gate file's;
    `hosts` names the host profiles, empty for all that are not on request. `hear` is told every
    event of the run as it happens; where it raises `BootgateError`, nothing boots any more and the
    run is broken. Raises `BootgateError` for a host profile that the gate file does not have.
    """

    def __init__(
        self,
        loaded: Loaded,
        *,
        wanted_engine: str = "auto",
        boots: Boots | None = None,
        hosts: Sequence[str] = (),
        watch: Callable[[Progress], None] = lambda _: None,
        hear: Hear = ignore,
    ) -> None:
        self.loaded, self.file = loaded, loaded.gate
        self.run = secrets.token_hex(6)
        self.watch, self._listener = watch, hear
        self._unheard: BootgateError | None = None
        self._told_begin = self._told_end = False
        self._wanted_engine = wanted_engine
        self._boots = boots or self.file.gate.boots
        self._at = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
        self._engine: Engine | None = None
        self._engine_name, self._engine_version, self._why_engine = "none", "none", ""
        self._unusable: BootgateError | None = None
        self._reaper: Reaper | None = None
        self._prepared = False
        self._capacity: Capacity | None = None
        self._machine: HostFacts | None = None
        self._identities: dict[str, str | None] = {}
        self._results: dict[tuple[str, str], TargetResult] = {}
        recorded = self.file.releases.baseline and self.file.releases.baseline.recorded
        self._recorded = Recorded.read(Path(recorded)) if recorded else None
        self._takeovers: dict[str, TakeoverResult] = {}
        self._silences: dict[tuple[str, str], SilenceResult] = {}
        self._in_place = self._upgrade_in_place()
        self._shown: set[tuple[str, str, str]] = set()
        #: Why the run must not pass with what it left unjudged; whoever runs the gate says so.
        self.broken: str | None = None
        self.profiles = self.file.hosts or {"default": Host()}
        unknown = [name for name in hosts if name not in self.profiles]
        if unknown:
            raise BootgateError(
                f"{loaded.path.name} has no host profile {unknown[0]!r}; it has"
                f" {', '.join(self.profiles)}."
            )
        self.hosts = list(hosts) or [n for n, h in self.profiles.items() if not h.on_request]
        if not self.hosts:
            raise BootgateError(
                f"Every host profile of {loaded.path.name} is on request: name one with"
                f" --bootgate-host ({', '.join(self.profiles)})."
            )

    def _hear(self, event: Event) -> None:
        """Tell an event. Nothing boots any more once somebody who must hear could not.

        That is raised where a boot begins; in the midst of one, or while a pair is being closed, it
        would leave things behind.
        """
        try:
            self._listener(event)
        except BootgateError as error:
            self._unheard = self._unheard or error
        if self._unheard is not None and isinstance(event, BootBegan):
            raise self._unheard

    @property
    def unheard(self) -> str | None:
        """Why not all events of this run were heard; None where they were."""
        return None if self._unheard is None else str(self._unheard)

    # -- what is to be done ----------------------------------------------------------------

    @property
    def releases(self) -> dict[str, Release]:
        """The releases to boot, the baseline first if there is one that can be booted."""
        both = self.file.releases
        named = {}
        if both.baseline is not None and self._recorded is None:
            named["baseline"] = both.baseline
        return {**named, "candidate": both.candidate}

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """All (host profile, target) of this run, in the order they are booted."""
        return [(host, target) for host in self.hosts for target in self.file.targets]

    def label(self, host: str, target: str) -> str:
        """The name of a target on a host profile: bare where the gate file has one profile."""
        return target if len(self.profiles) == 1 else f"{target}@{host}"

    def rules(self, host: str, target: str) -> Rules:
        """What a target is judged by on a host profile."""
        asked, gate = self.file.targets[target], self.file.gate
        return Rules(
            timeout=float(asked.timeout),
            near=float(gate.near),
            warn=float(gate.warn),
            least=self._boots.least,
            most=self._boots.most,
            slower=float(gate.slower),
            unsure=gate.unsure,
            cpus=self.profiles[host].cpus,
            retries=gate.retries,
            retry_pause=float(gate.retry_pause),
            noise=gate.noise,
            phases={
                name: Limits(
                    None if probe.limit is None else float(probe.limit),
                    None if probe.by is None else float(probe.by),
                )
                for name, probe in asked.phases.items()
            },
        )

    def planned(self, host: str, target: str) -> tuple[int, int]:
        """How many boots a target takes: at least, if all of them start, and at the very most."""
        asked, rules = self.file.targets[target], self.rules(host, target)
        if self.left_out(target) is not None:
            return 0, 0
        warm = asked.start == "warm"
        releases = [n for n, r in self.releases.items() if self._absent(r, asked.absent) is None]
        recorded = len(self._recorded.boots(host, target)) if self._recorded is not None else 0
        asks = plan(releases, rules, warm=warm, recorded=recorded)
        looks = rules.plan.looks if len(releases) == 2 else ()
        least = len(asks) - sum(ask.number > looks[0] for ask in asks) if looks else len(asks)
        # With warm starts a retry needs a boot more, which is thrown away.
        return least, len(asks) + rules.retries * len(releases) * (1 + warm)

    def budget(self) -> float:
        """The seconds that the whole gate may take at the very most."""
        total = 0.0
        for host, name in self.pairs:
            target, rules = self.file.targets[name], self.rules(host, name)
            boots = len(self._recorded.boots(host, name)) if self._recorded is not None else 0
            warm = target.start == "warm"
            asks = len(plan(list(self.releases), rules, warm=warm, recorded=boots))
            once = target.timeout + target.listen + target.pause + _AROUND
            ready = self.file.gateway.ready_timeout + self.file.gateway.settle
            once += ready if target.trigger is not None else 0.0
            # With warm starts a retry needs a boot more, which is thrown away.
            again = rules.retries * len(self.releases) * (rules.retry_pause + once * (1 + warm))
            total += asks * once + again
            if target.silence is not None:
                total += silence_budget(target, target.silence) + ready + _AROUND
        if self._in_place is not None:
            total += len(self.hosts) * self._in_place.budget()
        return total

    # -- doing it --------------------------------------------------------------------------

    def engine(self) -> tuple[Engine, str]:
        """The engine, and why this one. Raises `EngineError`, each time again."""
        if self._unusable is not None:
            raise self._unusable
        if self._engine is None:
            every = self.releases.values()
            gateway = self.file.gateway.command
            try:
                self._engine, self._why_engine = choose(
                    self._wanted_engine,
                    images=all(release.image is not None for release in every),
                    commands=all((release.command or gateway) is not None for release in every),
                    run=self.run,
                )
            except BootgateError as error:
                self._unusable = error
                raise
            self._engine_name, self._engine_version = self._engine.name, self._engine.version
        return self._engine, self._why_engine

    def result(self, host: str, target: str) -> TargetResult:
        """Boot and judge one target on one host profile, or recall what was found."""
        key = (host, target)
        if key not in self._results:
            try:
                self._results[key] = self._gate(host, target)
            except BootgateError as error:
                self._results[key] = self._found(host, target, broken=str(error))
            except BaseException:
                # Interrupted or timed out by pytest: not measured, and not to be tried again.
                why = f"The boots of {target} were interrupted, so nothing was measured."
                self._results[key] = self._found(host, target, broken=why)
                raise
            finally:
                self._tell_target(self._results[key])
            if self.unheard is not None and self._results[key].broken is None:
                self._results[key] = replace(self._results[key], broken=self.unheard)
        return self._results[key]

    def takeover(self, host: str) -> TakeoverResult:
        """Let the candidate take over the baseline's state, or recall what came of it."""
        if host not in self._takeovers:
            assert self._in_place is not None
            try:
                engine, _ = self.engine()
                self._prepare(engine)
                with one_at_a_time(self._waiter(UPGRADE, host)):
                    seen = self._in_place.takeover(self._site(engine, host))
                found = TakeoverResult(host, seen, judge_takeover(seen))
            except BootgateError as error:
                found = TakeoverResult(host, broken=str(error))
            except BaseException:
                why = "The upgrade in place was interrupted, so nothing was measured."
                found = TakeoverResult(host, broken=why)
                raise
            finally:
                self._takeovers[host] = found
                self._tell(UPGRADE, host, found.verdict, found.findings, found.broken)
            if self.unheard is not None and found.broken is None:
                self._takeovers[host] = replace(found, broken=self.unheard)
        return self._takeovers[host]

    def silence(self, host: str, target: str) -> SilenceResult:
        """Hold a boot of the candidate beyond its timeout, or recall who was told."""
        key, name = (host, target), f"{target}::{SILENCE}"
        if key not in self._silences:
            try:
                engine, _ = self.engine()
                self._prepare(engine)
                with one_at_a_time(self._waiter(name, host)):
                    recipe = self._recipe(host, target, "candidate")
                    state = self._state(engine, host)
                    watch = self._watcher(host, name, Ask("candidate", 0), 0)
                    seen = stall(engine, recipe, watch, state, self._hear)
                found = SilenceResult(target, host, seen, judge_silence(seen))
            except BootgateError as error:
                found = SilenceResult(target, host, broken=str(error))
            except BaseException:
                why = f"The silence test of {target} was interrupted, so nothing was measured."
                found = SilenceResult(target, host, broken=why)
                raise
            finally:
                self._silences[key] = found
                self._tell(name, host, found.verdict, found.findings, found.broken)
        return self._silences[key]

    def note_shown(self, host: str, target: str, item: str = WHOLE) -> None:
        """Note that somebody was shown a verdict. Booted alone is not judged."""
        self._shown.add((host, target, item))

    @property
    def unjudged(self) -> tuple[Unjudged, ...]:
        """Every verdict that the gate file asks for and that nobody was shown so far."""
        shown = self._shown
        return tuple(one for one in self._asked() if (one.host, one.target, one.item) not in shown)

    def _asked(self) -> Iterator[Unjudged]:
        """Every verdict that the gate file asks for, in the order of the boots."""
        for host in self.hosts if self.in_place else ():
            for subject in self.upgrade_subjects:
                yield Unjudged(UPGRADE, host, subject, booted=host in self._takeovers)
        for host, target in self.pairs:
            if self.left_out(target) is None:
                yield Unjudged(target, host, WHOLE, booted=(host, target) in self._results)
            if self.may_be_held(target):
                yield Unjudged(target, host, SILENCE, booted=(host, target) in self._silences)

    @property
    def upgrade_subjects(self) -> tuple[str, ...]:
        """What an upgrade in place is judged by, in the order it happens."""
        return (*SUBJECTS, ROLLBACK) if self.file.state.rollback else SUBJECTS

    def may_be_held(self, target: str) -> bool:
        """Whether a target asks for a silence test, and the candidate has the target."""
        return self.file.targets[target].silence is not None and self.left_out(target) is None

    def left_out(self, target: str) -> str | None:
        """Why the candidate does not have a target, None where it does."""
        return self._absent(self.releases["candidate"], self.file.targets[target].absent)

    def _tell_target(self, found: TargetResult) -> None:
        findings = found.judgement.findings if found.judgement is not None else ()
        self._tell(found.target, found.host, found.verdict, findings, found.broken)

    def _tell(
        self,
        target: str,
        host: str,
        verdict: Verdict | None,
        findings: tuple[Finding, ...],
        broken: str | None,
    ) -> None:
        self._begin()
        event = VerdictGiven(
            run=self.run,
            host=host,
            target=target,
            verdict=verdict,
            findings=findings,
            broken=broken,
        )
        self._hear(event)

    def _begin(self) -> None:
        """Tell that the run begins, once, before anything else of it is told."""
        if not self._told_begin:
            self._told_begin = True
            self._hear(RunBegan(run=self.run, result=self.outcome()))

    @property
    def tried(self) -> bool:
        """Whether anything was booted so far, or tried to be."""
        return bool(self._results or self._takeovers or self._silences)

    @property
    def in_place(self) -> bool:
        """Whether boots start on the state that the baseline left."""
        return self._in_place is not None

    def _upgrade_in_place(self) -> InPlace | None:
        if self.file.upgrade != "in-place":
            return None
        absent = {
            target: tuple(n for n, r in self.releases.items() if self._absent(r, asked.absent))
            for target, asked in self.file.targets.items()
        }
        return InPlace(self.file, self.run, self._recipe, absent, self._hear)

    def _site(self, engine: Engine, host: str) -> Site:
        def tell(release: str, moment: Moment) -> None:
            self.watch(Progress(UPGRADE, host, release, 0, 0, moment.doing, moment.left))

        return Site(engine, host, tell)

    def _state(self, engine: Engine, host: str) -> Kept | None:
        """What a boot starts on: a copy of the baseline's state, or nothing."""
        if self._in_place is None:
            return None
        return Kept(self._in_place.base(self._site(engine, host)).archive)

    def known(self, host: str, target: str) -> TargetResult | None:
        """What was found of a target, without booting it."""
        return self._results.get((host, target))

    def _gate(self, host: str, target: str) -> TargetResult:
        asked, rules = self.file.targets[target], self.rules(host, target)
        absent = {
            name: self._absent(release, asked.absent) for name, release in self.releases.items()
        }
        if (reason := absent["candidate"]) is not None:
            return self._found(host, target, left_out=reason)
        releases = [name for name, reason in absent.items() if reason is None]
        notes = [
            f"the {n} does not have this target: {r}" for n, r in absent.items() if r is not None
        ]
        engine, _ = self.engine()
        self._prepare(engine)
        before: tuple[Boot, ...] = ()
        if self._recorded is not None:
            self._recorded.check(self.outcome(), host, target)
            before = self._recorded.boots(host, target)

        with one_at_a_time(self._waiter(target, host)):
            judgement, boots, machine = self._campaign(
                engine, host, target, releases, rules, before
            )
        judgement = weigh(judgement, boots, rules, self._machine or facts(self._capacity), machine)
        if judgement.host:
            text = judgement.host
            self._hear(HostWarned(run=self.run, host=host, target=target, text=text))
        return self._found(
            host, target, boots=boots, judgement=judgement, notes=tuple(notes), machine=machine
        )

    def _found(self, host: str, target: str, **found: Any) -> TargetResult:
        runs_as = self.file.targets[target].as_ or target
        return TargetResult(target, host, runs_as, self.rules(host, target), **found)

    @staticmethod
    def _absent(release: Release, absent: dict[str, str]) -> str | None:
        version = release.version or ""
        return next((why for start, why in absent.items() if version.startswith(start)), None)

    def _campaign(
        self,
        engine: Engine,
        host: str,
        target: str,
        releases: list[str],
        rules: Rules,
        before: Sequence[Boot],
    ) -> tuple[Judgement, tuple[Boot, ...], Machine]:
        warm = self.file.targets[target].start == "warm"
        state = self._state(engine, host)

        def make(release: str) -> Pair:
            recipe = self._recipe(host, target, release)
            return Pair(engine, recipe, lambda _: None, state=state, hear=self._hear)

        return conduct(
            campaign(releases, rules, warm=warm, recorded=before),
            make,
            lambda ask: self._watcher(host, target, ask, rules.most),
            warm=warm,
            looks=rules.plan.looks,
            pause=rules.retry_pause,
            disk=data_disk(self._capacity),
        )

    def _waiter(self, name: str, host: str) -> Callable[[float], None]:
        return lambda left: self.watch(Progress(name, host, "", 0, 0, WAITING, left))

    def _watcher(self, host: str, target: str, ask: Ask, most: int) -> Callable[[Moment], None]:
        def tell(moment: Moment) -> None:
            self.watch(
                Progress(target, host, ask.release, ask.number, most, moment.doing, moment.left)
            )

        return tell

    def _recipe(self, host: str, target: str, release: str) -> Recipe:
        return Recipe(
            gate=self.file,
            target_name=target,
            target=self.file.targets[target],
            release_name=release,
            release=self.releases[release],
            host_name=host,
            host=self.profiles[host],
            here=self.loaded.path.parent,
            image_digest=self._identities.get(release),
            run=self.run,
        )

    def _prepare(self, engine: Engine) -> None:
        """Before the first boot: a reaper, all images, and two releases that differ."""
        if self._prepared:
            return
        if self._reaper is None:
            self._reaper = start_reaper(self.run, engine)
        try:
            self._capacity = engine.capacity()
            self._machine = facts(self._capacity)
            first = self.pairs[0]
            for name, release in self.releases.items():
                use_image = engine.name != "process" and release.image is not None
                digest = engine.resolve(release.image) if use_image and release.image else None
                self._identities[name] = digest
            prints = {self._recipe(*first, name).fingerprint() for name in self.releases}
            image = self.companion_image()
            if engine.name != "process" and image is not None:
                engine.resolve(image)
        except BootgateError as error:
            self._unusable = error
            raise
        if len(prints) < len(self.releases) and self.file.gate.allow != "same-image":
            self._unusable = BootgateError(
                f"{self.loaded.path.name}: baseline and candidate are the same (same image,"
                " command, environment and files), so there is no upgrade to gate. Check the"
                " image names, and the variables in them; to gate a release against itself,"
                " write gate: {allow: same-image}."
            )
            raise self._unusable
        self._prepared = True
        self._begin()

    def companion_image(self) -> str | None:
        """The image of the companion where there are images; None where no boot needs one."""
        recipes = [self._recipe(host, target, "candidate") for host, target in self.pairs]
        needed = any(recipe.needs_companion for recipe in recipes)
        return recipes[0].companion_image() if needed else None

    # -- afterwards ------------------------------------------------------------------------

    def outcome(self) -> GateResult:
        """Everything found so far."""
        # As it was before the first boot: later its load is the gate's own.
        self._machine = self._machine or facts(self._capacity)
        return GateResult(
            schema=SCHEMA,
            file=str(self.loaded.path),
            at=self._at,
            bootgate=__version__,
            run=self.run,
            engine=self._engine_version,
            why_engine=self._why_engine,
            machine=self._machine,
            releases=self._all_facts(),
            measures=measures(self.loaded),
            targets=tuple(self._results[key] for key in self.pairs if key in self._results),
            takeovers=tuple(self._takeovers[h] for h in self.hosts if h in self._takeovers),
            silences=tuple(self._silences[key] for key in self.pairs if key in self._silences),
            unjudged=self.unjudged,
            broken=self.broken,
            lines=dict(self._lines()),
        )

    def _lines(self) -> Iterator[tuple[str, int]]:
        yield UPGRADE, self.loaded.line("upgrade")
        for name, target in self.file.targets.items():
            yield name, self.loaded.line("targets", name)
            for phase in target.phases:
                yield f"{name}::{phase}", self.loaded.line("targets", name, "phases", phase)
            if target.silence is not None:
                yield f"{name}::{SILENCE}", self.loaded.line("targets", name, SILENCE)

    def _all_facts(self) -> dict[str, ReleaseFacts]:
        booted = {name: self._facts(name) for name in self.releases}
        return booted if self._recorded is None else {"baseline": self._recorded.facts, **booted}

    def _facts(self, name: str) -> ReleaseFacts:
        release = self.releases[name]
        said = [
            boot.version
            for result in self._results.values()
            for boot in result.boots
            if boot.release == name and boot.version
        ]
        held = [s.stall.boot for s in self._silences.values() if s.stall is not None]
        said += [boot.version for boot in held if boot.release == name and boot.version]
        starts = [t.takeover for t in self._takeovers.values() if t.takeover is not None]
        for seen in starts:
            start = seen.baseline if name == "baseline" else seen.first
            said += [start.version] if start.version else []
        version = said[0] if said else release.version
        image = None if self._engine_name == "process" else release.image
        return ReleaseFacts(image, self._identities.get(name), version)

    def close(self) -> None:
        """Remove all that is left of this run, and tell that it is over."""
        if self._told_begin and not self._told_end:
            self._told_end = True
            self._hear(RunEnded(run=self.run, result=self.outcome()))
        clean = False
        if self._in_place is not None:
            self._in_place.close()
        if self._engine is not None:
            with contextlib.suppress(BootgateError):
                self._engine.close()
                clean = True
        if self._reaper is not None:
            self._reaper.stop(clean=clean)
        self._engine = self._reaper = None
