"""Which limits, and which fail_at and warn_at, the boots of a gate file's targets speak for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from pytest_bootgate.cli.calibration.evidence import Evidence
from pytest_bootgate.errors import BootgateError
from pytest_bootgate.gatefile import Loaded
from pytest_bootgate.gatefile.model import PhaseProbe, Target
from pytest_bootgate.gatefile.tree import Map
from pytest_bootgate.records.result import label
from pytest_bootgate.reports.amounts import count, duration, share
from pytest_bootgate.stats import thresholds
from pytest_bootgate.stats.headroom import headroom
from pytest_bootgate.stats.thresholds import LEAST_BOOTS, LEAST_MEDIAN, Shares, Spread, written


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit for one phase, in seconds; `old` is the one so far.

    `spread` is what the boots of the slowest `profile` say. Without one the target would take the
    limit over from another, and keeps the present one (None: none) instead.
    """

    target: str
    phase: str
    seconds: float | None
    old: float | None
    profile: str
    spread: Spread | None


@dataclass(frozen=True, slots=True)
class Proposals:
    """What is proposed, what `fail_at` and `warn_at` are then, and what was left out and why.

    `shares` is None where fail_at and warn_at stay; `because` says why they do not.
    """

    limits: tuple[Limit, ...]
    shares: Shares | None
    because: tuple[str, ...]
    warn_at: float
    run: int
    remarks: tuple[str, ...]


def propose(
    loaded: Loaded, evidence: Evidence, own: Map, *, profile: str | None = None, again: bool = False
) -> Proposals:
    """Hold the boots against the gate file, of which `own` is what it says itself.

    A limit holds on every profile, so it takes boots of each that is not on request, or of
    `profile` alone; the largest bound counts. A target that ``extends`` another gets
    limits of its own, or keeps those it has. A limit that is there stays, unless the gate would
    warn or fail of it today, or `again` is given.

    `fail_at` is one share for timeouts and limits alike. It goes up where a target's healthy boots
    would warn (see `thresholds.shares`), and down only where no phase has a limit that would
    shrink with it, and catches trouble earlier anyway.

    Raises `BootgateError` for a profile that the gate file does not have.
    """
    return _Proposing(loaded, evidence, own, profile, again).all()


