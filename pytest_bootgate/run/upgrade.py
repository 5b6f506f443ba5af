"""An upgrade in place: the baseline writes state, the candidate takes it over, and back."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from pytest_bootgate.checks.upgrade import whole
from pytest_bootgate.engines.base import Engine
from pytest_bootgate.errors import BootgateError
from pytest_bootgate.gatefile.model import GateFile, Probe
from pytest_bootgate.observe.ear import Ear
from pytest_bootgate.observe.outcome import exit_words
from pytest_bootgate.observe.sighting import Sighting
from pytest_bootgate.records.boot_events import Hear, ignore
from pytest_bootgate.records.jobs import JobsError, Kept
from pytest_bootgate.records.kept_jobs import compare, volatile
from pytest_bootgate.records.upgrade import Owned, Repair, Run, Start, Stop, Upgrade
from pytest_bootgate.run.baseline import listed, proving, quoted, still_up, worth_proving
from pytest_bootgate.run.inplace import InPlacePair
from pytest_bootgate.run.lost import Lost
from pytest_bootgate.run.progress import Moment
from pytest_bootgate.run.recipe import Recipe

#: How many seconds the commands `seed` and `repair` may take.
COMMAND_DEADLINE = 600.0
#: How long a release that calls itself healthy is waited for where it need not become ready.
PATIENCE = 60.0
_AROUND = 240.0  # to bring up and remove a pair, and to ask it twice for its jobs
#: Tell what is being done: a release in words, and the moment.
Tell = Callable[[str, Moment], None]


@dataclass(frozen=True)
class Site:
    """Where an upgrade in place happens, and who is told how far it is."""

    engine: Engine
    profile: str
    tell: Tell
    lost: Lost = field(default_factory=Lost)


@dataclass(frozen=True)
class Base:
    """What the baseline left: its start, the jobs that are targets' own, and the state itself."""

    start: Start
    owned: tuple[Owned, ...]
    same: tuple[str, ...]
    notes: tuple[str, ...]
    archive: Path


def upgrade_budget(gate: GateFile) -> float:
    """The seconds that an upgrade in place may take on one profile at the very most."""
    gateway, state = gate.gateway, gate.state
    runs = sum(
        t.timeout + 2 * t.listen + max(t.pause, gateway.settle)
        for t in (gate.targets[name] for name in proving(gate))
    )
    start = gateway.ready_timeout + gateway.settle + state.stop + runs + _AROUND
    # The baseline, the candidate twice and once repaired, the rollback; and the control.
    return 6 * start + 2 * COMMAND_DEADLINE


