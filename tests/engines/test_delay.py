"""How long the tasks of a boot stood ready without a CPU, as a meter finds it on each engine."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest

from pytest_bootgate.engines.tasks import run_delay
from pytest_bootgate.run.cgroup import throttled
from pytest_bootgate.run.delay import Delays
from pytest_bootgate.run.meter import Meter, Used
from pytest_bootgate.run.onlooker import work
from tests.records.test_net_time import QUIET

pytestmark = pytest.mark.skipif(run_delay() is None, reason="this kernel tells no run delay")

#: All that is to wait runs on this one.
CPU = min(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 0
PIN = f"import os; os.sched_setaffinity(0, {{{CPU}}})\n"
BURN = PIN + "import time\nwhile time.process_time() < .2: pass\n"
#: Each of three has a third of the CPU, so who burns waits for twice as long as that.
WAITED = 0.13


@pytest.fixture
def neighbours():
    """Two busy loops on that CPU, in sessions of their own: Linux shares a CPU among sessions.

    They begin when this is called.
    """
    program = f"{PIN}import signal; signal.raise_signal(signal.SIGSTOP)\nwhile True: pass"
    command = [sys.executable, "-S", "-c", program]
    loops = [subprocess.Popen(command, start_new_session=True) for _ in range(2)]

    def begin() -> None:
        for loop in loops:
            os.waitid(os.P_PID, loop.pid, os.WSTOPPED)
            loop.send_signal(signal.SIGCONT)

    yield begin
    for loop in loops:
        loop.kill()
        loop.wait()


def waiting(program: str) -> str:
    """A gateway that runs a program when it is told to, and says so."""
    return f"print('ready'); input()\n{program}\nprint('done'); input()"


def measured(bench, program: str, beside=lambda: None) -> tuple[Used, float]:
    """What a warm unit used from its trigger to its proof, and how long that took."""
    unit = bench.begin(waiting(program), stdin=True)
    bench.lines.until("gateway.out", "ready")
    beside()
    meter, began = Meter(unit, warm=True), time.monotonic()
    with meter.watch(unit):
        unit.send("go")
        over = bench.lines.until("gateway.out", "done", 60).at
    return meter.stop(unit, over), over - began


def test_a_boot_beside_busy_loops_waits_for_a_cpu(kernel_bench, neighbours):
    used, took = measured(kernel_bench, BURN, neighbours)
    assert WAITED < used.run_delay < took
    assert used.others_cpu > WAITED
    assert used.throttled is not None


def test_one_that_sleeps_does_not(kernel_bench):
    used, took = measured(kernel_bench, "import time; time.sleep(.5)")
    assert 0 <= used.run_delay < took / 2


def test_a_child_that_ended_before_the_proof_is_counted(kernel_bench, neighbours):
    child = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {BURN!r}])"
    used, _ = measured(kernel_bench, child, neighbours)
    assert used.run_delay > WAITED


def test_so_is_a_thread(kernel_bench, neighbours):
    burn = BURN.replace("process_time", "thread_time").replace("\n", "\n    ")
    used, _ = measured(
        kernel_bench,
        f"def burn():\n    {burn}\nimport threading; one = threading.Thread(target=burn)\n"
        "one.start(); one.join()",
        neighbours,
    )
    assert used.run_delay > WAITED


def test_one_that_starts_only_now_begins_at_zero(kernel_bench, neighbours):
    unit = kernel_bench.make(f"{BURN}print('done'); input()", stdin=True)
    meter = Meter(None, warm=False)
    neighbours()
    unit.start()
    with meter.watch(unit):
        over = kernel_bench.lines.until("gateway.out", "done", 60).at
    used = meter.stop(unit, over)
    assert used.run_delay > WAITED
    assert used.throttled is not None


def test_what_was_before_the_trigger_is_not_of_the_boot(kernel_bench, neighbours):
    unit = kernel_bench.begin(f"input()\n{BURN}print('ready'); input()", stdin=True)
    neighbours()
    unit.send("go")
    kernel_bench.lines.until("gateway.out", "ready", 60)
    meter = Meter(unit, warm=True)
    assert meter.stop(unit, time.monotonic()).run_delay < WAITED


def test_nor_is_what_comes_after_the_proof(kernel_bench, neighbours):
    program = waiting(f"print('proof')\n{BURN}")
    unit = kernel_bench.begin(program, stdin=True)
    kernel_bench.lines.until("gateway.out", "ready", 60)
    meter = Meter(unit, warm=True)
    neighbours()
    with meter.watch(unit):
        unit.send("go")
        proof = kernel_bench.lines.until("gateway.out", "proof", 60).at
        over = kernel_bench.lines.until("gateway.out", "done", 60).at
    assert meter.stop(unit, proof).run_delay < meter.stop(unit, over).run_delay / 2


def test_an_orphan_is_found_at_the_end(local_bench, neighbours):
    orphan = f"{BURN}import time; time.sleep(60)"
    run = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {orphan!r}])"
    used, _ = measured(
        local_bench,
        f"import subprocess, sys, time; subprocess.run([sys.executable, '-c', {run!r}])\n"
        "time.sleep(1.5)",
        neighbours,
    )
    assert used.run_delay > WAITED


@pytest.mark.docker
def test_what_its_own_limit_holds_back_is_not_taken_off(docker_bench, neighbours):
    unit = docker_bench.begin("while True: pass", cpus=0.02)
    meter, began = Meter(unit, warm=True), time.monotonic()
    neighbours()
    group, before = next(iter(throttled(unit.pid).items()))
    with meter.watch(unit):
        while throttled(unit.pid)[group] - before < 0.5 and time.monotonic() < began + 60:
            time.sleep(0.1)
    used, took = meter.stop(unit, time.monotonic()), time.monotonic() - began
    assert used.throttled >= 0.5
    # The kernel counts what is held back as ready to run, and others did have the CPUs.
    assert used.run_delay > used.throttled / 2
    assert used.others_cpu > used.throttled / 2
    boot = replace(
        QUIET,
        seconds=took,
        ended=took,
        cpu_seconds=used.cpu_seconds,
        throttled=used.throttled,
        run_delay=used.run_delay,
        others_cpu=used.others_cpu,
    )
    assert boot.net_seconds >= 0.95 * used.throttled


def test_a_task_whose_number_is_another_tasks_by_now(monkeypatch):
    told = {7: 0.3}
    monkeypatch.setattr("pytest_bootgate.run.delay.run_delay", told.get)
    delays = Delays({7})
    told[7] = 0.5
    delays.look({7})
    told[7] = 0.1  # less than before
    delays.look({7})
    assert delays.total == pytest.approx(0.2 + 0.1)
    del told[7]
    delays.look(())
    told[7] = 9.0  # not of this unit
    delays.look(())
    assert delays.total == pytest.approx(0.3)


def test_what_was_waited_between_two_looks_is_shared_out(monkeypatch):
    clock, told = [0.0], {7: 1.0}
    monkeypatch.setattr("pytest_bootgate.run.delay.run_delay", told.get)
    monkeypatch.setattr("pytest_bootgate.run.delay.time.monotonic", lambda: clock[0])
    delays = Delays({7})
    for clock[0], told[7] in ((1.0, 1.2), (2.0, 1.6)):
        delays.look({7})
    assert delays.total == pytest.approx(0.6)
    after = [delays.after(instant) for instant in (0.5, 1.0, 1.75, 2.0, 3.0)]
    assert after == pytest.approx([0.5, 0.4, 0.1, 0.0, 0.0])


@pytest.mark.parametrize(("known", "slow"), [(True, 0.010), (False, 0.030)])
def test_the_hosts_fixed_work_does_not_count_waiting_either(monkeypatch, known, slow):
    """Each piece takes 10 ms and waits twice as long; real clocks would count other tests, too."""
    clock = {"thread_time": 0.010, "perf_counter": 0.030, "run_delay": 0.020}

    def told(name: str):
        each = itertools.count()  # read before and after every piece
        return lambda: (next(each) + 1) // 2 * clock[name]

    for name in ("thread_time", "perf_counter"):
        monkeypatch.setattr(f"pytest_bootgate.run.onlooker.time.{name}", told(name))
    delay = told("run_delay") if known else lambda: None
    monkeypatch.setattr("pytest_bootgate.run.onlooker.run_delay", delay)
    found = work()
    assert (found.best, found.slow) == pytest.approx((0.010, slow))
