"""What a gate file asks for in one run: releases, profiles, targets, rules, boots."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path

from pytest_bootgate.errors import BootgateError
from pytest_bootgate.gatefile import Loaded
from pytest_bootgate.gatefile.digest import Measures, measures, parts
from pytest_bootgate.gatefile.model import Container, GateFile, Release
from pytest_bootgate.gatefile.tree import listed
from pytest_bootgate.gatefile.vary import value_of
from pytest_bootgate.quantities import Boots
from pytest_bootgate.records.result import label
from pytest_bootgate.records.verdict import WHOLE, Limits, Rules
from pytest_bootgate.run.check import AnyCheck
from pytest_bootgate.run.kinds import KINDS
from pytest_bootgate.run.recipe import RELEASE, Recipe
from pytest_bootgate.run.recorded import Recorded
from pytest_bootgate.run.shards import Sharing, divided

#: What bringing up and removing one pair may cost, in seconds, on top of the boot itself.
_AROUND = 60.0


class Plan:
    """What one gate file asks for, before anything boots.

    `boots` overrides the gate file's; `profiles` names the profiles, empty for all that are not
    on request; `sharing` says which share of the checks this run carries out. Raises
    `BootgateError` for a profile that the gate file does not have, and for a recorded baseline
    that cannot be read.
    """

    def __init__(
        self,
        loaded: Loaded,
        *,
        boots: Boots | None = None,
        profiles: Sequence[str] = (),
        sharing: Sharing | None = None,
    ) -> None:
        self.loaded, self.file = loaded, loaded.gate
        self.sharing = sharing
        #: The options that change what is booted or judged, as they were given.
        self.options = {
            "--bootgate-boots": "" if boots is None else f"{boots.least}..{boots.most}",
            "--bootgate-profile": ", ".join(sorted(set(profiles))),
        }
        self._boots = boots or self.file.gate.boots
        recorded = self.file.releases.baseline and self.file.releases.baseline.recorded
        self.recorded = Recorded.read(Path(recorded)) if recorded else None
        self._variants = loaded.profiles
        self.profiles = {name: each.profile for name, each in self._variants.items()}
        bases = {each.base for each in self._variants.values()}
        named = [n for n, each in self._variants.items() if {n, each.base} & set(profiles)]
        unknown = [name for name in profiles if name not in {*self.profiles, *bases}]
        if unknown:
            raise BootgateError(
                f"{loaded.path.name} has no profile {unknown[0]!r}; it has"
                f" {', '.join(self.profiles)}."
            )
        self.profile_names = named or [n for n, h in self.profiles.items() if not h.on_request]
        if not self.profile_names:
            raise BootgateError(
                f"Every profile of {loaded.path.name} is on request: name one with"
                f" --bootgate-profile ({', '.join(self.profiles)})."
            )
        every = [(profile, release) for profile in self.profile_names for release in self.releases]
        target = next(iter(self.file.targets))
        recipes = [self.recipe(profile, target, release) for profile, release in every]
        #: The system's own configurations, and what the preset's overlay changes in each.
        self.adapted = {path: lines for one in recipes for path, lines in one.adapted().items()}

    # -- what is to be booted --------------------------------------------------------------

    @property
    def releases(self) -> dict[str, Release]:
        """The releases to boot, the baseline first if there is one that can be booted."""
        both = self.file.releases
        named = {}
        if both.baseline is not None and self.recorded is None:
            named["baseline"] = both.baseline
        return {**named, "candidate": both.candidate}

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """All (profile, target) of this run, in the order they are booted."""
        return [(profile, target) for profile in self.profile_names for target in self.file.targets]

    @property
    def in_place(self) -> bool:
        """Whether boots start on the state that the baseline left."""
        return self.file.upgrade == "in-place"

    def of(self, profile: str) -> GateFile:
        """The gate file as it is on a profile, which may be a value of what varies."""
        return self._variants[profile].gate

    @property
    def growing(self) -> Iterator[tuple[str, dict[float, str]]]:
        """What varies, on each of the gate file's profiles: a name, and the profile of each value.

        Where only one of its values is booted, nothing grows.
        """
        for name in self.file.vary:
            for base in dict.fromkeys(self._variants[p].base for p in self.profile_names):
                on = [p for p in self.profile_names if self._variants[p].base == base]
                if len(on) > 1:
                    values = {value_of(self._variants[p].label): p for p in on}
                    yield (f"{base},{name}" if self.file.profiles else name), values

    def label(self, profile: str, target: str) -> str:
        """What pytest calls a target on a profile."""
        return label(target, profile, several=len(self.profiles) > 1)

    def unsupported(self, target: str) -> dict[str, str | None]:
        """For each release why it does not have a target, None where it does."""
        reasons = self.file.targets[target].unsupported.items()
        return {
            name: next((why for start, why in reasons if (r.version or "").startswith(start)), None)
            for name, r in self.releases.items()
        }

    def left_out(self, target: str) -> str | None:
        """Why the candidate does not have a target, None where it does."""
        return self.unsupported(target)["candidate"]

    @cached_property
    def checks(self) -> tuple[AnyCheck, ...]:
        """All checks of this run in the order they are booted: those of one target together."""
        every = [check for kind in KINDS.values() for check in kind.of(self)]
        if dumb := next((check for check in every if not check.items), None):
            raise BootgateError(
                f"The check {dumb.kind} has no items, so nobody would see its verdict. Name one."
            )
        self._refuse_one_name_for_two(every)
        order = list(dict.fromkeys((check.profile, check.target) for check in every))
        return tuple(sorted(every, key=lambda one: order.index((one.profile, one.target))))

    def _refuse_one_name_for_two(self, every: Sequence[AnyCheck]) -> None:
        """Two items of one name would be one line in all reports."""
        seen: dict[tuple[str, str, str], AnyCheck] = {}
        for check in every:
            for item in check.items:
                other = seen.setdefault((check.profile, check.target, item), check)
                if other is not check:
                    place = max((one.place(item) for one in (other, check)), key=len)
                    raise BootgateError(
                        f"{self.loaded.path}:{self.loaded.line(*place)}: '{item}' of"
                        f" {check.target} stands for the check {check.kind}: take another name"
                    )

    @cached_property
    def shards(self) -> dict[AnyCheck, int]:
        """The shard of each check; all are in the first where there are no shards."""
        if self.sharing is None:
            return dict.fromkeys(self.checks, 1)
        return divided(self.checks, self.sharing)

    @cached_property
    def parts(self) -> dict[str, str]:
        """Digests of the gate file as it was loaded, before anything booted."""
        return parts(self.loaded)

    @cached_property
    def measures(self) -> Measures:
        """Digests of what decides what a boot is, before anything booted."""
        return measures(self.loaded)

    @property
    def own(self) -> tuple[AnyCheck, ...]:
        """The checks that this run carries out: all, or those of its shard."""
        number = 1 if self.sharing is None else self.sharing.number
        return tuple(check for check in self.checks if self.shards[check] == number)

    def elsewhere(self, check: AnyCheck) -> str:
        """Which other shard carries out a check, in words; empty where this run does."""
        if self.sharing is None or self.shards[check] == self.sharing.number:
            return ""
        return f"{check.name} belongs to shard {self.shards[check]} of {self.sharing.of}"

    def elsewhere_of(self, profile: str, target: str) -> str:
        """The same of a target."""
        return self.elsewhere(self.check(WHOLE, profile, target)) if self.sharing else ""

    def check(self, kind: str, profile: str, target: str) -> AnyCheck:
        """One of them. Raises `KeyError` where there is none."""
        return {(c.kind, c.profile, c.target): c for c in self.checks}[kind, profile, target]

    def asked(self) -> Iterator[tuple[AnyCheck, str]]:
        """Every verdict that is asked for in this run: the check and the item that shows it."""
        return ((check, item) for check in self.own for item in check.asked)

    def recipe(
        self, profile: str, target: str, release: str, *, run: str = "", digest: str | None = None
    ) -> Recipe:
        """How a release boots a target on a profile, in a run, by the image's digest."""
        file = self.of(profile)
        chosen = file.releases.baseline if release == "baseline" else file.releases.candidate
        assert chosen is not None
        return Recipe(
            gate=file,
            target_name=target,
            target=file.targets[target],
            release_name=release,
            release=chosen,
            profile_name=profile,
            profile=self.profiles[profile],
            here=self.loaded.path.parent,
            image_digest=digest,
            run=run,
            mask=self.loaded.mask,
        )

    def sidecar_image(self) -> str | None:
        """The image of the sidecar where there are images; None where no boot needs one."""
        recipes = [self.recipe(profile, target, "candidate") for profile, target in self.pairs]
        needed = any(recipe.needs_sidecar for recipe in recipes)
        return recipes[0].sidecar_image() if needed else None

    def images(self) -> dict[str, str]:
        """All images that boots need, those of releases first, and a sentence on who needs each."""
        users: dict[str, list[str]] = {}
        for name, release in self.releases.items():
            if release.image is not None:
                users.setdefault(release.image, []).append(f"the {name}")
        for name, service in self.file.services.items():
            if service.image not in (None, RELEASE):
                users.setdefault(service.image, []).append(f"the service {name}")
        if (sidecar := self.sidecar_image()) is not None:
            users.setdefault(sidecar, []).append("the sidecar")
        key = "; `sidecar: {image: ...}` or BOOTGATE_SIDECAR_IMAGE names another"
        return {
            image: f"It is the image of {listed(who)}{key if who[-1] == 'the sidecar' else ''}."
            for image, who in users.items()
        }

    def refuse(self, *, images: bool) -> None:
        """Raises `BootgateError` for what an engine with images, or one without, cannot do."""
        lacking = "image" if images else "command"
        for name, service in self.file.services.items():
            if getattr(service, lacking) is None:
                other = "docker" if lacking == "command" else "process"
                raise BootgateError(
                    f"{self.loaded.where('services', name)}: the service {name} has no {lacking},"
                    f" which this engine needs. Name one, or use --bootgate-engine {other}."
                )
        if not images:
            self._refuse_containers()

    def _refuse_containers(self) -> None:
        file = self.file
        found: list[tuple[tuple[str, ...], str]] = []
        for name in self.profile_names:
            profile = self.profiles[name]
            if profile.cpus is not None or profile.memory is not None:
                found.append((("profiles", name), "`cpus` and `memory`"))
        if file.gateway.container != Container():
            found.append((("gateway", "container"), "`container`"))
        if file.sidecar.container != Container():
            found.append((("sidecar", "container"), "`container`"))
        for name, service in file.services.items():
            limited = service.memory is not None or service.cpus is not None
            if limited or service.container != Container():
                found.append((("services", name), "`container`, `cpus` and `memory`"))
        for name, target in file.targets.items():
            for phase, probe in target.phases.items():
                if probe.kind.needs_image:
                    place = ("targets", name, "phases", phase)
                    found.append((place, f"`{probe.kind.key}`"))
        if found:
            lines = [f"{self.loaded.where(*keys)}: only containers have {w}" for keys, w in found]
            raise BootgateError(
                f"{'; '.join(lines)}. This gate starts local processes: use --bootgate-engine"
                " docker, or leave that out."
            )

    def refuse_same(self, identities: Mapping[str, str | None] | None = None) -> None:
        """Raises `BootgateError` where both releases are the same.

        `identities` are the digests of their images, None before they were looked for.
        """
        prints = set()
        for name, release in self.releases.items():
            digest = release.image if identities is None else identities.get(name)
            prints.add(self.recipe(*self.pairs[0], name, digest=digest).fingerprint())
        if len(prints) < len(self.releases) and self.file.gate.allow != "same-image":
            raise BootgateError(
                "The releases baseline and candidate are the same (same image, command, environment"
                " and files), so there is no upgrade to gate. Check the images, commands and"
                " variables (${release} alone makes no difference); to gate a release against"
                " itself, set gate: {allow: same-image}."
            )

    # -- by which rules, and for how long --------------------------------------------------

    def rules(self, profile: str, target: str) -> Rules:
        """What a target is judged by on a profile."""
        asked, gate = self.file.targets[target], self.file.gate
        return Rules(
            timeout=float(asked.timeout),
            fail_at=float(gate.fail_at),
            warn_at=float(gate.warn_at),
            least=self._boots.least,
            most=self._boots.most,
            slower=float(gate.slower if asked.slower is None else asked.slower),
            inconclusive=gate.inconclusive,
            cpus=self.profiles[profile].cpus,
            retries=gate.retries,
            retry_pause=float(gate.retry_pause),
            noise=gate.noise,
            ready_timeout=float(self.file.gateway.ready_timeout),
            since=asked.from_ or "",
            timeout_of=asked.timeout_of or "",
            published=self.file.published,
            phases={
                name: Limits(
                    None if probe.limit is None else float(probe.limit),
                    None if probe.deadline is None else float(probe.deadline),
                    None if probe.slower is None else float(probe.slower),
                )
                for name, probe in asked.phases.items()
            },
        )

    def budget(self) -> float:
        """The seconds that the whole run may take at the very most."""
        return sum(check.budget() for check in self.own)

    def longest_boot(self, name: str) -> float:
        """The seconds that one boot of a target may take at the very most, with its gateway's."""
        target = self.file.targets[name]
        ready = self.around_boot if target.trigger is not None else _AROUND + self._services
        return target.timeout + target.listen + target.pause + ready

    @property
    def around_boot(self) -> float:
        """The seconds that bringing up a gateway and removing it may take at the very most."""
        gateway = self.file.gateway
        return gateway.ready_timeout + gateway.settle + _AROUND + self._services

    @property
    def _services(self) -> float:
        services = self.file.services.values()
        return sum(one.ready_timeout for one in services if one.ready is not None or one.once)
