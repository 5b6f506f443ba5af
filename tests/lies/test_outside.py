"""Lies that take more than one boot, another program, or a hand from outside."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.lies.conftest import BOTH, DOCKER, check, verdicts
from tests.machine import SHELL, an_engine, wall_clock
from tests.pytest_plugin.conftest import here, played  # noqa: F401 (fixtures)
from tests.pytest_plugin.test_in_place import upgrade  # noqa: F401 (a fixture)

GOOD = ["engine ready", "persona loaded", "ring"]
#: Containers of a run, by what they run.
FIND = """\
import subprocess
def containers(run, command):
    ps = ["docker", "ps", "--no-trunc", "--filter", f"label=bootgate.run={run}"]
    lines = subprocess.check_output([*ps, "--format", "{{.ID}} {{.Command}}"], text=True)
    return [line.split()[0] for line in lines.splitlines() if command in line]
"""


@pytest.mark.lie("a proof left over from an earlier boot")
@pytest.mark.parametrize("engine", [DOCKER])
def test_a_left_over_proof(lying, told, engine):
    late = [*GOOD, "run finished: ok", 0.6, "ring"]
    env = {"COUNTER": "${dir}/counter"}
    result, found = lying(
        [late, GOOD[:2]],
        engine=engine,
        env=env,
        timeout="1500ms",
        targets="isolated: {start: warm}",
    )
    check(told, result, found)


@pytest.mark.lie("baseline and candidate are the same image")
@pytest.mark.parametrize("engine", [DOCKER])
def test_the_same_twice(lying, told, engine):
    same = {"PLAN": json.dumps(GOOD)}
    result, found = lying(engine=engine, releases={"baseline": same, "candidate": same})
    check(told, result, found)


@pytest.mark.lie("the baseline is missing")
@pytest.mark.docker
def test_no_baseline(lying, told):
    releases = {"baseline": "{image: no-such-image-of-bootgate:1}", "candidate": {"PLAN": "[]"}}
    result, found = lying(engine="docker", releases=releases)
    check(told, result, found)


@pytest.mark.lie("the container is removed by somebody else")
@pytest.mark.docker
def test_removed(lying, told):
    listener = f"""{FIND}
def pytest_bootgate_event(event):
    if event.kind == "phase_reached":
        subprocess.run(["docker", "rm", "-f", *containers(event.boot.run, "toy.py")])
"""
    result, found = lying(["engine ready"], engine="docker", listener=listener)
    check(told, result, found)


@pytest.mark.lie("the gate itself is stopped in the midst of a boot, and goes on")
@pytest.mark.parametrize("engine", BOTH)
def test_the_gate_is_stopped(lying, told, engine):
    listener = """\
import os, subprocess
def pytest_bootgate_event(event):
    if event.kind == "phase_reached" and event.phase == "engine":
        pid = os.getpid()
        subprocess.Popen(["sh", "-c", f"kill -STOP {pid}; sleep 3; kill -CONT {pid}"])
"""
    plan = ["engine ready", 0.5, "persona loaded", 0.1, "ring"]
    result, found = lying(plan, engine=engine, listener=listener)
    check(told, result, found)


@pytest.mark.lie("the sidecar is stopped in the midst of a boot, and goes on")
@pytest.mark.parametrize("engine", BOTH)
def test_the_sidecar_is_stopped(lying, told, engine):
    listener = f"""{FIND}
import psutil, threading, time
def pytest_bootgate_event(event):
    if event.kind == "phase_reached" and event.phase == "engine":
        threading.Thread(target=stop, args=[event.boot.run]).start()
def stop(run):
    for process in psutil.Process().children(recursive=True):
        if any(word.endswith("sidecar.pyz") for word in process.cmdline()):
            process.suspend(), time.sleep(3), process.resume()
            return
    for one in containers(run, "sidecar.pyz"):
        subprocess.run(["docker", "pause", one])
        time.sleep(3)
        subprocess.run(["docker", "unpause", one])
"""
    plan = ["engine ready", 1, "persona loaded", 0.1, "ring"]
    result, found = lying(plan, engine=engine, listener=listener, timeout="8s")
    check(told, result, found)


@pytest.mark.lie("the sidecar dies")
@pytest.mark.parametrize("engine", BOTH)
def test_the_sidecar_dies(lying, told, engine):
    listener = f"""{FIND}
