"""Lies that a gate file, pytest or a recording tells: nothing was measured, or nobody looked."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.lies.conftest import check

ENGINES = [
    "process",
    pytest.param("docker", marks=pytest.mark.docker),
    pytest.param("kubernetes", marks=pytest.mark.kubernetes),
]
REQUIRE = ["--bootgate-require"]
XFAIL = """\
import pytest
def pytest_collection_modifyitems(items):
    for item in items:
        item.add_marker(pytest.mark.xfail)
"""
SKIPS = """\
import pytest
@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if report.failed:
        report.outcome, report.longrepr = "skipped", (__file__, 1, "quarantined")
    return report
"""


IN_PLACE = """{boots: 1}
upgrade: in-place
state: {path: state, jobs: {http: ":8080/jobs"}, run: {http: ":8080/run", body: "${job.id}"}}
"""


@pytest.mark.lie("a gate that fails is marked xfail")
@pytest.mark.parametrize("engine", ENGINES)
def test_xfail(lying, told, engine):
    result, found = lying(["engine ready"], engine=engine, timeout="1s", listener=XFAIL)
    check(told, result, found)


@pytest.mark.lie("a plugin turns failures into skips while a gate was expected")
@pytest.mark.parametrize("engine", ENGINES)
def test_quarantine(lying, told, engine):
    result, found = lying(
        ["engine ready"], engine=engine, timeout="1s", listener=SKIPS, options=REQUIRE
    )
    check(told, result, found)


@pytest.mark.lie("items are listed and not run while a gate was expected")
@pytest.mark.parametrize("option", ["--collect-only", "--setup-plan", "--setup-only"])
@pytest.mark.parametrize("engine", ENGINES)
def test_only_a_list(lying, told, engine, option):
    result, found = lying(engine=engine, options=[*REQUIRE, option])
    assert (result.ret, found) == (1, {})
    words = told.text.replace("--setup-plan", option)
    assert words in result.stdout.str()


@pytest.mark.lie("the token in the pattern of a proof is optional, and a line without it comes")
@pytest.mark.parametrize("engine", ENGINES)
def test_an_optional_token(lying, told, engine):
    phases = "{task: {line: 'task started( ${token})?'}}"
    result, found = lying(["task started"], engine=engine, timeout="1s", phases=phases)
    check(told, result, found)


@pytest.mark.lie("the figures of a recorded baseline were edited")
@pytest.mark.parametrize("engine", ENGINES)
def test_an_edited_recording(lying, told, engine, pytester):
    good = ["engine ready", "persona loaded", "ring"]
    assert lying(good, engine=engine)[0].ret == 0
    recording = Path(pytester.path / "old.json")
    text = Path(pytester.path / "out.json").read_text()
    recording.write_text(text.replace('"warm_up": false', '"warm_up": true', 1))
    assert recording.read_text() != text
    releases = {"baseline": "{recorded: old.json}", "candidate": {"PLAN": "[]"}}
    result, _ = lying(engine=engine, releases=releases)
    assert result.ret != 0
    assert told.said_in(result.stdout.str() + result.stderr.str())


@pytest.mark.parametrize(
    "more",
    [
        pytest.param(
            {"phases": "{task: {line: 'started|'}}"},
            marks=pytest.mark.lie("the pattern of a proof matches every line"),
        ),
        pytest.param(
            {"targets": "isolated: {start: warm, phases: {task: {line: task started}}}"},
            marks=pytest.mark.lie("a warm boot's proof is a line that an earlier boot may write"),
        ),
        pytest.param(
            {"phases": "{task: {line: '^$', from: trigger}}"},
            marks=pytest.mark.lie("the pattern of a proof matches an empty answer"),
        ),
        pytest.param(
            {"phases": "{accepted: {line: ok, from: trigger}}"},
            marks=pytest.mark.lie("the last phase is the answer that the trigger was accepted"),
        ),
        pytest.param(
            {
                "releases": {"baseline": {}, "candidate": {"PLAN": "[]"}},
                "phases": "{task: {line: task started}}",
                "targets": "isolated: {}\n  main: {}",
                "gate": IN_PLACE,
            },
            marks=pytest.mark.lie(
                "after an upgrade in place a job's proof is a line that another job may write"
            ),
        ),
    ],
)
@pytest.mark.parametrize("engine", ENGINES)
def test_a_gate_file_that_proves_nothing(lying, told, engine, more):
    result, found = lying(["engine ready"], engine=engine, **more)
    assert (result.ret, found) == (pytest.ExitCode.USAGE_ERROR, {})
    assert told.said_in(result.stderr.str())
