"""All engines, driven through their common interface by the tests of the contract.

A program of the contract is written twice: in Python, and as a script for the engine in memory.
"""

from __future__ import annotations

import json
import os
import queue
import secrets
import socket
import subprocess
import sys
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from pytest_bootgate.engines.base import Chunk, Engine, Place, Running, Unit, UnitSpec
from pytest_bootgate.engines.clock import REAL, Clock
from pytest_bootgate.engines.memory import MemoryEngine
from pytest_bootgate.gatefile.model import Kubernetes
from pytest_bootgate.observe.lines import Line, LineSplitter
from pytest_bootgate.sidecar import packed

IMAGE = os.environ.get("BOOTGATE_PYTHON_IMAGE", "bootgate-python:local")


@dataclass
class Lines:
    """A sink that keeps what arrived, and waits for what has not."""

    clock: Clock = REAL
    waiting: deque[Line] = field(default_factory=deque)
    ready: threading.Condition = field(default_factory=threading.Condition)
    splitter: LineSplitter = field(default_factory=LineSplitter)
    seen: list[Line] = field(default_factory=list)
    passed: list[Line] = field(default_factory=list)

    def __call__(self, chunk: Chunk) -> None:
        with self.ready:
            self.waiting.extend(self.splitter.lines(chunk))
            self.ready.notify()

    def until(self, stream: str, text: str | None, timeout: float = 15.0) -> Line:
        """The next line of a stream that holds a text; None waits for its end."""

        def found(line: Line) -> bool:
            right = line.text is None if text is None else text in (line.text or "")
            return line.stream == stream and right

        for line in self.passed:  # the order of two units is nobody's promise
            if found(line):
                self.passed.remove(line)
                return line
        deadline = self.clock.now() + timeout
        while (left := deadline - self.clock.now()) > 0:
            with self.ready:
                if not self.waiting:
                    self.clock.wait(self.ready, left)
                if not self.waiting:
                    continue
                line = self.waiting.popleft()
            self.seen.append(line)
            if found(line):
                return line
            self.passed.append(line)
        raise AssertionError(f"no {text!r} on {stream} within {timeout} s; seen: {self.seen}")

    def texts(self, stream: str) -> list[str | None]:
        return [line.text for line in self.seen if line.stream == stream]


@dataclass
class Bench:
    """One place of one engine, and short ways to make units there."""

    engine: Engine
    place: Place
    lines: Lines

    @property
    def is_docker(self) -> bool:
        return self.engine.name == "docker"

    @property
    def contained(self) -> bool:
        """Whether its units have images."""
        return self.engine.name in ("docker", "kubernetes")

    @property
    def clock(self) -> Clock:
        return self.engine.clock

    def make(self, program: str, script=None, *, role: str = "gateway", **more) -> Unit:
        """A Python program as a unit, not started; in memory the script that does the same."""
        return self.unit(self.command(program, script, role), role=role, **more)

    def command(self, program: str, script, role: str = "gateway") -> list[str]:
        if isinstance(self.engine, MemoryEngine):
            self.engine.programs[role if role == "sidecar" else program] = script
            return [program]
        return [self.python, "-uc", program]

    def run(self, unit: Unit, program: str, script, env=None) -> Running:
        """Run a program beside a unit, as a trigger."""
        return unit.run("trigger", self.command(program, script), env)

    def expect(self, *roles: str) -> None:
        """Several units will be made; each will have what all have."""
        self.place.expect([self.spec(["true"], role=role) for role in roles], None)

    def unit(self, command, *, role: str = "gateway", **more) -> Unit:
        return self.place.create(self.spec(command, role=role, **more), self.lines)

    def spec(self, command, *, role: str = "gateway", **more) -> UnitSpec:
        image = more.pop("image", IMAGE) if self.contained else None
        return UnitSpec(role=role, image=image, command=command, **more)

    def begin(self, program: str, script=None, **more) -> Unit:
        unit = self.make(program, script, **more)
        unit.start()
        return unit

    @property
    def python(self) -> str:
        return "python3" if self.contained else sys.executable


def make_engine(name: str, run: str) -> Engine:
    if name == "memory":
        return MemoryEngine({})
    if name == "docker":
        from pytest_bootgate.engines.docker import DockerEngine

        return DockerEngine(run)
    if name == "kubernetes":
        from pytest_bootgate.engines.kubernetes import connect

        return connect(run, Kubernetes())
    from pytest_bootgate.engines.process import ProcessEngine

    return ProcessEngine(run)


#: Whose processes this machine's kernel shows.
LOCAL_ENGINES = [
    pytest.param("process", marks=pytest.mark.slow),
    pytest.param("docker", marks=pytest.mark.docker),
]
REAL_ENGINES = [*LOCAL_ENGINES, pytest.param("kubernetes", marks=pytest.mark.kubernetes)]
ENGINES = ["memory", *REAL_ENGINES]


@pytest.fixture
def run_id() -> str:
    return f"test{secrets.token_hex(5)}"


def bench_of(name: str, run: str):
    engine = make_engine(name, run)
    place = None
    try:
        place = engine.place({"gateway": 8080, "stub": 8099})
        yield Bench(engine, place, Lines(engine.clock))
    finally:
        if place is not None:
            place.remove()
        engine.close()


@pytest.fixture(params=ENGINES)
def bench(request, run_id):
    """On each engine."""
    yield from bench_of(request.param, run_id)


@pytest.fixture(params=REAL_ENGINES)
def real_bench(request, run_id):
    """On each engine that has processes; a test says why it needs them."""
    yield from bench_of(request.param, run_id)


@pytest.fixture(params=LOCAL_ENGINES)
def kernel_bench(request, run_id):
    """On each engine whose processes this machine's kernel shows."""
    yield from bench_of(request.param, run_id)


@pytest.fixture
def docker_bench(run_id):
    yield from bench_of("docker", run_id)


@pytest.fixture
def local_bench(run_id):
    yield from bench_of("process", run_id)


class Told:
    def __init__(self, program: Path) -> None:
        command = [sys.executable, "-I", str(program)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.events: queue.Queue[dict] = queue.Queue()
        threading.Thread(target=self.read, daemon=True).start()

    def read(self) -> None:
        for line in self.process.stdout:
            self.events.put(json.loads(line) | {"at": time.monotonic()})

    def tell(self, **order) -> None:
        self.tell_raw(json.dumps(order))

    def tell_raw(self, text: str) -> None:
        self.process.stdin.write(text.encode() + b"\n")
        self.process.stdin.flush()

    def hear(self, event: str, timeout: float = 5) -> dict:
        """The next event, which must be this one."""
        heard = self.events.get(timeout=timeout)
        assert heard["event"] == event, heard
        return heard

    def silent(self, seconds: float = 0.2) -> None:
        with pytest.raises(queue.Empty):
            print(self.events.get(timeout=seconds))

    def end(self) -> int:
        self.process.stdin.close()
        code = self.process.wait(5)
        self.process.stdout.close()
        return code


@pytest.fixture
def sidecar(tmp_path_factory):
    program = tmp_path_factory.mktemp("sidecar") / "sidecar.pyz"
    program.write_bytes(packed())
    told = Told(program)
    told.hear("hello")
    yield told
    assert told.end() == 0


@pytest.fixture
def port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
