"""Which limits, and which fail_at and warn_at, the boots of a gate file's targets speak for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from pytest_bootgate.cli.calibration.evidence import Evidence
from pytest_bootgate.errors import BootgateError
from pytest_bootgate.gatefile import Loaded
from pytest_bootgate.gatefile.model import Target
from pytest_bootgate.records.values import Boot
from pytest_bootgate.reports.amounts import count, duration, share
from pytest_bootgate.stats import thresholds
from pytest_bootgate.stats.headroom import headroom
from pytest_bootgate.stats.thresholds import LEAST_BOOTS, LEAST_MEDIAN, Shares, Spread, written

#: Whether an entry, named by its keys, stands in the gate file itself.
Own = Callable[..., bool]


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit for one phase, in seconds, and the boots behind it; `old` is the one so far."""

    target: str
    phase: str
    seconds: float
    old: float | None
    spread: Spread
    profile: str


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
    loaded: Loaded, evidence: Evidence, own: Own, *, profile: str | None = None, again: bool = False
) -> Proposals:
    """Hold the boots against the gate file.

    A limit holds on every profile, so it takes boots of each that is not on request, or of
    `profile` alone; the largest bound counts. A target that ``extends`` another takes over its
    limits too, and gets one of its own only where it needs a higher one or the other has none. A
    limit that is there stays, unless the gate would warn or fail of it today, or `again` is given.

    `fail_at` is one share for timeouts and limits alike. It goes up where a target's healthy boots
    would warn (see `thresholds.shares`), and down only where no phase has a limit that would
    shrink with it, and catches trouble earlier anyway.

    Raises `BootgateError` for a profile that the gate file does not have.
    """
    return _Proposing(loaded, evidence, own, profile, again).all()


