"""How reports are asked for, and what becomes of those that cannot be written."""

from __future__ import annotations

import os
from importlib.metadata import entry_points

import pytest

from pytest_bootgate.reports.formats import GROUP
from tests.conftest import ROOT
from tests.reports.formats import readers
from tests.reports.formats.conftest import NASTY, fail, gate_file, green, options, run_pytest
from tests.reports.formats.readers import NAMES, READERS, commands


@pytest.fixture
def here(tmp_path):
    path = tmp_path / "here"
    path.mkdir()
    return path


@pytest.mark.parametrize("text", ["junit", "junit=", "=x", "juint=x", ""])
def test_a_bad_spelling_lists_the_formats(here, text):
    green(here)
    done = run_pytest(here, "bootgate.yaml", f"--bootgate-report={text}")
    assert done.status == 4
    assert f"the formats are {', '.join(NAMES)}" in " ".join(done.output.split())
    assert "Traceback" not in done.output


def test_two_reports_cannot_be_one_file(here):
    green(here)
    done = run_pytest(
        here, "bootgate.yaml", "--bootgate-report=junit=x", "--bootgate-report=ctrf=x"
    )
    assert done.status == 4
    assert "two reports cannot both be x" in done.output


def test_without_the_extra_it_is_named(here):
    green(here)
    (here / "sitecustomize.py").write_text(
        "import sys\nsys.modules['opentelemetry.sdk'] = None\n"
        "sys.modules['opentelemetry.exporter'] = None\n"
    )
    done = run_pytest(here, "bootgate.yaml", "--bootgate-report=otel=x", PYTHONPATH=str(here))
    assert done.status == 4
    assert "pip install 'pytest-bootgate[otel]'" in done.output
    assert "Traceback" not in done.output


@pytest.mark.parametrize("name", NAMES)
def test_one_that_cannot_be_written_makes_the_run_red_and_costs_no_other(here, name):
    green(here)
    (here / "conftest.py").write_text("def pytest_runtest_logfinish(): open('file', 'w').close()\n")
    path = "file/below" if name != "gitlab" else "file"
    done = run_pytest(here, "bootgate.yaml", *options(**{name: path}))
    assert done.status == 1
    assert f"ERROR: The report {name} could not be written to" in done.output
    assert "Not a directory" in done.output or "File exists" in done.output
    assert "Traceback" not in done.output
    for other in NAMES:
        if other != name:
            found = READERS[other](here / "reports" / NAMES[other])
            assert found == {"bootgate.yaml::isolated": "pass"}


def test_where_nothing_is_to_be_booted_nothing_is_written_and_it_is_said(here):
    (here / "test_unit.py").write_text("def test_unit(): pass\n")
    green(here)
    done = run_pytest(here, *options())
    assert done.status == 0
    assert not (here / "reports").exists()
    done = run_pytest(here, "bootgate.yaml", "--collect-only", *options())
    assert not (here / "reports").exists()


def test_files_are_replaced_and_nothing_is_left_beside_them(here):
    green(here)
    (here / "reports").mkdir()
    (here / "reports" / "bootgate.prom").write_text("# HELP bootgate_gate_verdict Old.\n")
    elsewhere = here / "elsewhere.json"
    elsewhere.write_text("")
    (here / "reports" / "ctrf.json").symlink_to(elsewhere)
    before = (here / "reports" / "bootgate.prom").stat().st_ino
    done = run_pytest(here, "bootgate.yaml", *options())
    assert done.status == 0
    assert (here / "reports" / "bootgate.prom").stat().st_ino != before
    assert elsewhere.read_text().startswith("{")
    assert sorted(path.name for path in (here / "reports").iterdir()) == sorted(NAMES.values())
    assert (here / "reports" / "bootgate.prom").stat().st_mode & 0o777 == 0o666 & ~_umask()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_github_gets_its_annotations_and_summary_by_itself(here):
    path = gate_file(here / "sub" / "bootgate.yaml", ["engine ready", NASTY, 60])
    summary = here / "summary.md"
    summary.write_text("# before\n")
    done = run_pytest(
        here / "sub",
        "bootgate.yaml",
        GITHUB_ACTIONS="true",
        GITHUB_WORKSPACE=str(here),
        GITHUB_STEP_SUMMARY=str(summary),
    )
    assert done.status == 1
    decided, found = commands(done.output).values()
    assert decided["text"].startswith("DO NOT SHIP sub 1: isolated never started")
    line = path.read_text().splitlines().index("  isolated: {}") + 1
    assert (found["file"], found["line"]) == ("sub/bootgate.yaml", str(line))
    assert found["level"] == "error"
    text = summary.read_text()
    assert text.startswith("# before\n## ")
    summary.write_text(text.removeprefix("# before\n"))
    assert readers.github(summary) == {"bootgate.yaml::isolated": "fail"}


