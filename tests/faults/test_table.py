"""The quick part of the table of faults, and that a row can be wrong."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections import Counter

import pytest

from tests.conftest import ROOT
from tests.faults.rows import GOOD, LEAVES, ROWS
from tests.faults.runner import Found, Row, judge

ENGINES = ["process", pytest.param("docker", marks=pytest.mark.docker)]


def test_the_table_is_large_and_names_each_fault_once():
    assert sum(len(row.engines) for row in ROWS) >= 60
    assert [fault for fault, times in Counter(row.fault for row in ROWS).items() if times > 1] == []


@pytest.mark.parametrize("engine", ENGINES)
def test_the_quick_part_is_right(engine):
    command = [sys.executable, "-m", "tests.faults", "--quick", "--engine", engine]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"| {engine} |" in done.stdout


def judged(**more) -> Found:
    found = judge(Row("one", "pass", "PASS: 1 target", **more), "process")
    if found.kept is not None:
        shutil.rmtree(found.kept)
    return found


def wrong(**more) -> str:
    return "; ".join(judged(**more).wrong)


def test_a_row_that_is_right():
    assert wrong(plan=GOOD) == ""


def test_the_planted_secret_is_printed_and_written():
    assert judged(plan=["engine ready", "exit:1"]).masked


@pytest.mark.parametrize(
    ("listener", "says"),
    [
        ("print(os.environ['FAULT_SECRET'])", "secret in out/terminal"),
        ("subprocess.Popen(['sleep', '600'], start_new_session=True)", "left: process"),
        (f"exec({LEAVES[3:]!r})", "left: process"),
        ("tempfile.mkdtemp(prefix='bootgate-')", "left: /tmp/fault-"),
        ("print('Traceback (most recent call last)')", "printed 'Traceback"),
        ("print('##[error]')", "printed the command '##['"),
        ("held.append(b'x' * (200 << 20))", "took 2"),
        ("open('bootgate.yaml', 'a').write(' ')", "the gate file was changed"),
    ],
)
def test_what_is_wrong_with_a_run_is_seen(listener, says):
    """What a gate must not do, done in its process."""
    program = (
        "import os, subprocess, tempfile\nheld = []\n"
        "def pytest_bootgate_event(event):\n"
        f"    if event.kind == 'trigger_sent': {listener}\n"
    )
    assert says in wrong(plan=GOOD, listener=program, options=("-s",))


def test_another_verdict_and_other_words_are_wrong():
    said = wrong(plan=["engine ready", "exit:1"])
    assert "verdict fail, not pass" in said
    assert "nothing said matches 'PASS: 1 target'" in said
