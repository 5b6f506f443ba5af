"""A boot is held on purpose, and the gate says who was told of it."""

from __future__ import annotations

import json
import sys

import pytest

from tests.pytest_plugin.conftest import TOY

ENGINES = ["process", pytest.param("docker", marks=pytest.mark.docker)]
#: Held after this mark, in the phase `persona`.
READY = "engine ready"


@pytest.fixture
def propagated(gate, played, here, pytester):
    """Run the propagation test of the toy gateway; returns pytester's result and what was found."""

    def call(plan, propagation, *args, engine="memory", old="", new="", timeout="1s"):
        path = gate(plan, targets=[f"  isolated: {{propagation: {propagation}}}"], timeout=timeout)
        if engine == "docker":
            image = "${BOOTGATE_PYTHON_IMAGE:-python:3.13-slim}"
            put = f'    image: "{image}"\n    files: {{"${{dir}}/toy.py": {{path: "{TOY}"}}}}\n'
            text = path.read_text().replace(f'[python3, "{TOY}"]', '[python3, "${dir}/toy.py"]')
            path.write_text(text.replace("  candidate:\n", "  candidate:\n" + put))
        path.write_text(path.read_text().replace(old, new))
        options = ["-k", "propagation", "--bootgate-json", "o.json", *args]
        if engine == "memory":
            result = played(str(path), *options)
        else:
            result = here(str(path), "--bootgate-engine", engine, *options)
        (found,) = json.loads((pytester.path / "o.json").read_text())["propagations"]
        return result, found

    return call


def heard(found) -> list[str]:
    return [told["name"] for told in found["stall"]["signals"] if told["at"] is not None]


@pytest.mark.parametrize("engine", ENGINES)
def test_one_that_tells(propagated, engine):
    result, found = propagated(
        [READY, 1, "job failed"], "{hold: pause, in: persona}", engine=engine
    )
    assert result.ret == 0
    assert (found["verdict"], heard(found)) == ("pass", ["log"])
    stall = found["stall"]
    assert stall["began"] < 1 < stall["ended"] <= stall["signals"][0]["at"]
    assert (stall["boot"]["held"], stall["boot"]["warm_up"]) == ("pause", True)
    never = "no report from answer to the trigger, /, exit of the gateway"
    result.stdout.fnmatch_lines(
        [
            f"PASS isolated, propagation: reported by log in * (* s after the trigger); {never}",
            "*note: the gateway was paused in persona from *s to 2.* s after the trigger*",
            "*note: delays count from the end of the pause at 2.* s*",
            "PASS: 1 propagation test, 1 pass",
        ]
    )


@pytest.mark.parametrize("engine", ["memory", ENGINES[1]])
def test_one_that_tells_nobody(propagated, engine):
    plan = [READY, 1, "persona loaded", "ring"]
    result, found = propagated(plan, "{hold: pause, in: persona, listen: 9s}", engine=engine)
    assert result.ret == 1
    assert (found["verdict"], heard(found)) == ("fail", [])
    result.stdout.fnmatch_lines(
        [
            "*no report from log, answer to the trigger, / and exit of the gateway",
            "*fail: not reported: the boot was held past its timeout, and no signal reported it",
            "*observed: nothing ends the boot: the release has no boot timeout (the task started*",
        ]
    )


def test_one_that_had_started_before(propagated):
    plan = [READY, "persona loaded", "ring"]
    result, found = propagated(plan, "{hold: pause, in: persona, after: 300ms}")
    assert result.ret == 1
    assert found["verdict"] == "error"
    result.stdout.fnmatch_lines(["*the boot could not be held: the task started before the hold"])


def test_a_phase_that_was_over_before(propagated):
    plan = [READY, "persona loaded", 2]
    _, found = propagated(plan, "{hold: pause, in: persona, after: 300ms}")
    assert found["verdict"] == "error"
    assert "persona ended before the hold" in found["findings"][0]["text"]


def test_a_phase_that_is_never_reached(propagated):
    result, found = propagated(["hm"], "{hold: pause, in: persona}")
    assert (result.ret, found["verdict"]) == (1, "error")
    result.stdout.fnmatch_lines(["*could not be held: persona was not reached within 1 s"])


