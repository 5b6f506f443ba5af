"""What every command has in common: help, statuses, version, no traceback, no waiting."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys

import pytest

from pytest_bootgate import __version__
from pytest_bootgate.cli import COMMANDS, main, statuses

HEAVY = {"docker", "yaml", "msgspec", "psutil", "sqlite3", "pytest", "requests"}
NAMES = [command.name for command in COMMANDS]


def text(capsys, *args: str) -> str:
    with pytest.raises(SystemExit) as stop:
        main(args)
    assert stop.value.code == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("args", [("--help",), *((name, "--help") for name in NAMES)])
def test_help_fits_into_80_columns(capsys, monkeypatch, args):
    monkeypatch.setenv("COLUMNS", "80")
    lines = text(capsys, *args).splitlines()
    assert max(map(len, lines)) <= 80
    if len(args) > 1:
        assert lines[0].startswith(f"usage: bootgate {args[0]} ")
        assert len(lines) > 4


def test_help_names_every_command_and_status(capsys):
    shown = text(capsys, "--help")
    for command in COMMANDS:
        assert re.search(rf"^    {command.name} +{re.escape(command.help)}$", shown, re.MULTILINE)
    for line in statuses.lines():
        assert f"\n{line}" in shown


def test_the_statuses_are_of_commands_that_there_are():
    assert {name for name in statuses.MEANINGS if " " not in name} <= set(NAMES)


@pytest.mark.parametrize("option", ["--version", "-V"])
def test_version(capsys, option):
    assert text(capsys, option) == f"pytest-bootgate {__version__}\n"


@pytest.mark.parametrize(
    "args",
    [(), ("chek",), ("--chek",), ("check", "--chek"), ("log", "--limit", "0"), ("probe",)],
    ids=" ".join,
)
def test_a_mistake_in_the_command_has_the_status_of_mistakes(capsys, args):
    """Not argparse's own 2, which says CRITICAL where the command is a probe."""
    with pytest.raises(SystemExit) as stop:
        main(args)
    assert stop.value.code == 4
    said = capsys.readouterr().err.splitlines()
    assert said[0].startswith("usage: bootgate")
    assert "Traceback" not in said


@pytest.mark.parametrize("args", [("--help",), ("check", "--help"), ("explain", "fail")])
def test_nothing_heavy_is_imported_for_it(args):
    run = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "pytest_bootgate", *args],
        capture_output=True,
        text=True,
        check=True,
    )
    names = {line.rpartition("|")[2].strip().partition(".")[0] for line in run.stderr.splitlines()}
    assert "pytest_bootgate" in names
    assert not names & HEAVY


def test_ctrl_c(tmp_path):
    """Also where it comes in the midst of looking at the machine: no traceback, 130."""
    words = [sys.executable, "-u", "-m", "pytest_bootgate", "doctor", "--engine", "process"]
    run = subprocess.Popen(
        words, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    for line in run.stdout:
        if "disk" in line:  # what follows looks at the machine for a second
            os.kill(run.pid, signal.SIGINT)
            break
    rest, err = run.communicate(timeout=30)
    assert (run.returncode, err) == (statuses.INTERRUPTED, "interrupted\n"), rest


def test_a_directory_that_is_gone(tmp_path):
    """Whatever the system says is a sentence."""
    script = (
        f"cd {tmp_path}; mkdir gone; cd gone; rmdir ../gone;"
        f" {sys.executable} -m pytest_bootgate report last"
    )
    run = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=False)
    assert run.returncode == 4
    assert "Traceback" not in run.stderr
