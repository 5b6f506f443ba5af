"""Lies that somebody else tells: a server or a file that was there, or came, without the boot."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.lies.conftest import IMAGE, check, verdicts

ENGINES = ["process", pytest.param("docker", marks=pytest.mark.docker)]
SERVE = "python3 -m http.server --bind 127.0.0.1"
#: A release that never starts.
DEAD = "echo cannot import module; sleep 2; exit 1"


@pytest.fixture
def port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@pytest.fixture
def next_door(port):
    """A server that has nothing to do with the gate."""
    command = [sys.executable, "-m", "http.server", "--bind", "127.0.0.1", str(port)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as server:
        for _ in range(100):
            with socket.socket() as client:
                client.settimeout(0.1)
                if client.connect_ex(("127.0.0.1", port)) == 0:
                    break
        yield server.pid
        server.kill()


@pytest.fixture
def gated(pytester):
    """Gate a release that does not start; returns pytester's result and the JSON."""

    def call(
        target: str, *, engine: str = "process", more: str = "", listener: str = "", dead=DEAD
    ):
        command = json.dumps(["sh", "-c", dead])
        (pytester.path / "bootgate.yaml").write_text(f"""\
releases: {{candidate: {{image: "{IMAGE}", command: {command}}}}}
targets: {{boot: {{timeout: 10s, listen: 0s, {target}}}}}
gate: {{boots: 1, noise: 1000, retries: 0}}
{more}
""")
        (pytester.path / "conftest.py").write_text(listener)
        result = pytester.runpytest_subprocess(
            *("-p", "no:cacheprovider", "bootgate.yaml", "--bootgate-engine", engine),
            *("--bootgate-json", "out.json"),
        )
        for stream in (result.stdout, result.stderr):
            stream.no_fnmatch_line("*Traceback (most recent call last)*")
        return result, json.loads(Path(pytester.path / "out.json").read_text())

    return call


@pytest.mark.lie("another server answers on the port of the proof (http)")
def test_a_server_next_door(gated, told, port, next_door):
    result, found = gated(f'proof: {{http: ":{port}/"}}')
    check(told, result, found)
    result.stdout.fnmatch_lines(f"*process {next_door} ({sys.executable} -m http.server*")


@pytest.mark.lie("another server answers on the port of the proof (http)")
def test_any_answer_counts(gated, told, port, next_door):
    """Also one that is not the proof: the release could never get that port."""
    check(told, *gated(f'proof: {{http: ":{port}/", status: 418}}'))


@pytest.mark.lie("another server answers on the port of the proof (tcp)")
@pytest.mark.usefixtures("next_door")
def test_a_port_next_door(gated, told, port):
    check(told, *gated(f'proof: {{tcp: ":{port}"}}'))


@pytest.mark.lie("another server is ready, and answers to the trigger")
@pytest.mark.usefixtures("next_door")
def test_a_server_next_door_that_is_triggered(gated, told, port):
    program = f"import urllib.request as r; r.urlopen('http://127.0.0.1:{port}/'); print('up')"
    trigger = json.dumps({"exec": [sys.executable, "-c", program]})
    ready = f'gateway: {{ready: {{http: ":{port}/"}}}}'
    check(told, *gated(f"trigger: {trigger}, proof: {{line: up, from: trigger}}", more=ready))


@pytest.mark.lie("a file that is the proof was left over from an earlier start")
@pytest.mark.parametrize("engine", ENGINES)
def test_a_left_over_file(gated, told, engine, tmp_path):
    file = tmp_path / "app.ready"
    file.touch()
    there = "/etc/os-release" if engine == "docker" else file  # it is in the sidecar's image
    check(told, *gated(f'proof: {{file: "{there}"}}', engine=engine))


@pytest.mark.lie("a server beside the sidecar answers on the port of the proof")
@pytest.mark.parametrize("engine", ENGINES)
def test_a_server_of_the_sidecar(gated, told, engine, port):
    connect = f"python3 -c 'import socket; socket.create_connection((\"127.0.0.1\", {port}))'"
    wait = f"until {connect} 2>/dev/null; do sleep 0.05; done"
    command = f"{SERVE} {port} >/dev/null 2>&1 & {wait}; exec python3 ${{program}}"
    more = f"sidecar: {{command: {json.dumps(['sh', '-c', command])}}}"
    check(told, *gated(f'proof: {{http: ":{port}/"}}', engine=engine, more=more))


