"""Is the host such that boots near their timeout are not to be trusted, or not to be measured?

A poor host is a fact, and becomes a warning only where a boot is near its timeout. A host on which
the gate's own fixed work varies too much measures nothing: what rests on durations is inconclusive
then. What does not rest on them stays: a boot that timed out did time out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from statistics import median

from pytest_bootgate.checks.attribution import BUSY
from pytest_bootgate.records.machine import Machine
from pytest_bootgate.records.retry import timeouts, words
from pytest_bootgate.records.values import Boot, HostFacts
from pytest_bootgate.records.verdict import WHOLE, Finding, Judgement, Rules, Verdict, worst

#: With less than this a boot shares its only core with the gate that watches it.
LEAST_CPUS = 2.0
#: Bytes. What is sold as 2 GiB shows about 1.9; with less, images do not stay in caches.
LEAST_MEMORY = int(1.75 * 2**30)
#: Seconds that a host may be up: memory fragments, caches and leftovers grow.
LONGEST_UP = 30 * 86400.0
#: Shares of the time in which somebody waited for memory, or for disks.
_WAITS_FOR = {"cpu": 0.25, "memory": 0.05, "io": 0.25}
#: The share of the CPU time that a hypervisor may give to others.
MOST_STEAL = 0.05
#: The share of a boot in which a CPU limit may hold it back.
MOST_THROTTLED = 0.05
#: The share of a boot in which it must have waited for a CPU for that to explain how long it took.
LEAST_WAITED = 0.05


@dataclass(frozen=True, slots=True)
class _Poor:
    """One thing that speaks against a host, as a clause, and what to do about it."""

    what: str
    way_out: str


def weigh(
    judgement: Judgement,
    boots: Sequence[Boot],
    rules: Rules,
    facts: HostFacts,
    machine: Machine,
) -> Judgement:
    """The judgement, once the host is known on which the boots were made.

    `host` of the result says what there is to warn of, or is empty.
    """
    if judgement.verdict == "error":
        return judgement
    spread = machine.spread if machine.here else None
    if spread is not None and spread > rules.noise:
        return _inconclusive(judgement, boots, rules, spread)
    near = _near(judgement, boots)
    poor = list(_poor(boots, rules, facts, machine)) if near else []
    if not poor:
        return judgement
    text = (
        f"the host {_listed([p.what for p in poor])}, and {near}:"
        f" {', '.join(dict.fromkeys(p.way_out for p in poor))}, and rerun"
    )
    return _with(judgement, (*judgement.findings, Finding("warn", WHOLE, text)), text)


def _with(judgement: Judgement, findings: tuple[Finding, ...], host: str) -> Judgement:
    verdict = worst([f.verdict for f in findings])
    return replace(judgement, verdict=verdict, findings=findings, host=host)


def _inconclusive(
    judgement: Judgement, boots: Sequence[Boot], rules: Rules, spread: float
) -> Judgement:
    """Nothing that rests on durations is sure."""
    inconclusive: Verdict = "fail" if rules.inconclusive == "fail" else "inconclusive"
    reason = (
        f"the host is too busy to measure: a fixed workload took up to {spread:.1f} times its best"
        f" time (noise limit: {rules.noise:g})"
    )
    text = f"{reason}, so timings are unreliable"
    if late := timeouts(boots, "candidate"):
        text += f" (though {words(boots, 'candidate')}: {late[-1].detail})"
    text += "; stop other work on the host and rerun"
    before = judgement.regression
    if before is not None and before.verdict == "slower" and len(before.by) == 2:
        # Neighbours lengthen both releases' boots, and take none of their CPU time.
        kept = [
            replace(f, verdict=inconclusive) if f.timed and f.kind != "slower" else f
            for f in judgement.findings
        ]
        text = f"{reason}; the candidate is still slower: its CPU time grew as well"
        return _with(judgement, (*kept, Finding("warn", WHOLE, text)), text)
    kept = [replace(f, verdict=inconclusive) if f.timed else f for f in judgement.findings]
    changed = replace(
        judgement,
        regression=before.doubted(reason) if before is not None else None,
        phases=tuple(found.doubted(reason) for found in judgement.phases),
        attribution=None,
    )
    return _with(changed, (*kept, Finding(inconclusive, WHOLE, text)), text)


def _near(judgement: Judgement, boots: Sequence[Boot]) -> str:
    """How near the candidate came to its timeout, empty where it stayed away."""
    if timeouts(boots, "candidate"):
        return words(boots, "candidate")
    room = judgement.headroom
    if room is None or room.level == "pass":
        return ""
    if room.bound_used is not None and room.bound_used > room.used:
        share = (
            f"{room.bound_used * 100:.0f} % of" if room.bound_used < 10 else "more than ten times"
        )
        return f"the next boot may use {share} the timeout"
    return f"the slowest boot used {room.used * 100:.0f} % of the timeout"


def _poor(
    boots: Sequence[Boot], rules: Rules, facts: HostFacts, machine: Machine
) -> Iterator[_Poor]:
    yield from _small(facts, here=machine.here)
    if not machine.here:
        return  # of the engine's machine only its size is known
    if facts.uptime is not None and facts.uptime > LONGEST_UP:
        yield _Poor(f"has been up for {facts.uptime / 86400:.0f} days", "restart it")
    yield from _busy(machine, waited=_waited(boots))
    if machine.steal is not None and machine.steal > MOST_STEAL:
        what = f"lost {machine.steal * 100:.0f} % of its CPU time to its hypervisor"
        yield _Poor(what, "use a host that is not shared")
    held = [b.throttled / b.ended for b in boots if b.throttled is not None and b.ended > 0]
    # A profile with a limit of its own holds its boots back on purpose.
    if rules.cpus is None and held and (share := median(held)) > MOST_THROTTLED:
        what = f"throttled the boots with a CPU limit for {share * 100:.0f} % of their time"
        yield _Poor(what, "raise the CPU limit")


def _small(facts: HostFacts, *, here: bool) -> Iterator[_Poor]:
    own = [(facts.cpus, facts.memory), (facts.cpu_limit, facts.memory_limit)] if here else []
    every = [*own, (facts.engine_cpus, facts.engine_memory)]
    cpus = min((cpus for cpus, _ in every if cpus), default=None)
    memory = min((memory for _, memory in every if memory), default=None)
    if cpus is not None and cpus < LEAST_CPUS:
        yield _Poor(f"has {cpus:g} CPU{'s' * (cpus != 1)}", "add CPUs")
    if memory is not None and memory < LEAST_MEMORY:
        yield _Poor(f"has {memory / 2**30:.1f} GiB of memory", "add memory")


def _waited(boots: Sequence[Boot]) -> bool:
    """Whether the candidate's boots may have taken so long because they waited for a CPU."""
    made = [boot for boot in boots if boot.release == "candidate" and boot.ended > 0]
    return any(b.run_delay is None or b.run_delay >= LEAST_WAITED * b.ended for b in made)


def _busy(machine: Machine, *, waited: bool) -> Iterator[_Poor]:
    busy = machine.usual("busy")
    if waited and busy is not None and busy >= BUSY:
        what = f"is busy (other processes use {busy * 100:.0f} % of its CPU time)"
        yield _Poor(what, "stop other work on it")
        return
    for name, most in _WAITS_FOR.items():
        waits = machine.usual(name) if waited or name != "cpu" else None
        if waits is not None and waits >= most:
            what = {"cpu": "CPU", "memory": "memory", "io": "disks"}[name]
            share = f"{waits * 100:.0f} % of the time"
            yield _Poor(
                f"is busy (other processes wait for {what} {share})", "stop other work on it"
            )
            return


def _listed(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
