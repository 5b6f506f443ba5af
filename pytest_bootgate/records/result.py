"""What one run of a gate found: the value behind every report, and its JSON form."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from pytest_bootgate.gatefile.propagation_rules import PROPAGATION
from pytest_bootgate.gatefile.rules import UPGRADE
from pytest_bootgate.records.check import CheckResult, PlainResult
from pytest_bootgate.records.machine import Machine
from pytest_bootgate.records.retry import started_later
from pytest_bootgate.records.shard import Part, Shard
from pytest_bootgate.records.stall import Stall
from pytest_bootgate.records.upgrade import ROLLBACK, SUBJECTS, Upgrade
from pytest_bootgate.records.values import Boot, HostFacts
from pytest_bootgate.records.verdict import WHOLE, Finding, Judgement, Rules, Verdict, worst

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
class TargetResult(CheckResult):
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

    listed = "targets"
    kind = WHOLE

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What the judgement rests on."""
        return self.judgement.findings if self.judgement is not None else ()

    @property
    def items(self) -> tuple[str, ...]:
        """The phases, and the whole boot."""
        return (*self.rules.phases, WHOLE)

    @property
    def whole(self) -> str:
        """The whole boot."""
        return WHOLE

    @property
    def suffix(self) -> str:
        """A target is called by its name alone."""
        return ""

    def about(self, item: str) -> tuple[Finding, ...]:
        """The findings about a phase or the whole boot, the worst first."""
        return self.judgement.about(item) if self.judgement is not None else ()

    @property
    def verdict(self) -> Verdict | None:
        """The verdict; None only for a target that the gate file leaves out."""
        if self.left_out is not None:
            return None
        if self.error is not None or self.judgement is None:
            return "error"
        return self.judgement.verdict

    def seen(self, item: str) -> bool:
        """Whether any boot of the candidate showed a phase, and was not lost."""
        known = [b for b in self.boots if b.release == "candidate" and not b.traits.unknown]
        phases = [boot.phase(item) for boot in known]
        return item == WHOLE or any(p is not None and p.at is not None for p in phases)

    def of(self, release: str) -> tuple[Boot, ...]:
        """The measured boots of one release; where there are none, its warm-up.

        A boot that timed out and started when tried again is measured by its last attempt.
        """
        again = started_later(self.boots)
        made = tuple(b for b in self.boots if b.release == release and b not in again)
        return tuple(b for b in made if not b.warm_up) or made


@dataclass(frozen=True)
class UpgradeResult(CheckResult):
    """An upgrade in place on one profile: what happened, and what it means."""

    profile: str
    upgrade: Upgrade | None = None
    findings: tuple[Finding, ...] = ()
    error: str | None = None

    listed = "upgrades"
    kind = target = UPGRADE

    @property
    def boots(self) -> tuple[Boot, ...]:
        """The jobs that were run, on all starts."""
        starts = self.upgrade.starts if self.upgrade is not None else ()
        return tuple(run.boot for start in starts for run in start.runs)

    @property
    def items(self) -> tuple[str, ...]:
        """What an upgrade in place is judged by."""
        asked = self.upgrade is not None and self.upgrade.rollback_asked
        return (*SUBJECTS, ROLLBACK) if asked else SUBJECTS

    @property
    def measured(self) -> bool:
        """Whether the candidate was started on the state."""
        return self.upgrade is not None

    def versions(self, release: str) -> Iterator[str]:
        """What each release said at its first start."""
        if self.upgrade is not None:
            seen = self.upgrade
            start = seen.baseline if release == "baseline" else seen.first
            yield from (start.version,) if start.version else ()


@dataclass(frozen=True)
class PropagationResult(CheckResult):
    """A boot of a target that was held on purpose, and whether anybody was told."""

    target: str
    profile: str
    stall: Stall | None = None
    findings: tuple[Finding, ...] = ()
    error: str | None = None

    listed = "propagations"
    kind = PROPAGATION

    @property
    def boots(self) -> tuple[Boot, ...]:
        """The boot that was held."""
        return (self.stall.boot,) if self.stall is not None else ()

    @property
    def measured(self) -> bool:
        """Whether a boot was to be held."""
        return self.stall is not None


