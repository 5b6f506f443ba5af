"""Secrets that are planted everywhere, printed by the system in every form: in no artefact."""

from __future__ import annotations

import base64
import html
import json
import os
import socket
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest

from tests import nursery
from tests.reports.formats.readers import NAMES

IMAGE = os.environ.get("BOOTGATE_PYTHON_IMAGE", "python:3.13-slim")
ENGINES = ["process", pytest.param("docker", marks=pytest.mark.docker)]
#: What each is called in the gate file or the environment, and how it is printed.
SECRETS = {
    "API_KEY": 'sk-live/w&rd+"q" 77',
    "DATABASE": "db-passw0rd-in-url",
    "LITERAL": "literal-0f-the-file",
    "BEARER": "eyJhbGciOiJIUzI1NiJ9.e30.sig",
    "HOOK": "T0PHOOKPATH99",
    "LINE": "line-of-a-secret-file-1",
    "OPENAI": "from-env-without-a-name-9",
    "BODY": "in-the-json-of-the-request",
}
GATEWAY = r"""
import base64, html, json, os, sys, time
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import quote, quote_plus
secrets = json.loads(base64.b85decode(os.environ["ALL"]))
def forms(text):
    data = text.encode()
    yield from (text, quote(text), quote(text, safe=""), quote_plus(text), html.escape(text))
    yield from (json.dumps(text), data.hex(), data.hex().upper(), repr(text))
    for before in ("", "u", "us", "user:"):
        yield base64.b64encode(before.encode() + data).decode()
        yield base64.urlsafe_b64encode(before.encode() + data).decode()
def everything():
    for text in secrets.values():
        for form in forms(text):
            yield form
            yield "x" * 390 + form  # where the gate cuts a line
            yield "failed with " + form
class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.send_response(200)
        self.end_headers()
        self.wfile.write("\n".join([*everything(), body, str(self.headers)]).encode())
        print("version", secrets["API_KEY"], flush=True)
        for text in everything():
            print(text, flush=True)
            print(text, file=sys.stderr, flush=True)
            with open(os.environ["LOG"], "a") as log:
                print(text, file=log)
        print("job failed: wrong key", secrets["API_KEY"], secrets["BEARER"], flush=True)
        print("stage", secrets["DATABASE"] + ":12ms", flush=True)
    def log_message(self, *_):
        pass
HTTPServer(("", int(os.environ["PORT"])), Handler).serve_forever()
"""
GATE = r"""
releases: {candidate: {%IMAGE%command: %COMMAND%}}
ports: {web: 8080}
gateway:
  env:
    PORT: "${port.web}"
    ALL: '%ALL%'
    LOG: "${dir}/app.log"
    API_KEY: "${MY_KEY}"
    SERVICE: "${OPENAI}"
    SERVICE_PASSWORD: literal-0f-the-file
    DATABASE_URL: postgres://user:db-passw0rd-in-url@db/1
  files: {"${dir}/credentials": {secret: true, text: "[default]\nkey = line-of-a-secret-file-1\n"}}
  ready: {http: ":${port.web}/"}
target:
  timeout: 2s
  listen: 200ms
  trigger:
    http: ":${port.web}/run"
    headers: {Authorization: "Bearer eyJhbGciOiJIUzI1NiJ9.e30.sig"}
    json: {task: "${token}", client_secret: in-the-json-of-the-request}
  signals: {log: {line: "job (?P<text>failed.*)"}}
  stages: {own: {line: "^stage"}}
targets:
  boot:
    phases:
      said: {line: "version (?P<v>.*)"}
      log: {file: "${dir}/app.log", line: "never ${token}"}
notify:
  chat: {webhook: "http://127.0.0.1:%HOOK%/services/T0PHOOKPATH99?x=1"}
  script: {command: [sh, -c, "cat > notice.json; echo $MY_KEY; exit 3"]}
gate: {boots: 1, noise: 1000, retries: 0}
"""
HOOKS = """
import pathlib
def pytest_bootgate_event(event):
    with pathlib.Path("events.txt").open("a") as file:
        print(repr(event), file=file)
"""


@pytest.fixture
def hook():
    """A webhook that takes what it is sent and answers with an error."""
    said: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            said.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(500)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port, said
    server.shutdown()
    server.server_close()


def write(path: Path, engine: str, port: int) -> None:
    every = base64.b85encode(json.dumps(SECRETS).encode()).decode()
    python = "python3" if engine == "docker" else sys.executable
    text = (
        GATE.replace("%COMMAND%", json.dumps([python, "-c", "${GATEWAY}"]))
        .replace("%IMAGE%", f'image: "{IMAGE}", ' if engine == "docker" else "")
        .replace("%ALL%", every.replace("'", "''").replace("$", "$$"))
        .replace("%HOOK%", str(port))
    )
    (path / "bootgate.yaml").write_text(text)