import psutil
def pytest_bootgate_event(event):
    if event.kind != "phase_reached":
        return
    for process in psutil.Process().children(recursive=True):
        if any(word.endswith("sidecar.pyz") for word in process.cmdline()):
            process.kill()
            return
    subprocess.run(["docker", "kill", *containers(event.boot.run, "sidecar.pyz")])
"""
    result, found = lying(["engine ready"], engine=engine, listener=listener)
    check(told, result, found)


@pytest.fixture
def own_engine(monkeypatch):
    """The pid of an engine's daemon that may be stopped; the test's gates use it."""
    with an_engine(SHELL) as engine:
        monkeypatch.setenv("DOCKER_HOST", engine.host)
        yield engine.pid


@pytest.mark.lie("the engine stops in the middle")
@pytest.mark.docker
@pytest.mark.parametrize("signal", ["SIGKILL", "SIGTERM"])
def test_the_engine_stops(pytester, own_engine, told, signal):
    pytester.makeconftest(f"""\
import os, signal
def pytest_bootgate_event(event):
    if event.kind == "phase_reached":
        os.kill({own_engine}, signal.{signal})
""")
    (pytester.path / "bootgate.yaml").write_text(f"""\
releases:
  candidate: {{image: "{SHELL}", command: [sh, -c, "echo engine ready; sleep 60"]}}
targets:
  boot: {{timeout: 15s, phases: {{engine: {{line: engine ready}}, task: {{line: never}}}}}}
""")
    options = ["--bootgate-engine", "docker", "--bootgate-json", "out.json"]
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", "bootgate.yaml", *options)
    assert result.ret == 1
    assert verdicts(json.loads((pytester.path / "out.json").read_text())) == {told.verdict}
    assert told.said_in(result.stdout.str())
    result.stdout.no_fnmatch_line("*Traceback*")


@pytest.mark.lie("the engine is frozen in the midst of a boot, and goes on")
@pytest.mark.docker
def test_the_engine_is_frozen(pytester, own_engine, told):
    pytester.makeconftest(f"""\
import subprocess
def pytest_bootgate_event(event):
    if event.kind == "phase_reached" and event.phase == "engine":
        pid = {own_engine}
        subprocess.Popen(["sh", "-c", f"kill -STOP {{pid}}; sleep 5; kill -CONT {{pid}}"])
""")
    (pytester.path / "bootgate.yaml").write_text(f"""\
releases:
  candidate:
    image: "{SHELL}"
    command: [sh, -c, "echo engine ready; sleep 2; echo task; sleep 60"]
targets:
  boot: {{timeout: 15s, phases: {{engine: {{line: engine ready}}, task: {{line: ^task}}}}}}
gate: {{boots: 1, noise: 1000}}
""")
    options = ["--bootgate-engine", "docker", "--bootgate-json", "out.json"]
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", "bootgate.yaml", *options)
    assert result.ret == 1
    found = json.loads((pytester.path / "out.json").read_text())
    assert verdicts(found) == {told.verdict}
    assert told.said_in(result.stdout.str())
    boots = found["targets"][0]["boots"]
    assert [boot["outcome"] for boot in boots] == ["lost"] * 3
    assert all(3 < boot["stalled"] < 12 for boot in boots)


@pytest.mark.lie("a retry hides a timeout")
@pytest.mark.parametrize("engine", [DOCKER])
def test_a_retry_that_hides_timeouts(lying, told, engine, tmp_path):
    go = "/tmp/go" if engine == "docker" else str(tmp_path / "go")
    listener = f"""{FIND}
import os
def pytest_bootgate_event(event):
    if event.kind != "trigger_sent":
        return
    again = event.boot.attempt > 1
    if {engine!r} == "process":
        open({go!r}, "w") if again else os.path.exists({go!r}) and os.remove({go!r})
    on_docker = again and {engine!r} == "docker"
    for container in containers(event.boot.run, "toy.py") if on_docker else ():
        subprocess.run(["docker", "exec", container, "touch", {go!r}])