class _Proposing:
    def __init__(
        self, loaded: Loaded, evidence: Evidence, own: Map, profile: str | None, again: bool
    ) -> None:
        self._gate, self._evidence, self._own, self._again = loaded.gate, evidence, own, again
        self._run = loaded.gate.gate.boots.least
        self._fail_at, self._warn_at = (
            float(loaded.gate.gate.fail_at),
            float(loaded.gate.gate.warn_at),
        )
        self._remarks = list(evidence.remarks)
        self._several = len(loaded.profiles) > 1
        self._profiles = self._choose(loaded, profile)

    def all(self) -> Proposals:
        fit = {name: target for name, target in self._gate.targets.items() if self._fit(name)}
        used = {
            name: max(
                (self._spread(name, profile).bound / target.timeout, profile)
                for profile in self._profiles
            )
            for name, target in fit.items()
        }
        found, because = self._higher(used)
        warn_at = found.warn_at if found is not None else self._warn_at
        limits = self._limits(fit, warn_at)
        if found is None and not because:
            found, because = self._lower(used, limits)
        return Proposals(
            limits=tuple(limits),
            shares=found,
            because=tuple(because),
            warn_at=warn_at,
            run=self._run,
            remarks=tuple(self._remarks),
        )

    def _choose(self, loaded: Loaded, profile: str | None) -> list[str]:
        """The profiles whose boots a threshold takes."""
        profiles = loaded.profiles
        names = list(profiles)
        if profile is not None and profile not in names:
            raise BootgateError(
                f"{loaded.path.name} has no profile {profile!r}; it has {', '.join(names)}."
            )
        there = self._evidence.profiles
        chosen = [
            name
            for name in names
            if name == profile
            or (profile is None and (name in there or not profiles[name].profile.on_request))
        ]
        for name in names:
            if name not in chosen:
                self._remarks.append(
                    f"limits hold on profile {name} too, whose boots are not considered"
                )
        for name in sorted(there - set(names)):
            self._remarks.append(f"boots on {name} are left out: no such profile any more")
        if not chosen:
            raise BootgateError(
                f"The results have no boots on a profile of {loaded.path.name}, and all of"
                f" these are on request ({', '.join(names)}). Name results with boots on one."
            )
        return chosen

    def _fit(self, name: str) -> bool:
        """Whether a target has enough boots; the reason is a remark."""
        for profile in self._profiles:
            where = label(name, profile, several=self._several)
            if why := self._evidence.unfit.get((name, profile)):
                self._remarks.append(f"{where}: {why}")
                return False
            number = len(self._evidence.of(name, profile))
            if number < LEAST_BOOTS:
                way_out = (
                    ""
                    if profile in self._evidence.profiles or len(self._profiles) == 1
                    else f"; limits hold there too, unless --profile names another than {profile}"
                )
                self._remarks.append(
                    f"{where}: {count(number, 'measured boot')} of the {self._evidence.release},"
                    f" at least {LEAST_BOOTS} are needed{way_out}"
                )
                return False
        return True

    def _seconds(self, name: str, profile: str, phase: str | None = None) -> list[float]:
        """How long the boots, or one phase of them, took."""
        boots = self._evidence.of(name, profile)
        found = (boot if phase is None else boot.phase(phase) for boot in boots)
        return [each.seconds for each in found if each is not None and each.seconds is not None]

    def _spread(self, name: str, profile: str, phase: str | None = None) -> Spread:
        return thresholds.spread(self._seconds(name, profile, phase), self._run)

    # -- limits ----------------------------------------------------------------------------

    def _limits(self, fit: dict[str, Target], warn_at: float) -> list[Limit]:
        limits: dict[tuple[str, str], Limit] = {}
        for name, target in fit.items():
            for limit in self._wanted(name, target, warn_at):
                limits[name, limit.phase] = limit
        for name, target in self._gate.targets.items():
            for phase, probe in target.phases.items():
                inherited = self._own.below("targets", name, "phases", phase, "limit") is None
                if inherited and (target.extends or "", phase) in limits:
                    now = None if probe.limit is None else float(probe.limit)
                    same = Limit(name, phase, now, now, target.extends or "", None)
                    limits.setdefault((name, phase), same)
        return list(limits.values())

    def _wanted(self, name: str, target: Target, warn_at: float) -> Iterator[Limit]:
        """The new limits of a target; why a phase gets none is a remark."""
        if [*target.phases] == ["proof"]:
            self._remarks.append(f"{name}: no limits, it has a proof but no phases")
            return
        for phase, probe in target.phases.items():
            found = self._limit(name, target, phase, probe, warn_at)
            if isinstance(found, str):
                self._remarks.append(f"{name}.{phase}: {found}")
            elif found.seconds != found.old:
                yield found

    def _limit(
        self, name: str, target: Target, phase: str, probe: PhaseProbe, warn_at: float
    ) -> Limit | str:
        """The limit of one phase, or why it gets none."""
        if probe.optional:
            return "no limit, the phase is optional"
        if phase == "proof" and self._own.below("targets", name, "phases", "proof") is None:
            # Its place is beside the phases, under 'proof'.
            return "no limit, it is the target's proof"
        if any(
            len(self._seconds(name, profile, phase)) < LEAST_BOOTS for profile in self._profiles
        ):
            return f"no limit, seen in fewer than {LEAST_BOOTS} boots"
        spread, profile = max(
            ((self._spread(name, profile, phase), profile) for profile in self._profiles),
            key=lambda found: found[0].bound,
        )
        old = None if probe.limit is None else float(probe.limit)
        if old is not None and not self._again and self._easy(name, phase, old):
            return (
                f"the limit of {written(old)} stays, its boots are well below it (--all would"
                " replace it)"
            )
        if spread.median < LEAST_MEDIAN:
            least = duration(LEAST_MEDIAN)
            return f"no limit, its median of {duration(spread.median)} is below {least}"
        seconds = thresholds.limit(spread.bound, warn_at, target.timeout)
        if seconds is None:
            return (
                f"no limit, its bound of {duration(spread.bound)} would need a limit above the"
                f" timeout of {written(target.timeout)}"
            )
        return Limit(name, phase, seconds, old, profile, spread)

    def _easy(self, name: str, phase: str, old: float) -> bool:
        """Whether the gate would pass today's boots under the limit that is there."""
        for profile in self._profiles:
            seconds = self._seconds(name, profile, phase)
            room = headroom(seconds, old, fail_at=self._fail_at, warn_at=self._warn_at)
            if room.level != "pass":
                return False
        return True

    # -- fail_at and warn_at
    # -------------------------------------------------------------------------

    def _higher(self, used: dict[str, tuple[float, str]]) -> tuple[Shares | None, list[str]]:
        """Shares that leave healthy boots in peace, and what it is that does not now."""
        because = []
        for name, (part, profile) in used.items():
            if part > self._warn_at:
                timeout = float(self._gate.targets[name].timeout)
                spread = self._spread(name, profile)
                because.append(
                    f"{name}: {spread_words(spread)}, {share(part)} of the timeout"
                    f" {written(timeout)}; a timeout of"
                    f" {written(thresholds.round_up(spread.bound / self._warn_at))} would leave"
                    " room"
                )
        if not because:
            return None, []
        most = max(part for part, _ in used.values())
        found = thresholds.shares(most, self._fail_at, self._warn_at, lower=False)
        if found is None:
            self._remarks += [
                f"{text}, no fail_at up to {share(thresholds.MOST_FAIL_AT)} would"
                for text in because
            ]
        return found, because

    def _lower(
        self, used: dict[str, tuple[float, str]], limits: Sequence[Limit]
    ) -> tuple[Shares | None, list[str]]:
        """Shares that catch trouble earlier, where all targets use little of their timeouts."""
        if not used or used.keys() != self._gate.targets.keys():
            return None, []
        name, (most, profile) = max(used.items(), key=lambda item: item[1])
        found = thresholds.shares(most, self._fail_at, self._warn_at, lower=True)
        if found is None:
            return None, []
        if limits or any(_limited(target) for target in self._gate.targets.values()):
            self._remarks.append(
                f"fail_at stays {share(self._fail_at)}: no target uses more than {share(most)} of"
                " its timeout, but a lower fail_at would shrink the limits of phases, which catch"
                " trouble earlier"
            )
            return None, []
        spread = self._spread(name, profile)
        timeout = written(float(self._gate.targets[name].timeout))
        return found, [
            (
                f"no target uses more than {share(most)} of its timeout ({name}:"
                f" {spread_words(spread)}, timeout {timeout}); fail_at is twice that,"
                f" {thresholds.LEAST_FAIL_AT:.0%} at least"
            )
        ]


def _limited(target: Target) -> bool:
    return any(p.limit is not None or p.deadline is not None for p in target.phases.values())


def spread_words(spread: Spread) -> str:
    """What is known of a duration, as a part of a sentence."""
    return (
        f"{count(spread.boots, 'boot')}, median {duration(spread.median)}, slowest"
        f" {duration(spread.slowest)}, bound {duration(spread.bound)}"
    )
