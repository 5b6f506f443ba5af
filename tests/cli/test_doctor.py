"""`bootgate doctor`: could a gate run here?"""

from __future__ import annotations

import os
import re
import socket
import time

import pytest

from pytest_bootgate.cli import doctor_host
from pytest_bootgate.engines.docker import DockerEngine
from pytest_bootgate.run.host import facts
from tests.cli.conftest import edit

IMAGE = os.environ.get("BOOTGATE_PYTHON_IMAGE", "python:3.13-slim")
#: Where no engine answers.
NOBODY = "tcp://127.0.0.1:1"
GATE = """\
releases: {{candidate: {{image: "{image}"}}}}
sidecar: {{image: release}}
targets: {{boot: {{timeout: 5s, proof: {{http: ":80/"}}}}}}
profiles: {{poor: {{cpus: {cpus}, memory: 512m}}}}
"""


def found(said) -> dict[str, tuple[str, str]]:
    """By what was looked at: the worst level, and all the texts."""
    text = re.sub(r"\n {18}", " ", said.out)
    rows: dict[str, tuple[str, str]] = {}
    for line in text.splitlines():
        if match := re.match(r"(ok|warn|FAIL) +(gate file|\w+) +(.*)", line):
            level, about, rest = match.groups()
            before = rows.get(about, ("ok", ""))
            worst = max(before[0], level, key=["ok", "warn", "FAIL"].index)
            rows[about] = (worst, f"{before[1]} {rest}".strip())
    return rows


def test_a_gate_of_commands(command, example):
    said = command("doctor")
    assert (said.status, said.err) == (0, ""), said.out
    rows = found(said)
    assert rows["gate file"] == ("ok", "bootgate.yaml, no mistakes")
    assert rows["engine"][1].startswith("local processes: not every release has an image")
    assert rows["baseline"][1].startswith("python3 is /")
    assert rows["limits"] == ("ok", "no profile of this run asks for any")
    assert "pytest-timeout " in rows["plugins"][1]
    assert "pytest-bootgate " in rows["software"][1]
    assert f"{facts().cpus}" in rows["cpus"][1]
    assert f"{facts().memory / 2**30:.1f} GiB" in rows["memory"][1]
    assert "monotonic clock counts in" in rows["clock"][1]
    assert rows["journal"] == ("ok", f"{example.parent}/.bootgate/journal.db will be made")
    assert {"quiet", "uptime", "disk"} <= set(rows)
    assert said.lines[-1].startswith("A gate can run here.")
    assert max(map(len, said.lines)) <= 80 or str(example.parent) in said.out
    assert not (example.parent / ".bootgate").exists()


def test_without_a_gate_file_the_machine_is_looked_at(command):
    said = command("doctor", DOCKER_HOST=NOBODY)
    assert said.status == 0
    rows = found(said)
    assert rows["gate file"][0] == "warn"
    assert "`bootgate init` writes one" in rows["gate file"][1]
    assert rows["engine"][0] == "warn"
    assert "No Docker engine answers" in rows["engine"][1]


def test_a_gate_file_with_mistakes(command, example):
    edit(example, ("limit: 2s", "limit: 2"), ("fail_at: 80%", "fail_at: 8"))
    said = command("doctor")
    assert said.status == 1
    level, text = found(said)["gate file"]
    assert level == "FAIL"
    assert text.startswith("bootgate.yaml:")
    assert "(and 1 more): correct it, see `bootgate check bootgate.yaml`" in text
    assert said.lines[-1].startswith("1 of ")


def test_a_gate_file_that_is_not_there(command):
    said = command("doctor", "none.yaml")
    assert said.status == 1
    assert found(said)["gate file"][0] == "FAIL"


def test_an_engine_that_is_not_there(command, tmp_path):
    (tmp_path / "bootgate.yaml").write_text(GATE.format(image=IMAGE, cpus=0.5))
    said = command("doctor", DOCKER_HOST=NOBODY)
    assert said.status == 1
    level, text = found(said)["engine"]
    assert level == "FAIL"
    assert "Start Docker (`docker info` must work)" in text


def test_a_program_that_is_not_there(command, example):
    edit(example, ('[python3, "${here}/example_service.py", --release, "1.1"', "[no-such-program"))
    said = command("doctor")
    assert said.status == 1
    assert found(said)["candidate"] == (
        "FAIL",
        "there is no program no-such-program here: install it, or correct its command",
    )
    assert found(said)["baseline"][0] == "ok"


def test_limits_that_an_engine_of_processes_has_not(command, example):
    edit(example, ("gate:\n", "profiles: {poor: {cpus: 0.5}}\ngate:\n"))
    said = command("doctor")
    assert said.status == 1
    assert found(said)["limits"] == (
        "FAIL",
        "the process engine has none, and profile poor asks for them: use docker",
    )


