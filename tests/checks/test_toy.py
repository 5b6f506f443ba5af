"""A fourth check that is all in this file: no report, format, codec or command knows of it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from pytest_bootgate.checks.campaign import Ask
from pytest_bootgate.cli.plan import plan
from pytest_bootgate.records import codec
from pytest_bootgate.records.check import Amount, PlainResult, Table
from pytest_bootgate.records.verdict import Finding
from pytest_bootgate.reports.amounts import duration
from pytest_bootgate.reports.formats.cases import entries
from pytest_bootgate.reports.html.page import render
from pytest_bootgate.reports.terminal import summary
from pytest_bootgate.run.check import KINDS, PlainCheck, register
from tests.conftest import ROOT
from tests.loop.conftest import play  # noqa: F401 (a fixture)
from tests.loop.played import serves
from tests.reports.formats.conftest import green, options, run_pytest
from tests.reports.formats.readers import NAMES
from tests.reports.pages import gate


class Restart(PlainCheck):
    """The candidate boots twice; the second boot must not take twice as long as the first."""

    kind = "restart"
    boots = (2, 2)

    def budget(self) -> float:
        return 2 * self.plan.longest_boot(self.target)

    def measure(self, bench) -> PlainResult:
        (first, second), _ = bench.conduct(self, twice(), most=2)
        longer = second.ended / first.ended
        why = Finding("warn", self.kind, "restarts are <b>restarts</b>")
        if longer > 2 or not second.started:
            why = Finding("fail", self.kind, f"the second took {longer:.1f} times as long")
        rows = [[boot.id, Amount(boot.ended, duration(boot.ended))] for boot in (first, second)]
        return self.result(
            boots=(first, second),
            findings=(why,),
            says="started again",
            tables=(Table("times", "How long each took", ["boot", "took"], rows),),
            notes=("both were cold",),
            todo="Look at what it leaves behind.",
        )


def twice() -> Generator[Ask, Any, Any]:
    first = yield Ask("candidate", 1)
    second = yield Ask("candidate", 2)
    return first, second


@pytest.fixture
def registered():
    before = dict(KINDS)
    register(Restart)
    yield
    KINDS.clear()
    KINDS.update(before)


# -- in the loop -------------------------------------------------------------------------------


@pytest.fixture
def found(play, registered):  # noqa: F811
    """What a gate finds whose second boot is slow; only the toy is carried out."""
    slower = serves(by_boot={2: (8.0, "set up", "task {token} started")})
    played = play(slower, targets="{main: {}, other: {}}")
    played.check("restart")
    played.close()
    return played


def test_its_boots_are_measured_and_judged(found):
    (restart,) = found.gate.outcome().checks
    assert [boot.seconds for boot in restart.boots] == [1.5, 8.0]
    assert (restart.verdict, found.gate.outcome().verdict) == ("fail", "fail")
    assert [m.number for m in found.moments if m.doing and not m.waiting][-1] == 2
    assert {e.boot.during for e in found.events if e.kind == "boot_began"} == {"restart"}


def test_it_is_planned_and_asked_for(found):
    asked = [(c.name, item) for c, item in found.gate.plan.asked()]
    assert asked[:2] == [("main", "boot"), ("main::restart", "restart")]
    text = "\n".join(how for _, how in plan(found.gate))
    assert "main: 1 boot (cold, timeout 10 s)\n  and 2 boots for restart\nother: 1 boot" in text
    assert "6 boots, warm-ups included; " in text
    left = [(u.target, u.item, u.booted, u.check) for u in found.gate.unjudged]
    assert ("main", "restart", True, "restart") in left
    assert ("other", "restart", False, "restart") in left


def test_no_engine_is_an_error(play, registered):  # noqa: F811
    played = play(serves(), releases="{candidate: {image: missing}}")
    restart = played.check("restart")
    played.close()
    assert (restart.verdict, restart.boots) == ("error", ())
    assert restart.error in "\n".join(line.text for line in summary(played.gate.outcome()))


def test_no_evidence_is_no_pass():
    nothing = PlainResult(kind="restart", target="main", profile="default")
    assert (nothing.verdict, nothing.verdict_of("restart")) == ("error", "error")


def test_a_finding_about_no_item_is_shown_by_the_first():
    stray = (Finding("fail", "somewhere", "it went wrong"),)
    found = PlainResult(
        kind="restart", target="main", profile="default", items=("a", "b"), findings=stray
    )
    assert [found.verdict_of(item) for item in found.items] == ["fail", "pass"]
    cases = [case.verdict for entry in entries(gate(found)) for case in entry.cases]
    assert cases == ["fail", "pass"]


def test_what_it_says_in_the_terminal_and_on_the_page(found):
    result = found.gate.outcome()
    lines = [line.text for line in summary(result)]
    assert "FAIL main, restart: started again" in lines
    assert "  fail: the second took 5.3 times as long" in lines
    assert "  note: both were cold" in lines
    assert "  what to do: Look at what it leaves behind." in lines
    assert lines[-2] == "FAIL: 1 restart check, 1 fail"
    assert lines[-1].endswith("main, restart failed: the second took 5.3 times as long")
    page = render([result])
    for text in ("main, restart", "started again", "both were cold", "How long each took"):
        assert text in page


def test_its_result_is_read_where_nobody_knows_it(found):
    result = found.gate.outcome()
    KINDS.pop("restart")
    assert codec.decode(codec.encode(result)) == result


# -- in pytest, and in the commands ------------------------------------------------------------

CONFTEST = """\
from pytest_bootgate.run.check import register
from tests.checks.test_toy import Restart