def test_a_boot_that_fails_by_itself(propagated):
    result, found = propagated(["job failed"], "{hold: pause, in: persona}")
    assert (result.ret, found["verdict"]) == (1, "error")
    result.stdout.fnmatch_lines(["*the boot failed before the hold: log: job failed"])


def test_a_runner_outside_of_what_is_held(propagated):
    """The trigger's command is the runner here, and runs in the sidecar."""
    ring = "import os, time, urllib.request as u; time.sleep(1.5); u.urlopen(os.sys.argv[1], b'x')"
    trigger = json.dumps({"exec": ["python3", "-c", ring, "http://127.0.0.1:${port.bell}/"]})
    result, found = propagated(
        [],
        "{hold: pause, in: engine}",
        old='{http: ":${port.gateway}/run", body: "do ${target} ${token}"}',
        new=f'{trigger[:-1]}, "in": "sidecar"}}',
        timeout="2s",
        engine="process",
    )
    assert (result.ret, found["verdict"]) == (1, "error")
    result.stdout.fnmatch_lines(
        ["*the hold failed: the task started * while the gateway was paused; the process*"]
    )


@pytest.mark.parametrize("engine", ENGINES)
def test_a_killed_runner(propagated, engine):
    plan = [READY, "runner", "job failed"]
    result, found = propagated(plan, "{hold: kill, in: persona, after: 300ms}", engine=engine)
    assert (result.ret, heard(found)) == (0, ["log"])
    assert found["stall"]["signals"][0]["at"] < 1
    result.stdout.fnmatch_lines(["*killed 1 of the gateway's processes: *time.sleep(60)*"])


def test_a_killed_runner_by_its_command_line(propagated):
    result, found = propagated(
        [READY, "runner"], "{hold: kill, in: persona, after: 300ms, runner: time.sleep}"
    )
    assert (result.ret, found["verdict"]) == (1, "fail")
    result, found = propagated([READY, "runner"], "{hold: kill, in: persona, runner: no such}")
    assert found["verdict"] == "error"
    result.stdout.fnmatch_lines(["*no process below the gateway matches `no such`*"])


def test_a_runner_that_is_started_again_was_not_held(propagated):
    plan = [READY, "runner", "persona loaded", "ring"]
    _, found = propagated(plan, "{hold: kill, in: persona, after: 300ms}")
    assert found["verdict"] == "error"
    assert "the system started another runner" in found["findings"][0]["text"]


def test_no_runner_to_kill(propagated):
    _, found = propagated([READY, 2], "{hold: kill, in: persona}")
    assert found["verdict"] == "error"
    assert "there is no runner to kill" in found["findings"][0]["text"]


@pytest.mark.parametrize("engine", ENGINES)
def test_a_mute_stub(propagated, engine):
    plan = [READY, "persona loaded", "ring or tell"]
    result, found = propagated(plan, "{hold: mute}", engine=engine)
    assert (result.ret, heard(found)) == (0, ["log"])
    assert found["stall"]["holds_task"]
    result.stdout.fnmatch_lines(["*the stub accepted the request and did not answer*"])


def test_a_mute_stub_of_which_nobody_hears(propagated):
    result, found = propagated([READY, "persona loaded", "ring"], "{hold: mute}")
    assert (result.ret, found["verdict"]) == (1, "fail")
    result.stdout.fnmatch_lines(
        [
            "*fail: not reported: the task never got an answer, and no signal reported it",
            "*observed: nothing ends the task*",
        ]
    )
    _, found = propagated([READY], "{hold: mute}")
    assert "the stub was not called" in found["findings"][0]["text"]


@pytest.mark.docker
def test_a_starved_gateway(propagated):
    plan = [READY, "work:0.2", "job failed"]
    result, found = propagated(plan, "{hold: starve, in: persona}", engine="docker")
    assert (result.ret, heard(found)) == (0, ["log"])
    assert found["stall"]["signals"][0]["at"] > found["stall"]["ended"]
    result.stdout.fnmatch_lines(["*limited to 1 % of a core in persona*"])


def test_a_process_cannot_be_starved(propagated):
    result, found = propagated([READY, 1], "{hold: starve, in: persona}", engine="process")
    assert (result.ret, found["verdict"]) == (1, "error")
    result.stdout.fnmatch_lines(["*The process engine cannot limit a process's CPU*"])