def environment() -> dict[str, str]:
    given = {"MY_KEY": SECRETS["API_KEY"], "OPENAI": SECRETS["OPENAI"], "GATEWAY": GATEWAY}
    return {**os.environ, **given}


def forms(secret: str):
    data = secret.encode()
    yield from (secret, quote(secret), quote(secret, safe=""), quote_plus(secret))
    yield from (html.escape(secret), json.dumps(secret)[1:-1], data.hex(), data.hex().upper())
    for skipped in range(3):  # without what also depends on its neighbours
        text = base64.b64encode(b"u" * skipped + data).decode().rstrip("=")
        inner = text[-(-skipped * 8 // 6) : (skipped + len(data)) * 8 // 6]
        yield from (inner, inner.replace("+", "-").replace("/", "_"))


def planted(text: str) -> list[str]:
    """The secrets that are in a text, by their names and forms."""
    return [
        f"{name}: {form}" for name, one in SECRETS.items() for form in forms(one) if form in text
    ]


@pytest.mark.parametrize("engine", ENGINES)
def test_no_artefact_has_a_secret(pytester, engine, hook):
    port, said = hook
    write(pytester.path, engine, port)
    (pytester.path / "conftest.py").write_text(HOOKS)
    reports = [f"--bootgate-report={name}=reports/{path}" for name, path in NAMES.items()]
    done = nursery.run(
        [
            *(sys.executable, "-m", "pytest", "-pno:cacheprovider", "-vv", "bootgate.yaml"),
            *(f"--bootgate-engine={engine}", "--bootgate-json=out.json", "--junitxml=own.xml"),
            *("--bootgate-html=out.html", "--bootgate-journal=journal.db", *reports),
        ],
        cwd=pytester.path,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    output = done.stdout + done.stderr
    assert done.returncode == 1, output
    assert "what happened" in output
    (target,) = json.loads((pytester.path / "out.json").read_text())["targets"]
    (boot,) = target["boots"]
    assert boot["tails"]["gateway.out"], boot  # it did speak
    assert any("app.log" in name for name in boot["tails"])
    log = nursery.run(
        [sys.executable, "-m", "pytest_bootgate", "log", "--json", "--journal", "journal.db"],
        cwd=pytester.path,
        capture_output=True,
        text=True,
        check=False,
    )
    texts = {"the terminal": output, "bootgate log": log.stdout + log.stderr}
    texts["the webhook"] = b"".join(said).decode()
    assert texts["the webhook"]
    for path in pytester.path.rglob("*"):
        if path.is_file() and path.name not in ("bootgate.yaml", "conftest.py"):
            texts[path.name] = path.read_bytes().decode("utf-8", "replace")
    assert {"events.txt", "notice.json", "journal.db", "out.html", "junit.xml"} <= set(texts)
    assert {name: found for name, text in texts.items() if (found := planted(text))} == {}


def test_nor_do_other_commands(pytester, hook):
    write(pytester.path, "process", hook[0])
    for words in (["check"], ["doctor", "bootgate.yaml"], ["probe", "bootgate.yaml"]):
        done = nursery.run(
            [sys.executable, "-m", "pytest_bootgate", *words],
            cwd=pytester.path,
            env=environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.stdout
        assert planted(done.stdout + done.stderr) == [], words


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("sk-with-a-line-end\n", "the header 'Authorization' has a line end"),
        ("sk-with-\x07-a-bell", "the header 'Authorization' has a line end or another control"),
    ],
)
def test_a_header_with_a_line_end_is_a_mistake_that_does_not_print_it(pytester, value, text):
    (pytester.path / "bootgate.yaml").write_text("""\
releases: {candidate: {command: [x]}}
targets:
  a:
    timeout: 1s
    proof: {line: up}
    trigger: {http: ":80/", headers: {Authorization: "Bearer ${TOKEN}"}, method: "${TOKEN}"}
""")
    done = nursery.run(
        [sys.executable, "-m", "pytest_bootgate", "check"],
        cwd=pytester.path,
        env={**os.environ, "TOKEN": value},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 4
    assert "bootgate.yaml:6:" in done.stderr
    assert text in done.stderr
    assert "sk-with" not in done.stderr


def test_an_error_of_a_command_that_cannot_start_has_no_arguments(pytester):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
    (pytester.path / "bootgate.yaml").write_text("""\
releases: {candidate: {command: [/no/such/program, --key, "${MY_TOKEN}"]}}
targets: {a: {timeout: 1s, proof: {line: up}}}
""")
    done = nursery.run(
        [sys.executable, "-m", "pytest", "-pno:cacheprovider", "bootgate.yaml", "-vv"],
        cwd=pytester.path,
        env={**os.environ, "MY_TOKEN": "t0ken-in-a-command"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "/no/such/program" in done.stdout
    assert "t0ken-in-a-command" not in done.stdout + done.stderr
