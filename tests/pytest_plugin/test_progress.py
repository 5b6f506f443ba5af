"""Progress is for people who watch: one line in a terminal, nothing anywhere else."""

from __future__ import annotations

import os
import pty
from pathlib import Path

import pytest

from pytest_bootgate.journal.history import History
from pytest_bootgate.reports.amounts import roughly
from pytest_bootgate.reports.progress import expectation, progress_line
from pytest_bootgate.run import Progress
from tests.forked import be, fork
from tests.pytest_plugin.conftest import PLAYED, add_baseline


def in_terminal(directory: Path, *args: str, term: str = "xterm") -> str:
    """What pytest writes to a terminal, 120 columns wide unless COLUMNS says otherwise."""
    pid, terminal = fork(pty.fork)
    if pid == 0:
        words = ["-p", "no:cacheprovider", *args]
        env = {"COLUMNS": "120", **os.environ, "TERM": term}
        be(lambda: pytest.main(words), directory, (0, 1, 2), env)
    seen = b""
    while True:
        try:
            part = os.read(terminal, 4096)
        except OSError:
            break
        if not part:
            break
        seen += part
    os.waitpid(pid, 0)
    return seen.decode()


def test_a_terminal_shows_target_boot_phase_and_the_time_left(gate):
    path = gate(["engine ready", 0.6, "persona loaded", "ring"])
    text = in_terminal(path.parent, "bootgate.yaml")
    assert "[1/1] isolated · boot 1 of 2 · candidate in persona " in text
    assert " s of 5 s" in text
    assert "4 passed" in text


def test_quiet_means_quiet(gate):
    path = gate(["engine ready", 0.6, "persona loaded", "ring"])
    assert "of 2 · candidate" not in in_terminal(path.parent, "bootgate.yaml", "-p", PLAYED, "-q")


def test_a_log_gets_no_progress(gate, played):
    gate(["engine ready", 0.6, "persona loaded", "ring"])
    played("bootgate.yaml").stdout.no_fnmatch_line("*of 2 · candidate*")


def shown(**more) -> str:
    values = {
        "target": "isolated",
        "profile": "default",
        "release": "candidate",
        "number": 3,
        "least": 5,
        "most": 30,
        "doing": "context_engine",
        "left": 1.8,
        "timeout": 3.0,
        "paired": True,
        "place": (2, 5),
        "expected": 40.0,
    }
    return progress_line(Progress(**{**values, **more}), 200)


def test_the_line_says_which_check_which_pair_which_phase_and_how_long():
    pair = "[2/5] isolated · pair 3 of 5\N{EN DASH}30"
    boot = "candidate in context_engine 1.2 s of 3 s"
    assert shown() == f"{pair} · {boot} · about 40 s left"
    assert shown(expected=None) == f"{pair} · {boot}"
    assert shown(expected=0.0) == f"{pair} · {boot} · longer than in earlier runs"
    assert shown(number=0, expected=None) == f"[2/5] isolated · warm-up · {boot}"
    plain = {"least": 5, "most": 5, "paired": False, "place": (0, 0), "expected": None}
    assert shown(**plain) == f"isolated · boot 3 of 5 · {boot}"
    before = {"doing": "start", "timeout": None, "left": 59.7, "expected": None}
    assert shown(**before) == f"{pair} · candidate starts, at most 1 min more"
    removed = {"doing": "remove", "timeout": None, "left": 0.0, "expected": None}
    assert shown(**removed) == f"{pair} · candidate is removed"
    many = {"beside": (0, 3, 4), "expected": 123.0}
    assert shown(**many) == (
        "[2/5] isolated · pairs warm-up, 3, 4 of 5\N{EN DASH}30 on 3 machines · about 2 min left"
    )


def test_the_line_is_cut_to_the_terminal():
    progress = Progress("isolated", "default", "candidate", 2, 5, 5, "setup", 41.0)
    assert progress_line(progress, 200) == (
        "isolated · boot 2 of 5 · candidate: setup, at most 41 s more"
    )
    assert len(progress_line(progress, 40)) == 39


def test_what_to_expect():
    well = (12, 36.0)
    assert expectation(History(3, 244.0), well, 90_001.0) == (
        "expected about 4 min (from 3 runs), at most 25 h 1 min"
    )
    assert expectation(History(1, 41.0), well, 59.0) == (
        "expected about 41 s (from the last run), at most 1 min"
    )
    assert expectation(History(), well, 9360.0) == (
        "no earlier run to go by; if all is well, 12 boots take less than 36 s and their set-up;"
        " at most 2 h 36 min, with every retry and limit used up"
    )
    none = (0, 0.0)  # where nobody knows how many boots it takes
    assert expectation(History(), none, 60.0) == (
        "the first run shows how long it takes, at most 1 min"
    )


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(59.4, "59 s"), (59.6, "1 min"), (119.7, "2 min"), (3599.7, "1 h 0 min"), (3661, "1 h 1 min")],
)
def test_no_minute_has_sixty_seconds(seconds, said):
    assert roughly(seconds) == said


def test_a_run_knows_from_the_journal_how_long_it_will_take(gate, played):
    path = gate(["engine ready", 0.6, "persona loaded", "ring"], targets=["isolated", "main"])
    add_baseline(path, "PLAN:", "OLD: '1', PLAN:")
    first = played("bootgate.yaml")
    first.stdout.fnmatch_lines(
        ["bootgate: bootgate.yaml: no earlier run to go by; if all is well, 8 boots take less *"]
    )
    played("bootgate.yaml").stdout.fnmatch_lines(
        ["bootgate: bootgate.yaml: expected about * s (from the last run), at most *"]
    )
    text = in_terminal(path.parent, "bootgate.yaml", "-p", PLAYED)
    assert "(from 2 runs), at most " in text
    assert "[1/2] isolated · pair 1 of 2 · baseline in persona " in text
    assert "[2/2] main · pair 2 of 2 · candidate in " in text
    assert " s left" in text or "longer than in earlier runs" in text
