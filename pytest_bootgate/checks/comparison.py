"""The candidate beside the baseline: what the comparison finds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from statistics import median

from pytest_bootgate.checks.attribution import (
    BUSY,
    attribute,
    only_in_one,
    others_busy,
)
from pytest_bootgate.checks.pairs import Pairs
from pytest_bootgate.checks.wording import blame, sentence
from pytest_bootgate.records.attribution import Attribution
from pytest_bootgate.records.values import Boot
from pytest_bootgate.records.verdict import WHOLE, Finding, Rules, Verdict
from pytest_bootgate.stats.net import compare_net
from pytest_bootgate.stats.regression import (
    FAR_TIMES,
    STRAGGLERS,
    Regression,
    compare,
    compare_recorded,
)
from pytest_bootgate.stats.schedule import LEAST_PAIRS

#: How many cores a release may use while it waits for its turn without disturbing the other.
IDLE = 0.1
#: One release read this many bytes more than the other from disks, and this many times as much:
#: then their images were not equally warm.
COLD_BYTES, COLD_TIMES = 4 * 1024 * 1024, 4
#: The share of the boots' time, spent waiting for a CPU that others had, from which on it is noted.
WAITED = 0.05
#: A straggler that waited for a CPU for this share of its delay may be late for that alone.
HELD_UP = 0.1
_OTHER = {"baseline": "candidate", "candidate": "baseline"}


@dataclass(frozen=True, slots=True)
class Compared:
    """What the pairs show: of the whole boot, and of each phase with a tolerance of its own.

    `attribution` is None unless the whole boot is slower.
    """

    findings: tuple[Finding, ...]
    regressions: tuple[Regression, ...] = ()
    attribution: Attribution | None = None
    notes: tuple[str, ...] = ()

    @property
    def regression(self) -> Regression | None:
        """The comparison of the whole boot, None where there are too few pairs."""
        return next((found for found in self.regressions if not found.subject), None)


#: Shorter than this, in seconds, no work is: two marks of one write.
_NOTHING = 1e-4


def compared(pairs: Pairs, rules: Rules, short: str = "") -> Compared:
    """Compare pairs of boots that all started; `short` says why some are missing, if so."""
    inconclusive: Verdict = "fail" if rules.inconclusive == "fail" else "inconclusive"
    count = len(pairs.candidate)
    first = LEAST_PAIRS if pairs.recorded else next(iter(rules.plan.looks), LEAST_PAIRS)
    if count < first:
        text = (
            f"{short}not compared with the baseline: {count} pair{'s' * (count != 1)} cannot show"
            f" whether it is slower; at least {first} are needed (gate: {{boots: 5..30}})"
        )
        return Compared((Finding(inconclusive, WHOLE, text, kind="uncompared"),))
    if rules.since:
        pairs = pairs.since(rules.since)
        if none := [boot for boot in pairs.every if not boot.seconds or boot.seconds <= _NOTHING]:
            text = (
                f"not compared with the baseline: in {len(none)} of {len(pairs.every)} boots"
                f" nothing is left after the mark of {rules.since}, with which `from` begins. Name"
                " a phase that ends before the work begins"
            )
            return Compared((Finding("error", WHOLE, text, kind="uncompared"),))
    doubt = None if pairs.recorded else _doubt(pairs)
    regressions = list(_regressions(pairs, rules, doubt))
    whole, findings = regressions[0], list(_uncompared(pairs, rules, regressions, inconclusive))
    slower = None
    for found in regressions:
        subject = found.subject or WHOLE
        if found.verdict == "slower":
            findings.append(Finding("fail", subject, sentence(found), timed=True, kind="slower"))
        elif found.verdict == "inconclusive":
            if short and found.next_look:
                text = f"{short}{sentence(replace(found, more_pairs=None), told=False)}"
                findings.append(Finding(inconclusive, subject, text, kind="uncompared"))
            else:
                findings.append(
                    Finding(inconclusive, subject, sentence(found), kind="inconclusive")
                )
    if whole.verdict == "slower":
        slower = attribute(pairs, _strata(whole, rules, pairs.places), rules.cpus)
        waiting = ", including time spent waiting for a CPU" * (_waited(pairs) >= WAITED)
        text = f"{blame(slower)}; wall time{waiting}"
        findings.append(Finding("fail", slower.phase, text, timed=True, kind="slower"))
    findings += _stragglers(whole, pairs, inconclusive)
    return Compared(
        tuple(findings), tuple(regressions), slower, tuple(_notes(pairs, whole, rules.since))
    )


def _uncompared(
    pairs: Pairs, rules: Rules, found: Sequence[Regression], inconclusive: Verdict
) -> Iterator[Finding]:
    """That a phase with a tolerance of its own was shown by too few pairs."""
    compared = {one.subject for one in found}
    for name, limits in rules.phases.items():
        if limits.slower is not None and name not in compared:
            count = len(pairs.candidate)
            text = f"not compared with the baseline: too few of {count} pairs show this phase"
            yield Finding(inconclusive, name, text, kind="uncompared")


def _regressions(pairs: Pairs, rules: Rules, doubt: str | None) -> Iterator[Regression]:
    """The comparison of the whole boot, then those of phases."""
    measured = all(boot.cpu_seconds for boot in pairs.every)
    cpu = pairs.values(lambda boot: boot.cpu_seconds or 0.0) if measured else None
    wall = pairs.values(lambda boot: boot.seconds or 0.0)
    if pairs.recorded:
        whole = compare_recorded(pairs.values(_net(pairs)), rules.slower)
        whole = replace(whole, net=_net_known(pairs))
    else:
        net = pairs.values(_net(pairs))
        whole = compare_net(wall, net, cpu, rules.plan, rules.slower, pairs.places)
    phases = [
        found
        for name, limits in rules.phases.items()
        if limits.slower is not None
        and (found := _phase(pairs, rules, name, limits.slower)) is not None
    ]
    for found in (whole, *phases):
        yield found if doubt is None else found.doubted(doubt)


def _net(pairs: Pairs) -> Callable[[Boot], float]:
    """The time of a boot net of its neighbours; its wall time where not all boots have the other.

    What is known of some boots only, such as of those that went on after their proof, would make
    one release faster than the other.
    """
    if _net_known(pairs):
        return lambda boot: boot.net_seconds or 0.0
    return lambda boot: boot.seconds or 0.0


def _net_known(pairs: Pairs) -> bool:
    return all(boot.net_known for boot in pairs.every)


def _phase(pairs: Pairs, rules: Rules, name: str, tolerance: float) -> Regression | None:
    """The comparison of a phase by the pairs that have it; None where these are too few."""
    shown = [
        number
        for number, both in enumerate(zip(pairs.baseline, pairs.candidate, strict=True))
        if all(_of_phase(boot, name) is not None for boot in both)
    ]
    both = pairs.only(shown)
    sides = both.values(lambda boot: _of_phase(boot, name) or 0.0)
    if len(shown) < (LEAST_PAIRS if pairs.recorded else rules.plan.looks[0]):
        return None
    if pairs.recorded:
        return replace(compare_recorded(sides, tolerance), subject=name)
    found = replace(compare(sides, None, rules.plan, tolerance, both.places), subject=name)
    lacking = len(pairs.candidate) - len(shown)  # a look comes as many pairs later
    return replace(found, next_look=found.next_look and found.next_look + lacking)


def _of_phase(boot: Boot, name: str) -> float | None:
    phase = boot.phase(name)
    return None if phase is None else phase.seconds


def _strata(found: Regression, rules: Rules, places: Sequence[str]) -> Sequence[Sequence[int]]:
    """The strata of a comparison's pairs."""
    if found.recorded:
        return [range(found.pairs)]
    first = found.pairs - found.fresh
    plan = rules.plan
    return [*plan.strata(first, places), *plan.strata(found.fresh, places, first)]