class InPlace:
    """Upgrades in place of one gate, one for each profile; what was written is kept.

    `recipe` makes the recipe of a release for a profile and a target; `unsupported` are the
    releases that do not have a target, `source` is what the baseline starts on. Raises
    `BootgateError` where the gate cannot measure.
    """

    def __init__(
        self,
        gate: GateFile,
        run: str,
        recipe: Callable[[str, str, str], Recipe],
        unsupported: Mapping[str, tuple[str, ...]],
        hear: Hear = ignore,
        source: Callable[[str], Kept | None] = lambda _: None,
    ) -> None:
        self._gate, self._run, self._recipe, self._unsupported = gate, run, recipe, unsupported
        self._hear, self._source = hear, source
        self._bases: dict[str, Base | BootgateError] = {}
        self._directory: Path | None = None

    def close(self) -> None:
        """Remove the states."""
        if self._directory is not None:
            shutil.rmtree(self._directory, ignore_errors=True)
        self._directory = None
        self._bases.clear()

    # -- the baseline ----------------------------------------------------------------------

    def base(self, site: Site) -> Base:
        """What the baseline leaves on a profile; written once."""
        if site.profile not in self._bases:
            try:
                self._bases[site.profile] = site.lost.repeat(lambda: self._write(site))
            except BootgateError as error:
                self._bases[site.profile] = error
        base = self._bases[site.profile]
        if isinstance(base, BootgateError):
            raise base
        return base

    def _write(self, site: Site) -> Base:
        """Boot every target of the baseline, age the state, stop cleanly, and keep the state."""
        state, names = self._gate.state, self._of("baseline")
        archive = self._file(site.profile, "baseline")
        with self._opened(site, "baseline", self._source(site.profile)) as pair:
            if pair.not_ready is not None:
                raise BootgateError(
                    f"The baseline wrote no state: {pair.not_ready.detail}.{quoted(pair.last)}"
                )
            boots, tokens = [], {}
            for name in names:
                pair.turn(name)
                boots.append(pair.boot(1))
                tokens[name] = pair.token
                still_up(pair, f"while it booted {name}")
            if state.seed is not None:
                pair.seed(state.seed, COMMAND_DEADLINE)
            first = listed(pair)
            owners = {n: job for n, t in tokens.items() for job in first if job.holds(t)}
            proved = [n for n, b in zip(names, boots, strict=True) if b.started and n in owners]
            again = first
            if proved:
                # A control: were the baseline not to run it, the candidate would not be at fault.
                pair.turn(proved[0])
                boot = pair.boot(1, job=owners[proved[0]], token=tokens[proved[0]])
                if not boot.started:
                    raise BootgateError(
                        f"The baseline does not run the job of {proved[0]} again ({boot.outcome}:"
                        f" {boot.detail}), so the candidate cannot be judged. Correct state: run,"
                        " or add a target whose job runs again."
                    )
                still_up(pair, f"while it ran the job of {proved[0]} again")
                again = listed(pair)
            worth_proving(again, owners)
            stop = pair.stopped(state)
            if not stop.clean:
                raise BootgateError(
                    f"The baseline did not stop cleanly: it {stop.words}. So its state cannot be"
                    f" trusted.{quoted(pair.last)} Find out why, or correct state: stop,"
                    " stop_exit, stop_signal or stop_command."
                )
            pair.save(archive)
            start = replace(pair.observed("baseline"), jobs=again, stop=stop)
        owned = [
            Owned(job.id, name, tokens[name], self._unsupported.get(name, ()))
            for name, job in owners.items()
        ]
        runs = [Run(owners[n].id, b) for n, b in zip(names, boots, strict=True) if n in owners]
        notes = [f"{name} left no job with its token" for name in names if name not in owners]
        notes += [
            f"{name} did not start on the baseline: {boot.outcome}, {boot.detail}"
            for name, boot in zip(names, boots, strict=True)
            if not boot.started
        ]
        changing = volatile(first, again)
        fields = dict.fromkeys(name for job in again for name in job.fields)
        same = tuple(state.same or [name for name in fields if name not in changing])
        return Base(replace(start, runs=tuple(runs)), tuple(owned), same, tuple(notes), archive)

    # -- the candidate ---------------------------------------------------------------------

    def upgrade(self, site: Site) -> Upgrade:
        """Let the candidate take over what the baseline left, twice; repair and roll back."""
        state, gateway = self._gate.state, self._gate.gateway
        base = self.base(site)
        left = self._file(site.profile, "candidate")
        first = self._start(site, "candidate", base, Kept(base.archive), left)
        seen = Upgrade(
            baseline=base.start,
            owned=base.owned,
            same=base.same,
            first=first,
            rollback_asked=state.rollback,
            health=_health_words(gateway.health),
            notes=base.notes,
        )
        clean = first.stop is not None and first.stop.clean and not first.refused
        if clean:
            among = [job.id for job in seen.ran(first)]
            again = Kept(left, restart=True)
            second = self._start(site, "candidate", base, again, left, among=among)
            seen = replace(seen, second=second)
        if state.repair is not None and not whole(seen, first):
            seen = replace(seen, repair=self._repair(site, base, state.repair))
        if state.rollback and clean:
            among = [job.id for job in seen.ran(base.start)]
            back = self._start(
                site, "baseline", base, Kept(left), None, among=among, patience=PATIENCE
            )
            seen = replace(seen, rollback=back)
        if failed := seen.failed:
            # Would they run again on the baseline, had it not been replaced?
            kept = Kept(base.archive, restart=True)
            control = self._start(site, "baseline", base, kept, None, among=failed)
            seen = replace(seen, control=control)
        return replace(seen, notes=(*seen.notes, *site.lost.notes))

    def _start(
        self,
        site: Site,
        release: str,
        base: Base,
        kept: Kept,
        left: Path | None,
        *,
        among: Sequence[str] | None = None,
        patience: float | None = None,
    ) -> Start:
        """Start a release on a state, list and run the jobs, stop it, and keep what it left."""

        def once() -> Start:
            tokens = {owned.job: owned.token for owned in base.owned}
            ear = Ear({j.id: {j.id, j.name, tokens.get(j.id, j.id)} for j in base.start.jobs or ()})
            with self._opened(site, release, kept, patience, ear.hear) as pair:
                if pair.not_ready is not None:
                    exited = pair.not_ready.exited
                    stop = None if exited is None else Stop(exited.code, 0.0, itself=True)
                    refused = pair.not_ready.detail
                    return replace(pair.observed(release), refused=refused, stop=stop)
                if (ended := pair.ended) is not None:
                    refused = f"the gateway {exit_words(ended)} soon after it was ready"
                    stop = Stop(ended.code, 0.0, itself=True)
                    return replace(pair.observed(release), refused=refused, stop=stop)
                jobs, error = None, ""
                try:
                    jobs = pair.jobs()
                except JobsError as problem:
                    error = str(problem)
                ear.closed = True
                again = compare(base.start.jobs or (), jobs or (), base.same).found
                runs = []
                for owned in base.owned:
                    job = again.get(owned.job)
                    wanted = among is None or owned.job in among
                    skipped = job is None or not job.enabled or release in owned.unsupported
                    if skipped or not wanted or pair.over:
                        continue
                    pair.turn(owned.target)
                    runs.append(Run(owned.job, pair.boot(1, job=job, token=owned.token)))
                stop = pair.stopped(self._gate.state)
                if left is not None and stop.clean:
                    pair.save(left)
                return replace(
                    pair.observed(release),
                    jobs=jobs,
                    jobs_error=error,
                    runs=tuple(runs),
                    stop=stop,
                    said=ear.of([job for job in base.start.jobs or () if job.id not in again]),
                )

        return site.lost.repeat(once)

    def _repair(self, site: Site, base: Base, command: Sequence[str]) -> Repair:
        """The vendor's repair command on a fresh copy, then a start on what it left."""
        left = self._file(site.profile, "repaired")
        repair = site.lost.repeat(lambda: self._repaired(site, base, command, left))
        if repair.code != 0:
            return repair
        kept = Kept(left, restart=True)
        return replace(repair, start=self._start(site, "candidate", base, kept, None))

    def _repaired(self, site: Site, base: Base, command: Sequence[str], left: Path) -> Repair:
        pair = self._pair(site, "candidate", Kept(base.archive), None)
        try:
            began = site.engine.clock.now()
            ended = pair.repair(command, COMMAND_DEADLINE)
            took = ended.ran if ended.ran is not None else site.engine.clock.now() - began
            repair = Repair(
                command=" ".join(command), code=ended.code, seconds=took, last=tuple(pair.last)
            )
            if ended.code == 0:
                pair.save(left)
            return repair
        finally:
            pair.close()

    # -- pairs and files -------------------------------------------------------------------

    @contextmanager
    def _opened(
        self,
        site: Site,
        release: str,
        kept: Kept | None,
        patience: float | None = None,
        overhear: Callable[[Sighting], None] = lambda _: None,
    ) -> Iterator[InPlacePair]:
        pair = self._pair(site, release, kept, patience, overhear)
        try:
            pair.open()
            yield pair
        finally:
            pair.close()

    def _pair(
        self,
        site: Site,
        release: str,
        kept: Kept | None,
        patience: float | None,
        overhear: Callable[[Sighting], None] = lambda _: None,
    ) -> InPlacePair:
        words = release if kept is None else f"{release} on the old state"
        recipe = self._recipe(site.profile, self._of(release)[0], release)
        return InPlacePair(
            site.engine,
            recipe,
            lambda moment: site.tell(words, moment),
            state=kept,
            patience=patience,
            hear=self._hear,
            overhear=overhear,
        )

    def _of(self, release: str) -> list[str]:
        """The targets that a release has."""
        names = [n for n in proving(self._gate) if release not in self._unsupported.get(n, ())]
        if not names:
            raise BootgateError(
                f"The {release} supports none of the targets that leave a job, so there is nothing"
                " to upgrade. Correct the targets' `unsupported`, or set upgrade: fresh."
            )
        return names

    def _file(self, profile: str, name: str) -> Path:
        if self._directory is None:
            # Under the run's own prefix, by which what is left of a run is found and removed.
            self._directory = Path(tempfile.mkdtemp(prefix=f"bootgate-{self._run}-state-"))
        below = self._directory / profile.replace("/", "_")
        below.mkdir(exist_ok=True)
        return below / f"{name}.tar"


def _health_words(probe: Probe | None) -> str:
    """What a system calls ready, for people: the path of its endpoint, or simply its health."""
    return (probe is not None and probe.kind.health) or "its health"
