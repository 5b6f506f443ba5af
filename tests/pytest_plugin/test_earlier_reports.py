"""A report of an earlier run is never taken for the one that this run did not come to."""

from __future__ import annotations

import json
import sys

import pytest

from tests.reports.pages import read

FILES = {
    "--bootgate-json": "out.json",
    "--bootgate-html": "out.html",
    "--bootgate-report": "junit=out.xml",
}
#: How a report of each kind begins, which is how a later run knows it.
EARLIER = {
    "out.json": '{\n "schema": "bootgate-result/1",\n "verdict": "pass"}\n',
    "out.html": '<!DOCTYPE html>\n<meta name="generator" content="pytest-bootgate 0.1.0">\n',
    "out.xml": '<?xml version="1.0"?>\n<testsuites name="pytest-bootgate" tests="0" />\n',
}
OPTIONS = [word for pair in FILES.items() for word in pair]


@pytest.fixture
def earlier(pytester):
    """The files of an earlier, green run."""
    for name, text in EARLIER.items():
        (pytester.path / name).write_text(text)
    return [pytester.path / name for name in EARLIER]


def gone(paths):
    """They are not where a report is looked for; nothing is lost."""
    for path in paths:
        assert path.with_name(f"{path.name}.earlier").read_text() == EARLIER[path.name]
    return not any(path.exists() for path in paths)


def test_a_run_without_a_gate_leaves_none_and_says_so(played, pytester, earlier):
    pytester.makepyfile("def test_unit(): pass")
    result = played(*OPTIONS)
    assert result.ret == 0
    assert gone(earlier)
    options = " and no ".join(FILES)
    result.stdout.fnmatch_lines([f"bootgate: no gate was selected, so no {options} was written"])


@pytest.mark.parametrize("name", ["bootgate.yaml", "named"])
def test_a_mistake_in_the_gate_file_leaves_none(gate, played, earlier, name, pytester):
    gate(timeout="5")
    if name == "named":
        result = played("bootgate.yaml", *OPTIONS)
    else:
        pytester.makepyfile("def test_door(session_target): pass")
        result = played(*OPTIONS)
    assert result.ret in (2, 4)
    assert gone(earlier)


def test_a_run_that_is_killed_leaves_none(gate, apart, pytester, earlier):
    gate()
    pytester.makeconftest(
        "import os\ndef pytest_runtest_logfinish(nodeid): os.kill(os.getpid(), 9)\n"
    )
    assert apart("bootgate.yaml", *OPTIONS).ret == -9
    assert gone(earlier)


@pytest.mark.parametrize("workers", [(), ("-n1",)])
def test_they_make_room_for_new_ones(gate, played, pytester, earlier, workers):
    gate()
    result = played("bootgate.yaml", *workers, *OPTIONS)
    assert result.ret == 0
    assert json.loads((pytester.path / "out.json").read_text())["verdict"] == "pass"
    assert not list(pytester.path.glob("*.earlier"))


def test_under_xdist_a_run_that_is_killed_leaves_none(gate, apart, pytester, earlier):
    gate()
    pytester.makeconftest(
        "import os\n"
        "def pytest_runtest_logreport(report):\n"
        "    if 'PYTEST_XDIST_WORKER' not in os.environ: os.kill(os.getpid(), 9)\n"
    )
    assert apart("bootgate.yaml", "-n1", *OPTIONS).ret == -9
    assert gone(earlier)


@pytest.mark.parametrize("how", [("bootgate.yaml",), ("--bootgate",), ("--bootgate", "-n1")])
def test_the_last_result_may_be_the_recorded_baseline(gate, played, pytester, how):
    path = gate(boots="5")
    options = ("--bootgate-json", "out.json")
    assert played(*how, *options).ret == 0
    path.write_text(
        path.read_text().replace("releases:\n", "releases:\n  baseline: {recorded: out.json}\n")
    )
    result = played(*how, *options)
    assert result.ret == 0
    result.stdout.fnmatch_lines(["*(baseline: 5 started)"])
    releases = json.loads((pytester.path / "out.json").read_text())["releases"]
    assert releases["baseline"]["recorded"] is not None