#: The results of checks that have a class of their own, in the order of reports; others are plain.
RESULTS: tuple[type[CheckResult], ...] = (
    UpgradeResult,
    TargetResult,
    PropagationResult,
    PlainResult,
)


@dataclass(frozen=True)
class Unjudged:
    """A verdict that the gate file asks for and no test of the run showed.

    `item` is the item of pytest that shows it: ``boot`` or ``propagation`` of a target, or one of
    the items of ``upgrade``. `booted` where it was measured all the same. `kind` is that of the
    check.
    """

    target: str
    profile: str
    item: str
    booted: bool = False
    kind: str = ""

    @property
    def check(self) -> str:
        """The kind of the check, which an older result does not name."""
        return self.kind or (self.item if self.item in (WHOLE, PROPAGATION) else self.target)


@dataclass(frozen=True)
class GateResult:
    """Everything one gate file's run found. `at` is the wall-clock start in ISO 8601, UTC.

    `checks` are the results of all checks, in the order in which reports show them.
    `measures` is a digest of what the gate file measures: all of it but the releases and the rules
    of the verdict. Results are comparable only where it is the same. `measured` are those of its
    parts, by their names; empty before there were any. `error` is the paragraph that
    says why the run must not pass with what it left `unjudged`. `engine` is the engine in words,
    `engine_name` what ``--bootgate-engine`` takes. `profiles` are all of the gate file, empty where
    nobody knows. `lines` are those of the gate file
    (from 1) that ask for a target, ``TARGET::PHASE``, ``TARGET::propagation`` and ``upgrade``.
    `adapted` are the system's own configurations by their paths, and a line for each change that
    the preset's overlay made in them for the gate.
    `environment` are the variables of the environment that the gate file used, without secrets.
    `waited` are the seconds for which it waited until other gates left the machine; they are no
    part of any boot. `shard` says which share of the gate it is, and `error` then that it is no
    more; `shards` are the runs that it was merged from, of which `machine` is that of the first.
    Both are empty for a gate that was booted as a whole.
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
    checks: tuple[CheckResult, ...] = ()
    measures: str = ""
    unjudged: tuple[Unjudged, ...] = ()
    error: str | None = None
    lines: Mapping[str, int] = field(default_factory=dict)
    waited: float = 0.0
    engine_name: str = ""
    profiles: tuple[str, ...] = ()
    adapted: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    shard: Shard | None = None
    shards: tuple[Part, ...] = ()
    measured: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)

    def label(self, name: str, profile: str) -> str:
        """What pytest calls a target, or ``upgrade``, on a profile."""
        return label(name, profile, several=self.several_profiles)

    @property
    def several_profiles(self) -> bool:
        """Whether the gate file has several; where nobody knows, whether one is named here."""
        if self.profiles:
            return len(self.profiles) > 1
        named = [found.profile for found in self.checks] + [u.profile for u in self.unjudged]
        return any(name != "default" for name in named)

    @property
    def machines(self) -> tuple[HostFacts, ...]:
        """All machines on which it booted, more than one only where it was merged from shards."""
        return tuple(part.machine for part in self.shards) or (self.machine,)

    @property
    def targets(self) -> tuple[TargetResult, ...]:
        """The targets, which alone are timed and compared."""
        return tuple(found for found in self.checks if isinstance(found, TargetResult))

    def beside(self, one: CheckResult) -> tuple[TargetResult, ...]:
        """The other targets on the profile of a check."""
        return tuple(t for t in self.targets if t.profile == one.profile and t is not one)

    @property
    def tried(self) -> bool:
        """Whether anything was booted, or tried to be."""
        return bool(self.checks)

    @property
    def verdict(self) -> Verdict:
        """The worst verdict of all that was judged; `error` where there is none."""
        if self.error is not None:
            return "error"
        return worst([found.verdict for found in self.checks if found.verdict is not None])