def test_a_summary_that_cannot_be_written_makes_the_run_red(here):
    green(here)
    path = here / "nowhere" / "summary.md"
    done = run_pytest(here, "bootgate.yaml", GITHUB_ACTIONS="true", GITHUB_STEP_SUMMARY=str(path))
    assert done.status == 1
    assert f"ERROR: The job summary could not be written to {path}: No such file" in done.output


def test_elsewhere_nobody_sees_workflow_commands(here):
    fail(here)
    assert not commands(run_pytest(here, "bootgate.yaml").output)


def test_gitlab_is_told_how_to_declare_the_reports(here):
    green(here)
    done = run_pytest(here, "bootgate.yaml", GITLAB_CI="true")
    hint = "reports: {junit: bootgate/junit.xml, metrics: bootgate/metrics.txt}}"
    add = "add --bootgate-report gitlab=bootgate, and declare in the job"
    assert f"{add}: artifacts: {{when: always, {hint}" in done.output
    done = run_pytest(here, "bootgate.yaml", "--bootgate-report=gitlab=out", GITLAB_CI="true")
    assert "reports: {junit: out/junit.xml, metrics: out/metrics.txt}" in done.output
    assert "add --bootgate-report" not in done.output
    assert "bootgate: to see" not in run_pytest(here, "bootgate.yaml").output


def test_an_interrupted_run_is_no_green_report(here):
    """The first target passed, the second never had its turn."""
    targets = ["isolated", "main"]
    gate_file(here / "bootgate.yaml", targets=targets)
    (here / "conftest.py").write_text(
        "def pytest_runtest_logfinish(nodeid):\n"
        "    if nodeid.endswith('isolated::boot'):\n"
        "        raise KeyboardInterrupt\n"
    )
    done = run_pytest(here, "bootgate.yaml", *options())
    assert done.status == 2
    for name, path in NAMES.items():
        found = READERS[name](here / "reports" / path)
        assert found.pop("bootgate.yaml::main", "unjudged") == "unjudged"
        assert found == {"bootgate.yaml::isolated": "pass", "bootgate.yaml::gate": "error"}


def test_a_worker_that_dies_is_no_green_report(here):
    gate_file(here / "bootgate.yaml")
    (here / "conftest.py").write_text(
        "import os\n"
        "def pytest_runtest_logfinish(nodeid):\n"
        "    if nodeid.endswith('::engine') and 'PYTEST_XDIST_WORKER' in os.environ:\n"
        "        os._exit(1)\n"
    )
    done = run_pytest(here, "bootgate.yaml", "-n1", "--max-worker-restart=0", *options())
    assert done.status == 1
    found = readers.junit(here / "reports" / "junit.xml")
    assert found == {"bootgate.yaml::isolated": "unjudged", "bootgate.yaml::gate": "error"}


def test_help_and_docs_name_every_format(here):
    page = " ".join(run_pytest(here, "--help").output.split())
    docs = (ROOT / "docs" / "reports.md").read_text()
    assert ", ".join(NAMES) in page
    # One that is in neither table of the tests would be in none of their checks.
    assert sorted(NAMES) == sorted(READERS) == sorted(entry_points(group=GROUP).names)
    for name in NAMES:
        assert f"| `{name}` |" in docs
        assert f"--bootgate-report {name}=" in docs
