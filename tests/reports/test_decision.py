"""Ship or not: one line names target, phase, release and what to do, the same in every report."""

from __future__ import annotations

import json
import re
from collections.abc import Generator
from contextlib import redirect_stdout
from dataclasses import replace
from html import unescape
from io import BytesIO, TextIOWrapper
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from xml.etree import ElementTree as ET

import pytest

from pytest_bootgate.checks.startup import judge
from pytest_bootgate.cli import main
from pytest_bootgate.cli.run import DECIDES
from pytest_bootgate.pytest_plugin.session import KEY
from pytest_bootgate.records.codec import read, write
from pytest_bootgate.records.result import GateResult, TargetResult, Unjudged, UpgradeResult
from pytest_bootgate.records.values import Phase
from pytest_bootgate.reports.decision import decision
from pytest_bootgate.reports.formats import github, junit
from pytest_bootgate.reports.html.page import render
from pytest_bootgate.reports.notice import notice
from pytest_bootgate.reports.terminal import summary
from tests.conftest import ROOT
from tests.reports.pages import gate
from tests.reports.test_words import RULES, boot

RECORDED = ROOT / "tests" / "recorded" / "results"


def recorded(name: str) -> GateResult:
    (result,) = read(RECORDED / f"{name}.json")
    return result


def forty() -> GateResult:
    """Forty targets, of which the 23rd never started."""
    (red,) = [t for t in recorded("timed-out").targets if t.verdict == "fail"]
    (green,) = [t for t in recorded("timed-out").targets if t.verdict == "pass"]
    names = [f"session-{number}" for number in range(1, 41)]
    made = [replace(red if n == "session-23" else green, target=n) for n in names]
    return replace(recorded("timed-out"), checks=tuple(made))


#: What to do, with which release, about which target, in which phase, and the number that says why.
CASES = {
    "slower": (
        lambda: recorded("slower"),
        ["DO NOT SHIP", "baseline → candidate (1)", "isolated takes 5.4 times", "mostly in engine"],
    ),
    "timed-out": (
        lambda: recorded("timed-out"),
        ["DO NOT SHIP", "1.0 → 2.0", "isolated never started", "in context_engine", "1.0 took"],
    ),
    "near": (
        lambda: recorded("near"),
        ["SHIP", "1.9", "warning", "isolated may use 71 % ", "of 3 s", "in context_engine"],
    ),
    "lost-job": (
        lambda: recorded("lost-job"),
        ["DO NOT SHIP", "lost-job baseline → candidate", "upgrade", "in jobs", "lost: daily"],
    ),
    "error": (
        lambda: recorded("broken"),
        ["UNKNOWN", "broken baseline → candidate", "upgrade in place was not measured", "no jobs"],
    ),
    "forty": (
        forty,
        ["DO NOT SHIP", "1.0 → 2.0", "session-23 never started", "in context_engine"],
    ),
}


@pytest.mark.parametrize(("made", "says"), CASES.values(), ids=CASES)
def test_it_names_target_phase_release_and_action(made, says):
    line = str(decision(made()))
    assert [word for word in says if word not in line] == []
    assert line.startswith(says[0])
    assert "\n" not in line
    assert len(line) < 250


def in_terminal(result: GateResult) -> list[str]:
    lines = [line.text for line in summary(result) if line.text]
    return [lines[0], lines[-1]]


def in_page(result: GateResult) -> list[str]:
    page = render([result])
    (title,) = re.findall("<title>(.*?)</title>", page.partition("</head>")[0])
    (head,) = re.findall("<h1.*?</svg>(.*?)</h1>", page)
    return [unescape(title).removesuffix(" - bootgate"), unescape(re.sub("<[^>]*>", "", head))]


def in_junit(result: GateResult) -> list[str]:
    root = ET.fromstring(junit.document([result], Path("/gates")))
    return [p.get("value", "") for p in root.iter("property") if p.get("name") == "decision"]


def in_github(result: GateResult) -> list[str]:
    text = github.summary([result], Path("/gates"))
    return [unescape(line.strip("*")) for line in text.splitlines() if line.startswith("**")]


def in_notice(result: GateResult) -> list[str]:
    return [json.loads(notice(result))["text"].partition(" · ")[0]]


def in_annotation(result: GateResult) -> list[str]:
    """The first one: its title, and all of it."""
    first = github.commands([result], Path("/gates"))[0]
    head, _, text = first.removeprefix("::").partition("::")
    title = head.partition("title=")[2].replace("%3A", ":").replace("%25", "%")
    assert text.startswith(f"{title}: ")
    return [text.replace("%25", "%")]


def screen() -> TextIOWrapper:
    return TextIOWrapper(BytesIO(), encoding="utf-8")


def in_report(result: GateResult) -> list[str]:
    """What ``bootgate report`` begins and ends with, below the heading that names the run."""
    with TemporaryDirectory() as path, redirect_stdout(screen()) as out:
        write([result], Path(path) / "result.json")
        assert main(["report", str(Path(path) / "result.json")]) == 0
        out.seek(0)
        lines = [line.rstrip() for line in out if line.strip()]
    return [lines[1], lines[-1]]


@pytest.mark.parametrize(
    "shown", [in_terminal, in_page, in_junit, in_github, in_annotation, in_notice, in_report]
)
@pytest.mark.parametrize("made", [made for made, _ in CASES.values()], ids=CASES)
def test_every_report_says_the_same(made, shown):
    result = made()
    line = str(decision(result))
    found = [re.sub(r"\s+", " ", text).strip() for text in shown(result)]
    assert found
    assert {*found} == {line}


