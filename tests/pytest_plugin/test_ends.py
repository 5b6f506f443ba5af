"""Systems that end by themselves: before the trigger, at it, or because their work is done."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

ENGINES = ["process", pytest.param("docker", marks=pytest.mark.docker)]
IMAGE = os.environ.get("BOOTGATE_PYTHON_IMAGE", "python:3.13-slim")
GATE = """\
releases:
  candidate: {{image: "{image}", command: [sh, -c, {script}]}}
{gateway}
targets:
  task: {target}
gate: {{boots: {boots}, noise: 1000, retries: 0}}
"""


@pytest.fixture(params=ENGINES)
def ends(pytester, here, request):
    """Gate a shell script on either engine; returns pytest's result and the boots.

    Those that were lost and repeated, because this machine stood still meanwhile, are left out.
    """

    def call(script, target, *, gateway="", boots=1):
        text = GATE.format(
            image=IMAGE, script=json.dumps(script), gateway=gateway, target=target, boots=boots
        )
        (pytester.path / "bootgate.yaml").write_text(text)
        options = ["--bootgate-engine", request.param, "--bootgate-json", "out.json"]
        result = here("bootgate.yaml", *options)
        found = json.loads(Path(pytester.path / "out.json").read_text())["targets"][0]
        return result, [boot for boot in found["boots"] if boot["outcome"] != "lost"]

    return call


TRIGGERED = (
    "{timeout: 10s, trigger: {exec: [python3, -c, \"print('up ${token}')\"]},"
    ' proof: {line: "up ${token}", from: trigger}}'
)


@pytest.mark.parametrize(("code", "outcome"), [(3, "crashed"), (0, "silent_exit")])
def test_a_gateway_that_ends_while_it_settles(ends, code, outcome):
    result, (boot,) = ends(
        f"echo ready; sleep 0.3; echo FATAL: bad filter; exit {code}",
        TRIGGERED,
        gateway="gateway: {ready: {line: ready}, settle: 5s}",
    )
    assert result.ret == 1
    assert (boot["outcome"], boot["exit_code"], boot["triggered"]) == (outcome, code, False)
    assert f"the gateway exited with {code} during its settle time" in boot["detail"]
    assert boot["tails"]["gateway.out"][-1] == "FATAL: bad filter"
    assert 0 < boot["ready"] < boot["ended"] < 5
    result.stdout.fnmatch_lines(["*FATAL: bad filter"])


def test_a_warm_gateway_that_ends_between_two_boots(ends):
    target = TRIGGERED.replace("{timeout", "{start: warm, pause: 3s, timeout", 1)
    result, boots = ends(
        "echo ready; sleep 1.5; echo enough; exit 3",
        target,
        gateway="gateway: {ready: {line: ready}}",
    )
    assert result.ret == 1
    assert [boot["outcome"] for boot in boots] == ["started", "crashed"]
    assert "exited with 3 before it was triggered" in boots[1]["detail"]
    assert boots[1]["tails"]["gateway.out"][-1] == "enough"
    assert boots[1]["ended"] == 0


def test_a_trigger_that_fails_because_the_gateway_ends(ends):
    """Its exit comes a little later than that of the trigger's command."""
    result, (boot,) = ends(
        "trap 'sleep 0.1; echo FATAL: bad job; exit 3' TERM\n"
        "echo $$$$ > ${dir}/pid; echo ready; while :; do sleep 0.02; done",
        "{timeout: 10s, listen: 100ms, proof: {line: never},"
        ' trigger: {exec: [sh, -c, "kill $(cat ${dir}/pid); exit 7 # ${token}"]}}',
        gateway="gateway: {ready: {line: ready}}",
    )
    assert result.ret == 1
    assert (boot["outcome"], boot["exit_code"]) == ("crashed", 3)
    assert boot["tails"]["gateway.out"][-1] == "FATAL: bad job"
    assert "the trigger was rejected: the trigger's command exited with 7" in boot["notes"]