def _stragglers(found: Regression, pairs: Pairs, inconclusive: Verdict) -> Iterator[Finding]:
    """The candidate hangs now and then, and the baseline does not, or less often.

    Boots that waited for a CPU may hang because of other work on the host: they fail nothing.
    """
    theirs, own = found.stragglers
    if own <= theirs:
        return
    seconds = [boot.seconds or 0.0 for boot in pairs.candidate]
    usual = median(seconds)
    slowest = sorted(pairs.candidate, key=lambda boot: boot.seconds or 0.0)[-own:]
    text = (
        f"{own} of {found.pairs} boots took more than {FAR_TIMES:g} times as long as usual (slowest"
        f" {max(seconds):.3g} s, median {usual:.3g} s; baseline: {theirs}): intermittent"
        f" hangs{_where(slowest[-1], pairs.candidate)}"
    )
    verdict: Verdict = "fail" if own >= STRAGGLERS and not theirs else "warn"
    waited = sum(_held_up(boot) > HELD_UP * ((boot.seconds or 0.0) - usual) for boot in slowest)
    if verdict == "fail" and own - waited < STRAGGLERS:
        verdict = inconclusive
        text += (
            f", which the host may have caused: {waited} of these boots waited for a CPU that other"
            " processes used; rerun on an idle machine"
        )
    yield Finding(verdict, WHOLE, text, timed=True, kind="stragglers")


