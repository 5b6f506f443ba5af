"""`bootgate run`: pytest on gate files, for pipelines that do not speak pytest."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from pytest_bootgate.cli import statuses
from pytest_bootgate.cli.run import DECIDES, REQUIRE, command
from pytest_bootgate.errors import BootgateError
from tests.cli.conftest import edit


@pytest.fixture
def gates(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("bootgate.yaml", "other.bootgate.yaml", "sub/bootgate.yaml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()


@pytest.mark.parametrize(
    ("asked", "called"),
    [
        ("", f"bootgate.yaml {REQUIRE}"),
        ("-q -x", f"bootgate.yaml {REQUIRE} -q -x"),
        ("sub", f"sub/bootgate.yaml {REQUIRE}"),
        ("sub/ other.bootgate.yaml -v", f"sub/bootgate.yaml other.bootgate.yaml {REQUIRE} -v"),
        ("-k isolated", "bootgate.yaml -k isolated"),
        ("-kisolated", "bootgate.yaml -kisolated"),
        ("-m slow", "bootgate.yaml -m slow"),
        ("--deselect=bootgate.yaml::main", "bootgate.yaml --deselect=bootgate.yaml::main"),
        ("--lf", "bootgate.yaml --lf"),
        ("--bootgate-shard 2/5", "bootgate.yaml --bootgate-shard 2/5"),
        ("bootgate.yaml::isolated", "bootgate.yaml::isolated"),
        ("sub::isolated::boot -q", "sub/bootgate.yaml::isolated::boot -q"),
        ("-q other.bootgate.yaml", f"{REQUIRE} -q other.bootgate.yaml"),
        (f"{REQUIRE} -q", f"bootgate.yaml {REQUIRE} -q"),
        (f"-k isolated {REQUIRE}", f"bootgate.yaml -k isolated {REQUIRE}"),
        ("--maxfail=1 --markers-of-mine", f"bootgate.yaml {REQUIRE} --maxfail=1 --markers-of-mine"),
        ("-- -q", f"bootgate.yaml {REQUIRE} -q"),
    ],
)
def test_what_pytest_is_called_with(gates, asked, called):
    words = command(asked.split())
    words.remove(DECIDES)
    assert words == [sys.executable, "-m", "pytest", *called.split()]


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("none.yaml", "There is no gate file none.yaml. Give its path"),
        ("test_unit.py", "There is no gate file test_unit.py"),
        ("gate.yaml", "gate.yaml is not named like a gate file"),
        ("empty", "There is no bootgate.yaml in empty: run `bootgate init empty`"),
    ],
)
def test_what_it_does_not_take(gates, tmp_path, asked, said):
    (tmp_path / "gate.yaml").touch()
    (tmp_path / "empty").mkdir()
    with pytest.raises(BootgateError, match=said):
        command([asked])


def test_green(command, example):
    said = command("run", "-q", "--bootgate-json", "result.json", "-p", "no:cacheprovider")
    assert said.status == 0, said.out
    result = json.loads((example.parent / "result.json").read_text())
    assert not result["unjudged"]
    assert said.out.count("5 started (baseline: 5 started)") == 1


def test_red(command, example):
    edit(example, ('"1.1", --port', '"1.1", --slow, "60", --port'), ("boots: 5 ", "boots: 1 "))
    said = command("run", "-q")
    assert said.status == 1
    assert said.lines[-1].startswith("DO NOT SHIP ")
    assert "boot never started" in said.lines[-1]
    assert "timed_out" in said.out


@pytest.mark.parametrize(
    ("asked", "status", "text"),
    [
        (("-k", "nothing-of-this-name"), 5, ""),
        (("-k", "nothing-of-this-name", REQUIRE), 6, "not booted: boot"),
        (("--bootgate-boots", "many"), 4, ""),
        (("-m",), 4, ""),
        (("none.yaml",), 4, "There is no gate file none.yaml."),
    ],
)
def test_the_exit_status_is_pytests(command, example, asked, status, text):
    said = command("run", *asked)
    assert said.status == status
    assert text in said.out + said.err


def test_mistakes_in_the_gate_file(command, tmp_path):
    (tmp_path / "bootgate.yaml").write_text("releases: 4\n")
    said = command("run")
    assert said.status == 4
    assert "bootgate.yaml:1:" in said.err


def test_without_a_gate_file(command):
    said = command("run")
    assert (said.status, said.out) == (4, "")
    assert "no bootgate.yaml in this directory: run `bootgate init`" in said.err


def test_a_signal_reaches_pytest_once(tmp_path, example):
    """Ctrl-C ends the gate as it ends pytest: with 2, and nothing left behind.

    Whoever presses it again and again got tracebacks, and no reports.
    """
    edit(example, ('"1.0", --port', '"1.0", --slow, "60", --port'), ("timeout: 3s", "timeout: 90s"))
    words = [sys.executable, "-m", "pytest_bootgate", "run", "-v"]
    words += ["--bootgate-html=page.html", "--bootgate-json=out.json", "--junitxml=out.xml"]
    env = {**os.environ, "TMPDIR": str(tmp_path)}
    del env["PYTEST_CURRENT_TEST"]  # as a user has none
    run = subprocess.Popen(
        words,
        cwd=tmp_path,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    log = tmp_path / ".bootgate" / "journal.db-wal"
    until = time.monotonic() + 30
    while not log.exists() and time.monotonic() < until:
        time.sleep(0.1)
    time.sleep(1.0)
    for _ in range(4):
        os.kill(run.pid, signal.SIGINT)
        time.sleep(0.25)
    out, _ = run.communicate(timeout=60)
    assert run.returncode == 2, out
    assert "Traceback" not in out
    assert out.splitlines()[-1].startswith("UNKNOWN ")
    assert all((tmp_path / name).exists() for name in ("page.html", "out.json", "out.xml"))
    assert not [path for path in tmp_path.glob("bootgate-*") if path.is_dir()]


def test_its_help_is_its_own(command):
    said = command("run", "--help")
    assert said.status == 0
    assert said.out.startswith("usage: bootgate run [FILE ...] [PYTEST OPTION ...]\n")
    assert REQUIRE in said.out


def test_what_could_not_be_measured_ends_with_a_status_of_its_own(command, example):
    """What failed, and what nobody knows, were both 1."""
    edit(example, ('example_service.py", --release, "1.0"', 'nothing.py", --release, "1.0"'))
    said = command("run", "-q", "-p", "no:cacheprovider")
    assert said.status == statuses.UNMEASURED
    assert said.lines[-1].startswith("UNKNOWN ")
    assert "boot was not measured: the baseline never started" in said.lines[-1]
