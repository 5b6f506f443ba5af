"""A gate in shards: each boots its share and passes for no whole; merged they are the whole run."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import pytest

from pytest_bootgate.records import codec
from tests.pytest_plugin.conftest import add_baseline

#: Ten targets: two that do not start, one that is held, one that reaches its timeout nearly.
TEN = [
    *(f"t{number}" for number in range(6)),
    "  slow: {timeout: 150ms}",
    '  gone: {trigger: {http: ":${port.gateway}/run", body: "x"}}',
    "  held: {propagation: {hold: kill, in: persona}}",
    "  main: {start: warm}",
]
KEEP = (
    "notify:\n  on call: {command: [sh, -c, 'cat >> told.json'], when: [pass, warn, fail, error]}\n"
)


@pytest.fixture(autouse=True)
def _no_ci(monkeypatch):
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    monkeypatch.delenv("GITLAB_CI", raising=False)


@pytest.fixture
def shards(played, pytester):
    """Run shards of a gate; returns the names of their results and how pytest ended."""

    def run(of: int, *args: str, only=None, begin: str = "shard"):
        names, ended = [], []
        for number in only or range(1, of + 1):
            names.append(f"{begin}-{number}.json")
            asked = ("--bootgate-shard", f"{number}/{of}", "--bootgate-json", names[-1])
            ended.append(played("bootgate.yaml", *asked, *args))
        return names, ended

    return run


@pytest.fixture
def merge(played):
    """Merge results, as the command does, but in this process."""

    def run(names, *args: str):
        return played(*(f"--bootgate-merge={name}" for name in names), *args)

    return run


def read(pytester, name="out.json"):
    (result,) = codec.read(pytester.path / name)
    return result


def essence(result) -> dict:
    """All of a result but what was measured."""
    return {
        "verdict": result.verdict,
        "error": result.error,
        "releases": result.releases,
        "lines": result.lines,
        "profiles": result.profiles,
        "measures": result.measures,
        "unjudged": result.unjudged,
        "checks": [
            (
                *(c.kind, c.target, c.profile, c.verdict, c.items, c.whole, c.error),
                [(f.kind, f.subject, f.verdict, f.timed) for f in c.findings],
                [(b.release, b.number, b.outcome, [p.name for p in b.phases]) for b in c.boots],
            )
            for c in result.checks
        ],
    }


def items(result) -> list[str]:
    return [line.split()[0] for line in result.outlines if re.match(r"bootgate.yaml::\S+ ", line)]


def test_five_shards_of_ten_targets_are_the_whole_gate(gate, shards, merge, played, pytester):
    gate(targets=TEN, boots=1, timeout="1s")
    add_baseline(pytester.path / "bootgate.yaml", "ring", "ring")
    path = pytester.path / "bootgate.yaml"
    path.write_text(
        path.read_text().replace("gate: {boots: 1", "gate: {allow: same-image, boots: 1")
    )
    whole = played("bootgate.yaml", "-v", "--bootgate-json", "whole.json", "--junitxml=whole.xml")
    names, ended = shards(5)
    booted = [[t.target for t in read(pytester, name).targets] for name in names]
    assert sorted(name for names in booted for name in names) == sorted(
        t.target for t in read(pytester, "whole.json").targets
    )
    assert all(len(targets) == 2 for targets in booted)
    merged = merge(names, "-v", "--bootgate-json", "out.json", "--junitxml=out.xml")
    assert essence(read(pytester)) == essence(read(pytester, "whole.json"))
    assert (merged.ret, merged.parseoutcomes() | {"warnings": 0}) == (
        whole.ret,
        whole.parseoutcomes() | {"warnings": 0},
    )
    assert sorted(items(merged)) == sorted(items(whole))
    assert {one.ret for one in ended} == {0, 1}
    cases = [
        sorted(
            (case.get("classname"), case.get("name"), case.get("line"))
            for case in tree.iter("testcase")
        )
        for tree in (ET.parse(pytester.path / f"{name}.xml") for name in ("out", "whole"))
    ]
    assert cases[0] == cases[1]
    result = read(pytester)
    assert [part.number for part in result.shards] == [1, 2, 3, 4, 5]
    assert result.shard is None
