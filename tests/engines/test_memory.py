"""The engine in memory: its clock, and what its scripts may do."""

from __future__ import annotations

import threading
import time

import pytest

from pytest_bootgate.engines.base import Exit, UnitSpec
from pytest_bootgate.engines.clock import REAL
from pytest_bootgate.engines.memory import AskedToEnd, MemoryClock, MemoryEngine
from pytest_bootgate.errors import EngineError
from tests.engines.conftest import Bench, Lines
from tests.engines.scripts import does, lives


@pytest.fixture
def bench():
    engine = MemoryEngine({})
    yield Bench(engine, engine.place({"gateway": 8080}), Lines(engine.clock))
    engine.close()
    assert engine.places == []


def test_time_passes_for_who_waits_and_takes_none():
    clock, began = MemoryClock(), time.monotonic()
    before, wall = clock.now(), clock.wall()
    clock.sleep(86_400)
    assert (clock.now() - before, clock.wall() - wall) == (86_400, 86_400)
    assert time.monotonic() - began < 60


def test_what_is_due_happens_in_its_order_and_at_its_time():
    clock, seen = MemoryClock(), []
    began = clock.now()
    for after in (3, 1, 2, 2):
        clock.at(began + after, lambda: seen.append(clock.now() - began))
    clock.sleep(2.5)
    assert (seen, clock.now() - began) == ([1, 2, 2], 2.5)
    clock.sleep(1)
    assert seen == [1, 2, 2, 3]


def test_a_wait_ends_at_the_next_thing_that_happens():
    clock, ready = MemoryClock(), threading.Condition()
    began = clock.now()
    clock.at(began + 3, lambda: None)
    with ready:
        clock.wait(ready, 10)
        assert clock.now() - began == 3
        clock.wait(ready, 10)
        assert clock.now() - began == 13


@pytest.mark.parametrize("clock", [MemoryClock(), REAL], ids=["memory", "real"])
def test_work_beside_is_done_at_once_again_and_no_more(clock):
    done = []

    def work() -> float:
        done.append(clock.now())
        return 0.01

    with clock.beside(work):
        clock.sleep(0.1)
    count = len(done)
    assert count > 2
    clock.sleep(0.05)
    assert len(done) == count


def test_work_beside_does_not_happen_while_all_stands_still():
    clock, done = MemoryClock(), []
    with clock.beside(lambda: done.append(clock.now()) or 1.0):  # type: ignore[func-returns-value]
        clock.stall(30)
        clock.sleep(1.5)
    assert len(done) == 3


def test_two_runs_of_one_script_are_the_same():
    def play() -> list[tuple[float, str | None]]:
        engine = MemoryEngine({"it": does("a", 0.3, "b", 1 / 3, "c")})
        lines = Lines(engine.clock)
        engine.place({}).create(UnitSpec("gateway", "it", None), lines).start()
        lines.until("gateway.out", None)
        return [(line.at, line.text) for line in lines.seen]

    assert play() == play()


def test_a_signal_that_comes_together_with_a_line_is_not_lost(bench):
    def script(me):
        try:
            while True:
                me.out((yield me.stdin))
        except AskedToEnd:
            return 5

    unit = bench.begin("it", script)
    bench.clock.sleep(1)
    unit.send("x")
    assert unit.stop(1).code == 5


@pytest.mark.parametrize(("signal", "code"), [("SIGTERM", 143), ("SIGINT", 130), (None, 143)])
def test_a_script_that_knows_no_signal_ends_by_it(bench, signal, code):
    unit = bench.begin("it", lives("up"))
    bench.lines.until("gateway.out", "up")
    assert unit.stop(5, signal).code == code


def test_a_script_may_end_itself_and_is_asked_no_more(bench):
    unit = bench.begin("it", does(1, lambda me: me.end(Exit(3)), "never said", 60))
    bench.lines.until("gateway.out", None)
    assert unit.exit().code == 3
    assert unit.cpu_seconds() is None


def test_what_was_frozen_goes_on_where_it_was(bench):
    unit = bench.begin("it", does(1, "one", 1, "two"))
    bench.clock.sleep(0.5)
    unit.hold.pause()
    bench.clock.sleep(60)
    assert not bench.lines.waiting
    unit.hold.release()
    one = bench.lines.until("gateway.out", "one").at
    assert bench.lines.until("gateway.out", "two").at == one + 1


def test_an_engine_that_is_down_says_so_and_still_removes(bench):
    unit = bench.begin("it", lives())
    bench.engine.down = "No engine."
    for ask in (
        unit.exit,
        unit.cpu_seconds,
        lambda: unit.stop(1),
        unit.hold.state,
        unit.hold.pause,
    ):
        with pytest.raises(EngineError, match="No engine"):
            ask()
    bench.place.remove()


def test_a_program_that_is_not_known(bench):
    unit = bench.unit(["nothing"])
    with pytest.raises(EngineError, match="cannot run `nothing`"):
        unit.start()
