"""Progress is for people who watch: one line in a terminal, nothing anywhere else."""

from __future__ import annotations

import os
import pty
from pathlib import Path

import pytest

from pytest_bootgate.reports.progress import progress_line
from pytest_bootgate.run import Progress
from tests.forked import be, fork
from tests.pytest_plugin.conftest import PLAYED


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
    assert "bootgate: isolated · candidate · boot 1 of 2 · persona · " in text
    assert "left at most" in text
    assert "4 passed" in text


def test_quiet_means_quiet(gate):
    path = gate(["engine ready", 0.6, "persona loaded", "ring"])
    assert "left at most" not in in_terminal(path.parent, "bootgate.yaml", "-p", PLAYED, "-q")


def test_a_log_gets_no_progress(gate, played):
    gate(["engine ready", 0.6, "persona loaded", "ring"])
    played("bootgate.yaml").stdout.no_fnmatch_line("*left at most*")


def test_the_line_is_cut_to_the_terminal():
    progress = Progress("isolated", "default", "candidate", 2, 5, "setup", 41.0)
    line = progress_line(progress, 200)
    assert line == "bootgate: isolated · candidate · boot 2 of 5 · setup · 41.0 s left at most"
    assert len(progress_line(progress, 40)) == 39
