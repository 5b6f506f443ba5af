"""What a run boots with: an engine, a reaper beside it, and the images behind the releases."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from pytest_bootgate.engines import Reaper, choose, refuse, remove, runs, start_reaper
from pytest_bootgate.engines.base import Capacity, Engine
from pytest_bootgate.errors import BootgateError, EngineError, ImageError
from pytest_bootgate.records.jobs import Kept
from pytest_bootgate.records.values import HostFacts
from pytest_bootgate.run.host import data_disk, facts
from pytest_bootgate.run.onlooker import Onlooker
from pytest_bootgate.run.plan import Plan
from pytest_bootgate.run.recipe import Recipe
from pytest_bootgate.run.source import SOURCE, packed

_DIGEST = len("sha256:") + 12


def _has(plan: Plan) -> dict[str, bool]:
    """Whether every release has an image, and a command, be it the gateway's."""
    every, gateway = plan.releases.values(), plan.file.gateway.command
    return {
        "images": all(release.image is not None for release in every),
        "commands": all((release.command or gateway) is not None for release in every),
    }


def refuse_engine(plan: Plan, wanted: str) -> None:
    """Raises `BootgateError` where an engine that was asked for by name cannot boot a gate file."""
    try:
        refuse(wanted, **_has(plan))
    except EngineError as error:
        raise BootgateError(f"{plan.loaded.path.name}: {error}") from None
    if wanted != "auto":
        plan.refuse(images=wanted != "process")


class Machinery:
    """The engine of one run, chosen when it is asked for.

    `wanted` is a name or ``auto``, `hosts` are the Docker hosts to boot on, where there are any.
    """

    def __init__(self, plan: Plan, run: str, wanted: str, hosts: Sequence[str] = ()) -> None:
        self._plan, self._run, self._wanted, self._hosts = plan, run, wanted, hosts
        self.name, self.version, self.why = "none", "none", ""
        self.images = True
        self.capacity: Capacity | None = None
        self._removed: list[str] = []
        #: What services run beside each gateway, in words.
        self.beside: list[str] = []
        #: What of the state's `exclude` and `redact` changed nothing, until a check tells it.
        self.idle: list[str] = []
        self.identities: dict[str, str | None] = {}
        #: The digests of all images by name, once the engine is ready.
        self.resolved: dict[str, str] = {}
        self._engine: Engine | None = None
        self._reaper: Reaper | None = None
        self._unusable: BootgateError | None = None
        self._prepared = False
        self._machine: HostFacts | None = None
        self._sources: dict[str, Kept] = {}
        self._packed: list[Path] = []

    def engine(self) -> tuple[Engine, str]:
        """The engine, and why this one. Raises `EngineError`, each time again."""
        if self._unusable is not None:
            raise self._unusable
        if self._engine is None:
            try:
                self._engine, self.why = self._choose()
            except BootgateError as error:
                self._unusable = error
                raise
            self.name, self.version = self._engine.name, self._engine.version
            self.images = self._engine.traits.images
        return self._engine, self.why

    def _choose(self) -> tuple[Engine, str]:
        return choose(
            self._wanted,
            **_has(self._plan),
            run=self._run,
            kubernetes=self._plan.file.kubernetes,
            hosts=self._hosts,
        )

    def ready(self) -> Engine:
        """The engine with all that a first boot needs: a reaper, all images, two releases.

        Raises `BootgateError` where something is missing, and where both releases are the same.
        """
        engine, _ = self.engine()
        if not self._prepared:
            try:
                self._prepare(engine)
            except BootgateError as error:
                self._unusable = error
                raise
            self._prepared = True
        return engine

    def _prepare(self, engine: Engine) -> None:
        plan = self._plan
        self._guard(engine)
        self.capacity = engine.capacity()
        self.look()
        found: dict[str | None, str] = {}
        for image, users in plan.images().items() if engine.traits.images else ():
            try:
                found[image] = self.resolved[image] = engine.resolve(image)
            except ImageError as error:
                raise error.of(users) from error
        self.beside = [
            f"beside it: {name} {service.image} ({found[service.image][:_DIGEST]})"
            for name, service in plan.file.services.items()
            if service.image in found
        ]
        self.identities.update((n, found.get(r.image)) for n, r in plan.releases.items())
        plan.refuse_same(self.identities)
        plan.refuse(images=engine.traits.images)

    def _guard(self, engine: Engine) -> None:
        """See to it that nothing is left, however this process ends."""
        if self._reaper is None:
            self._reaper = start_reaper(self._run, engine)
            self._clean_up(engine)

    def _clean_up(self, engine: Engine) -> None:
        """Remove what runs left that were killed together with their reaper."""
        with contextlib.suppress(BootgateError):  # then this run says why, at its first boot
            found = runs(engine.name, engine.environment)
            for run in [run for run, owner in found.items() if owner == "gone"]:
                if remove(engine.name, run, engine.environment):
                    self._removed.append(run)

    def cleaned_up(self) -> list[str]:
        """What was removed before the first boot, in words and only once."""
        removed, self._removed = self._removed, []
        if not removed:
            return []
        return [f"removed leftovers of killed runs on this machine ({', '.join(removed)})"]

    def source(self, profile: str) -> Kept | None:
        """The state that every boot on a profile gets, packed once. Raises `BootgateError`."""
        state = self._plan.of(profile).state
        if state.from_ is None:
            return None
        if state.from_ not in self._sources:
            # Under the run's own prefix, by which what is left of a run is found and removed.
            into = Path(tempfile.mkdtemp(prefix=f"bootgate-{self._run}-state-"))
            self._packed.append(into)
            image = next((r.image for r in self._plan.releases.values() if r.image), None)
            idle = packed(state, self.ready(), image, into)
            self.idle += idle.told(lambda key: self._plan.loaded.inherited("state", key))
            self._sources[state.from_] = Kept(into / SOURCE, redacted=idle.without)
        return self._sources[state.from_]

    def recipe(self, profile: str, target: str, release: str) -> Recipe:
        """How a release boots a target in this run."""
        digest = self.identities.get(release)
        return self._plan.recipe(profile, target, release, run=self._run, digest=digest)

    @property
    def machine(self) -> HostFacts:
        """The machine as it was before the first boot: later its load is the gate's own."""
        self._machine = self._machine or self._facts()
        return self._machine

    def look(self) -> None:
        """Look at the machine anew: as long as another gate had it, its load was that one's."""
        self._machine = self._facts()

    def _facts(self) -> HostFacts:
        return facts(self.capacity)

    def onlooker(self) -> Onlooker:
        """Who looks at the machine beside a campaign."""
        return Onlooker(data_disk(self.capacity))

    def leave(self) -> None:
        """Give back the machine that the engine leased, until the next boot."""
        if self._engine is not None and self._engine.traits.leases:
            self._engine.leave()

    def close(self) -> None:
        """Remove all that is left of the run on the engine."""
        for directory in self._packed:
            shutil.rmtree(directory, ignore_errors=True)
        clean = False
        if self._engine is not None:
            with contextlib.suppress(BootgateError):
                self._engine.close()
                clean = True
        if self._reaper is not None:
            self._reaper.stop(clean=clean)
        self._engine = self._reaper = None