class Ran:
    """A plugin by which pytest has booted a result, and ends as after any run."""

    def __init__(self, result: GateResult) -> None:
        self.result = result

    def pytest_collection(self, session: pytest.Session) -> None:
        session.config.stash[KEY].from_workers = [self.result]

    @pytest.hookimpl(wrapper=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Generator[None]:
        """As its items would have ended it."""
        session.exitstatus = int(self.result.verdict in ("fail", "error"))
        yield


@pytest.mark.parametrize("made", [made for made, _ in CASES.values()], ids=CASES)
def test_a_run_ends_with_it_and_so_does_all_that_it_writes(made, pytester, monkeypatch):
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(pytester.path / "summary.md"))
    result = made()
    found = decision(result)
    line = f"{found} · page.html"
    written = ("--bootgate-html=page.html", "--bootgate-report=junit=junit.xml")
    done = pytester.runpytest_inprocess(DECIDES, *written, plugins=[Ran(result)])
    assert done.ret == {"SHIP": 0, "UNKNOWN": 6, "DO NOT SHIP": 1}[found.action]
    said = [text for text in done.outlines if text]
    assert said[-1] == line
    summed = [text for text in said if text.startswith(line[:20])]
    assert summed == [line] * 3  # first and last of the summary, and after all that pytest says
    (annotated, *_) = [text for text in said if text.startswith("::")]
    assert found.action in annotated.partition("::")[2]
    for name in ("page.html", "junit.xml", "summary.md"):
        assert found.why in unescape((pytester.path / name).read_text())


def test_what_failed_failed_though_something_else_could_not_be_measured():
    result = recorded("timed-out")
    (red, green) = sorted(result.targets, key=lambda one: one.verdict != "fail")
    broken = replace(green, error="The engine is gone. Start it.", judgement=None)
    found = decision(replace(result, checks=(red, broken)))
    assert found.action == "DO NOT SHIP"
    assert str(found).endswith("; not all was measured")


def test_a_part_of_a_gate_is_no_reason_to_ship():
    result = recorded("near")
    found = decision(replace(result, unjudged=(Unjudged("current", "default", "boot"),)))
    assert found.action == "UNKNOWN"
    passed = tuple(t for t in result.targets if t.verdict == "pass")
    rest = replace(result, checks=passed, unjudged=(Unjudged("current", "default", "boot"),))
    assert str(decision(rest)).startswith("UNKNOWN")
    assert "not booted: current" in str(decision(rest))


def test_nothing_was_booted():
    assert decision(gate()).action == "UNKNOWN"


def test_two_builds_of_one_version():
    result = recorded("slower")
    facts = {n: replace(f, image="app:latest", version=None) for n, f in result.releases.items()}
    assert "slower baseline → candidate (latest)" in str(decision(replace(result, releases=facts)))


def test_a_long_reason_is_cut():
    (upgrade,) = (one for one in recorded("broken").checks if isinstance(one, UpgradeResult))
    found = str(decision(gate(replace(upgrade, error="x" * 5000))))
    assert len(found) < 300


def compared(effect: float, pairs: int, scatter: float) -> str:
    """The decision on boots that neighbours kept waiting for up to `scatter` seconds each."""
    chance, boots = Random(2), []
    for number in range(1, pairs + 1):
        for release, net in (("baseline", 1.0), ("candidate", effect)):
            work, waited = net * chance.uniform(0.97, 1.03), chance.uniform(0.1, scatter)
            took = work + waited
            made = boot(
                release=release,
                number=number,
                outcome="started",
                detail="",
                seconds=took,
                ended=took,
                accepted=None,
                phases=(Phase("setup", took, took),),
                cpu_seconds=work * 0.9,
                run_delay=waited,
                others_cpu=took * 1.9,
                throttled=0.0,
            )
            boots.append(made)
    rules = replace(RULES, least=5, most=30)
    found = judge(boots, rules)
    target = TargetResult("isolated", "default", "isolated", rules, tuple(boots), found)
    return str(decision(gate(target)))


def test_how_much_slower_it_is_by_what_was_compared():
    # By the wall times of the same boots it would be 1.3 times, or none at all.
    assert "isolated is 30 % slower (1.00 s to 1.30 s net of neighbours" in compared(1.3, 10, 0.9)
    assert "isolated takes 3.7 times as long" in compared(4.0, 10, 0.11)


def test_what_is_unclear_says_what_to_do():
    found = compared(1.12, 5, 0.9)
    assert "isolated is unclear: " in found
    assert "10 % slower is allowed; " in found
    assert "about 1 more pair would settle it" in found


def test_a_gate_of_one_release_says_that_nothing_was_compared():
    started = replace(boot(), outcome="started", seconds=5.0, ended=5.0, phases=())
    result = gate(TargetResult("a", "default", "a", RULES, (started,), judge((started,), RULES)))
    assert str(decision(result)).startswith("SHIP ")
    assert "nothing was compared" not in str(decision(result))
    releases = {"candidate": result.releases["candidate"]}
    alone = str(decision(replace(result, releases=releases)))
    assert alone.endswith("; no baseline, so nothing was compared")


def test_a_crash_says_what_was_printed_and_the_only_phase_is_not_named():
    crashed = boot(
        outcome="crashed",
        detail="the gateway exited with 1; it printed: KeyError: 'KEY'",
        ended=1.3,
        phases=(Phase("proof"),),
    )
    result = gate(TargetResult("a", "default", "a", RULES, (crashed,), judge((crashed,), RULES)))
    assert str(decision(result)).endswith(
        "a never started (1 of 1 boot, crashed after 1.30 s): the gateway exited with 1; it"
        " printed: KeyError: 'KEY'"
    )