class _Proposing:
    def __init__(
        self, loaded: Loaded, evidence: Evidence, own: Own, profile: str | None, again: bool
    ) -> None:
        self._gate, self._evidence, self._own, self._again = loaded.gate, evidence, own, again
        self._run = loaded.gate.gate.boots.least
        self._fail_at, self._warn_at = (
            float(loaded.gate.gate.fail_at),
            float(loaded.gate.gate.warn_at),
        )
        self._remarks = list(evidence.remarks)
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
        profiles = loaded.gate.profiles
        names = list(profiles) or ["default"]
        if profile is not None and profile not in names:
            raise BootgateError(
                f"{loaded.path.name} has no profile {profile!r}; it has {', '.join(names)}."
            )
        there = self._evidence.profiles
        chosen = [
            name
            for name in names
            if name == profile
            or (
                profile is None and (name in there or not profiles or not profiles[name].on_request)
            )
        ]
        for name in names:
            if name not in chosen:
                self._remarks.append(
                    f"limits hold on profile {name} too, whose boots are not looked at"
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
            where = (
                name
                if len(self._profiles) == 1 and not self._gate.profiles
                else f"{name}@{profile}"
            )
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
        found = (boot if phase is None else boot.phase(phase) for boot in self._of(name, profile))
        return [each.seconds for each in found if each is not None and each.seconds is not None]

    def _of(self, name: str, profile: str) -> list[Boot]:
        return self._evidence.of(name, profile)

    def _spread(self, name: str, profile: str, phase: str | None = None) -> Spread:
        return thresholds.spread(self._seconds(name, profile, phase), self._run)

    # -- limits ----------------------------------------------------------------------------

    def _limits(self, fit: dict[str, Target], warn_at: float) -> list[Limit]:
        wanted = {name: self._wanted(name, target, warn_at) for name, target in fit.items()}
        limits: dict[tuple[str, str], Limit] = {}
        for name in sorted(fit, key=lambda name: fit[name].extends is not None):
            for phase, limit in wanted[name].items():
                above = limits.get((fit[name].extends or "", phase))
                if above is not None and self._takes_over(name, phase):
                    if limit is None:
                        self._drop(limits, above, f"{name} would take it over, and varies too much")
                        continue
                    if limit.seconds <= above.seconds <= fit[name].timeout:
                        self._remarks.append(f"{name}.{phase}: takes over that of {above.target}")
                        continue
                if limit is not None and limit.seconds != limit.old:
                    limits[name, phase] = limit
        for name, target in self._gate.targets.items():
            theirs = [limit for (other, _), limit in limits.items() if other == target.extends]
            for limit in theirs:
                own = (name, limit.phase) in limits or not self._takes_over(name, limit.phase)
                if limit.seconds > target.timeout and not own:
                    self._drop(limits, limit, f"{name} would take it over, and has less time")
            if theirs and name not in fit:
                self._remarks.append(
                    f"{name}: takes over limits of {target.extends}, unproven for it"
                )
        return [limit for name in fit for (other, _), limit in limits.items() if other == name]

    def _takes_over(self, name: str, phase: str) -> bool:
        return not self._own("targets", name, "phases", phase, "limit")

    def _drop(self, limits: dict[tuple[str, str], Limit], limit: Limit, why: str) -> None:
        del limits[limit.target, limit.phase]
        self._remarks.append(f"{limit.target}.{limit.phase}: no limit, {why}")

    def _wanted(self, name: str, target: Target, warn_at: float) -> dict[str, Limit | None]:
        """The limit of each phase by itself; None where the phase varies too much for one."""
        if [*target.phases] == ["proof"]:
            self._remarks.append(f"{name}: no limits, it has a proof and no phases")
            return {}
        wanted: dict[str, Limit | None] = {}
        for phase, probe in target.phases.items():
            here = f"{name}.{phase}"
            if probe.optional:
                self._remarks.append(f"{here}: no limit, the phase is optional")
                continue
            if phase == "proof" and not self._own("targets", name, "phases", "proof"):
                # Its place is beside the phases, under 'proof'.
                self._remarks.append(f"{here}: no limit, it is the target's proof")
                continue
            if any(
                len(self._seconds(name, profile, phase)) < LEAST_BOOTS for profile in self._profiles
            ):
                self._remarks.append(f"{here}: no limit, seen in fewer than {LEAST_BOOTS} boots")
                continue
            spread, profile = max(
                ((self._spread(name, profile, phase), profile) for profile in self._profiles),
                key=lambda found: found[0].bound,
            )
            old = None if probe.limit is None else float(probe.limit)
            if old is not None and not self._again and self._easy(name, phase, old):
                self._remarks.append(
                    f"{here}: the limit of {written(old)} stays, its boots are well below it"
                    " (--all would replace it)"
                )
            elif spread.median < LEAST_MEDIAN:
                self._remarks.append(
                    f"{here}: no limit, its median of {duration(spread.median)} is below"
                    f" {duration(LEAST_MEDIAN)}"
                )
            else:
                seconds = thresholds.limit(spread.bound, warn_at, target.timeout)
                wanted[phase] = None
                if seconds is None:
                    self._remarks.append(
                        f"{here}: no limit, its bound of {duration(spread.bound)} would need one"
                        f" above the timeout of {written(target.timeout)}"
                    )
                else:
                    wanted[phase] = Limit(name, phase, seconds, old, spread, profile)
        return wanted

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
                    f"{name}: {_spread_words(spread)}, {share(part)} of the timeout"
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
                f" {_spread_words(spread)}, timeout {timeout}); fail_at is twice that,"
                f" {thresholds.LEAST_FAIL_AT:.0%} at least"
            )
        ]


def _limited(target: Target) -> bool:
    return any(p.limit is not None or p.deadline is not None for p in target.phases.values())


def _spread_words(spread: Spread) -> str:
    return ", ".join(spread_words(spread))


def spread_words(spread: Spread) -> Iterator[str]:
    """What is known of a duration, in parts of a sentence."""
    yield count(spread.boots, "boot")
    yield f"median {duration(spread.median)}"
    yield f"slowest {duration(spread.slowest)}"
    yield f"bound {duration(spread.bound)}"