def _held_up(boot: Boot) -> float:
    """For how many seconds its neighbours had the CPUs that it was ready for, as far as known."""
    return (boot.seconds or 0.0) - (boot.net_seconds or 0.0)


def _where(slowest: Boot, boots: Sequence[Boot]) -> str:
    """In which phase a boot was longer than usual, the most, as the end of a sentence."""
    longer = {}
    for phase in slowest.phases:
        usual = [took for boot in boots if (took := _of_phase(boot, phase.name)) is not None]
        if phase.seconds is not None:
            longer[phase.name] = phase.seconds - median(usual)
    return f", in {max(longer, key=lambda name: longer[name])}" if len(longer) > 1 else ""


def _doubt(pairs: Pairs) -> str | None:
    """Why the boots of the two releases cannot be held against each other, if so."""
    for release in ("baseline", "candidate"):
        used = [b.waiting_cores for b in pairs.of(_OTHER[release]) if b.waiting_cores is not None]
        if used and median(used) > IDLE:
            return (
                f"the {release} used {median(used):.2f} cores while idle and disturbed the other"
                " release: set `start: cold` for this target"
            )
    read = {
        release: median(values)
        for release in _OTHER
        if (values := [b.disk_read for b in pairs.of(release) if b.disk_read is not None])
    }
    if len(read) == 2:
        more = max(read, key=lambda release: read[release])
        less = read[_OTHER[more]]
        if read[more] - less > COLD_BYTES and read[more] > COLD_TIMES * less:
            return (
                f"the {more} read {read[more] / 1e6:.0f} MB from disk in each boot, the"
                f" {_OTHER[more]} {less / 1e6:.0f} MB: their page caches were not equally warm (is"
                " there enough memory for both?)"
            )
    return None


def _waited(pairs: Pairs) -> float:
    """The share of their time for which the boots waited for a CPU that others had; the median."""
    net = _net(pairs)
    return median(1 - net(boot) / (boot.seconds or 1.0) for boot in pairs.every)


def _notes(pairs: Pairs, compared: Regression, since: str = "") -> list[str]:
    notes = [f"compared from the mark of {since} to the proof"] if since else []
    share = others_busy(pairs.every)
    if share is not None and share >= BUSY:
        notes.append(
            f"the host was busy: other processes used {share * 100:.0f} % of its CPU time between"
            " boots"
        )
    if (waited := _waited(pairs)) >= WAITED:
        notes.append(
            f"the boots waited {waited * 100:.0f} % of their time for a CPU that others used; the"
            f" comparison {'excludes' if compared.net else 'includes'} that time"
            f"{'' if compared.net else ', as it is clear by wall time'}"
        )
    for name, release in only_in_one(pairs):
        notes.append(f"{name}: only the {release} has this phase")
    return notes
