"""What a gate file asks for in one run: releases, profiles, targets, rules, boots."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from pytest_bootgate.checks.baseline import REPEATS
from pytest_bootgate.checks.campaign import plan
from pytest_bootgate.checks.upgrade import ROLLBACK, SUBJECTS
from pytest_bootgate.errors import BootgateError
from pytest_bootgate.gatefile import Loaded
from pytest_bootgate.gatefile.model import Profile, Release
from pytest_bootgate.gatefile.propagation_rules import PROPAGATION
from pytest_bootgate.gatefile.quantities import Boots
from pytest_bootgate.gatefile.rules import UPGRADE
from pytest_bootgate.records.result import label
from pytest_bootgate.records.retry import STALL_REPEATS
from pytest_bootgate.records.verdict import WHOLE, Limits, Rules
from pytest_bootgate.run.propagation import propagation_budget
from pytest_bootgate.run.recipe import Recipe
from pytest_bootgate.run.recorded import Recorded
from pytest_bootgate.run.upgrade import upgrade_budget

#: What bringing up and removing one pair may cost, in seconds, on top of the boot itself.
_AROUND = 60.0


class Plan:
    """What one gate file asks for, before anything boots.

    `boots` overrides the gate file's; `profiles` names the profiles, empty for all that are not
    on request. Raises `BootgateError` for a profile that the gate file does not have, and for
    a recorded baseline that cannot be read.
    """

    def __init__(
        self, loaded: Loaded, *, boots: Boots | None = None, profiles: Sequence[str] = ()
    ) -> None:
        self.loaded, self.file = loaded, loaded.gate
        self._boots = boots or self.file.gate.boots
        recorded = self.file.releases.baseline and self.file.releases.baseline.recorded
        self.recorded = Recorded.read(Path(recorded)) if recorded else None
        self.profiles = self.file.profiles or {"default": Profile()}
        unknown = [name for name in profiles if name not in self.profiles]
        if unknown:
            raise BootgateError(
                f"{loaded.path.name} has no profile {unknown[0]!r}; it has"
                f" {', '.join(self.profiles)}."
            )
        self.profile_names = list(profiles) or [
            n for n, h in self.profiles.items() if not h.on_request
        ]
        if not self.profile_names:
            raise BootgateError(
                f"Every profile of {loaded.path.name} is on request: name one with"
                f" --bootgate-profile ({', '.join(self.profiles)})."
            )

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

    @property
    def upgrade_subjects(self) -> tuple[str, ...]:
        """What an upgrade in place is judged by, in the order it happens."""
        return (*SUBJECTS, ROLLBACK) if self.file.state.rollback else SUBJECTS

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

    def may_be_held(self, target: str) -> bool:
        """Whether a target asks for a propagation test, and the candidate has the target."""
        return self.file.targets[target].propagation is not None and self.left_out(target) is None

    def asked(self) -> Iterator[tuple[str, str, str]]:
        """Every verdict that is asked for, as (profile, target, item), as they are booted."""
        for profile in self.profile_names if self.in_place else ():
            yield from ((profile, UPGRADE, subject) for subject in self.upgrade_subjects)
        for profile, target in self.pairs:
            if self.left_out(target) is None:
                yield profile, target, WHOLE
            if self.may_be_held(target):
                yield profile, target, PROPAGATION

    def recipe(
        self, profile: str, target: str, release: str, *, run: str = "", digest: str | None = None
    ) -> Recipe:
        """How a release boots a target on a profile, in a run, by the image's digest."""
        return Recipe(
            gate=self.file,
            target_name=target,
            target=self.file.targets[target],
            release_name=release,
            release=self.releases[release],
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
            phases={
                name: Limits(
                    None if probe.limit is None else float(probe.limit),
                    None if probe.deadline is None else float(probe.deadline),
                    None if probe.slower is None else float(probe.slower),
                )
                for name, probe in asked.phases.items()
            },
        )

    def boots(self, profile: str, target: str) -> tuple[int, int]:
        """How many boots a target takes: at least, if all of them start, and at most.

        Those that are repeated because the gate itself stood still are not in it.
        """
        if self.left_out(target) is not None:
            return 0, 0
        releases = [name for name, reason in self.unsupported(target).items() if reason is None]
        rules, warm = self.rules(profile, target), self._warm(target)
        recorded = self._recorded_boots(profile, target)
        asks = plan(releases, rules, warm=warm, recorded=recorded)
        looks = rules.plan.looks if len(releases) == 2 else ()
        least = len(asks) - sum(ask.number > looks[0] for ask in asks) if looks else len(asks)
        return least, len(asks) + _repeats(rules, releases, warm=warm)

    def budget(self) -> float:
        """The seconds that the whole gate may take at the very most."""
        total = sum(self._budget(profile, target) for profile, target in self.pairs)
        if self.in_place:
            total += len(self.profile_names) * upgrade_budget(self.file)
        return total

    def _budget(self, profile: str, name: str) -> float:
        target, rules, warm = self.file.targets[name], self.rules(profile, name), self._warm(name)
        recorded = self._recorded_boots(profile, name)
        asks = len(plan(list(self.releases), rules, warm=warm, recorded=recorded))
        ready = self.file.gateway.ready_timeout + self.file.gateway.settle
        once = target.timeout + target.listen + target.pause + _AROUND
        once += ready if target.trigger is not None else 0.0
        repeats = _repeats(rules, list(self.releases), warm=warm) + STALL_REPEATS * (1 + warm)
        again = repeats * (rules.retry_pause + once)
        held = 0.0
        if target.propagation is not None:
            held = propagation_budget(target, target.propagation) + ready + _AROUND
        return asks * once + again + held

    def _warm(self, target: str) -> bool:
        return self.file.targets[target].start == "warm"

    def _recorded_boots(self, profile: str, target: str) -> int:
        return len(self.recorded.boots(profile, target)) if self.recorded is not None else 0


def _repeats(rules: Rules, releases: Sequence[str], *, warm: bool) -> int:
    """How many boots are repeated at the very most, in all boots of a target."""
    each = rules.retries + (REPEATS if "baseline" in releases else 0)
    return each * (1 + warm)  # with warm starts each needs one more, which is thrown away