register(Restart)
"""
ITEM = "bootgate.yaml::isolated::restart"


@dataclass(frozen=True)
class Did:
    here: Path
    output: str
    status: int

    def command(self, *args: str) -> str:
        """What a command says, which knows no more than the files of the run."""
        words = [sys.executable, "-m", "pytest_bootgate", *args]
        done = subprocess.run(words, cwd=self.here, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def did(tmp_path_factory):
    """One run of pytest with everything switched on."""
    here = tmp_path_factory.mktemp("toy")
    green(here)
    (here / "conftest.py").write_text(CONFTEST)
    wanted = ["--bootgate-html=page.html", "--junitxml=own.xml", *options(), "--bootgate-require"]
    found = run_pytest(here, "bootgate.yaml", "-v", *wanted, PYTHONPATH=str(ROOT))
    return Did(here, found.output, found.status)


@pytest.mark.slow
def test_its_item_runs_and_the_summary_has_it(did):
    assert did.status == 0, did.output
    assert f"{ITEM} PASSED" in did.output
    assert "WARN isolated, restart: started again" in did.output
    assert "WARN: 1 target, 1 restart check, 1 pass, 1 warn" in did.output


@pytest.mark.slow
@pytest.mark.parametrize("path", [*NAMES.values()])
def test_every_format_has_it(did, path):
    file = did.here / "reports" / path
    files = [*file.iterdir()] if file.is_dir() else [file]
    assert all("restart" in one.read_text() for one in files)


@pytest.mark.slow
def test_what_the_formats_make_of_it(did):
    reports = did.here / "reports"
    junit = ET.parse(reports / "junit.xml").iter("testcase")
    (case,) = [case for case in junit if case.get("name") == "restart"]
    assert case.find("skipped").get("message") == "warn: restarts are <b>restarts</b>"
    tests = json.loads((reports / "ctrf.json").read_text())["results"]["tests"]
    assert [t["rawStatus"] for t in tests if t["name"] == ITEM] == ["warn"]
    metrics = (reports / "metrics.txt").read_text().splitlines()
    (line,) = [one for one in metrics if 'kind="restart"' in one and one.endswith(" 1.0")]
    assert 'verdict="warn"' in line
    spans = (reports / "spans.jsonl").read_text()
    assert "restart isolated::restart" in spans


@pytest.mark.slow
def test_json_page_and_junit_of_pytest_have_it(did):
    plain = json.loads((did.here / "out.json").read_text())
    (check,) = plain["checks"]
    assert (check["kind"], check["verdict"], len(check["boots"])) == ("restart", "warn", 2)
    assert plain["lines"]["isolated"] > 1
    page = (did.here / "page.html").read_text()
    assert "isolated, restart" in page
    assert "restarts are &lt;b&gt;restarts" in page
    names = [case.get("name") for case in ET.parse(did.here / "own.xml").iter("testcase")]
    assert "restart" in names


@pytest.mark.slow
def test_journal_and_commands_have_it(did):
    rows = [json.loads(line) for line in did.command("log", "--json").splitlines()]
    assert [row["during"] for row in rows].count("restart") == 2
    events = did.command("log", "--events", "--run", rows[0]["run"])
    assert "verdict_given profile=default target=isolated::restart verdict=warn" in events
    (did.here / "other.json").write_text(
        (did.here / "out.json").read_text().replace(rows[0]["run"], "another")
    )
    shown = did.command("compare", "out.json", "other.json")
    assert "isolated, restart on default: warn, then warn" in shown
    did.command("report", "last", "--html=again.html")
    assert "isolated, restart" in (did.here / "again.html").read_text()


@pytest.mark.slow
def test_a_run_without_it_is_not_enough(did, tmp_path):
    green(tmp_path)
    (tmp_path / "conftest.py").write_text(CONFTEST)
    args = ("bootgate.yaml", "--bootgate-require", f"--deselect={ITEM}")
    found = run_pytest(tmp_path, *args, PYTHONPATH=str(ROOT))
    assert found.status == 1
    assert "not booted: isolated::restart" in found.output