@pytest.mark.lie("another server begins to listen on the port of the proof during the boot")
def test_a_server_that_is_started_during_the_boot(gated, told, port):
    listener = f"""\
import subprocess, sys
started = []
def pytest_bootgate_event(event):
    if event.kind == "trigger_sent":
        command = [sys.executable, "-m", "http.server", "--bind", "127.0.0.1", "{port}"]
        started.append(subprocess.Popen(command, stderr=subprocess.DEVNULL))
    elif event.kind == "boot_ended":
        started.pop().kill()
"""
    check(told, *gated(f'proof: {{http: ":{port}/"}}', listener=listener))


@pytest.mark.lie("another server begins to listen on the port of the proof during the boot")
def test_a_server_that_was_there_and_listens_during_the_boot(gated, told, port):
    """Here it is the process of pytest itself."""
    listener = f"""\
import socket
held = []
def pytest_bootgate_event(event):
    if event.kind == "trigger_sent":
        held.append(socket.create_server(("127.0.0.1", {port})))
"""
    check(told, *gated(f'proof: {{tcp: ":{port}"}}', listener=listener))


WHEN_TOLD = """\
import pathlib, socket, sys, time
while not pathlib.Path(sys.argv[1]).exists():
    time.sleep(0.02)
server = socket.create_server(("127.0.0.1", int(sys.argv[2])))
time.sleep(60)
"""


@pytest.mark.lie("another server listens on the port of the ready probe before the gateway does")
def test_a_server_that_is_ready_instead(gated, told, port, tmp_path):
    go = tmp_path / "go"
    command = [sys.executable, "-c", WHEN_TOLD, str(go), str(port)]
    with subprocess.Popen(command) as server:
        try:
            more = f'gateway: {{ready: {{tcp: ":{port}"}}}}'
            target = 'trigger: {exec: ["true"]}, proof: {line: never}'
            result, found = gated(target, more=more, dead=f"touch {go}; {DEAD}")
        finally:
            server.kill()
    check(told, result, found)


#: A service that listens, once the gateway was started.
LATE = """\
import os, socket, sys, time
while not os.path.exists("${dir}/started"):
    time.sleep(0.02)
where = sys.argv[1]
if where.isdigit():
    server = socket.create_server(("127.0.0.1", int(where)))
else:
    server = socket.socket(socket.AF_UNIX)
    server.bind(where)
    server.listen()
time.sleep(60)
"""
CONNECT = "import socket; socket.create_connection(('localhost', {port}))"


@pytest.fixture
def instead(gated, port):
    """Gate a release that hangs beside a service that listens, and is asked."""

    def call(engine: str, where: str, proof: dict):
        written = json.dumps(proof).replace("{port}", str(port))
        command = json.dumps(["python3", "-c", LATE, where.replace("{port}", str(port))])
        more = f"services: {{db: {{image: '{IMAGE}', command: {command}}}}}"
        dead = "touch ${dir}/started; sleep 60"
        return gated(f"proof: {written}", engine=engine, more=more, dead=dead)

    return call


@pytest.mark.lie("a service answers the command that is the proof")
@pytest.mark.parametrize("engine", ENGINES)
def test_a_service_that_answers_a_command(instead, told, engine):
    check(told, *instead(engine, "{port}", {"exec": ["python3", "-c", CONNECT]}))


@pytest.mark.lie("a service listens on the socket that is the proof")
@pytest.mark.parametrize("engine", ENGINES)
def test_a_socket(instead, told, engine):
    check(told, *instead(engine, "${dir}/a.sock", {"unix": "${dir}/a.sock"}))


@pytest.mark.docker
@pytest.mark.lie("a service answers at its own name, and the gateway does not")
def test_a_service_that_is_asked_by_its_name(instead, told):
    check(told, *instead("docker", "{port}", {"tcp": "db:{port}"}))


def test_a_followed_file_may_be_there_before(gated, tmp_path):
    """Only its new lines count."""
    log = tmp_path / "log"
    log.write_text("started\n")
    result, found = gated(f'proof: {{file: "{log}", line: started}}')
    assert verdicts(found) == {"fail"}
    result.stdout.fnmatch_lines("*the runner exited with 1 before the task started*")
