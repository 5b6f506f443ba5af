"""The verdict of every target in every format, read by those for whom the format is."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET

import pytest

from pytest_bootgate.errors import BootgateError
from pytest_bootgate.reports import places
from pytest_bootgate.reports.formats import parse
from pytest_bootgate.reports.places import check
from tests.reports.formats.conftest import SCENARIOS
from tests.reports.formats.readers import NAMES, READERS, SILENT, cases, commands

#: How each kind of report begins.
SIGNS = places.SIGNS | {
    name: parse(f"{name}=x").format.begins for name in NAMES if name != "gitlab"
}
STATUS = {"pass": 0, "warn": 0, "inconclusive": 0, "fail": 1, "error": 1}
LEVELS = {"warn": "warning", "inconclusive": "warning", "fail": "error", "error": "error"}


def expected(scenario: str) -> dict[str, str]:
    return SCENARIOS[scenario][2]


@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.parametrize("name", READERS)
def test_every_verdict_in_every_format(ran, scenario, name):
    found = READERS[name](ran(scenario).path / "reports" / NAMES[name])
    wanted = expected(scenario)
    if name in SILENT:
        wanted = {n: w for n, w in wanted.items() if w in STATUS}
    assert found == wanted


@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.parametrize("name", [n for n in NAMES if n != "gitlab"])
def test_a_later_run_knows_every_report_by_its_kind(ran, scenario, name):
    path = ran(scenario).path / "reports" / NAMES[name]
    check(path, name, SIGNS[name])
    for other, sign in SIGNS.items():
        if other != name:
            with pytest.raises(BootgateError, match=f"not an? .*{other}.* of pytest-bootgate"):
                check(path, other, sign)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_the_scenarios_are_what_they_are_called(ran, scenario):
    done, wanted = ran(scenario), expected(scenario)
    judged = {
        f"{gate['file'].partition('/here/')[2]}::{t['target']}"
        + ("" if t["profile"] == "default" else f"@{t['profile']}"): t["verdict"] or "left out"
        for gate in done.results
        for t in gate["targets"]
    }
    others = ("::gate", "::propagation", "::upgrade")
    assert judged == {n: w for n, w in wanted.items() if w != "unjudged" and not n.endswith(others)}
    if scenario == "no boots":
        assert done.status == 5
    elif scenario == "all left out":
        assert done.status == 1  # it has measured nothing
    else:
        assert done.status == max(STATUS[w] for w in wanted.values() if w in STATUS)


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_github_annotation_for_each_target_that_is_not_green(ran, scenario):
    done, wanted = ran(scenario), expected(scenario)
    every = commands(done.output)
    found = {title: one for title, one in every.items() if title.startswith("bootgate: ")}
    decided = [one["text"] for title, one in every.items() if title not in found]
    assert decided
    assert all(text.startswith(("SHIP ", "DO NOT SHIP ", "UNKNOWN ")) for text in decided)
    titles = {
        f"bootgate: {word.upper()} {name.partition('::')[2]}": (name, word)
        for name, word in wanted.items()
        if word in LEVELS
    }
    assert set(found) == set(titles)
    for title, (name, word) in titles.items():
        file, _, label = name.partition("::")
        lines = (done.path / file).read_text().splitlines()
        assert found[title]["level"] == LEVELS[word]
        assert found[title]["file"] == file
        assert found[title]["text"].startswith(word)
        assert ("\nwhat to do: " in found[title]["text"]) == (word != "error")
        key = label.rpartition("::")[2].partition("@")[0]
        assert label == "gate" or key in lines[int(found[title]["line"]) - 1]


def test_the_job_summary_says_what_to_do(ran):
    page = (ran("fail").path / "reports" / "summary.md").read_text()
    text = "Keep the old release in production. Find out what it waits for in persona ("
    assert f"\nWhat to do:\n\n- isolated: {text}" in page
    assert "What to do" not in (ran("green").path / "reports" / "summary.md").read_text()


def test_phases_are_cases_too(ran):
    found = cases(ran("fail").path / "reports" / "junit.xml")
    assert found == {
        "bootgate.yaml::isolated::engine": "pass",
        "bootgate.yaml::isolated::persona": "not seen",
        "bootgate.yaml::isolated::task_started": "not seen",
        "bootgate.yaml::isolated::boot": "fail",
    }
    found = cases(ran("error").path / "reports" / "junit.xml")
    assert set(found.values()) == {"error"}
    assert len(found) == 4


def test_the_story_is_in_the_failure_and_nothing_of_it_is_a_command(ran):
    done = ran("fail")
    suite = ET.parse(done.path / "reports" / "junit.xml").getroot()[0]
    text = suite.find("testcase[@name='boot']/failure").text
    assert "the task never started: task_started was not seen in time" in text
    shown = r"red\x07 ]]> <b>&amp; | 50% a\x85b " + "\U0001f4a5 ::error::injected"
    assert shown in text
    assert "injected" not in "".join(commands(done.output))
    page = (done.path / "reports" / "summary.md").read_text()
    assert "]]&gt; &lt;b&gt;&amp;amp; | 50%" in page


def test_suite_properties(ran):
    done = ran("several")
    for suite, result in zip(
        ET.parse(done.path / "reports" / "junit.xml").getroot(), done.results, strict=True
    ):
        held = {p.get("name"): p.get("value") for p in suite.iter("property")}
        assert held["verdict"] == result["verdict"]
        assert held["run"] == result["run"]
        assert held["engine"] == result["engine"]
        assert held["candidate.version"] == "1"
        assert held["host.cpus"] == str(result["machine"]["cpus"])


def test_pytest_s_own_junit_xml_gets_the_properties_of_the_gates(ran):
    done = ran("several")
    held = {
        p.get("name"): p.get("value")
        for p in ET.parse(done.path / "own.xml").getroot().iter("property")
    }
    verdicts = {name: value for name, value in held.items() if name.endswith("::verdict")}
    assert verdicts == {
        "a b/one.bootgate.yaml::verdict": "pass",
        "bootgate.yaml::verdict": "fail",
    }
    assert held["bootgate.yaml::run"] == done.results[1]["run"]


def test_the_numbers_are_those_of_the_result(ran):
    done = ran("green")
    (boot,) = done.results[0]["targets"][0]["boots"]
    reports = done.path / "reports"
    bmf = json.loads((reports / "bencher.json").read_text())
    nano = bmf["bootgate.yaml::isolated::boot"]["latency"]["value"]
    assert nano == pytest.approx(boot["seconds"] * 1e9)
    assert bmf["bootgate.yaml::isolated"]["timeout-used"]["value"] == boot["seconds"] / 5
    action = {e["name"]: e for e in json.loads((reports / "benchmark.json").read_text())}
    assert action["bootgate.yaml::isolated::engine"]["value"] == boot["phases"][0]["seconds"]
    assert action["bootgate.yaml::isolated::engine"]["unit"] == "s"
    line = 'bootgate_boot_slowest_seconds{gate_file="bootgate.yaml",target="isolated"'
    line += f',profile="default",release="candidate"}} {boot["seconds"]!r}\n'
    assert line in (reports / "metrics.txt").read_text()
    assert line in (reports / "bootgate.prom").read_text()
    suite = ET.parse(reports / "junit.xml").getroot()[0]
    assert suite.find("testcase[@name='boot']").get("time") == f"{boot['seconds']:.3f}"
    (test,) = [
        t
        for t in json.loads((reports / "ctrf.json").read_text())["results"]["tests"]
        if t["name"].endswith("::boot")
    ]
    assert test["duration"] == round(boot["seconds"] * 1000)


def test_a_boot_that_ran_into_its_timeout_used_all_of_it(ran):
    reports = ran("fail").path / "reports"
    assert json.loads((reports / "bencher.json").read_text())["bootgate.yaml::isolated"] == {
        "verdict": {"value": 3},
        "timeout-used": {"value": 1.0},
    }
    assert (
        "| timed&#95;out | 100 % | persona: timed&#95;out |" in (reports / "summary.md").read_text()
    )
