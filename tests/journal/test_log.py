"""``bootgate log`` as a user sees it."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import sys
import time

import pytest

from pytest_bootgate.cli import main
from pytest_bootgate.cli.log import since
from pytest_bootgate.journal.store import Journal
from tests.journal import lives


@pytest.fixture
def log(tmp_path, monkeypatch, capsys):
    """Run it in a directory below that of a journal; returns status, output and errors."""
    below = tmp_path / "deep" / "down"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    monkeypatch.setenv("COLUMNS", "80")

    def call(*args: str):
        status = main(["log", *args])
        said = capsys.readouterr()
        return status, said.out.splitlines(), said.err

    return call


@pytest.fixture
def journal(tmp_path):
    """A run of an hour ago, with a boot that timed out, and one that is on."""
    journal = Journal(tmp_path / ".bootgate" / "journal.db")
    begin = time.time() - 3600
    poor = lives.key("beef0002cafe", 1, profile="low-spec", attempt=2)
    events = [
        lives.began("beef0001cafe", begin),
        *lives.life(lives.key("beef0001cafe", 1, "baseline"), begin + 1, 0.4),
        *lives.life(lives.key("beef0001cafe", 1), begin + 2, None),
        *lives.ended("beef0001cafe", wall=begin + 3),
        lives.began("beef0002cafe", begin + 60),
        next(lives.life(poor, begin + 61)),
    ]
    for event in events:
        journal.hear(event)
    yield begin
    journal.close()


def when(wall: float) -> str:
    return f"{dt.datetime.fromtimestamp(wall):%m-%d %H:%M:%S}"


def test_a_table(log, journal):
    status, lines, _ = log()
    assert status == 0
    assert lines == [
        "when           run    rele… version target            no. outcome    after  used",
        f"{when(journal + 61)} beef00 cand… 2.0     isolated@low-spec 1/2 in flight      -     -",
        f"{when(journal + 2)} beef00 cand… 2.0     isolated            1 timed_out 2.00 s 100 %",
        f"{when(journal + 1)} beef00 base… 1.0     isolated            1 started   400 ms  20 %",
    ]
    assert max(map(len, lines)) <= 80


def test_a_narrow_terminal(log, journal, monkeypatch):
    monkeypatch.setenv("COLUMNS", "72")
    _, lines, _ = log()
    assert " cand… 2.0     isolated… 1/2 " in lines[1]
    assert max(map(len, lines)) <= 72


def test_a_wide_terminal(log, journal, monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    _, lines, _ = log()
    assert "  candidate  2.0      isolated@low-spec  1/2  in flight " in lines[1]


def test_json_lines(log, journal):
    _, lines, _ = log("--json", "--outcome", "timed_out")
    (boot,) = [json.loads(line) for line in lines]
    assert (boot["id"], boot["share"], boot["run_state"]) == (
        "beef0001cafe-candidate-1",
        1.0,
        "finished",
    )
    assert boot["began"] == pytest.approx(journal + 2)


def test_events(log, journal):
    _, lines, _ = log("--events", "--release", "candidate", "--outcome", "timed_out")
    assert lines[0] == f"{when(journal + 2)} beef00 candidate 2.0 isolated 1 timed_out"
    clock = f"{dt.datetime.fromtimestamp(journal + 2):%H:%M:%S}"
    assert all(line.startswith(f"  {clock}.") for line in lines[1:])
    assert [line.split()[-2:] for line in lines[1:4]] == [
        ["-", "boot_began"],
        ["ms", "trigger_sent"],
        ["ms", "trigger_accepted"],
    ]
    assert "boot_timed_out phase=task_started detail=no proof within 2 s" in lines[5]
    _, lines, _ = log("--events", "--json", "--run", "beef0001")
    kinds = [json.loads(line)["kind"] for line in lines]
    assert kinds[0] == "run_began"
    assert kinds[-2:] == ["verdict_given", "run_ended"]
    assert len(kinds) == 17


def test_a_run_that_booted_nothing_is_there_too(log, journal, tmp_path):
    other = Journal(tmp_path / ".bootgate" / "journal.db")
    for event in (lives.began("dead0000beef", journal + 99), *lives.ended("dead0000beef")):
        other.hear(event)
    other.close()
    _, lines, _ = log()
    assert lines[1].endswith("dead00 no boot: error")
    _, lines, _ = log("--target", "isolated")
    assert len(lines) == 4


def test_nothing_such(log, journal):
    assert log("--release", "9.9") == (0, [], "No boot in this journal matches.\n")


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("--outcome", "slow"), "invalid choice: 'slow' (choose from"),
        (("--since", "yesterday"), "'yesterday' is not a time: write 7d, 12h, 30m, or a day"),
        (("--since", "9999999999d"), "is not a time"),
        (("--limit", "0"), "'0' is not a number of boots: write 20"),
    ],
    ids=" ".join,
)
def test_what_cannot_be_asked_for(log, journal, capsys, args, said):
    with pytest.raises(SystemExit) as stop:
        log(*args)
    assert stop.value.code == 4
    assert said in capsys.readouterr().err.splitlines()[-1]


def test_a_run_that_is_not_there(log, journal):
    status, lines, said = log("--run", "ff")
    assert (status, lines) == (4, [])
    assert said == (
        "There is no run 'ff' in this journal; the latest are beef0002cafe, beef0001cafe.\n"
    )


def test_no_journal(log, tmp_path):
    status, lines, said = log()
    assert (status, lines) == (4, [])
    assert said.startswith("There is no .bootgate/journal.db here or above.")
    (tmp_path / "notes.txt").write_text("Call the baker.")
    status, _, said = log("--journal", str(tmp_path / "notes.txt"))
    assert status == 4
    assert "notes.txt cannot be read: file is not a database." in said


def test_since():
    now = time.time()
    assert since("7d") == pytest.approx(now - 7 * 86400, abs=5)
    assert since("90m") == pytest.approx(now - 5400, abs=5)
    assert since("2026-11-01T00:00:00+00:00") == lives.BEGIN
    assert since("2026-11-01") == dt.datetime(2026, 11, 1).timestamp()


def test_whoever_reads_may_stop(journal, tmp_path):
    command = f"{sys.executable} -m pytest_bootgate log --events | head -1"
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.stderr == ""
    assert len(done.stdout.splitlines()) == 1
