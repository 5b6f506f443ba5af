"""A gate file in an editor: yaml-language-server itself completes, explains and finds mistakes."""

from __future__ import annotations

import json
import re
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pytest_bootgate.cli import main
from pytest_bootgate.gatefile.schema import MODELINE, described
from tests.conftest import ROOT

SERVER = ROOT / ".linters" / "node_modules" / ".bin" / "yaml-language-server"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not SERVER.exists(), reason="run ci/linters"),
]
GATE = f"""\
{MODELINE}\
releases:
  candidate:
    command: [serve]
ports: {{web: 8080}}
targets:
  isolated:
    timeout: 60s
    start: cold
    proof:
      http: ":8080/health"
    propagation: {{hold: pause}}
profiles:
  low-spec:
    cpus: 0.25
    memory: 2g
gate:
  fail_at: 80%
  boots: 5..30
  retries: 1
"""
#: A wrong value for each key, and what is said of it.
WRONG = {
    "command": ("serve", "'command' must be a list: write [one, two]"),
    "ports": ("8080", "'ports' must be a mapping: write key: value"),
    "timeout": ("60", "this has no unit: write 60s, 1m30s or 250ms"),
    "start": ("wram", "'start' must be cold or warm"),
    "http": ("8080", "'http' must be a text: write \":8080/health\""),
    "propagation": ("pause", "a propagation test must be a mapping: write key: value"),
    "cpus": ("half", "'cpus' must be a number"),
    "memory": ("512", "this is not an amount of memory: write 512m or 2g"),
    "fail_at": ("0.8", "this has no unit: write 80%"),
    "boots": ("many", "this is not a number of boots: write 5 or 5..30"),
    "retries": ("9", "'retries' must be at most 3: write 1; more would hide what they should tell"),
}


class Editor:
    """An editor in a directory, and the server at the other end of its pipe.

    Each text is a file of its own: what the server says of a text names its file, not its version.
    """

    def __init__(self, here: Path) -> None:
        self._here, self._calls = here, 0
        self._problems: dict[str, list[Any]] = {}
        self._server = subprocess.Popen(
            [str(SERVER), "--stdio"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self._limit = threading.Timer(60, self._server.kill)
        self._limit.start()
        self._call("initialize", processId=None, rootUri=here.as_uri(), capabilities={})
        self._tell("initialized")
        settings = {"schemaStore": {"enable": False}, "hover": True, "completion": True}
        yaml = {**settings, "validate": True}
        self._tell("workspace/didChangeConfiguration", settings={"yaml": yaml})

    def open(self, text: str) -> str:
        """Show a text; returns the name of its file."""
        self._calls += 1
        uri = (self._here / f"{self._calls}.bootgate.yaml").as_uri()
        document = {"uri": uri, "languageId": "yaml", "version": 1, "text": text}
        self._tell("textDocument/didOpen", textDocument=document)
        return uri

    def problems(self, text: str) -> dict[int, str]:
        """What it says of each line, from 0."""
        uri = self.open(text)
        while uri not in self._problems:
            self._read()
        return {one["range"]["start"]["line"]: one["message"] for one in self._problems[uri]}

    def ask(self, what: str, text: str, line: int, column: int) -> Any:
        document, place = {"uri": self.open(text)}, {"line": line, "character": column}
        return self._call(f"textDocument/{what}", textDocument=document, position=place)

    def close(self) -> None:
        self._limit.cancel()
        self._server.kill()
        self._server.communicate()

    def _call(self, method: str, **params: Any) -> Any:
        self._calls += 1
        self._send({"id": self._calls, "method": method, "params": params})
        while (answer := self._read()).get("id") != self._calls or "method" in answer:
            pass
        return answer["result"]

    def _tell(self, method: str, **params: Any) -> None:
        self._send({"method": method, "params": params})

    def _send(self, message: dict[str, Any]) -> None:
        data = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self._server.stdin.write(b"Content-Length: %d\r\n\r\n%b" % (len(data), data))
        self._server.stdin.flush()

    def _read(self) -> dict[str, Any]:
        """The next message; answers what the server asks, and keeps the problems."""
        head = b"".join(iter(self._server.stdout.readline, b"\r\n"))
        assert head, "the server ended"
        message = json.loads(
            self._server.stdout.read(int(re.search(rb"(?i)length: (\d+)", head)[1]))
        )
        if "id" in message and "method" in message:
            items = message["params"].get("items", [])
            self._send({"id": message["id"], "result": [None] * len(items)})
        elif message.get("method") == "textDocument/publishDiagnostics":
            self._problems[message["params"]["uri"]] = message["params"]["diagnostics"]
        return message


@pytest.fixture(scope="module")
def here(tmp_path_factory) -> Path:
    """What ``bootgate init`` made."""
    here = tmp_path_factory.mktemp("editor")
    assert main(["init", str(here)]) == 0
    return here


@pytest.fixture(scope="module")
def editor(here) -> Iterator[Editor]:
    editor = Editor(here)
    yield editor
    editor.close()


def place_of(key: str, text: str) -> tuple[int, int]:
    """The line and the column at which a key begins, from 0."""
    lines = text.splitlines()
    number = next(n for n, line in enumerate(lines) if line.lstrip().startswith(f"{key}:"))
    return number, lines[number].index(key)


def test_the_wrong_values(editor, here) -> None:
    text = GATE + "  near: 0.8\n"
    for key, (wrong, _) in WRONG.items():
        text = re.sub(rf"^( *{key}:).*", rf"\1 {wrong}", text, flags=re.MULTILINE)
    said = {place_of(key, text)[0]: message for key, (_, message) in WRONG.items()}
    said[place_of("near", text)[0]] = "'near' is called 'fail_at' now"
    assert len(said) > 10
    assert editor.problems(text) == said
    assert editor.problems((here / "bootgate.yaml").read_text()) == {}


@pytest.mark.parametrize("key", WRONG)
def test_a_key(editor, key) -> None:
    """It is explained where it stands, and proposed where it could."""
    line, column = place_of(key, GATE)
    shown = editor.ask("hover", GATE, line, column + 1)["contents"]["value"]
    assert any(text in shown for text in described()[key].values()), shown
    lines = GATE.splitlines()
    lines[line] = " " * column
    found = editor.ask("completion", "\n".join(lines), line, column)["items"]
    proposed = {one["label"] for one in found}
    assert key in proposed
    assert "near" not in proposed


def test_a_value(editor) -> None:
    line, _ = place_of("start", GATE)
    proposed = {one["label"] for one in editor.ask("completion", GATE, line, 11)["items"]}
    assert proposed >= {"cold", "warm"}