ONE_SHOTS = {
    "a file": ("echo migrated > ${dir}/done", '{file: "${dir}/done"}'),
    "a line in a file": ("echo migrated > ${dir}/done", '{file: "${dir}/done", line: migrated}'),
    "a line": ("echo migrated", "{line: migrated}"),
}


@pytest.mark.parametrize("proof", ONE_SHOTS)
def test_a_one_shot_that_leaves_its_proof_and_ends_has_started(ends, proof):
    script, probe = ONE_SHOTS[proof]
    result, boots = ends(f"sleep 0.1; {script}", f"{{timeout: 10s, proof: {probe}}}", boots=2)
    assert result.ret == 0
    assert [(boot["outcome"], boot["detail"]) for boot in boots] == [("started", "")] * 2
    assert all(0.1 <= boot["seconds"] <= boot["ended"] for boot in boots)


@pytest.mark.parametrize("proof", ONE_SHOTS)
def test_one_that_leaves_no_proof_has_not(ends, proof):
    result, (boot,) = ends(
        "sleep 0.1; echo nothing > ${dir}/other",
        f"{{timeout: 10s, listen: 100ms, proof: {ONE_SHOTS[proof][1]}}}",
    )
    assert result.ret == 1
    assert (boot["outcome"], boot["exit_code"]) == ("silent_exit", 0)


def test_the_lines_that_come_nearest_to_a_mark_that_was_not_seen(ends):
    target = (
        "{timeout: 2s, listen: 100ms, phases: {engine: {line: 'engine ready'},"
        " log: {file: '${dir}/log', line: 'log ready'}, task: {line: '^task started$'}}}"
    )
    _, (boot,) = ends(
        "echo hello; echo engine ready; echo 'log  ready' > ${dir}/log; sleep 0.1;"
        " echo INFO task started >&2; sleep 9",
        target,
    )
    assert boot["outcome"] == "timed_out"
    assert boot["nearest"] == {"log": ["log  ready"], "task": ["INFO task started"]}


BUFFERED = """\
import sys, time
print("{first}", flush=True) if "{first}" else None
time.sleep(0.1)
print("worker ready")
time.sleep(60)
"""
ADVICE = "PYTHONUNBUFFERED=1"


def buffered(first: str = "") -> str:
    return f"exec python3 -c '{BUFFERED.format(first=first)}'"


@pytest.mark.parametrize(
    ("gateway", "target", "what"),
    [
        ("", "{timeout: 2s, listen: 100ms, proof: {line: worker ready}}", "proof"),
        ("gateway: {ready: {line: worker ready}, ready_timeout: 2s}", TRIGGERED, "ready"),
    ],
)
def test_a_line_that_is_held_in_a_buffer(ends, gateway, target, what):
    result, (boot,) = ends(buffered(), target, gateway=gateway)
    assert result.ret == 1
    assert boot["outcome"] == "timed_out"
    (note,) = [note for note in boot["notes"] if ADVICE in note]
    assert f"the line of {what} arrived only when the gateway was stopped" in note
    assert boot["tails"]["gateway.out"] == ["worker ready"]
    result.stdout.fnmatch_lines([f"*{ADVICE}*"])


@pytest.mark.parametrize(
    ("script", "told"),
    [
        (buffered("hello"), False),
        ("echo hello; sleep 60", False),
        ("exec sleep 60", True),
        ("echo hello >&2; exec sleep 60", True),
    ],
)
def test_a_silent_one_may_hold_its_lines_in_a_buffer_and_one_that_printed_does_not(
    ends, script, told
):
    target = "{timeout: 2s, listen: 100ms, proof: {line: worker ready}}"
    _, (boot,) = ends(script, target)
    assert boot["outcome"] == "timed_out"
    notes = [note for note in boot["notes"] if ADVICE in note]
    assert len(notes) == told
    assert all("its output may be buffered" in note for note in notes)