@pytest.mark.docker
def test_images(command, tmp_path):
    path = tmp_path / "bootgate.yaml"
    path.write_text(GATE.format(image=IMAGE, cpus=0.5))
    said = command("doctor")
    assert said.status == 0, said.out
    rows = found(said)
    assert rows["candidate"] == ("ok", f"image {IMAGE}")
    assert rows["limits"] == ("ok", "cpus and memory for profile poor")
    assert "CPUs, " in rows["engine"][1]
    assert "GiB, data in /" in rows["engine"][1]
    assert re.search(r"the engine's clock is 0\.\d\d s (ahead|behind)", rows["clock"][1])
    path.write_text(GATE.format(image="no-such-image-of-bootgate:1", cpus=500))
    said = command("doctor")
    assert said.status == 1
    rows = found(said)
    assert rows["candidate"][0] == "FAIL"
    assert "Image no-such-image-of-bootgate:1 is not here" in rows["candidate"][1] or (
        "is neither here nor in its registry" in rows["candidate"][1]
    )
    assert rows["limits"][0] == "FAIL"
    assert "asks for 500 CPUs" in rows["limits"][1]
    engine = DockerEngine("doctor-test")
    try:
        assert engine.look_for(IMAGE)
    finally:
        engine.close()


def test_a_journal_that_cannot_be_used(command, example):
    (example.parent / ".bootgate").mkdir()
    journal = example.parent / ".bootgate" / "journal.db"
    journal.write_text("no journal at all, but long enough to be taken for something " * 40)
    said = command("doctor")
    assert said.status == 1
    assert found(said)["journal"][0] == "FAIL"
    journal.unlink()
    said = command("doctor", "--journal", "/proc/no/journal.db")
    assert said.status == 1
    assert "cannot be written in /proc" in found(said)["journal"][1]


def test_a_journal_that_is_there(runs):
    finding = doctor_host.journal(None, runs.here)
    assert (finding.level, finding.text) == ("ok", f"{runs.here}/.bootgate/journal.db, 3 runs")


def test_a_wall_clock_that_is_not_set(monkeypatch):
    monkeypatch.setattr(time, "time", lambda: 86400.0)
    finding = doctor_host._clock()
    assert finding.level == "warn"
    assert "before this was installed: set it (NTP)" in finding.text


@pytest.mark.parametrize(
    ("change", "about", "level", "text"),
    [
        ({"cpus": 1}, "cpus", "warn", "1: give it 2"),
        ({"cpus": 4, "cpu_limit": 0.5}, "cpus", "warn", "0.5 of 4 (a limit of its control group)"),
        ({"cpus": 4, "cpu_limit": None}, "cpus", "ok", "4"),
        ({"memory": 1 << 30, "available": 1 << 30}, "memory", "warn", "give it 2 GiB"),
        ({"memory": 8 << 30, "available": 1 << 28}, "memory", "warn", "end what else uses it"),
        ({"memory": 8 << 30, "memory_limit": 1 << 30}, "memory", "warn", "1.0 GiB"),
        ({"disk_free": 1 << 28}, "disk", "FAIL", "make room"),
        ({"disk_free": 1 << 31}, "disk", "warn", "make some before a gate"),
        ({"disk_free": 1 << 36}, "disk", "ok", "64.0 GiB free at "),
        ({"disk_free": None}, "disk", "warn", "cannot be seen"),
    ],
)
def test_a_poor_machine(change, about, level, text):
    from dataclasses import replace

    usual = replace(facts(), memory_limit=None, cpu_limit=None)
    seen = replace(usual, **change)
    judged = {
        "cpus": doctor_host._cpus,
        "memory": doctor_host._memory,
        "disk": doctor_host._disk,
    }[about](seen)
    assert (judged.about, judged.level) == (about, level)
    assert text in judged.text


def test_colours(command, example):
    assert "\x1b[32mok\x1b[0m" in command("doctor", FORCE_COLOR="1").out
    assert "\x1b[" not in command("doctor", FORCE_COLOR="1", NO_COLOR="1").out


SPOTS = """\
releases: {{candidate: {{command: [sleep, "9"]}}}}
ports: {{app: 8080}}
gateway: {{ready: {{tcp: ":{port}"}}, health: {{http: ":${{port.app}}/"}}}}
target: {{timeout: 5s, trigger: {{exec: ["true"]}}}}
targets:
  one: {{phases: {{made: {{file: "${{here}}/made"}}, mine: {{file: "${{dir}}/done"}}}}}}
  two: {{proof: {{file: "${{here}}/log", line: started}}}}
"""


def test_ports_and_files_that_are_taken(command, tmp_path):
    (tmp_path / "log").touch()
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        (tmp_path / "bootgate.yaml").write_text(SPOTS.format(port=port))
        said = command("doctor", "--engine", "process")
        assert said.status == 1
        level, text = found(said)["probes"]
        assert level == "FAIL"
        assert f":{port} (the ready probe) is answered by process {os.getpid()} (" in text
        assert "use ${port.NAME}" in text
        assert "exists" not in text
    (tmp_path / "made").touch()
    said = command("doctor", "--engine", "process")
    assert said.status == 1
    level, text = found(said)["probes"]
    assert level == "FAIL"
    assert text.startswith(f"{tmp_path}/made (the probe of phase made) exists before")
    assert "write ${dir}/…, which is fresh for every boot." in text
    (tmp_path / "made").unlink()
    said = command("doctor", "--engine", "process")
    assert said.status == 0
    there = f"{tmp_path}/made, :{port}"
    assert found(said)["probes"] == ("ok", f"nothing is there before a boot: {there}")
