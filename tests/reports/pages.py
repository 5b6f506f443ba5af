"""The HTML page as a test reads it, and results to write pages of: recorded ones and drawn ones."""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from pytest_bootgate.checks.startup import judge
from pytest_bootgate.records import codec
from pytest_bootgate.records.check import CheckResult
from pytest_bootgate.records.outcomes import OUTCOMES
from pytest_bootgate.records.result import SCHEMA, GateResult, ReleaseFacts, TargetResult
from pytest_bootgate.records.values import Boot, HostFacts, Phase, SignalReport, Stage
from pytest_bootgate.records.verdict import Limits, Rules

RECORDED = sorted((Path(__file__).parent.parent / "recorded" / "results").glob("*.json"))
_VOID = {"meta", "link", "br", "img", "input", "hr"}


def recorded(name: str) -> GateResult:
    """A recorded result."""
    (result,) = codec.read(RECORDED[0].with_name(f"{name}.json"))
    return result


@dataclass
class Element:
    """A tag with its attributes, and all text inside it."""

    tag: str
    attributes: dict[str, str]
    inside: list[Element] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)

    def every(self, tag: str, **attributes: str) -> list[Element]:
        """All elements below with a tag (``*``: any) and attributes, in their order."""
        found = []
        for element in self.inside:
            same = all(element.attributes.get(k) == v for k, v in attributes.items())
            if tag in ("*", element.tag) and same:
                found.append(element)
            found += element.every(tag, **attributes)
        return found

    @property
    def text(self) -> str:
        return " ".join("".join(self.texts).split())


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open = [Element("page", {})]

    def handle_starttag(self, tag, attrs):
        element = Element(tag, {k: v or "" for k, v in attrs})
        assert len(element.attributes) == len(attrs), f"an attribute of {tag} stands there twice"
        self.open[-1].inside.append(element)
        if tag not in _VOID:
            self.open.append(element)

    def handle_startendtag(self, tag, attrs):
        self.open[-1].inside.append(Element(tag, {k: v or "" for k, v in attrs}))

    def handle_endtag(self, tag):
        assert self.open[-1].tag == tag, f"{tag} ends inside {self.open[-1].tag}"
        self.open.pop()

    def handle_data(self, data):
        for element in self.open:
            element.texts.append(data)


def read(page: str) -> Element:
    """A page as a tree. Fails where tags are not closed in their order."""
    reader = _Reader()
    reader.feed(page)
    reader.close()
    assert [element.tag for element in reader.open] == ["page"]
    return reader.open[0]


def rows(section: Element, table: str) -> list[list[str]]:
    """The rows of a table as texts; empty where there is none."""
    found = section.every("table", **{"data-table": table})
    if not found:
        return []
    (body,) = found[0].every("tbody")
    return [[cell.text for cell in row.inside] for row in body.every("tr")]


def section(page: Element, name: str) -> Element:
    """The section of a target by its name."""
    (found,) = page.every("section", **{"aria-label": name})
    return found


# -- results ---------------------------------------------------------------------------------


def boot(**more) -> Boot:
    """A boot of a minute at most, timed out unless told otherwise."""
    values = {
        "target": "isolated",
        "release": "candidate",
        "profile": "default",
        "number": 1,
        "start": "cold",
        "outcome": "timed_out",
        "detail": "no proof within 60 s",
        "timeout": 60.0,
        "ended": 60.0,
        "accepted": 0.006,
        "phases": (Phase("accepted", 0.006, 0.006), Phase("setup"), Phase("task_started")),
    }
    return Boot(**{**values, **more})


def gate(*targets: CheckResult, **more) -> GateResult:
    """The result of a run with these targets."""
    values = {
        "schema": SCHEMA,
        "file": "/gates/bootgate.yaml",
        "at": "2026-11-25T03:38:08+00:00",
        "bootgate": "0.1.0",
        "run": "943d0b4b8144",
        "engine": "docker 20.10",
        "why_engine": "it answers",
        "machine": HostFacts("Linux", "3.11", 2, 8 << 30, 0.5, uptime=4000.0),
        "releases": {
            "baseline": ReleaseFacts("app:1", "sha256:" + "a" * 64, "1.0"),
            "candidate": ReleaseFacts("app:2", "sha256:" + "b" * 64, "2.0"),
        },
        "checks": targets,
    }
    return GateResult(**{**values, **more})