@pytest.mark.parametrize("asked", ["--collect-only", "--help", "--markers"])
def test_where_nothing_runs_they_stay(gate, played, earlier, asked):
    gate()
    played("bootgate.yaml", asked, *OPTIONS)
    assert {path.name: path.read_text() for path in earlier} == EARLIER


def test_one_that_cannot_be_moved_ends_the_run_before_it_boots(gate, played, pytester, earlier):
    gate()
    (pytester.path / "out.json.earlier" / "kept").mkdir(parents=True)
    result = played("bootgate.yaml", "--bootgate-json", "out.json")
    assert result.ret == 4
    text = "--bootgate-json: *out.json is from an earlier run and cannot be moved aside: *"
    result.stderr.fnmatch_lines([f"ERROR: {text}Name another path, or remove it."])
    assert "Traceback" not in result.stdout.str() + result.stderr.str()
    assert not (pytester.path / ".bootgate").exists()


def test_a_recorded_baseline_that_was_moved_aside_is_found(gate, played, pytester):
    path = gate()
    (pytester.path / "out.json.earlier").write_text("{}")
    path.write_text(
        path.read_text().replace("releases:\n", "releases:\n  baseline: {recorded: out.json}\n")
    )
    result = played("bootgate.yaml")
    assert result.ret == 4
    text = (
        "ERROR: bootgate.yaml:2:24: there is no file 'out.json': a run that came to no result has"
    )
    result.stderr.fnmatch_lines([f"{text} left out.json.earlier: rename it to use it"])


INTERRUPT = """
def pytest_runtest_logfinish(nodeid):
    if nodeid.endswith("isolated::boot"):
        raise KeyboardInterrupt
"""


def test_an_interrupted_run_is_green_nowhere(gate, played, pytester):
    gate(targets=("isolated", "main"))
    pytester.makeconftest(INTERRUPT)
    result = played("bootgate.yaml", *OPTIONS)
    assert result.ret == 2
    result.stdout.fnmatch_lines(["not booted: main", "ERROR: 1 target, 1 pass"])
    found = json.loads((pytester.path / "out.json").read_text())
    assert found["verdict"] == "error"
    assert found["error"] == "1 of 2 targets was judged; not booted: main (the run ended early)"
    page = read((pytester.path / "out.html").read_text())
    assert page.every("h1")[0].text.startswith("UNKNOWN")
    kept = pytester.run(sys.executable, "-m", "pytest_bootgate", "report", "last")
    kept.stdout.fnmatch_lines(["ERROR: 1 target, 1 pass"])


def test_a_run_that_a_failure_ended_keeps_its_verdict(gate, played, pytester):
    gate(["engine ready", "exit:1"], targets=("isolated", "main"))
    result = played("bootgate.yaml", "-x", *OPTIONS)
    assert result.ret == 1
    found = json.loads((pytester.path / "out.json").read_text())
    assert (found["verdict"], found["error"]) == ("fail", None)
    assert [one["target"] for one in found["unjudged"] if not one["booted"]] in (["main"], [])
    page = read((pytester.path / "out.html").read_text())
    assert page.every("h1")[0].text.startswith("DO NOT SHIP ")


def test_a_failure_elsewhere_that_ends_the_run_leaves_no_green_gate(gate, played, pytester):
    gate(targets=("isolated", "main"))
    pytester.makepyfile(test_unit="def test_unit(): assert False")
    result = played(
        "bootgate.yaml::isolated", "test_unit.py", "bootgate.yaml::main", "-x", *OPTIONS
    )
    assert result.ret == 1
    assert json.loads((pytester.path / "out.json").read_text())["verdict"] == "error"