def test_other_ways_to_be_told(propagated):
    _, found = propagated([READY, 1, "unhealthy"], "{hold: pause, in: persona}")
    assert heard(found) == ["/"]
    _, found = propagated([READY, 1, "exit:3"], "{hold: pause, in: persona}")
    assert set(heard(found)) >= {"exit of the gateway"}
    assert found["verdict"] == "pass"


@pytest.mark.docker
def test_a_gateway_that_somebody_removes_is_not_told(propagated, pytester):
    (pytester.path / "conftest.py").write_text(
        "import subprocess, threading\n"
        "FIND = 'docker ps -q --filter name=gateway --filter label=bootgate.run='\n"
        "def pytest_bootgate_event(event):\n"
        "    if getattr(event, 'phase', '') == 'engine' and event.kind == 'phase_reached':\n"
        "        words = f'docker rm -f $({FIND}{event.boot.run})'\n"
        "        threading.Timer(0.7, subprocess.run, [['sh', '-c', words]]).start()\n"
    )
    _, found = propagated([READY, 3], "{hold: pause, in: persona}", engine="docker")
    assert found["verdict"] == "error"
    assert "the hold failed: the gateway" in found["findings"][0]["text"]


def test_health_that_was_never_green_cannot_turn_red(propagated):
    health = '  health: {http: ":${port.gateway}/", status: 204}\n'
    ready = '  ready: {http: ":${port.gateway}/"}\n'
    _, found = propagated([READY, 1], "{hold: pause, in: persona}", old=ready, new=ready + health)
    assert (found["verdict"], heard(found)) == ("fail", [])
    told = {told["name"]: told["text"] for told in found["stall"]["signals"]}
    assert told["/"] == "it was not green before the trigger either"


def test_the_exit_status_of_a_trigger(propagated):
    command = ["python3", "-c", "import time; time.sleep(1.5); raise SystemExit(3)"]
    result, found = propagated(
        [],
        "{hold: pause, in: engine}",
        old='{http: ":${port.gateway}/run", body: "do ${target} ${token}"}',
        new=json.dumps({"exec": command}),
        timeout="2s",
        engine="process",
    )
    assert (result.ret, heard(found)) == (0, ["exit status of the trigger"])


def test_the_rest_of_the_gate_is_as_it_was(gate, played, pytester):
    gate(
        targets=["  isolated: {propagation: {hold: pause}}", "  again: {extends: isolated}"],
        boots=1,
    )
    (pytester.path / "conftest.py").write_text(
        "def pytest_bootgate_event(event):\n"
        "    with open('events', 'a') as file:\n"
        "        held = getattr(getattr(event, 'measured', None), 'held', '')\n"
        "        print(event.kind, getattr(event, 'target', ''), held, file=file)\n"
    )
    result = played("bootgate.yaml", "--bootgate-json", "o.json", "-v")
    found = json.loads((pytester.path / "o.json").read_text())
    assert [len(target["boots"]) for target in found["targets"]] == [1, 1]
    assert len(found["propagations"]) == 1
    result.stdout.fnmatch_lines(["*::isolated::boot PASSED*", "*::isolated::propagation FAILED*"])
    main = "import sys; from pytest_bootgate.cli import main; sys.exit(main(['log']))"
    log = pytester.run(sys.executable, "-c", main)
    log.stdout.fnmatch_lines(["* isolated held timed_out *"])
    events = (pytester.path / "events").read_text().splitlines()
    assert "verdict_given isolated::propagation " in events
    assert [e for e in events if e.startswith("boot_ended")] == [
        "boot_ended  ",
        "boot_ended  pause",
        "boot_ended  ",
    ]


def test_where_the_start_is_the_trigger(here, pytester):
    (pytester.path / "bootgate.yaml").write_text(
        "releases: {candidate: {command: [sh, -c, 'sleep 1; exit 3']}}\n"
        "targets: {boot: {timeout: 1s, listen: 500ms, proof: {line: up},"
        " propagation: {hold: pause}}}\n"
    )
    result = here("bootgate.yaml", "-k", "propagation")
    assert result.ret == 0
    result.stdout.fnmatch_lines(
        ["PASS boot, propagation: reported by exit of the gateway in * (2.*"]
    )
