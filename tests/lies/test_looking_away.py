"""Lies that a gate file, pytest or a recording tells: nothing was measured, or nobody looked."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.lies.conftest import DOCKER, check

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
@pytest.mark.parametrize("engine", [DOCKER])
def test_xfail(lying, told, engine):
    result, found = lying(["engine ready"], engine=engine, timeout="1s", listener=XFAIL)
    check(told, result, found)


@pytest.mark.lie("a plugin turns failures into skips while a gate was expected")
@pytest.mark.parametrize("engine", [DOCKER])
def test_quarantine(lying, told, engine):
    result, found = lying(
        ["engine ready"], engine=engine, timeout="1s", listener=SKIPS, options=REQUIRE
    )
    check(told, result, found)


@pytest.mark.lie("items are listed and not run while a gate was expected")
@pytest.mark.parametrize("option", ["--collect-only", "--setup-plan", "--setup-only"])
@pytest.mark.parametrize("engine", [DOCKER])
def test_only_a_list(lying, told, engine, option):
    result, found = lying(engine=engine, options=[*REQUIRE, option])
    assert (result.ret, found) == (1, {})
    words = told.text.replace("--setup-plan", option)
    assert words in result.stdout.str()


@pytest.mark.lie("the token in the pattern of a proof is optional, and a line without it comes")
@pytest.mark.parametrize("engine", [DOCKER])
def test_an_optional_token(lying, told, engine):
    phases = "{task: {line: 'task started( ${token})?'}}"
    result, found = lying(["task started"], engine=engine, timeout="1s", phases=phases)
    check(told, result, found)


@pytest.mark.lie("the figures of a recorded baseline were edited")
@pytest.mark.parametrize("engine", [DOCKER])
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
            {"phases": '{task: {exec: [sh, -c, "curl -f http://localhost:8080/ || true"]}}'},
            marks=pytest.mark.lie("the command of a proof always succeeds"),
        ),
        pytest.param(
            {
                "phases": "{task: {exec: [test, -e, /row], in: db}}",
                "gate": "{boots: 1}\nservices: {db: {image: x, command: [sh, -c, 'touch /row']}}",
            },
            marks=pytest.mark.lie("a service leaves the row that is the proof by itself"),
        ),
        pytest.param(
            {
                "targets": "isolated: {trigger: {exec: [sh, -c, 'run; echo job ${token}']}}",
                "phases": '{task: {line: "job ${token}", from: trigger}}',
            },
            marks=pytest.mark.lie("the trigger prints the line that is the proof"),
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
@pytest.mark.parametrize("engine", [DOCKER])
def test_a_gate_file_that_proves_nothing(lying, told, engine, more):
    result, found = lying(["engine ready"], engine=engine, **more)
    assert (result.ret, found) == (pytest.ExitCode.USAGE_ERROR, {})
    assert told.said_in(result.stderr.str())


@pytest.mark.lie("one shard of a gate passes, where the whole was expected")
@pytest.mark.parametrize("engine", [DOCKER])
def test_one_shard(lying, told, engine):
    result, found = lying(engine=engine, options=[*REQUIRE, "--bootgate-shard", "1/2"])
    assert (result.ret, found) == (4, {})
    assert told.said_in(result.stderr.str())


@pytest.mark.lie("a shard of a gate is missing, and all others passed")
@pytest.mark.parametrize("engine", [DOCKER])
def test_a_missing_shard(lying, told, engine, pytester):
    shard = ["--bootgate-shard", "1/2", "--bootgate-json", "shard.json"]
    assert (
        lying(["engine ready", "persona loaded", "ring"], engine=engine, options=shard)[0].ret == 0
    )
    result = pytester.runpytest_inprocess(
        *("-p", "no:cacheprovider", "--bootgate-merge=shard.json", "--bootgate-json=out.json")
    )
    found = json.loads((pytester.path / "out.json").read_text())
    assert (result.ret, found["verdict"]) == (1, told.verdict)
    assert told.said_in(result.stdout.str())
