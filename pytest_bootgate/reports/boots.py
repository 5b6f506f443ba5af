"""Every boot of a target as a row, and the machine in a line: for those who want to know more."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pytest_bootgate.records.values import Boot, HostFacts
from pytest_bootgate.reports.amounts import NONE, count, duration
from pytest_bootgate.reports.layout import columns

_GIB = 1 << 30


def rows(boots: Sequence[Boot]) -> Iterator[str]:
    """A table of all boots in the order they were made, those thrown away included."""
    table = [["boot", "release", "outcome", "after", "cpu", "ready", "ended in", "reported by"]]
    waited = any(boot.waited for boot in boots)
    table[0][5:5] = ["waited"] * waited
    several = len({boot.node for boot in boots}) > 1
    table[0][-2:-2] = ["machine"] * several
    for boot in boots:
        number = "warm-up" if boot.warm_up else str(boot.number)
        again = f" (attempt {boot.attempt})" if boot.attempt > 1 else ""
        table.append(
            [
                number + again,
                boot.release + (" (recorded)" if boot.recorded else ""),
                boot.outcome,
                duration(boot.ended),
                duration(boot.cpu_seconds),
                *([duration(boot.run_delay)] * waited),
                duration(boot.ready),
                *([boot.node or NONE] * several),
                boot.ended_in or NONE,
                told(boot),
            ]
        )
    yield from columns(table)


def told(boot: Boot) -> str:
    """Which signals reported a boot's end, and when."""
    heard = [f"{t.name} {duration(t.at)}" for t in boot.signals if t.at is not None]
    return ", ".join(heard) or NONE


def machine(facts: HostFacts) -> str:
    """The machine in one line: what it is, what it may use, and how busy it was before."""
    parts = [facts.system, count(facts.cpus, "CPU"), f"{facts.memory / _GIB:.1f} GiB of memory"]
    if facts.cpu_limit is not None:
        parts.append(f"limited to {facts.cpu_limit:g} CPUs")
    if facts.memory_limit is not None:
        parts.append(f"limited to {facts.memory_limit / _GIB:.1f} GiB")
    if facts.uptime is not None:
        parts.append(f"up for {duration(facts.uptime)}")
    parts.append(f"load {facts.load:.2f}")
    if facts.disk_free is not None:
        parts.append(f"{facts.disk_free / _GIB:.0f} GiB free at {facts.disk}")
    return f"host {', '.join(parts)}"