def drawn(seed: int) -> GateResult:
    """A run with one to three targets whose boots end as chance has it."""
    chance = random.Random(seed)
    targets = [_target(chance, name) for name in ("isolated", "main", "session:a b")]
    return gate(*targets[: chance.randint(1, 3)])


def _target(chance: random.Random, name: str) -> TargetResult:
    pairs = chance.choice([1, 2, 5, 7])
    phases = [f"phase_{n}" for n in range(chance.randint(1, 5))] + ["task_started"]
    limits = {phases[0]: Limits(chance.choice([None, 0.5]), chance.choice([None, 3.0]))}
    rules = Rules(60.0, 0.8, 0.6, pairs, max(pairs, 5), phases=limits)
    usual = chance.choice([0.05, 2.0, 40.0])
    bad = chance.choice([0.0, 0.0, 0.3])
    slower = {"baseline": 1.0, "candidate": chance.choice([1.0, 1.0, 1.6])}
    releases = chance.choice([["candidate"], ["baseline", "candidate"]])
    boots = [
        _boot(chance, name, release, n, phases, usual * slower[release], bad)
        for n in range(pairs + 1)
        for release in releases
    ]
    judgement = judge(boots, rules)
    return TargetResult(name, "default", name, rules, tuple(boots), judgement)


def _boot(chance, target, release, number, names, usual, bad) -> Boot:
    outcome = "started" if chance.random() >= bad else chance.choice([*OUTCOMES][1:])
    reached = len(names) if outcome == "started" else chance.randint(0, len(names) - 1)
    at, phases = 0.0, []
    for n, name in enumerate(names):
        took = usual / len(names) * chance.lognormvariate(0, 0.13)
        at += took
        phases.append(Phase(name, at, took) if n < reached else Phase(name))
    seen = max((p.at or 0.0 for p in phases), default=0.0)
    stages = [Stage("boot", f"stage {n}", usual / 10, phase=names[0]) for n in range(3)]
    return boot(
        target=target,
        release=release,
        number=number,
        warm_up=number == 0,
        outcome=outcome,
        detail="" if outcome == "started" else "as drawn",
        seconds=seen if outcome == "started" else None,
        ended=seen if outcome == "started" else 60.0,
        phases=tuple(phases),
        stages=tuple(stages) if chance.random() < 0.5 else (),
        signals=(SignalReport("log", "failed"),),
        cpu_seconds=chance.choice([None, usual / 3]),
        throttled=0.0,
        run_delay=chance.choice([None, 0.0, usual / 4]),
        others_cpu=usual,
        ready=0.4,
        tails={"gateway.out": ("here", "gone")},
    )


@cache
def forty(red: int = 23, pairs: int = 30) -> GateResult:
    """Forty targets with so many boots of each release; one never started, some are slower."""
    chance = random.Random(4)
    names = ["accepted", "context_engine", "tools_config", "persona", "memory", "task_started"]
    limits = {name: Limits(limit=20.0) if name == "memory" else Limits() for name in names}
    rules = Rules(60.0, 0.8, 0.6, 5, pairs, phases=limits, noise=9.0)
    targets = []
    for n in range(1, 41):
        name = f"session:{n}"
        usual = chance.choice([2.0, 12.0, 30.0])
        boots = [
            _boot(chance, name, release, number, names, usual, 0.0)
            for number in range(pairs + 1)
            for release in ("baseline", "candidate")
        ]
        if n == red:
            boots[3:] = [replace(boots[3], **_LATE)]
        targets.append(TargetResult(name, "default", name, rules, (*boots,), judge(boots, rules)))
    return gate(*targets)


_LATE: dict[str, Any] = {
    "outcome": "timed_out",
    "detail": "no proof within 60 s",
    "seconds": None,
    "ended": 60.0,
    "phases": (
        Phase("accepted", 0.006, 0.006),
        *(Phase(n) for n in ("context_engine", "tools_config", "persona", "memory")),
        Phase("task_started"),
    ),
}
