"""Whoever asked to be told of a verdict is told, or the run is red."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.pytest_plugin.conftest import GOOD

SLOW = ["engine ready"]  # and no proof ever

NOTIFY = """\
notify:
  on call: {{command: [{command}]{more}}}
"""
KEEP = (
    "python3, -c, \"import sys, pathlib; pathlib.Path('told.json').write_text(sys.stdin.read())\""
)


def told(pytester):
    return json.loads((pytester.path / "told.json").read_text())


def test_a_command_gets_the_verdict_of_a_failed_gate(gate, run, pytester):
    gate(SLOW, boots=1, timeout="300ms", more=NOTIFY.format(command=KEEP, more=""))
    result = run("bootgate.yaml")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["notified on call: fail"])
    verdict = told(pytester)
    assert verdict["verdict"] == "fail"
    assert "isolated" in verdict["text"]
    assert "timed out" in verdict["text"]
    assert verdict["targets"][0]["target"] == "isolated"
    assert "reported by:" in verdict["targets"][0]["story"]


def test_a_gate_that_could_not_measure_is_told_too(gate, played, pytester):
    path = gate(boots=1, more=NOTIFY.format(command=KEEP, more=""))
    path.write_text(path.read_text().replace("[python3", "[no-such-program", 1))
    assert played("bootgate.yaml").ret == 1
    assert told(pytester)["verdict"] == "error"


def test_nobody_is_told_of_a_pass(gate, played, pytester):
    gate(GOOD, boots=1, more=NOTIFY.format(command=KEEP, more=""))
    assert played("bootgate.yaml").ret == 0
    assert not (pytester.path / "told.json").exists()


def test_a_command_that_ends_well_and_leaves_a_child_has_told(gate, played, pytester):
    """The child holds its output open: it was taken for one that still ran."""
    gate(
        SLOW,
        boots=1,
        timeout="300ms",
        more=NOTIFY.format(command='sh, -c, "sleep 8 & exit 0"', more=", deadline: 3s"),
    )
    result = played("bootgate.yaml")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["notified on call: fail"])


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ('sh, -c, "echo no network >&2; exit 7"', "`sh` exited with 7: no network"),
        ("no-such-pager", "`no-such-pager` could not be run: No such file or directory"),
    ],
)
def test_a_notification_that_fails_is_said_and_is_an_event(gate, played, pytester, command, words):
    pytester.makeconftest(
        "def pytest_bootgate_event(event):\n"
        "    if event.kind == 'notification_failed':\n"
        "        print(f'EVENT {event.to}: {event.detail}')\n"
    )
    gate(SLOW, boots=1, timeout="300ms", more=NOTIFY.format(command=command, more=""))
    result = played("bootgate.yaml", "-s")
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        [f"*EVENT on call: {words}", f"ERROR: on call could not be notified: {words}"]
    )


def test_a_notification_that_fails_makes_a_run_red_that_was_not(gate, played):
    # With a passing test beside it and a verdict of inconclusive, which passes.
    path = gate(GOOD, boots=1, more=NOTIFY.format(command="'false'", more=", when: [inconclusive]"))
    text = path.read_text()
    start, end = text.index("  candidate:"), text.index("gateway:")
    baseline = (
        text[start:end].replace("candidate", "baseline").replace("env: {", "env: {OLD: '1', ")
    )
    path.write_text(text[:start] + baseline + text[start:])
    result = played("bootgate.yaml")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["ERROR: on call could not be notified: `false` exited with 1"])


class Hook(ThreadingHTTPServer):
    """A webhook; its answer is set in `status`, what it got is in `got`."""

    status = 200
    got: list


@pytest.fixture
def hook():

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            server.got.append((self.path, self.headers["X-Key"], json.loads(body)))
            self.send_response(server.status)
            self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = Hook(("127.0.0.1", 0), Handler)
    server.got = []
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


WEBHOOK = """\
notify:
  chat: {{webhook: "http://127.0.0.1:{port}/secret", headers: {{X-Key: "${{KEY}}"}}}}
"""


def test_a_webhook_gets_the_verdict(gate, played, hook, monkeypatch):
    monkeypatch.setenv("KEY", "a$key")
    gate(SLOW, boots=1, timeout="300ms", more=WEBHOOK.format(port=hook.server_port))
    played("bootgate.yaml").stdout.fnmatch_lines(["notified chat: fail"])
    [(path, key, verdict)] = hook.got
    assert (path, key, verdict["verdict"]) == ("/secret", "a$key", "fail")


@pytest.mark.parametrize("status", [500, 302])
def test_a_webhook_that_does_not_take_it(gate, played, hook, monkeypatch, status):
    monkeypatch.setenv("KEY", "key")
    hook.status = status
    gate(SLOW, boots=1, timeout="300ms", more=WEBHOOK.format(port=hook.server_port))
    result = played("bootgate.yaml")
    result.stdout.fnmatch_lines([f"ERROR: chat could not be notified: 127.0.0.1 answered {status}"])
    result.stdout.no_fnmatch_line("*secret*")


def test_a_webhook_that_nobody_answers(gate, played, monkeypatch):
    monkeypatch.setenv("KEY", "key")
    gate(SLOW, boots=1, timeout="300ms", more=WEBHOOK.format(port=1))
    played("bootgate.yaml").stdout.fnmatch_lines(
        ["ERROR: chat could not be notified: 127.0.0.1 could not be reached (*refused*)"]
    )


def test_workers_leave_the_telling_to_the_controller(gate, played, hook, monkeypatch):
    monkeypatch.setenv("KEY", "key")
    gate(SLOW, boots=1, timeout="300ms", more=WEBHOOK.format(port=hook.server_port))
    played("bootgate.yaml", "-n", "2").stdout.fnmatch_lines(["notified chat: fail"])
    assert len(hook.got) == 1


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "xdist"])
def test_a_run_that_stops_at_its_first_failure_tells_of_it(gate, played, pytester, workers):
    gate(SLOW, boots=1, timeout="300ms", more=NOTIFY.format(command=KEEP, more=""))
    result = played("bootgate.yaml", "-x", *workers)
    assert result.ret == (2 if workers else 1)
    result.stdout.fnmatch_lines(["notified on call: fail"])
    assert told(pytester)["verdict"] == "fail"


def test_a_run_that_somebody_ends_tells_nobody(gate, played, pytester):
    path = gate(SLOW, boots=1, timeout="300ms", more=NOTIFY.format(command=KEEP, more=""))
    path.write_text(path.read_text().replace("  isolated: {}", "  isolated: {}\n  main: {}"))
    pytester.makeconftest(
        "import os\n"
        "def pytest_bootgate_event(event):\n"
        "    if event.kind == 'trigger_sent' and event.boot.target == 'main':\n"
        "        os.kill(os.getpid(), 2)\n"
    )
    assert played("bootgate.yaml").ret == 2
    assert not (pytester.path / "told.json").exists()
