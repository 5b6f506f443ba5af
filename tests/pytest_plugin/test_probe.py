"""``bootgate probe``: a line for each target and an exit status, for a scheduler."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import psutil
import pytest

from pytest_bootgate.cli import main
from tests.pytest_plugin.conftest import GOOD
from tests.pytest_plugin.played import play

EXAMPLES = Path(__file__).parent.parent.parent / "examples"
DAY = 86400


@pytest.fixture
def probe(pytester):
    """Run the command; returns its exit status and its lines."""

    def call(*args: str) -> tuple[int, list[str]]:
        ran = subprocess.run(
            [sys.executable, "-m", "pytest_bootgate", "probe", *args],
            cwd=pytester.path,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert "Traceback" not in ran.stderr
        return ran.returncode, (ran.stdout + ran.stderr).splitlines()

    return call


@pytest.fixture
def played_probe(pytester, capsys, monkeypatch):
    """Run the command in this process, with all boots in memory."""
    before = signal.getsignal(signal.SIGTERM)

    def call(*args: str) -> tuple[int, list[str]]:
        play(monkeypatch)
        capsys.readouterr()
        status = main(["probe", *args])
        said = capsys.readouterr()
        return status, (said.out + said.err).splitlines()

    yield call
    signal.signal(signal.SIGTERM, before)


def test_well_below_the_timeout(gate, probe, pytester):
    gate(GOOD, targets=("isolated", "main"))
    status, lines = probe("bootgate.yaml", "--json", "found.json")
    assert status == 0
    assert [line.split(" in ")[0] for line in lines] == ["OK isolated: started", "OK main: started"]
    result = json.loads((pytester.path / "found.json").read_text())
    assert [len(target["boots"]) for target in result["targets"]] == [1, 1]


def test_above_warn_nothing_has_failed_yet(gate, played_probe):
    gate([0.7, *GOOD], timeout="1200ms")
    status, [line] = played_probe("bootgate.yaml")
    assert status == 1
    assert line.startswith("WARNING isolated: started in ")
    assert " of its timeout 1.2 s (warn_at is 60 %); nothing has failed yet" in line


def test_above_near_it_has_started_all_the_same(gate, played_probe):
    gate([2.2, *GOOD], timeout="2500ms")
    status, [line] = played_probe("bootgate.yaml")
    assert status == 1
    assert "(fail_at is 80 %); nothing has failed yet" in line


def test_a_boot_that_failed(gate, played_probe):
    gate(["engine ready"], timeout="300ms")
    status, [line] = played_probe("bootgate.yaml")
    assert status == 2
    assert line.startswith("CRITICAL isolated: ")
    assert "2 of 2 boots timed out: no proof within 0.3 s in phase persona" in line
    assert "; reported by: nobody (log: no report)" in line
    assert "nothing has failed" not in line


def test_a_limit_that_was_broken_has_failed(gate, played_probe):
    path = gate([0.4, *GOOD])
    path.write_text(
        path.read_text().replace("{line: engine ready}", "{line: engine ready, limit: 300ms}")
    )
    status, [line] = played_probe("bootgate.yaml")
    assert status == 2
    assert "engine: limit 0.3 s" in line
    assert "nothing has failed" not in line


def test_what_could_not_be_measured_is_unknown(gate, played_probe):
    path = gate()
    path.write_text(path.read_text().replace("[python3", "[no-such-program", 1))
    status, [line] = played_probe("bootgate.yaml")
    assert status == 3
    assert line.startswith(
        "UNKNOWN isolated: could not be measured: The gateway of the candidate cannot run"
    )


def test_a_journal_that_cannot_be_written_is_unknown_and_nothing_boots(
    gate, played_probe, pytester
):
    gate()
    (pytester.path / "file").write_text("x")
    status, [line] = played_probe("bootgate.yaml", "--journal", "file/journal.db")
    assert status == 3
    assert line.startswith("UNKNOWN ")
    assert "--" in line  # and the way out


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["no.yaml"], "the file cannot be read"),
        (["bootgate.yaml", "--target", "isolatd"], "no target 'isolatd'; it has isolated"),
        (["bootgate.yaml", "--release", "baseline"], "no baseline that can be booted"),
    ],
)
def test_mistakes(gate, played_probe, args, words):
    gate()
    status, lines = played_probe(*args)
    assert status == 4
    assert words in lines[0]


def test_no_boot_at_all_is_no_proof(gate, played_probe):
    gate(targets=["  isolated: {unsupported: {'1': not there}}"])
    path = Path("bootgate.yaml")
    path.write_text(path.read_text().replace("    env: {PLAN", "    version: '1'\n    env: {PLAN"))
    status, lines = played_probe("bootgate.yaml")
    assert status == 3
    assert lines == [
        "LEFT OUT isolated: by the gate file: not there",
        "UNKNOWN nothing was booted: the gate file leaves all targets out",
    ]


def test_a_target_that_is_left_out_beside_one_that_starts(gate, played_probe):
    gate(targets=["  isolated: {unsupported: {'1': not there}}", "main"])
    path = Path("bootgate.yaml")
    path.write_text(path.read_text().replace("    env: {PLAN", "    version: '1'\n    env: {PLAN"))
    status, [left_out, started] = played_probe("bootgate.yaml")
    assert status == 0
    assert left_out == "LEFT OUT isolated: by the gate file: not there"
    assert started.startswith("OK main: started in ")


def test_the_trend_comes_from_the_journal(gate, played_probe, played, pytester):
    gate(boots="10")
    # A week of boots, from a gate's own run, made older and slower day by day.
    ran = played("bootgate.yaml")
    assert ran.ret == 0
    with closing(sqlite3.connect(pytester.path / ".bootgate" / "journal.db")) as journal, journal:
        boots = journal.execute("SELECT id FROM boots WHERE number > 0 ORDER BY began").fetchall()
        assert len(boots) == 10
        for i, (boot,) in enumerate(boots):
            journal.execute(
                "UPDATE boots SET began = ?, seconds = ? WHERE id = ?",
                (time.time() - (10 - i) * DAY, 5 * (0.4 + 0.02 * i), boot),
            )
    status, [line] = played_probe("bootgate.yaml")
    assert status == 0
    # Today's boot is an odd one, which moves the line a little.
    assert re.search(r"has used (3\d|40) → 5\d %", line)
    assert " % of its timeout over 10 days (11 boots)" in line


def test_whoever_asked_is_told_of_a_warning(gate, played_probe, pytester):
    more = "notify: {pager: {command: [sh, -c, 'cat > told.json; exit 3'], when: [warn]}}"
    gate([0.7, *GOOD], timeout="1200ms", more=more)
    status, lines = played_probe("bootgate.yaml")
    assert status == 2
    assert lines[1] == "CRITICAL pager could not be notified: `sh` exited with 3"
    assert json.loads((pytester.path / "told.json").read_text())["verdict"] == "warn"


def test_a_scheduler_that_stops_it_leaves_nothing_behind(gate, pytester):
    gate(["engine ready"], timeout="60s")
    command = [sys.executable, "-m", "pytest_bootgate", "probe", "bootgate.yaml"]
    with subprocess.Popen(command, cwd=pytester.path, stdout=subprocess.PIPE, text=True) as ran:
        below = children(ran.pid, at_least=3)  # the reaper, the gateway, and its sidecar
        ran.send_signal(signal.SIGTERM)
        said, _ = ran.communicate(timeout=30)
    assert ran.returncode == 3
    assert "UNKNOWN" in said
    assert not psutil.wait_procs(below, timeout=10)[1]


def children(root: int, at_least: int) -> list[psutil.Process]:
    """The processes below one, as soon as there are so many."""
    until = time.monotonic() + 30
    while time.monotonic() < until:
        below = psutil.Process(root).children(recursive=True)
        if len(below) >= at_least:
            return below
        time.sleep(0.1)
    raise AssertionError(f"fewer than {at_least} processes after 30 s")


@pytest.mark.parametrize("engine", ["process", pytest.param("docker", marks=pytest.mark.docker)])
def test_the_incident_is_seen_coming(probe, engine, tmp_path):
    status, lines = probe(
        str(EXAMPLES / "incident" / "near"),
        "--engine",
        engine,
        "--journal",
        str(tmp_path / "journal.db"),
    )
    assert status == 1
    assert lines[0].startswith("WARNING isolated: started in 2.")
    assert "(warn_at is 60 %); nothing has failed yet" in lines[0]
    assert lines[1].startswith("OK main: started in ")


def test_a_server_that_was_there_before_is_no_proof(gate, probe):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        path = gate()
        ready = 'ready: {http: ":${port.gateway}/"}'
        path.write_text(path.read_text().replace(ready, f'ready: {{tcp: ":{port}"}}'))
        status, [line] = probe("bootgate.yaml")
    assert status == 3
    assert line.startswith(
        f"UNKNOWN isolated: could not be measured: :{port} (the ready probe) is answered by"
        f" process {os.getpid()} ("
    )
