"""What a gate says of the machine it runs on, on a real one."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from pytest_bootgate.records.codec import decode, encode

HEARD = """\
def pytest_bootgate_event(event):
    if event.kind in ("host_warned", "verdict_given"):
        print("HEARD", event.kind, event.target, getattr(event, "text", ""))
"""


@pytest.fixture
def found(here, pytester):
    """Run the gate; its result in the terminal, and the complete one."""
    (pytester.path / "conftest.py").write_text(HEARD)

    def call():
        result = here("bootgate.yaml", "-s", "--bootgate-json", "out.json")
        return result, decode((pytester.path / "out.json").read_bytes())

    return call


@pytest.fixture
def short_look():
    """As long as users' gates look."""


@pytest.fixture
def busy():
    """Two busy loops on every CPU, until the test ends."""
    loop = [sys.executable, "-c", "while True: pass"]
    # In sessions of their own, as boots are: the kernel shares the CPUs between sessions first.
    cpus = os.cpu_count() or 1
    loops = [subprocess.Popen(loop, start_new_session=True) for _ in range(2 * cpus)]
    yield
    for each in loops:
        each.kill()
        each.wait()


def test_what_is_known_of_the_machine_is_in_the_result(gate, found):
    gate(boots=1)
    result, out = found()
    assert result.ret == 0
    facts, machine = out.machine, out.targets[0].machine
    assert facts.uptime > 0
    assert facts.disk_free > 0
    assert 0 < facts.available <= facts.memory
    assert machine.here
    assert len(machine.work) == 2
    assert 0 < machine.work[0].best <= machine.work[0].slow
    assert 0 <= machine.still[0].busy <= 1
    assert machine.load.least <= machine.load.most
    result.stdout.no_fnmatch_line("*the host *")


def test_a_result_from_before_the_machine_was_looked_at_is_still_read(gate, found):
    gate(boots=1)
    plain = json.loads(encode(found()[1]))
    plain["machine"] = {k: plain["machine"][k] for k in ("system", "python", "cpus", "memory")}
    plain["machine"]["load"] = 0.5
    for target in plain["targets"]:
        del target["machine"], target["judgement"]["host"]
        for key in ("retries", "retry_pause", "noise"):
            del target["rules"][key]
        for boot in target["boots"]:
            del boot["throttled"]
    old = decode(json.dumps(plain))
    assert old.machine.uptime is None
    assert old.targets[0].machine is None


def test_a_host_that_is_too_busy_to_measure_is_inconclusive(gate, found):
    path = gate(boots=1)
    # Some variation there is always.
    path.write_text(path.read_text().replace("noise: 1000", "noise: 1.0001"))
    result, out = found()
    assert result.ret == 0
    assert out.verdict == "inconclusive"
    words = "the host is too busy to measure: a fixed workload took up to * times its best time*"
    result.stdout.fnmatch_lines(
        [f"*HEARD host_warned isolated {words}", "*HEARD verdict_given isolated*"]
    )
    result.stdout.fnmatch_lines(
        ["INCONCLUSIVE isolated, cold: 1 started", f"*inconclusive: {words}"]
    )
    result.stdout.fnmatch_lines([f"*BootgateWarning: isolated: {words}"])


def test_on_a_host_too_busy_to_measure_a_timeout_is_still_one(gate, found):
    path = gate(["engine ready"], boots=1, timeout="500ms")
    text = path.read_text().replace("noise: 1000", "noise: 1.0001, retries: 0")
    path.write_text(text)
    result, out = found()
    assert result.ret == 1
    assert out.verdict == "fail"
    result.stdout.fnmatch_lines(
        [
            "*fail: boot 1 ended as timed_out: no proof*",
            "*inconclusive: the host is too busy to measure*",
        ]
    )
    result.stdout.fnmatch_lines(["*(though 1 of 1 boot timed out: no proof within 0.5 s)*"])


@pytest.mark.usefixtures("busy")
def test_a_busy_host_warns_near_the_timeout(gate, found):
    path = gate(["work:0.5", 5.8, "engine ready", "persona loaded", "ring"], boots=1, timeout="10s")
    path.write_text(path.read_text().replace("noise: 1000", "noise: 1000, fail_at: 99%"))
    result, out = found()
    assert result.ret == 0
    assert out.verdict == "warn"
    words = "is busy (other processes use * % of its CPU time)*"
    near = "and the slowest boot used * % of the timeout: *stop other work on it*, and rerun"
    result.stdout.fnmatch_lines([f"*HEARD host_warned isolated the host *{words} {near}"])
    result.stdout.fnmatch_lines([f"*warn: the host *{words} {near}"])


@pytest.mark.usefixtures("busy")
def test_a_busy_host_is_a_fact_away_from_the_timeout(gate, found):
    gate(boots=1, timeout="60s")
    result, out = found()
    assert out.verdict == "pass"
    assert out.targets[0].machine.usual("busy") > 0.25
    result.stdout.no_fnmatch_line("*HEARD host_warned*")
