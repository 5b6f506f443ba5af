"""Runs of pytest that keep a journal, and what an independent listener heard of them."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests import nursery
from tests.pytest_plugin.conftest import GATE, TOY, add_baseline

#: Each boot is over in about 0.1 s, and there are far more of them than anyone waits for.
QUICK = [0.02, "engine ready", 0.02, "persona loaded", 0.02, "ring"]


@dataclass
class Site:
    """A directory with a gate file, a listener and a journal."""

    path: Path
    journal: Path
    options: tuple[str, ...] = ()

    def start(self) -> subprocess.Popen:
        """Run pytest; it waits for no other gate."""
        turn = self.path / "tmp"
        turn.mkdir(exist_ok=True)
        return nursery.Python(
            [
                *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"),
                *("bootgate.yaml", "--bootgate-journal", str(self.journal), *self.options),
            ],
            cwd=self.path,
            env={**os.environ, "TMPDIR": str(turn), "BOOTGATE_QUEUE_DIR": str(turn)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def heard(self, run: str | None = None) -> list[tuple[str, str, str | None]]:
        """(run, kind, boot) of all events, or of the last run's only."""
        file = self.path / "heard.jsonl"
        lines = file.read_text().splitlines(keepends=True) if file.exists() else []
        every = [tuple(json.loads(line)) for line in lines if line.endswith("\n")]
        return [event for event in every if run in (None, event[0])]

    def kept(self) -> sqlite3.Connection:
        """The journal."""
        return sqlite3.connect(self.journal)


def toy_gate(boots: int) -> str:
    return GATE.format(
        toy=TOY,
        plan=json.dumps(QUICK),
        env="",
        timeout="5s",
        boots=boots,
        targets="  isolated: {}",
        more="",
    )


@pytest.fixture
def site(tmp_path) -> Callable[..., Site]:
    """Make a directory with a gate file, by default for the toy gateway with two releases."""

    def make(name: str = "site", *, boots: int = 40, text: str = "", journal: Path | None = None):
        here = tmp_path / name
        here.mkdir()
        gate = here / "bootgate.yaml"
        gate.write_text(text or toy_gate(boots))
        if not text:
            add_baseline(gate, "env: {PLAN", "env: {VERSION: '0', PLAN")
        listener = Path(__file__).with_name("listener.py").read_text()
        (here / "conftest.py").write_text(listener)
        return Site(here, journal or here / ".bootgate" / "journal.db")

    return make
