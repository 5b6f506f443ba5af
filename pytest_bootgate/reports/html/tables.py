"""The tables of the page: every number that a drawing shows, and those that none does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from pytest_bootgate.records.attribution import Attribution
from pytest_bootgate.records.check import Amount, Cell, CheckResult, Table
from pytest_bootgate.records.machine import Machine, Span
from pytest_bootgate.records.result import GateResult, TargetResult
from pytest_bootgate.records.values import Boot, HostFacts
from pytest_bootgate.reports import numbers
from pytest_bootgate.reports.amounts import (
    NONE,
    change,
    duration,
    limit,
    part,
    seconds,
    share,
    whose,
)
from pytest_bootgate.reports.boots import machine as machine_words
from pytest_bootgate.reports.boots import told
from pytest_bootgate.reports.html import charts
from pytest_bootgate.reports.html.charts import RELEASES, limit_words, tried
from pytest_bootgate.reports.layout import columns
from pytest_bootgate.reports.numbers import WHOLE_BOOT, Took, table
from pytest_bootgate.stats.regression import Regression


def phases(result: TargetResult) -> Table:
    """Median and slowest of each phase and of the whole boot, how they differ, and their limits."""
    made = tried(result)
    both = len(made) > 1
    head = ["phase", *(f"{r}, {what}" for r in made for what in ("median", "slowest"))]
    rows: list[list[str]] = []
    for row in table(*(result.of(release) for release in made)) if made else ():
        limits = limit_words(result, row.name)
        if row.name == WHOLE_BOOT:
            rules = result.rules
            limits = [f"timeout {limit(rules.timeout)}{whose(rules.timeout_of)}"]
        cells = [cell for found in row.cells for cell in _two(found)]
        name = ", ".join([row.name, *limits])
        rows.append([name, *cells, *([_difference(*row.cells)] if both else [])])
    return Table("phases", "Phases", [*head, *["difference"] * both], rows)


def _two(found: Took | str) -> list[str]:
    if isinstance(found, str):
        return [found, found]
    return [duration(found.median), duration(found.slowest)]


def _difference(old: Took | str, new: Took | str) -> str:
    return change(old.median, new.median) if isinstance(old, Took) and isinstance(new, Took) else ""


def boots(result: CheckResult) -> list[list[str]]:
    """Every boot in seconds, as they ran: a row for each pair, and a head of two rows.

    The lengths of phases are there where the result is no pass. What says nothing is left out.
    """
    made, rows = result.boots, charts.pairs(result.boots)
    names = numbers.phases(result) if isinstance(result, TargetResult) else []
    known: dict[str, Callable[[Boot], str]] = {
        "wall": lambda boot: _plain(boot.ended if boot.seconds is None else boot.seconds),
        "CPU": lambda boot: _plain(boot.cpu_seconds),
        "ready": lambda boot: _plain(boot.ready),
    }
    if any(boot.waited for boot in made):
        known["waited for CPU"] = lambda boot: _plain(boot.run_delay)
    if not all(boot.started for boot in made):
        known["outcome"] = lambda boot: boot.outcome
        known["ended in"] = lambda boot: boot.ended_in or ""
        known["reported by"] = told
    if len({boot.node for boot in made}) > 1:
        known["machine"] = lambda boot: boot.node
    if result.verdict != "pass":
        known |= {name: partial(_length, name) for name in names}
    columns = [["", "boot", *(_number(row) for row in rows)]]
    for name, cell in known.items():
        for release in dict.fromkeys(boot.release for boot in made):
            cells = [cell(row[release]) if release in row else "" for row in rows]
            columns += [[name, release, *cells]] if any(cells) else []
    return [[*row] for row in zip(*columns, strict=True)]


def _number(row: Mapping[str, Boot]) -> str:
    boot = next(iter(row.values()))
    return charts.which(boot).removeprefix("boot ") + ", recorded" * boot.recorded


def _length(name: str, boot: Boot) -> str:
    phase = boot.phase(name)
    return "" if phase is None else _plain(phase.seconds) or numbers.NEVER


def _plain(seconds: float | None) -> str:
    if seconds is None:
        return ""
    return f"{seconds:.3g}" if seconds < 999.5 else f"{seconds:.0f}"


def figures(result: TargetResult) -> str:
    """What only those ask for who want to check a verdict, as text."""
    judged = result.judgement
    made = [stages(result), headrooms(result)]
    if judged is not None and judged.regression is not None:
        made.append(comparison(judged.regression))
    if judged is not None and judged.attribution is not None:
        made.append(attribution(judged.attribution))
    if result.machine is not None:
        made.append(machine(result.machine))
    return "\n\n".join(text(table) for table in made if table.rows)


def text(table: Table) -> str:
    """A table as text, its caption above it."""
    cells = [[c if isinstance(c, str) else c.text for c in row] for row in table.rows]
    return "\n".join([f"{table.caption}:", *columns([list(table.head), *cells])])


def stages(result: TargetResult) -> Table:
    """What the releases report about themselves, by medians."""
    of = {release: numbers.stages(result.of(release)) for release in RELEASES}
    rows = [
        [name, phase or NONE, *(seconds(of[release].get((name, phase))) for release in RELEASES)]
        for name, phase in dict.fromkeys(key for found in of.values() for key in found)
    ]
    head = ["stage", "in phase", *(f"{release}, median" for release in RELEASES)]
    return Table("stages", "Self-reported stages", head, rows)


def headrooms(result: TargetResult) -> Table:
    """Each limit and how much of it was used."""
    head = ["of", "limit", "boots", "median", "slowest", "used", "next boot at most", "of limit"]
    head += ["level"]
    rooms = result.judgement.headrooms if result.judgement is not None else ()
    rows = [
        [
            "whole boot" if one.against == "timeout" else f"{one.subject}, {one.against}",
            seconds(room.limit),
            Amount(room.boots, str(room.boots)),
            seconds(room.median),
            seconds(room.slowest),
            part(room.used),
            seconds(room.at_most, "not established"),
            part(room.bound_used),
            room.level,
        ]
        for one in rooms
        for room in [one.headroom]
    ]
    return Table("headroom", "Headroom, with the 95 % bound of the next boot", head, rows)


def comparison(found: Regression) -> Table:
    """The figures behind the comparison."""

    def plain(value: float | None) -> Cell:
        return NONE if value is None else Amount(value, f"{value:.3g}")

    rows: list[list[Cell]] = [
        ["says", found.verdict],
        ["pairs", plain(found.pairs)],
        ["fresh pairs, to confirm", plain(found.fresh)],
        ["candidate over baseline", plain(found.ratio)],
        ["95 % interval, from", plain(found.low)],
        ["95 % interval, to", plain(found.high)],
        ["exact p", plain(found.p)],
        ["CPU time, candidate over baseline", plain(found.cpu_ratio)],
        ["exact p in fresh boots", plain(found.again)],
        ["tolerance", part(found.tolerance)],
    ]
    rows = [row for row in rows if row[1] != NONE]
    return Table("comparison", "The comparison in figures", ["figure", "value"], rows)


def attribution(found: Attribution) -> Table:
    """What the slowdown is made of."""
    kinds = [("phase", found.phases), ("phase, broken down", found.inner)]
    kinds += [("stage", found.stages), ("stage elsewhere", found.elsewhere)]
    rows: list[list[Cell]] = [["whole boot", "", _signed(found.seconds), ""]]
    for kind, shifts in kinds:
        rows += [[s.name, kind, _signed(s.seconds), s.only or ""] for s in shifts]
    if found.stages:
        rows.append(["in no stage", "", _signed(found.unattributed), ""])
    if found.cpu_seconds is not None:
        rows.append(["CPU time", found.kind or "", _signed(found.cpu_seconds), ""])
    head = ["of", "kind", "grew by", "only in the"]
    return Table("attribution", "Where the time went: the largest first", head, rows)


def _signed(value: float) -> Amount:
    text = duration(abs(value))
    return Amount(value, f"{'-' if value < 0 else '+'}{text}")


def machine(found: Machine) -> Table:
    """What the machine was like beside the boots of one target."""
    rows: list[list[Cell]] = [["boots ran on this machine", "yes" if found.here else "no"]]
    if found.spread is not None:
        rows.append(["fixed workload, slow over best", Amount(found.spread, f"{found.spread:.2f}")])
    kinds = {"busy": "CPU used by others", "steal": "CPU taken by the hypervisor (steal)"}
    kinds |= {"cpu": "waited for CPU", "memory": "waited for memory", "io": "waited for disks"}
    for name, words in kinds.items():
        if (usual := found.usual(name)) is not None:
            rows.append([words, Amount(usual, share(usual))])
    rows += _span("load", found.load, 1, "")
    rows += _span("memory available", found.available, 2**30, " GiB")
    rows += _span("disk free", found.disk_free, 2**30, " GiB")
    return Table("machine", "The machine during these boots", ["what", "value"], rows)


def _span(name: str, span: Span | None, unit: float, word: str) -> list[list[Cell]]:
    if span is None:
        return []
    return [
        [f"{name}, least", Amount(span.least, f"{span.least / unit:.1f}{word}")],
        [f"{name}, most", Amount(span.most, f"{span.most / unit:.1f}{word}")],
    ]


def shards(result: GateResult) -> Table:
    """The runs that a result was merged from; without rows where it was not."""
    rows = [
        [str(p.number), p.run, p.at[:16].replace("T", " "), p.engine, machine_words(p.machine)]
        for p in result.shards
    ]
    head = ["shard", "run", "began (UTC)", "engine", "host"]
    return Table("shards", "The shards that it was merged from", head, rows)


def host(found: HostFacts) -> Table:
    """The machine on which the gate ran."""
    rows: list[list[Cell]] = [
        ["system", found.system],
        ["python", found.python],
        ["CPUs", Amount(found.cpus, str(found.cpus))],
        ["memory", _bytes(found.memory)],
        ["load, 1 minute", Amount(found.load, f"{found.load:.2f}")],
    ]
    more = [("load, 5 minutes", found.load5), ("load, 15 minutes", found.load15)]
    more += [("CPU limit of the gate", found.cpu_limit)]
    rows += [[name, Amount(value, f"{value:.2f}")] for name, value in more if value is not None]
    sizes = [
        ("memory limit of the gate", found.memory_limit),
        ("memory available", found.available),
    ]
    sizes += [(f"free at {found.disk}", found.disk_free), ("engine's memory", found.engine_memory)]
    rows += [[name, _bytes(value)] for name, value in sizes if value is not None]
    if found.uptime is not None:
        rows.append(["up for", Amount(found.uptime, f"{found.uptime / 86400:.1f} days")])
    rows += [[f"pressure, {kind}", part(value)] for kind, value in found.pressure.items()]
    if found.engine_cpus is not None:
        rows.append(["engine's CPUs", Amount(found.engine_cpus, str(found.engine_cpus))])
    return Table("host", "The machine on which the gate ran", ["what", "value"], rows)


def _bytes(value: float) -> Amount:
    return Amount(value, f"{value / 2**30:.1f} GiB")


def adapted(result: GateResult) -> Table:
    """The system's own configuration, and what was changed in it for the gate."""
    rows: list[list[Cell]] = [
        [path, change] for path, changes in result.adapted.items() for change in changes
    ]
    return Table("adapted", "What was changed for the gate", ["configuration", "change"], rows)


def releases(result: GateResult) -> Table:
    """What stood behind the releases."""
    rows = [
        [
            name,
            facts.version or NONE,
            facts.image or "by command",
            facts.identity[:19] if facts.identity else NONE,
            facts.recorded or "no",
            ", ".join(facts.granted) or "nothing",
        ]
        for name, facts in result.releases.items()
    ]
    head = ["release", "version", "image", "identity", "recorded", "granted"]
    return Table("releases", "What was booted", head, rows)
