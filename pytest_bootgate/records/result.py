"""What one run of a gate found: the value behind every report, and its JSON form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pytest_bootgate.records.machine import Machine
from pytest_bootgate.records.retry import started_later
from pytest_bootgate.records.stall import Stall
from pytest_bootgate.records.upgrade import Upgrade
from pytest_bootgate.records.values import Boot, HostFacts
from pytest_bootgate.records.verdict import Finding, Judgement, Rules, Verdict, worst

#: Raised whenever a field changes its meaning or goes away; new fields do not raise it.
SCHEMA = "bootgate-result/2"


def label(name: str, profile: str, *, several: bool) -> str:
    """What a target is called on a profile: by its name alone unless there are several profiles."""
    return f"{name}@{profile}" if several else name


@dataclass(frozen=True)
class ReleaseFacts:
    """What stood behind a release's name: `identity` is the image's digest, if it has one.

    `recorded` says from which result a release was taken that was not booted in this run. `granted`
    is what its container got beyond the default, in words.
    """

    image: str | None
    identity: str | None
    version: str | None
    recorded: str | None = None
    granted: tuple[str, ...] = ()


@dataclass(frozen=True)
class TargetResult:
    """One target on one profile: its boots and what they add up to.

    `runs_as` is the session target it stands for: its own name, unless the gate file `extends` one.
    `left_out` is the gate file's reason why the candidate does not have this target; `error`
    is the paragraph that says why the gate could not measure. `machine` is what the machine was
    like meanwhile.
    """

    target: str
    profile: str
    runs_as: str
    rules: Rules
    boots: tuple[Boot, ...] = ()
    judgement: Judgement | None = None
    left_out: str | None = None
    error: str | None = None
    notes: tuple[str, ...] = ()
    machine: Machine | None = None

    @property
    def verdict(self) -> Verdict | None:
        """The verdict; None only for a target that the gate file leaves out."""
        if self.left_out is not None:
            return None
        if self.error is not None or self.judgement is None:
            return "error"
        return self.judgement.verdict

    def of(self, release: str) -> tuple[Boot, ...]:
        """The measured boots of one release; where there are none, its warm-up.

        A boot that timed out and started when tried again is measured by its last attempt.
        """
        again = started_later(self.boots)
        made = tuple(b for b in self.boots if b.release == release and b not in again)
        return tuple(b for b in made if not b.warm_up) or made


@dataclass(frozen=True)
class UpgradeResult:
    """An upgrade in place on one profile: what happened, and what it means.

    `error` is the paragraph that says why the gate could not measure.
    """

    profile: str
    upgrade: Upgrade | None = None
    findings: tuple[Finding, ...] = ()
    error: str | None = None

    @property
    def verdict(self) -> Verdict:
        """The worst finding; without any the upgrade passed."""
        if self.error is not None or self.upgrade is None:
            return "error"
        return worst([finding.verdict for finding in self.findings] or ["pass"])

    def about(self, subject: str) -> tuple[Finding, ...]:
        """The findings about one subject."""
        return tuple(finding for finding in self.findings if finding.subject == subject)


@dataclass(frozen=True)
class PropagationResult:
    """A boot of a target that was held on purpose, and whether anybody was told.

    `error` is the paragraph that says why the gate could not measure.
    """

    target: str
    profile: str
    stall: Stall | None = None
    findings: tuple[Finding, ...] = ()
    error: str | None = None

    @property
    def verdict(self) -> Verdict:
        """The worst finding; without any somebody was told."""
        if self.error is not None or self.stall is None:
            return "error"
        return worst([finding.verdict for finding in self.findings] or ["pass"])


@dataclass(frozen=True)
class Unjudged:
    """A verdict that the gate file asks for and no test of the run showed.

    `item` is the item of pytest that shows it: ``boot`` or ``propagation`` of a target, or one of
    the items of ``upgrade``. `booted` where it was measured all the same.
    """

    target: str
    profile: str
    item: str
    booted: bool = False


@dataclass(frozen=True)
class GateResult:
    """Everything one gate file's run found. `at` is the wall-clock start in ISO 8601, UTC.

    `measures` is a digest of what the gate file measures: all of it but the releases and the rules
    of the verdict. Results are comparable only where it is the same. `error` is the paragraph that
    says why the run must not pass with what it left `unjudged`. `engine` is the engine in words,
    `engine_name` what ``--bootgate-engine`` takes. `profiles` are all of the gate file, empty where
    nobody knows. `lines` are those of the gate file
    (from 1) that ask for a target, ``TARGET::PHASE``, ``TARGET::propagation`` and ``upgrade``.
    `waited` are the seconds for which it waited until other gates left the machine; they are no
    part of any boot.
    """

    schema: str
    file: str
    at: str
    bootgate: str
    run: str
    engine: str
    why_engine: str
    machine: HostFacts
    releases: Mapping[str, ReleaseFacts]
    targets: tuple[TargetResult, ...]
    measures: str = ""
    upgrades: tuple[UpgradeResult, ...] = ()
    propagations: tuple[PropagationResult, ...] = ()
    unjudged: tuple[Unjudged, ...] = ()
    error: str | None = None
    lines: Mapping[str, int] = field(default_factory=dict)
    waited: float = 0.0
    engine_name: str = ""
    profiles: tuple[str, ...] = ()

    def label(self, name: str, profile: str) -> str:
        """What pytest calls a target, or ``upgrade``, on a profile."""
        return label(name, profile, several=self.several_profiles)

    @property
    def several_profiles(self) -> bool:
        """Whether the gate file has several; where nobody knows, whether one is named here."""
        if self.profiles:
            return len(self.profiles) > 1
        named = [t.profile for t in self.targets] + [u.profile for u in self.upgrades]
        named += [p.profile for p in self.propagations] + [u.profile for u in self.unjudged]
        return any(name != "default" for name in named)

    def beside(self, target: TargetResult) -> tuple[TargetResult, ...]:
        """The other targets on the profile of one."""
        return tuple(t for t in self.targets if t.profile == target.profile and t is not target)

    @property
    def tried(self) -> bool:
        """Whether anything was booted, or tried to be."""
        return bool(self.targets or self.upgrades or self.propagations)

    @property
    def verdict(self) -> Verdict:
        """The worst verdict of all that was judged; `error` where there is none."""
        if self.error is not None:
            return "error"
        targets = [t.verdict for t in self.targets if t.verdict is not None]
        held = [found.verdict for found in self.propagations]
        return worst([*(t.verdict for t in self.upgrades), *held, *targets])
