"""`bootgate report`: a saved run again."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from pytest_bootgate.journal.store import Journal
from pytest_bootgate.records import codec
from pytest_bootgate.reports.layout import laid_out
from pytest_bootgate.reports.terminal import summary
from tests.cli.conftest import bootgate
from tests.journal import lives


@pytest.fixture
def report(runs):
    def call(*args: str, **environ: str):
        return bootgate("report", *args, cwd=runs.here, **environ)

    return call


def saved(path):
    (result,) = codec.read(path)
    return result


@pytest.mark.parametrize("name", ["green", "slower", "error"])
def test_it_is_the_summary_of_the_result(runs, report, name):
    path = getattr(runs, name)
    result = saved(path)
    said = report(path.name)
    assert said.status == 0
    assert said.lines[0].startswith(f"run {result.run} of bootgate.yaml, {result.at[:10]} ")
    lines = laid_out(summary(result), verbosity=0, width=None, encoding="utf-8")
    reason = [f"ERROR: {result.error}"] if result.error is not None else []
    assert said.lines[1:] == [*(line.text for line in lines), *reason]
    assert f"{result.verdict.upper()}: 1 target" in said.out


def test_the_three_runs_are_what_they_are_taken_for(runs):
    assert [saved(p).verdict for p in (runs.green, runs.slower, runs.error)] == [
        "pass",
        "fail",
        "error",
    ]


def test_the_journal_says_the_same(runs, report):
    by_file, result = report("slower.json"), saved(runs.slower)
    assert report(result.run).out == by_file.out
    assert report(result.run[:5]).out == by_file.out
    assert report("last").out == report("error.json").out
    assert report("last", "--journal", ".bootgate/journal.db").out == report("last").out


def test_json(runs, report, tmp_path):
    path = tmp_path / "deep" / "again.json"
    said = report("slower.json", "--json", str(path))
    assert said.lines == [f"Wrote {path}."]
    assert json.loads(path.read_text()) == json.loads(runs.slower.read_text())
    assert len(report("slower.json", "--json", str(path), "--text").lines) > 10


def test_html(runs, report, tmp_path):
    path = tmp_path / "report.html"
    said = report("slower.json", "--html", str(path))
    assert (said.status, said.lines) == (0, [f"Wrote {path}."]), said.err
    assert saved(runs.slower).run in path.read_text()


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("none.json",), "The result none.json cannot be read: No such file or directory."),
        (("ffffff0",), "There is no run 'ffffff0' in this journal; the latest are "),
        (("",), "The name of a run is empty"),
        (
            ("bootgate.yaml",),
            "bootgate.yaml: This is a gate file, not a gate result. Name",
        ),
        ((".bootgate/journal.db",), "This is a journal, not a gate result"),
        (("last", "--journal", "no.db"), "There is no journal no.db."),
        (("last", "--journal", "bootgate.yaml"), "bootgate.yaml"),
        (("last", "--journal", "."), ". is not a regular file."),
        (("last", "--json", "bootgate.yaml/x.json"), "x.json cannot be written: Not a dir"),
        (("last", "--json", "bootgate.yaml"), "bootgate.yaml already exists and is not an"),
        (("last", "--html", "slower.json"), "slower.json already exists and is not an"),
        (("/" + "x" * 5000,), "File name too long"),
        ((), "the following arguments are required: RUN"),
    ],
    ids=lambda value: " ".join(value)[:40] if isinstance(value, tuple) else "",
)
def test_mistakes(report, args, said):
    found = report(*args)
    assert (found.status, found.out) == (4, "")
    assert said in found.err


def test_without_a_journal(command):
    said = command("report", "last")
    assert said.status == 4
    assert said.err.startswith("There is no .bootgate/journal.db here or above.")


def test_a_damaged_journal(command, tmp_path):
    (tmp_path / "journal.db").write_bytes(b"SQLite format 3\0" + b"x" * 5000)
    said = command("report", "last", "--journal", "journal.db")
    assert said.status == 4
    assert "journal.db" in said.err


def test_last_is_never_an_older_run(command, tmp_path):
    """A run that was killed has no result, and the green one before it is not the last one."""
    journal = Journal(tmp_path / ".bootgate" / "journal.db")
    for event in (
        lives.began("beef0001cafe", 1000.0),
        *lives.ended("beef0001cafe", wall=1001.0),
        lives.began("beef0002cafe", 2000.0),
        next(lives.life(lives.key("beef0002cafe", 1), 2001.0)),
    ):
        journal.hear(event)
    journal.close()
    assert command("report", "beef0001").status == 0
    said = command("report", "last")
    assert said.status == 4
    assert said.err.startswith("Run beef0002cafe is still running, so it has no complete result")


def test_how_much_is_said(report):
    lengths = [len(report("slower.json", *v).lines) for v in (["-qq"], ["-q"], [], ["-v"], ["-vv"])]
    assert lengths[0] == 3
    assert lengths[:4] == sorted(set(lengths[:4]))
    assert lengths[4] >= lengths[3]  # -vv quotes all of what this run has nothing of


def test_colours(report):
    assert "\x1b[" not in report("slower.json").out
    assert "\x1b[1;31mFAIL boot" in report("slower.json", FORCE_COLOR="1").out
    assert "\x1b[" not in report("slower.json", FORCE_COLOR="1", NO_COLOR="1").out


def test_a_terminal_that_knows_ascii_only(report):
    said = report("slower.json", PYTHONIOENCODING="ascii")
    assert said.status == 0
    assert said.out.isascii()


def test_nobody_reads_to_the_end(runs):
    import subprocess

    words = f"{sys.executable} -m pytest_bootgate report slower.json | head -1"
    shell = ["bash", "-c", f"{words}; exit ${{PIPESTATUS[0]}}"]
    run = subprocess.run(shell, cwd=runs.here, capture_output=True, text=True, check=False)
    assert run.stderr == ""
    assert run.returncode in (0, 141)


@pytest.mark.parametrize(
    "words",
    [
        ("report", "./pipe"),
        ("report", "pipe"),
        ("compare", "./pipe", "green.json"),
        ("compare", "green.json", "./pipe"),
        ("calibrate", "bootgate.yaml", "./pipe"),
        ("report", "last", "--journal", "pipe"),
        ("compare", "last", "green.json", "--journal", "pipe"),
        ("log", "--journal", "pipe"),
        ("report", "/dev/zero"),
    ],
    ids=" ".join,
)
def test_a_fifo_is_not_waited_for(runs, tmp_path, words):
    for name in ("green.json", "bootgate.yaml"):
        (tmp_path / name).write_bytes((runs.here / name).read_bytes())
    os.mkfifo(tmp_path / "pipe")
    said = subprocess.run(
        [sys.executable, "-m", "pytest_bootgate", *words],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert said.returncode == 4
    assert "not a regular file" in said.stderr
    assert "Traceback" not in said.stderr


def test_a_pipe_that_is_given_open_is_read(runs):
    command = f"{sys.executable} -m pytest_bootgate report"
    for way in (f"{command} <(cat green.json)", f"cat green.json | {command} /dev/stdin"):
        said = subprocess.run(
            ["bash", "-c", way], cwd=runs.here, capture_output=True, text=True, timeout=30
        )
        assert (said.returncode, said.stderr) == (0, "")
        assert said.stdout == bootgate("report", "green.json", cwd=runs.here).out
