"""What a benchmark found, and how it is shown: as Markdown and as JSON."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from statistics import median
from typing import Any

_WORDS = {True: "met", False: "**NOT met**", None: "**inconclusive**"}
_PACKAGES = ("pytest", "pytest-benchmark", "pytest-docker", "testcontainers", "docker", "scipy")


@dataclass(frozen=True, slots=True)
class Target:
    """One claim: the figure, what was wanted, and what limits it where it was not met.

    `met` None: the figure is within the target, its interval reaches beyond it.
    """

    what: str
    figure: str
    wanted: str
    met: bool | None
    why: str = ""


@dataclass(frozen=True)
class Section:
    """One benchmark: how it was measured, its table, and its figures as plain values."""

    title: str
    how: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    targets: Sequence[Target]
    data: Mapping[str, Any]
    notes: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Spread:
    """The median of some values, and the least and the greatest of them."""

    median: float
    least: float
    greatest: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """The spread of at least one value."""
        return cls(median(values), min(values), max(values))

    def text(self, scale: float = 1.0, unit: str = "", digits: int = 3) -> str:
        """For people: ``0.71 ms (0.5 to 2.1)``, with so many significant digits."""
        middle, *ends = (number(v * scale, digits) for v in self._values())
        return f"{middle}{unit and ' ' + unit} ({ends[0]} to {ends[1]})"

    def _values(self) -> tuple[float, float, float]:
        return self.median, self.least, self.greatest


@dataclass(frozen=True)
class Machine:
    """Where and when the figures were made; `loads` is the load average at begin and end."""

    date: str
    system: str
    processor: str
    cpus: int
    memory_gib: float
    python: str
    engine: str
    commit: str
    seconds: float
    loads: Sequence[float]
    versions: Mapping[str, str] = field(
        default_factory=lambda: {name: version(name) for name in _PACKAGES}
    )


def number(value: float, digits: int = 3) -> str:
    """A number with so many significant digits, never in scientific notation."""
    if value == 0:
        return "0"
    whole = len(str(int(abs(value))))
    if abs(value) >= 10 ** (digits - 1):
        return f"{round(value, digits - whole):,.0f}".replace(",", " ")
    text = f"{value:.{digits}g}"
    return f"{value:.{digits - whole}f}" if "e" in text else text


def at_most(limit: float, figure: float, high: float) -> bool | None:
    """Whether a target was met by a figure whose interval ends at `high`; None: not for sure."""
    if figure > limit:
        return False
    return True if high <= limit else None


def at_least(limit: float, figure: float, low: float) -> bool | None:
    """Whether a target was met by a figure whose interval begins at `low`; None: not for sure."""
    if figure < limit:
        return False
    return True if low >= limit else None


def bound(share: float, count: int) -> float:
    """What a share seen in so many trials is below, with 95 % certainty (Wilson; exact at 0)."""
    if share <= 0:
        return float(1 - 0.05 ** (1 / count))
    z = 1.645
    middle, spread = share + z**2 / (2 * count), share * (1 - share) + z**2 / (4 * count)
    return float(min(1.0, (middle + z * (spread / count) ** 0.5) / (1 + z**2 / count)))


def percent(share: float) -> str:
    """A share as per cent."""
    return f"{number(share * 100)} %"


def processor() -> str:
    """The processor's name where the kernel tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def memory_gib() -> float:
    """The machine's memory."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30


def markdown(sections: Sequence[Section], machine: Machine) -> str:
    """All of it as one page."""
    return "\n".join(_page(sections, machine)) + "\n"


def as_json(sections: Sequence[Section], machine: Machine) -> str:
    """All of it for programs."""
    page = {"machine": asdict(machine), "sections": [asdict(section) for section in sections]}
    return json.dumps(page, indent=2) + "\n"


def _page(sections: Sequence[Section], machine: Machine) -> Iterator[str]:
    yield "# Benchmark results"
    yield ""
    yield f"Made by `ci/bench` on {machine.date} in {machine.seconds:.0f} s, at {machine.commit}."
    yield ""
    yield (
        f"{machine.system}, {machine.cpus} × {machine.processor}, {machine.memory_gib:.1f} GiB;"
        f" Python {machine.python}, {machine.engine}; load average {machine.loads[0]:.2f} before,"
        f" {machine.loads[-1]:.2f} after."
    )
    yield "Peers: " + ", ".join(f"{n} {v}" for n, v in machine.versions.items()) + "."
    yield "Ratios hold for this run; absolute figures are this machine's."
    yield ""
    yield from _table(
        ("benchmark", "claim", "figure", "target", ""),
        [(s.title, t.what, t.figure, t.wanted, _WORDS[t.met]) for s in sections for t in s.targets],
    )
    for section in sections:
        yield ""
        yield f"## {section.title}"
        yield ""
        yield section.how
        yield ""
        yield from _table(section.header, section.rows)
        said = [f"{_WORDS[t.met]}: {t.what}. {t.why}" for t in section.targets if not t.met]
        for text in [*said, *section.notes]:
            yield ""
            yield text


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(header)} |"
    yield f"|{' --- |' * len(header)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"
