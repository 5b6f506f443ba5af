"""Run one fault through the real gate, and look at all that it said, left, wrote and took."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import psutil

from tests.pytest_plugin.conftest import TOY
from tests.pytest_plugin.test_secrets import forms

IMAGE = os.environ.get("BOOTGATE_PYTHON_IMAGE", "python:3.13-slim")
ROOT = Path(__file__).parents[2]
BOTH = ("process", "docker")
#: What the gateway of every row prints, and no artefact may hold.
SECRET = "planted/s3cret+of-the-fault-table"
#: In whatever form it may be written, and cut at either end.
SECRETS = sorted({*forms(SECRET), SECRET[:10], SECRET[-10:]})
SAY_SECRET = "do:print('key', os.environ['API_KEY'], flush=True)"
MOST_MEMORY = 200.0  # MiB
#: How long after the gate's end what it started may still be going away.
LEFT_WITHIN = 5.0
#: A terminal's commands, and those of CI services; the system under gate may command neither.
COMMANDS = re.compile(r"(?m)\x1b|##\[|##vso\[|##teamcity\[|^\s*::(?:error|warning|add-mask|stop)")
#: What Python prints of an error that nobody put into words, by itself or by way of pytest.
TRACEBACK = re.compile(
    r"(?m)Traceback \(most recent call last\)|INTERNALERROR|^E  +\S*(?:Error|Exception)\b"
    r"|^\S+\.py:\d+: \w*(?:Error|Exception)$"
)
STATUS = {0: "pass", 1: "red", 2: "interrupted", 3: "internal", 4: "usage", 5: "no tests"}

PHASES = {
    "engine": {"line": "engine ready"},
    "persona": {"line": "persona loaded"},
    "task_started": {"stub": True},
}
TOY_GATE: dict[str, Any] = {
    "gateway": {
        "command": ["python3", "${dir}/toy.py"],
        "files": {"${dir}/toy.py": {"path": str(TOY)}},
        "env": {"PORT": "${port.gateway}", "STUB": "http://127.0.0.1:${port.bell}/"},
        "ready": {"http": ":${port.gateway}/"},
        "ready_timeout": "20s",
        "version": {"line": r"toy (?P<version>\S+) is here"},
    },
    "sidecar": {"stub": {"port": "${port.bell}"}},
    "ports": {"gateway": 8080, "bell": 8099},
    "target": {
        "timeout": "8s",
        "listen": "300ms",
        "trigger": {"http": ":${port.gateway}/run", "body": "do ${target} ${token}"},
        "phases": PHASES,
        "signals": {
            "log": {"line": "job failed"},
            "run log": {"line": "run finished: ok", "means": "ok"},
        },
    },
    "targets": {"isolated": {}},
}
SCRIPT_GATE: dict[str, Any] = {
    "target": {"timeout": "8s", "listen": "0s"},
    "targets": {"boot": {"proof": {"line": "^ready$"}}},
}
COMMON: dict[str, Any] = {
    "releases": {"candidate": {"image": IMAGE}},
    "gateway": {"env": {"API_KEY": "${FAULT_SECRET}"}},
    "gate": {"boots": 1, "noise": 1000, "retries": 0},
}


@dataclass(frozen=True)
class Row:
    """One fault, and what is right: a verdict, and a pattern for the sentence that is to be said.

    `plan` is carried out by the toy gateway (tests/pytest_plugin/toy.py), `script` is a gateway of
    its own, for a shell; `gate` is merged into the gate file of either, and `file` replaces it.
    `verdict` is the result's, or how pytest ended where there is none: usage, red, interrupted, or
    killed.
    `before` prepares the row's directory, and `hand` does to the gate from outside what is the
    fault; it is called when the first event `when` is in the journal. `first` is a gate that runs,
    and is killed, before; `root` says that the row takes root's rights.
    """

    fault: str
    verdict: str
    says: str
    plan: Sequence[Any] | None = None
    script: str | None = None
    gate: Mapping[str, Any] = field(default_factory=dict)
    file: bytes | None = None
    engines: tuple[str, ...] = BOTH
    options: tuple[str, ...] = ()
    listener: str = ""
    env: Mapping[str, str] = field(default_factory=dict)
    prefix: tuple[str, ...] = ()
    before: Callable[[Gate], AbstractContextManager[None]] | None = None
    hand: Callable[[Gate], None] | None = None
    when: str = "trigger_sent"
    deadline: float = 60.0
    first: Row | None = None
    root: bool = False
    quick: bool = False


@dataclass
class Found:
    """What a row came to, and everything that is wrong about it.

    `masked` says that the system's own word of the secret was written, without the secret.
    """

    row: Row
    engine: str
    verdict: str = "?"
    said: str = ""
    seconds: float = 0.0
    left: list[str] = field(default_factory=list)
    secrets: list[str] = field(default_factory=list)
    memory: float = 0.0
    wrong: list[str] = field(default_factory=list)
    output: str = ""
    masked: bool = False
    kept: Path | None = None


class Gate:
    """pytest with a gate file, in a process and a directory of its own."""

    def __init__(self, row: Row, engine: str, path: Path) -> None:
        self.row, self.engine, self.path = row, engine, path
        self.pids: set[int] = set()
        self.memory = 0.0
        self.output = ""
        self.seconds = 0.0
        self.deadline = time.monotonic() + row.deadline
        self.journal = path / "out" / "journal.db"
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith(("PYTEST_", "BOOTGATE_R"))},
            "TMPDIR": str(path / "tmp"),
            "BOOTGATE_QUEUE_DIR": str(path / "queue"),
            "FAULT_SECRET": SECRET,
            "FAULT_PORT": str(port),
            "PYTHONPATH": "",
            **row.env,
        }

    def run(self) -> int | None:
        """Run it to its end; the exit status, None where it did not end in time."""
        python = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "bootgate.yaml"]
        out = "out"
        command = [
            *(*self.row.prefix, *python, f"--bootgate-engine={self.engine}"),
            *(f"--bootgate-json={out}/out.json", f"--bootgate-html={out}/out.html"),
            *(f"--junitxml={out}/junit.xml", f"--bootgate-journal={out}/journal.db"),
            *self.row.options,
        ]
        began = time.monotonic()
        with (self.path / "out" / "terminal").open("ab") as terminal:
            self.process = subprocess.Popen(
                command,
                cwd=self.path,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=terminal,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                # In the background of a script SIGINT is ignored, and that would be inherited.
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
            )
            hand = threading.Thread(target=self._lend_a_hand, daemon=True)
            hand.start()
            try:
                status = self._wait()
            finally:
                if self.process.poll() is None:
                    self.process.kill()
                    self.process.wait()
        self.seconds = time.monotonic() - began
        hand.join(10)
        self.output = (self.path / "out" / "terminal").read_bytes().decode("utf-8", "replace")
        return status

    def _wait(self) -> int | None:
        gate = psutil.Process(self.process.pid)
        look = 0.0
        while (status := self.process.poll()) is None:
            if time.monotonic() > self.deadline:
                return None
            with contextlib.suppress(psutil.Error, OSError, ValueError, AttributeError):
                text = Path(f"/proc/{self.process.pid}/status").read_text()
                peak = re.search(r"VmHWM:\s+(\d+)", text)
                self.memory = max(self.memory, int(peak[1]) / 1024 if peak else 0)
                if time.monotonic() > look:
                    self.pids |= {gate.pid, *(p.pid for p in gate.children(recursive=True))}
                    look = time.monotonic() + 0.5
            time.sleep(0.05)
        return status

    def _lend_a_hand(self) -> None:
        if self.row.hand is not None and self.wait_for(self.row.when):
            self.row.hand(self)

    def wait_for(self, kind: str) -> bool:
        """Wait for an event in the journal; whether it came while the gate ran."""
        query = "SELECT count(*) FROM events WHERE kind = ?"
        while self.process.poll() is None:
            with (
                contextlib.suppress(sqlite3.Error),
                contextlib.closing(sqlite3.connect(f"file:{self.journal}?mode=ro", uri=True)) as db,
            ):
                if db.execute(query, (kind,)).fetchone()[0]:
                    return True
            time.sleep(0.05)
        return False

    def children(self, word: str) -> list[psutil.Process]:
        """Its descendants with a word in their command."""
        found = psutil.Process(self.process.pid).children(recursive=True)
        return [one for one in found if word in " ".join(one.cmdline())]

    def containers(self, word: str = "") -> list[str]:
        """The containers of this row, by what they run."""
        shown = '{{.ID}} {{.Label "bootgate.owner"}} {{.Command}}'
        lines = _docker("ps", "-a", "--no-trunc", "--format", shown)
        return [line.split()[0] for line in lines if self._owns(line) and word in line]

    def _owns(self, line: str) -> bool:
        owner = re.search(r"\.(\d+)\.\d+(?:\s|$)", line)
        return owner is not None and int(owner[1]) in self.pids

    def left(self) -> list[str]:
        """What is still there of this row: processes, what the engine keeps, directories."""
        found = [f"process {p.pid} {text}" for p, text in _naming(str(self.path))]
        found += [str(path) for path in (self.path / "tmp").glob("bootgate-*")]
        if self.engine == "docker" and "DOCKER_HOST" not in self.row.env:
            found += [f"container {one[:12]}" for one in self.containers()]
            for kind in ("volume", "network"):
                shown = '{{.Name}} {{.Label "bootgate.owner"}}'
                labelled = ("--filter", "label=bootgate.run", "--format", shown)
                lines = _docker(kind, "ls", *labelled)
                found += [f"{kind} {line}" for line in lines if self._owns(line)]
        return found


def _naming(path: str) -> Iterator[tuple[psutil.Process, str]]:
    """The processes that a directory stands in: their command, environment or working directory."""
    own = {os.getpid(), *(above.pid for above in psutil.Process().parents())}
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.pid in own or process.status() == psutil.STATUS_ZOMBIE:
                continue
            words = " ".join(process.cmdline())
            if path in words or path in str(process.environ()) or path in process.cwd():
                yield process, words[:80]


def _docker(*words: str) -> list[str]:
    command = ["docker", *words]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()


def merged(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """Two gate files; the entries of the other win, and those it says are None go away."""
    found = dict(one)
    for key, value in other.items():
        if isinstance(value, Mapping) and isinstance(found.get(key), Mapping):
            found[key] = merged(found[key], value)
        elif value is None:
            found.pop(key, None)
        else:
            found[key] = value
    return found


def gate_file(row: Row) -> bytes:
    """The gate file of a row, in JSON, which is YAML."""
    if row.file is not None:
        return row.file
    found = COMMON
    if row.plan is not None:
        found = merged(found, TOY_GATE)
        several = row.plan and isinstance(row.plan[0], list)
        plan = row.plan if several else [SAY_SECRET, *row.plan]
        found = merged(found, {"gateway": {"env": {"PLAN": json.dumps(plan)}}})
    if row.script is not None:
        script = f'echo "key $$API_KEY"\n{row.script}'
        found = merged(found, SCRIPT_GATE)
        found = merged(found, {"releases": {"candidate": {"command": ["sh", "-c", script]}}})
    return json.dumps(merged(found, row.gate), indent=1).encode()


def judge(row: Row, engine: str) -> Found:
    """Run a row on an engine, and say what is wrong about it."""
    path = Path(tempfile.mkdtemp(prefix="fault-", dir="/tmp")).resolve()
    for name in ("tmp", "queue", "out"):
        (path / name).mkdir()
    found, gates = Found(row, engine), [Gate(one, engine, path) for one in (row.first, row) if one]
    *before, gate = gates
    content = gate_file(row)
    with contextlib.ExitStack() as prepared:
        try:
            for earlier in before:
                (path / "bootgate.yaml").write_bytes(gate_file(earlier.row))
                if (ended := _verdict(path, earlier.run())) != earlier.row.verdict:
                    found.wrong.append(f"the gate before it: {ended}, not {earlier.row.verdict}")
                gate.pids |= earlier.pids
            (path / "bootgate.yaml").write_bytes(content)
            if row.listener:
                (path / "conftest.py").write_text(row.listener)
            if row.before is not None:
                prepared.enter_context(row.before(gate))
            status = gate.run()
            found.seconds, found.memory = gate.seconds, gate.memory
            found.output, found.verdict = gate.output, _verdict(path, status)
            found.said = _said(row, gate.output)
            found.left = _wait_until_nothing_is_left(gate)
            texts = _written(path)
            found.secrets = [f"{n}: {f}" for n, text in texts.items() for f in SECRETS if f in text]
            found.masked = any("key ***" in text for text in texts.values())
            found.wrong += _wrong(found, path, content)
        finally:
            for process, _ in _naming(str(path)):
                with contextlib.suppress(psutil.Error):
                    for one in (*process.children(recursive=True), process):
                        one.kill()
            if engine == "docker" and (left := gate.containers()):
                subprocess.run(["docker", "rm", "-fv", *left], capture_output=True, check=False)
    if found.wrong:
        found.kept = path
    else:
        shutil.rmtree(path, ignore_errors=True)
    return found


def _verdict(path: Path, status: int | None) -> str:
    if status is None:
        return "no end"
    with contextlib.suppress(OSError, ValueError, KeyError):
        verdict = str(json.loads((path / "out" / "out.json").read_text())["verdict"])
        green = verdict in ("pass", "warn", "inconclusive")
        return verdict if green == (status == 0) else f"{verdict}, but status {status}"
    return "killed" if status < 0 else STATUS.get(status, str(status))


def _said(row: Row, output: str) -> str:
    """The line of the output in which what is to be said is said, from where it is said."""
    if row.says and (match := re.search(row.says, output)):
        start = output.rfind("\n", 0, match.start()) + 1
        end = output.find("\n", match.end())
        return output[start : end if end >= 0 else None].strip()
    return ""


def _wait_until_nothing_is_left(gate: Gate) -> list[str]:
    until = time.monotonic() + LEFT_WITHIN
    while (left := gate.left()) and time.monotonic() < until:
        time.sleep(0.1)
    return left


def _written(path: Path) -> dict[str, str]:
    """All that a row wrote or printed, whatever it is, as text."""
    return {
        str(file.relative_to(path)): file.read_bytes().decode("utf-8", "replace")
        for file in path.rglob("*")
        if file.is_file() and not file.is_symlink()
    }


def _wrong(found: Found, path: Path, content: bytes) -> Iterator[str]:
    row = found.row
    if not re.fullmatch(row.verdict, found.verdict):
        yield f"verdict {found.verdict}, not {row.verdict}"
    if not found.said and row.says:
        yield f"nothing said matches {row.says!r}"
    if found.left:
        yield f"left: {'; '.join(found.left[:4])}"
    if found.secrets:
        yield f"secret in {'; '.join(found.secrets[:3])}"
    if bad := TRACEBACK.search(found.output):
        yield f"printed {bad[0]!r}"
    if command := COMMANDS.search(found.output):
        yield f"printed the command {command[0]!r}"
    if found.memory > MOST_MEMORY:
        yield f"took {found.memory:.0f} MiB"
    if (path / "bootgate.yaml").is_file() and (path / "bootgate.yaml").read_bytes() != content:
        yield "the gate file was changed"
    for file, parse in (("junit.xml", ET.parse), ("out.json", _json)):
        if (path / "out" / file).is_file():
            try:
                parse(path / "out" / file)
            except (ET.ParseError, ValueError) as error:
                yield f"{file} cannot be read: {error}"


def _json(path: Path) -> Any:
    return json.loads(path.read_text())
