"""What a listener hears of a gate, in the order in which it happens."""

from __future__ import annotations

import json

import pytest

LISTENER = """\
import json
from pathlib import Path

def pytest_bootgate_event(event):
    boot = getattr(event, "boot", None)
    more = {
        name: value
        for name in ("phase", "signal", "outcome", "late", "at", "verdict", "detail")
        if isinstance(value := getattr(event, name, None), (str, float, int))
    }
    entry = {"kind": event.kind, "boot": boot and boot.id, "wall": event.wall, **more}
    with Path("events.jsonl").open("a") as file:
        file.write(json.dumps(entry) + "\\n")
"""


@pytest.fixture
def heard(pytester, played):
    """Run the gate and return what a listener in its conftest heard."""
    (pytester.path / "conftest.py").write_text(LISTENER)

    def call(run=played) -> list[dict]:
        run("bootgate.yaml")
        text = (pytester.path / "events.jsonl").read_text()
        return [json.loads(line) for line in text.splitlines()]

    return call


def test_a_boot_that_goes_well_is_told_as_it_happens(gate, heard, run):
    # Far enough apart to arrive in this order on a busy machine as well.
    gate([0.2, "engine ready", 0.2, "persona loaded", 0.2, "ring"], boots=1)
    events = heard(run)
    assert [e["kind"] for e in events] == [
        "run_began",
        "boot_began",
        "trigger_sent",
        "trigger_accepted",
        "phase_reached",
        "phase_reached",
        "phase_reached",
        "boot_succeeded",
        "boot_ended",
        "verdict_given",
        "run_ended",
    ]
    assert [e["phase"] for e in events if "phase" in e] == ["engine", "persona", "task_started"]
    instants = [e["at"] for e in events[2:8]]
    assert instants == sorted(instants)
    walls = [e["wall"] for e in events]
    assert walls == sorted(walls)
    assert len({e["boot"] for e in events[1:9]}) == 1


def test_an_accepted_trigger_implies_nothing(gate, heard):
    gate(["engine ready"], boots=1, timeout="500ms")
    kinds = [e["kind"] for e in heard()]
    assert "trigger_accepted" in kinds
    assert "boot_timed_out" in kinds
    assert not {"boot_succeeded", "boot_failed", "task_completed", "failure_reported"} & set(kinds)


def test_a_boot_that_timed_out_and_was_told_late(gate, heard):
    gate(["engine ready", 0.8, "job failed"], boots=1, timeout="500ms")
    events = {e["kind"]: e for e in heard()}
    assert events["boot_timed_out"]["at"] == pytest.approx(0.5)
    assert events["boot_timed_out"]["phase"] == "persona"
    told = events["failure_reported"]
    assert told["signal"] == "log"
    assert told["late"] == pytest.approx(0.3)


def test_a_runner_that_exits(gate, heard):
    gate(["engine ready", "exit:3"], boots=1)
    failed = next(e for e in heard() if e["kind"] == "boot_failed")
    assert failed["outcome"] == "crashed"


def test_the_task_completed_is_an_event_of_its_own(gate, heard, pytester):
    path = gate(["ring", 0.05, "job done"], boots=1, targets=["  isolated: {start: warm}"])
    text = path.read_text()
    text = text.replace("log: {line: job failed}", "log: {line: job done, means: ok}")
    text = text.replace(
        "    engine: {line: engine ready}\n    persona: {line: persona loaded}\n", ""
    )
    path.write_text(text)
    kinds = [e["kind"] for e in heard()]
    assert kinds.count("boot_succeeded") == kinds.count("task_completed") == 2
    first = kinds.index("task_completed")
    assert kinds.index("boot_succeeded") < first


def test_a_gate_that_cannot_measure_tells_its_verdict_too(gate, heard, pytester):
    path = gate(boots=1)
    path.write_text(path.read_text().replace("toy (?P", "no such toy (?P"))
    path.write_text(path.read_text().replace("    env: {PLAN", "    version: '1'\n    env: {PLAN"))
    events = heard()
    assert [e["verdict"] for e in events if e["kind"] == "verdict_given"] == ["error"]
    lost = [e for e in events if e["kind"] == "boot_failed"]
    assert [e["outcome"] for e in lost] == ["lost"]
    assert events[-1]["kind"] == "run_ended"


@pytest.mark.parametrize("at", ["boot_began", "run_ended"])
def test_a_listener_that_fails_is_named_and_nothing_else_is_lost(gate, played, pytester, at):
    path = gate()
    pytester.makeconftest(
        f"""
        def pytest_bootgate_event(event):
            if event.kind == "{at}":
                raise KeyError("oops")
        """
    )
    result = played(str(path), "--bootgate-json", "out.json")
    assert result.ret == 1
    said = (
        f"*A listener of pytest_bootgate_event raised KeyError: 'oops' (*conftest.py:3, at {at})*"
    )
    result.stdout.fnmatch_lines([said])
    result.stdout.no_fnmatch_line("*Traceback*")
    assert (pytester.path / "out.json").exists()
    result.stdout.no_fnmatch_line("SHIP *")


@pytest.mark.parametrize(
    ("raised", "named"),
    [
        ("SystemExit(0)", "SystemExit: 0"),
        ("pytest.exit.Exception('enough', 0)", "Exit: enough"),
        ("pytest.skip.Exception('not today')", "Skipped: not today"),
    ],
)
def test_a_listener_ends_no_run_by_what_it_raises(gate, played, pytester, raised, named):
    path = gate()
    pytester.makeconftest(
        f"""
        import pytest

        def pytest_bootgate_event(event):
            if event.kind == "run_ended":
                raise {raised}
        """
    )
    result = played(str(path), "--bootgate-require")
    assert result.ret == 1
    result.stdout.fnmatch_lines([f"*A listener of pytest_bootgate_event raised {named} (*"])
    result.stdout.no_fnmatch_line("*Traceback*")


def test_a_listener_changes_nothing_of_what_it_is_told(gate, played, pytester):
    path = gate(boots=1)
    pytester.makeconftest(
        """
        def pytest_bootgate_event(event):
            if event.kind == "boot_ended":
                event.measured.tails.clear()
        """
    )
    assert played(str(path), "--bootgate-json", "out.json").ret == 0
    (target,) = json.loads((pytester.path / "out.json").read_text())["targets"]
    assert target["boots"][0]["tails"]


@pytest.mark.parametrize("at", ["boot_ended", "verdict_given", "run_ended"])
def test_what_a_listener_says_is_masked(gate, played, pytester, monkeypatch, at):
    monkeypatch.setenv("PUSH_TOKEN", "Sup3rS3cretPush99")
    path = gate()
    text = path.read_text()
    path.write_text(text.replace("    env: {PLAN", "    env: {PUSH_TOKEN: '${PUSH_TOKEN}', PLAN"))
    pytester.makeconftest(
        f"""
        import os

        def pytest_bootgate_event(event):
            if event.kind == "{at}":
                raise RuntimeError("401 for https://x.test/?t=" + os.environ["PUSH_TOKEN"])
        """
    )
    result = played(str(path), "--junitxml", "p.xml")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*A listener of pytest_bootgate_event raised RuntimeError: 401*"])
    said = (pytester.path / "p.xml").read_text() + result.stdout.str() + result.stderr.str()
    assert "Sup3rS3cretPush99" not in said
