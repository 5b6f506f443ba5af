"""What all engines promise about keeping a unit from going on."""

from __future__ import annotations

import pytest

from pytest_bootgate.errors import EngineError
from tests.engines.scripts import lives, parent, waits_for_a_line

#: A gateway that counts, and on request starts a child that counts as well.
COUNT = "import itertools, time\nfor n in itertools.count(): print('{name}', n); time.sleep(.02)"
PARENT = f"""
import subprocess, sys, threading
child = {COUNT.format(name="child")!r}
print('up')
input()
subprocess.Popen([sys.executable, '-uc', child, 'the-runner'])
{COUNT.format(name="parent")}
"""


def newest(bench, stream="gateway.out") -> int:
    """How many lines have arrived by now."""
    while bench.lines.waiting:
        bench.lines.seen.append(bench.lines.waiting.popleft())
    return len(bench.lines.seen)


def test_a_paused_unit_stands_still_with_all_its_processes(bench):
    unit = bench.begin(PARENT, parent, stdin=True)
    bench.lines.until("gateway.out", "up")
    assert unit.hold.state() == ""
    unit.send("go")
    bench.lines.until("gateway.out", "child 3")
    unit.hold.pause()
    assert unit.hold.state() == "paused"
    bench.clock.sleep(0.2)
    before = newest(bench)
    bench.clock.sleep(0.5)
    assert newest(bench) == before
    assert unit.exit() is None
    unit.hold.release()
    assert unit.hold.state() == ""
    bench.lines.until("gateway.out", "child")
    bench.lines.until("gateway.out", "parent")


def test_a_release_of_what_is_not_held_changes_nothing(bench):
    unit = bench.begin("input(); print('on')", waits_for_a_line, stdin=True)
    unit.hold.release()
    unit.send("go")
    bench.lines.until("gateway.out", "on")


def test_a_paused_unit_can_be_removed(bench):
    unit = bench.begin("print('up'); import time; time.sleep(60)", lives("up"))
    bench.lines.until("gateway.out", "up")
    unit.hold.pause()
    unit.remove()
    bench.lines.until("gateway.out", None)


def test_the_runner_is_found_and_killed(bench):
    unit = bench.begin(PARENT, parent, stdin=True)
    bench.lines.until("gateway.out", "up")
    # A command run inside is not a process that the gateway started.
    bench.run(unit, "import time; time.sleep(60)", lives())
    before = unit.hold.processes()
    unit.send("go")
    bench.lines.until("gateway.out", "child 3")
    new = {pid: words for pid, words in unit.hold.processes().items() if pid not in before}
    assert not before
    ((pid, words),) = new.items()
    assert words.endswith("the-runner")
    unit.hold.kill([pid])
    assert not unit.hold.processes()
    bench.lines.until("gateway.out", "parent")
    assert unit.exit() is None


@pytest.mark.docker
def test_a_container_kills_what_this_user_may_not(docker_bench):
    unit = docker_bench.begin(PARENT, stdin=True)
    unit.send("go")
    docker_bench.lines.until("gateway.out", "child 3")
    (pid,) = unit.hold.processes()
    unit.hold._kill_from_inside([pid])
    clock = docker_bench.clock
    deadline = clock.now() + 5
    while unit.hold.processes() and clock.now() < deadline:
        clock.sleep(0.05)
    assert not unit.hold.processes()
    assert unit.exit() is None


@pytest.mark.docker
@pytest.mark.parametrize("cpus", [None, 0.5])
def test_a_starved_container_crawls(docker_bench, cpus):
    bench = docker_bench
    unit = bench.begin("print('up')\nwhile True: pass", cpus=cpus)
    bench.lines.until("gateway.out", "up")
    unit.hold.starve()
    assert unit.hold.state() == "starved"
    bench.clock.sleep(0.2)
    before = unit.cpu_seconds()
    bench.clock.sleep(1)
    assert unit.cpu_seconds() - before < 0.1
    unit.hold.release()
    assert unit.hold.state() == ""
    before = unit.cpu_seconds()
    bench.clock.sleep(1)
    assert unit.cpu_seconds() - before > 0.2


def test_the_cpu_of_a_process_cannot_be_taken_away(local_bench):
    unit = local_bench.begin("import time; time.sleep(60)")
    with pytest.raises(EngineError, match="cannot limit a process's CPU"):
        unit.hold.starve()