"""
    result, found = lying(
        # The listener needs a moment to take away what it gave the attempt before.
        ["engine ready", "persona loaded", 0.3, f"wait:{go}", "ring"],
        engine=engine,
        timeout="1s",
        listener=listener,
        gate="{boots: 2, noise: 1000, retries: 1, retry_pause: 100ms}",
    )
    check(told, result, found)


@pytest.mark.lie("the release has no boot timeout at all")
@pytest.mark.parametrize("engine", [DOCKER])
def test_no_boot_timeout(lying, told, engine):
    result, found = lying(
        ["engine ready", 1, "persona loaded", "ring"],
        *("-k", "propagation"),
        engine=engine,
        timeout="1s",
        targets="isolated: {propagation: {hold: pause, in: persona, listen: 9s}}",
    )
    check(told, result, found)


@pytest.mark.lie("a job is gone after the upgrade")
@pytest.mark.parametrize("engine", [DOCKER])
def test_a_lost_job(upgrade, told, engine):  # noqa: F811
    result = upgrade("lose", engine=engine)
    assert result.ret == 1
    assert verdicts(json.loads(Path("out.json").read_text())) == {told.verdict}
    assert told.said_in(result.stdout.str())


@pytest.mark.lie("the wall clock is set back an hour in the midst of a boot that comes too late")
def test_the_wall_clock(lying, told, tmp_path, monkeypatch):
    clock = tmp_path / "clock"
    for name, value in wall_clock(clock).items():
        monkeypatch.setenv(name, value)
    listener = f"""\
def pytest_bootgate_event(event):
    if event.kind == "phase_reached":
        with open({str(clock)!r}, "w") as clock:
            clock.write("-3600s\\n")
"""
    late = ["engine ready", 0.4, "persona loaded", 0.8, "ring"]
    result, found = lying(late, timeout="1s", listener=listener, env={"STAMPS": "1"})
    check(told, result, found)
    (boot,) = found["targets"][0]["boots"]
    assert boot["ended"] == pytest.approx(1, abs=0.5)


GATED = "isolated: {}\n  main: {}"


@pytest.mark.lie("every item is deselected while a gate was expected")
@pytest.mark.parametrize("engine", [DOCKER])
def test_all_deselected(lying, told, engine):
    result, found = lying(GOOD, "-k", "nothing", engine=engine, options=["--bootgate-require"])
    assert result.ret == 1
    assert told.said_in(result.stdout.str())
    assert found["verdict"] == told.verdict


@pytest.mark.lie("nothing is collected while a gate was expected")
def test_nothing_collected(pytester, told):
    pytester.makepyfile("def test_unit(): pass")
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", "--bootgate-require")
    assert result.ret == 1
    assert told.said_in(result.stdout.str())


@pytest.mark.lie("only a part of the targets runs")
@pytest.mark.parametrize("engine", [DOCKER])
def test_only_a_part(lying, told, engine):
    options = ["--bootgate-require"]
    result, found = lying(GOOD, "-k", "main", engine=engine, targets=GATED, options=options)
    assert result.ret == 1
    assert told.said_in(result.stdout.str())
    assert found["verdict"] == told.verdict


@pytest.mark.lie("a phase is asked for that was good, of a boot that failed")
@pytest.mark.parametrize("engine", [DOCKER])
def test_a_good_phase(lying, told, engine):
    result, found = lying(["engine ready"], "-k", "engine", engine=engine, timeout="1s")
    assert result.ret == 1
    assert told.said_in(result.stdout.str())
    assert verdicts(found) == {told.verdict}


@pytest.mark.lie("a worker process dies (pytest-xdist)")
@pytest.mark.parametrize("engine", [DOCKER])
def test_a_worker_dies(lying, told, engine):
    listener = """\
import os
def pytest_bootgate_event(event):
    if event.kind == "trigger_sent" and event.boot.target == "isolated":
        os.kill(os.getpid(), 9)
"""
    result, found = lying(GOOD, "-n", "1", engine=engine, targets=GATED, listener=listener)
    assert result.ret == 1
    assert told.said_in(result.stdout.str())
    assert found["verdict"] == told.verdict
