"""`bootgate doctor`: could a gate run here?"""

from __future__ import annotations

import os
import re
import socket
import time
from dataclasses import replace

import pytest

from pytest_bootgate.cli import doctor_host
from pytest_bootgate.engines.base import CONTAINED
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
        if match := re.match(r"(ok|warn|FAIL) +(gate file|\w+) *(.*)", line):
            level, about, rest = match.groups()
            before = rows.get(about, ("ok", ""))
            worst = max(before[0], level, key=["ok", "warn", "FAIL"].index)
            rows[about] = (worst, f"{before[1]} {rest}".strip())
    return rows


def test_a_gate_of_commands(command, example):
    said = command("doctor")
    assert (said.status, said.err) == (0, ""), said.out
    rows = found(said)
    assert rows["gate file"] == ("ok", "bootgate.yaml")
    assert rows["engine"][1].startswith("local processes: not every release has an image")
    assert rows["programs"] == rows["limits"] == rows["journal"] == ("ok", "")
    assert {"leftovers", "probes", "disk", "quiet", "clock", "queue"} <= set(rows)
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
    assert found(said)["programs"] == (
        "FAIL",
        "the candidate needs no-such-program, which is missing: install it, or correct its command",
    )


def test_limits_that_an_engine_of_processes_has_not(command, example):
    edit(example, ("gate:\n", "profiles: {poor: {cpus: 0.5}}\ngate:\n"))
    said = command("doctor")
    assert said.status == 1
    assert found(said)["limits"] == (
        "FAIL",
        "the process engine has none, but profile poor sets them: use docker",
    )


@pytest.mark.docker
def test_images(command, tmp_path):
    path = tmp_path / "bootgate.yaml"
    path.write_text(GATE.format(image=IMAGE, cpus=0.5))
    said = command("doctor")
    assert said.status == 0, said.out
    rows = found(said)
    assert rows["images"] == rows["limits"] == rows["clock"] == ("ok", "")
    path.write_text(GATE.format(image="no-such-image-of-bootgate:1", cpus=500))
    said = command("doctor")
    assert said.status == 1
    rows = found(said)
    assert rows["images"][0] == "FAIL"
    assert "Image no-such-image-of-bootgate:1 is not local" in rows["images"][1] or (
        "is neither local nor in its registry" in rows["images"][1]
    )
    assert rows["limits"][0] == "FAIL"
    assert "sets 500 CPUs" in rows["limits"][1]
    engine = DockerEngine("doctor-test")
    try:
        assert engine.look_for(IMAGE)
    finally:
        engine.close()


@pytest.mark.docker
@pytest.mark.parametrize(
    ("key", "rest"),
    [
        ("targets: {app: {timeout: 9s, proof: {healthcheck: true}}}", ""),
        (
            "targets: {app: {timeout: 9s, proof: {line: up}}}",
            'db: {image: "%s", ready: {healthcheck: true}}',
        ),
    ],
)
def test_an_image_without_the_health_check_that_is_asked_for(command, tmp_path, key, rest):
    services = f"services: {{{rest % IMAGE}}}\n" if rest else ""
    path = tmp_path / "bootgate.yaml"
    path.write_text(f'releases: {{candidate: {{image: "{IMAGE}"}}}}\n{key}\n{services}')
    said = command("doctor", "--engine", "docker")
    level, text = found(said)["probes"]
    assert level == "FAIL"
    assert text.startswith(f"{IMAGE} has no health check, which `healthcheck: true` asks for")


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
    assert not [*doctor_host.journal(None, runs.here)]


def test_a_wall_clock_that_is_not_set(monkeypatch):
    monkeypatch.setattr(time, "time", lambda: 86400.0)
    ((level, text),) = doctor_host.clock(None)
    assert level == "warn"
    assert "earlier than this installation: set it (NTP)" in text


def test_an_engine_whose_clock_is_apart(monkeypatch):
    class Elsewhere:
        name = "docker"
        traits = CONTAINED

        def info(self):
            return {"SystemTime": "2026-01-01T00:00:00.123456789Z"}

    ((level, text),) = doctor_host.clock(Elsewhere())  # type: ignore[arg-type]
    assert level == "warn"
    assert re.search(r"the engine's clock is [\d.]+ s behind: set both \(NTP\)", text)


@pytest.mark.parametrize(
    ("free", "level", "text"),
    [
        (1 << 28, "FAIL", "free disk space"),
        (1 << 31, "warn", "free some before a gate"),
        (1 << 36, None, ""),
        (None, "warn", "is unknown"),
    ],
)
def test_a_small_disk(monkeypatch, free, level, text):
    seen = replace(facts(), disk_free=free)
    monkeypatch.setattr(doctor_host, "facts", lambda _: seen)
    wrong = [*doctor_host.disk(None)]
    assert [found for found, _ in wrong] == [level] * (level is not None)
    assert all(text in said for _, said in wrong)


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
    assert "use ${dir}/…, which is new for every boot." in text
    (tmp_path / "made").unlink()
    said = command("doctor", "--engine", "process")
    assert said.status == 0
    assert found(said)["probes"] == ("ok", "")
