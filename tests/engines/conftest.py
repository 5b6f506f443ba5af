"""Both engines, driven through their common interface by the tests of the contract."""

from __future__ import annotations

import queue
import secrets
import sys
import threading
import time
from dataclasses import dataclass, field

import pytest

from pytest_bootgate.engines.base import Chunk, Engine, Place, Unit, UnitSpec
from pytest_bootgate.observe.lines import Line, LineSplitter

IMAGE = "bootgate-python:local"


@dataclass
class Lines:
    """A sink that keeps what arrived, and waits for what has not."""

    waiting: queue.SimpleQueue[Line] = field(default_factory=queue.SimpleQueue)
    splitter: LineSplitter = field(default_factory=LineSplitter)
    seen: list[Line] = field(default_factory=list)
    passed: list[Line] = field(default_factory=list)
    one_at_a_time: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, chunk: Chunk) -> None:
        with self.one_at_a_time:
            for line in self.splitter.lines(chunk):
                self.waiting.put(line)

    def until(self, stream: str, text: str | None, timeout: float = 15.0) -> Line:
        """The next line of a stream that holds a text; None waits for its end."""

        def found(line: Line) -> bool:
            right = line.text is None if text is None else text in (line.text or "")
            return line.stream == stream and right

        for line in self.passed:  # the order of two units is nobody's promise
            if found(line):
                self.passed.remove(line)
                return line
        deadline = time.monotonic() + timeout
        while (left := deadline - time.monotonic()) > 0:
            try:
                line = self.waiting.get(timeout=left)
            except queue.Empty:
                break
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

    def make(self, program: str, *, role: str = "gateway", **more) -> Unit:
        """A Python program as a unit, not started."""
        return self.unit([self.python, "-uc", program], role=role, **more)

    def unit(self, command, *, role: str = "gateway", **more) -> Unit:
        return self.place.create(self.spec(command, role=role, **more), self.lines)

    def spec(self, command, *, role: str = "gateway", **more) -> UnitSpec:
        image = more.pop("image", IMAGE) if self.is_docker else None
        return UnitSpec(role=role, image=image, command=command, **more)

    def begin(self, program: str, **more) -> Unit:
        unit = self.make(program, **more)
        unit.start()
        return unit

    @property
    def python(self) -> str:
        return "python3" if self.is_docker else sys.executable


def make_engine(name: str, run: str) -> Engine:
    if name == "docker":
        from pytest_bootgate.engines.docker import DockerEngine

        return DockerEngine(run)
    from pytest_bootgate.engines.process import ProcessEngine

    return ProcessEngine(run)


ENGINES = ["process", pytest.param("docker", marks=pytest.mark.docker)]


@pytest.fixture
def run_id() -> str:
    return f"test{secrets.token_hex(5)}"


def bench_of(name: str, run: str):
    engine = make_engine(name, run)
    place = None
    try:
        place = engine.place({"gateway": 8080, "stub": 8099})
        yield Bench(engine, place, Lines())
    finally:
        if place is not None:
            place.remove()
        engine.close()


@pytest.fixture(params=ENGINES)
def bench(request, run_id):
    """On each engine."""
    yield from bench_of(request.param, run_id)


@pytest.fixture
def docker_bench(run_id):
    yield from bench_of("docker", run_id)


@pytest.fixture
def local_bench(run_id):
    yield from bench_of("process", run_id)
