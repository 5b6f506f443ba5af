"""Gates on one machine queue: who waits sees for whom, and nothing that waits is judged for it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import psutil
import pytest

from pytest_bootgate.gatefile import load
from pytest_bootgate.records.codec import decode
from pytest_bootgate.run import Plan
from pytest_bootgate.run.tickets import living
from tests import nursery
from tests.cli.conftest import bootgate
from tests.pytest_plugin.conftest import PLAYED, TOY
from tests.pytest_plugin.test_progress import in_terminal
from tests.queue_holder import Holder

FILE = "/srv/ci/bootgate.yaml"
CHECK = """
def test_it(isolated_runner, boot_gate):
    assert boot_gate.check(isolated_runner).verdict == "pass"
"""


@pytest.fixture
def line(tmp_path) -> Path:
    """The directory in which the gates of a test queue."""
    return tmp_path


@pytest.fixture
def holder():
    """Start programs that queue as gates do; what is left of them in the end is killed."""
    started: list[Holder] = []

    def start(file: str = FILE) -> Holder:
        started.append(Holder(file, python=nursery.Python))
        return started[-1]

    yield start
    for each in started:
        each.kill()


@dataclass
class Run:
    """A pytest that runs in the background."""

    process: subprocess.Popen
    here: Path
    read: str = ""

    def waits(self) -> str:
        """The line that says that it waits, as soon as it says so."""
        for text in self.process.stdout:
            self.read += text
            if text.startswith("bootgate: waiting for"):
                return text
        raise AssertionError(self.read)

    def end(self) -> tuple[int, str]:
        out, _ = self.process.communicate()
        return self.process.returncode, self.read + out

    @property
    def result(self):
        return decode((self.here / "out.json").read_bytes())


@pytest.fixture
def start(pytester, monkeypatch):
    """Start pytest in a directory, with boots in memory; what is left in the end is killed."""
    monkeypatch.setenv("PYTHONPATH", str(TOY.parents[2]))
    runs: list[Run] = []

    def call(*args: str, here: Path | None = None, real: bool = False) -> Run:
        here = here or pytester.path
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider"]
        command += [] if real else ["-p", PLAYED]
        process = nursery.Python(
            [*command, "--bootgate-json", "out.json", *args],
            cwd=here,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        runs.append(Run(process, here))
        return runs[-1]

    yield call
    for run in runs:
        if run.process.poll() is None:
            run.process.kill()
            run.process.communicate()


def until(line: Path, tickets: int, run: Run | None = None) -> None:
    """Wait until so many are in the queue."""
    while len(living(line)) != tickets:
        if run is not None and run.process.poll() is not None:
            raise AssertionError(run.end()[1])
        time.sleep(0.05)


#: Writes down when each boot began and ended, by the clock that all runs share.
WHEN = """
import pathlib, time
def pytest_bootgate_event(event):
    if event.kind in ("boot_began", "boot_ended"):
        with pathlib.Path("when").open("a") as file: print(event.boot.run, time.time(), file=file)
"""


def spans(here: Path) -> list[tuple[float, float]]:
    """From when to when each gate booted of those that were run in a directory."""
    when: dict[str, list[float]] = {}
    for text in (here / "when").read_text().splitlines():
        when.setdefault(text.split()[0], []).append(float(text.split()[1]))
    return sorted((min(each), max(each)) for each in when.values())


def test_three_gates_boot_as_they_came_each_as_a_whole(gate, start, holder, line, pytester):
    first = holder()
    first.has_it()
    runs = []
    for n in range(3):
        here = pytester.mkdir(f"gate{n}")
        gate(targets=("isolated", "main"), timeout="60s", name=f"gate{n}/bootgate.yaml")
        (here / "conftest.py").write_text(WHEN)
        runs.append(start("bootgate.yaml", here=here))
        until(line, n + 2, runs[-1])
    first.leave()
    # Whatever came of their boots: they are about their order.
    for run in runs:
        run.end()
        assert run.result.waited > 0
        assert [target.target for target in run.result.targets] == ["isolated", "main"]
    # All boots of one, of both targets, before any of the next.
    every = [span for run in runs for span in spans(run.here)]
    assert len(every) == 3
    assert all(one[1] < next_[0] for one, next_ in pairwise(every))
    assert not living(line)


def test_a_log_says_for_whom_it_waits_and_when_it_has_its_turn(gate, start, holder, line, pytester):
    first, second = holder(), None
    first.has_it()
    second = holder("/srv/second.yaml")
    second.waits()
    gate(boots=1)
    run = start("bootgate.yaml", "--bootgate-html", "out.html")
    until(line, 3, run)
    time.sleep(1.2)  # what is waited for less than a second is not worth a word
    first.leave()
    second.has_it()
    second.leave()
    status, out = run.end()
    assert status == 0, out
    said = out.splitlines()
    (began,) = [text for text in said if text.startswith("bootgate: waiting for")]
    assert began.startswith(
        f"bootgate: waiting for another gate on this machine: {FILE} (user "
        f"{holder_user()}, pid {first.process.pid}, booting for "
    )
    assert began.endswith("), 2nd in the queue")
    (over,) = [text for text in said if text.startswith("bootgate: waited ")]
    assert over.endswith(" s; this gate runs now")
    waited = run.result.waited
    assert waited > 1
    assert any(
        text.startswith("waited ") and "for another gate on this machine" in text for text in said
    )
    page = (pytester.path / "out.html").read_text()
    assert "for another gate on this machine before booting" in page
    # It is in no boot: the toy is ready and done within its timeout, whatever was waited.
    assert run.result.verdict == "pass"


def holder_user() -> str:
    import pwd

    return pwd.getpwuid(os.getuid()).pw_name


def test_without_waiting_nothing_is_said_of_it(gate, start):
    gate(boots=1)
    run = start("bootgate.yaml")
    status, out = run.end()
    assert status == 0, out
    assert not re.search("^(bootgate: )?wait", out, re.MULTILINE)
    assert run.result.waited == 0


def test_a_terminal_shows_holder_place_and_time(gate, holder, line):
    first = holder()
    first.has_it()
    path = gate(boots=1)

    def free() -> None:
        until(line, 2)
        time.sleep(3)  # so that the line is written anew
        first.leave()

    thread = threading.Thread(target=free)
    thread.start()
    text = in_terminal(path.parent, "bootgate.yaml", "-p", PLAYED)
    thread.join()
    assert "4 passed" in text
    # The terminal is too narrow for all of it, and then the place and the time come first.
    said = rf"bootgate: waiting, 1st in the queue, \d+ s so far, for {FILE} "
    assert re.search(said, text)


def test_a_stopped_holder_is_named_as_one(gate, start, holder, line):
    first = holder()
    first.has_it()
    first.process.send_signal(signal.SIGSTOP)
    while psutil.Process(first.process.pid).status() != psutil.STATUS_STOPPED:
        time.sleep(0.01)
    gate(boots=1)
    run, pid = start("bootgate.yaml"), first.process.pid
    assert f"pid {pid}, stopped: continue it with `kill -CONT {pid}`, or end it" in run.waits()
    first.kill()
    assert run.end()[0] == 0


def test_the_death_of_the_holder_lets_the_next_one_in(gate, start, holder, line):
    first = holder()
    first.has_it()
    gate(boots=1)
    run = start("bootgate.yaml", real=True)
    until(line, 2, run)
    first.kill()
    status, out = run.end()
    assert status == 0, out
    assert not living(line)


@pytest.mark.parametrize("fixture", [False, True], ids=["items", "fixture"])
def test_ctrl_c_while_it_waits(gate, start, holder, line, pytester, fixture):
    first = holder()
    first.has_it()
    gate()
    if fixture:
        pytester.makepyfile(CHECK)
    run = start("." if fixture else "bootgate.yaml")
    run.waits()
    run.process.send_signal(signal.SIGINT)
    status, out = run.end()
    assert status == 2, out
    assert "Interrupted before the first boot of isolated, while the gate was waiting for" in out
    assert len(living(line)) == 1  # and it is out of the queue


@pytest.mark.parametrize("fixture", [False, True], ids=["items", "fixture"])
def test_a_timeout_of_the_users_own_counts_waiting_and_says_so(
    gate, start, holder, pytester, fixture
):
    first = holder()
    first.has_it()
    gate()
    if fixture:
        pytester.makepyfile(CHECK)
    status, out = start("." if fixture else "bootgate.yaml", "--timeout", "4").end()
    assert status == 1, out
    assert "Timeout (>4.0s)" in out
    assert (
        f"of isolated, while the gate was waiting for another gate on this machine: {FILE}" in out
    )


def test_a_thread_that_ends_pytest_was_told_of_waiting_before(gate, start, holder):
    """With the method `thread` pytest-timeout ends the process, and nobody can say a word more."""
    first = holder()
    first.has_it()
    gate()
    status, out = start("bootgate.yaml", "--timeout", "4", "--timeout-method", "thread").end()
    assert status == 1, out
    assert f"bootgate: waiting for another gate on this machine: {FILE}" in out
    assert "Stack of bootgate waits for another gate on this machine" in out


#: What a run allows itself besides its boots, and how often it says that it waits.
SHORT = """
from pytest_bootgate.reports import queue
from pytest_bootgate.run import plan
plan._AROUND = queue._EVERY = 2.0
"""


def test_waiting_for_longer_than_the_budget_costs_no_verdict(
    gate, start, holder, line, pytester, monkeypatch
):
    """However pytest-timeout counts, for items of the gate file and for tests of one's own."""
    monkeypatch.setattr("pytest_bootgate.run.plan._AROUND", 2.0)
    first = holder()
    first.has_it()
    runs, budget = [], 0.0
    for method in ("signal", "thread"):
        for fixture in (False, True):
            name = f"{method}{fixture}"
            here = pytester.mkdir(name)
            path = gate(boots=1, timeout="1s", name=f"{name}/bootgate.yaml")
            text = path.read_text().replace("gateway:\n", "gateway:\n  ready_timeout: 1s\n")
            path.write_text(text.replace("noise: 1000", "noise: 1000, retries: 0"))
            budget = Plan(load(path)).budget()
            (here / "conftest.py").write_text(SHORT)
            if fixture:
                (here / "test_it.py").write_text(CHECK)
            args = ["test_it.py" if fixture else "bootgate.yaml", "--timeout-method", method]
            runs.append(start(*args, here=here))
            until(line, len(runs) + 1, runs[-1])
    assert 2 < budget < 20
    time.sleep(budget + 1)
    first.leave()
    for run in runs:
        status, out = run.end()
        assert status == 0, out
        assert run.result.verdict == "pass"
        assert run.result.waited > budget
        # Once when it began, and again and again since.
        assert out.count("bootgate: waiting for another gate") >= 2


# -- when it is over ---------------------------------------------------------------------------


def test_a_test_that_booted_leaves_the_machine(gate, start, pytester):
    gate(boots=1)
    more = """
from pytest_bootgate.run.turn import queue

def test_meanwhile():
    assert queue().holder is None

def test_again(boot_gate, session_target):
    boot_gate.check(session_target)

def test_in_the_end():
    assert queue().holder is None
"""
    pytester.makepyfile(CHECK.replace('pass"\n', 'pass"\n    assert queue().holder\n') + more)
    status, out = start().end()
    assert status == 0, out


def test_a_gate_file_keeps_it_to_its_last_item_and_no_longer(gate, start, pytester):
    gate(targets=("isolated", "main"), boots=1)
    pytester.makeconftest(
        """
        from pytest_bootgate.run.turn import queue

        def pytest_runtest_logfinish(nodeid):
            print("THEN", nodeid, queue().holder is not None)
        """
    )
    pytester.makepyfile("def test_other(): pass")
    status, out = start(
        "-s", "bootgate.yaml", "test_a_gate_file_keeps_it_to_its_last_item_and_no_longer.py"
    ).end()
    assert status == 0, out
    said = [text.split("THEN ")[1] for text in out.splitlines() if "THEN " in text]
    had = {text.split()[0].partition("::")[2]: text.split()[1] for text in said}
    assert had.pop("main::boot") == "False"
    assert had.pop("test_other") == "False"
    assert set(had.values()) == {"True"}
    assert len(had) == 7


def test_two_gates_in_one_test_do_not_wait_for_each_other(gate, start, pytester):
    gate(boots=1)
    gate(boots=1, name="second.bootgate.yaml")
    pytester.makepyfile(
        """
        from dataclasses import replace

        def test_both(isolated_runner, boot_gate):
            boot_gate.check(isolated_runner)
            other = isolated_runner.file.with_name("second.bootgate.yaml")
            boot_gate.check(replace(isolated_runner, file=other))
        """
    )
    status, out = start().end()
    assert status == 0, out


@pytest.mark.parametrize("dist", ["load", "loadfile", "worksteal"])
def test_workers_of_xdist_queue_as_well(gate, start, pytester, line, dist):
    for n in range(3):
        name = f"gate{n}.bootgate.yaml"
        gate(targets=("isolated", "main"), boots=1, timeout="60s", name=name)
    names = [f"gate{n}.bootgate.yaml" for n in range(3)]
    pytester.makeconftest(WHEN)
    status, out = start("-n", "2", "--dist", dist, *names).end()
    assert status == 0, out
    every = spans(pytester.path)
    assert len(every) == 3
    assert all(one[1] < next_[0] for one, next_ in pairwise(every))
    assert not living(line)


@pytest.mark.parametrize("dist", ["load", "loadfile"])
def test_nor_do_workers_wait_for_ever_with_fixtures(gate, start, pytester, dist):
    gate(boots=1)
    tests = "\n".join(
        f"def test_{n}(isolated_runner, boot_gate): boot_gate.check(isolated_runner)"
        for n in range(4)
    )
    for n in range(3):
        (pytester.path / f"test_{n}.py").write_text(tests)
    status, out = start("-n", "2", "--dist", dist).end()
    assert status == 0, out


def test_how_long_a_worker_waited_is_in_the_summary(gate, start, holder, line):
    first = holder()
    first.has_it()
    gate(boots=1)
    run = start("-n", "1", "bootgate.yaml")
    until(line, 2, run)
    time.sleep(1.2)
    first.leave()
    status, out = run.end()
    assert status == 0, out
    assert run.result.waited > 1
    assert " for another gate on this machine before booting" in out


# -- the command -------------------------------------------------------------------------------


BOOTGATE = [sys.executable, "-m", "pytest_bootgate"]


def test_a_probe_queues_as_a_gate_does(gate, holder, line):
    first = holder()
    first.has_it()
    gate(boots=1, timeout="60s")
    command = [*BOOTGATE, "probe", "bootgate.yaml", "--journal", "journal.db"]
    with nursery.Python(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as probe:
        said = probe.stderr.readline()
        assert said.startswith(f"bootgate: waiting for another gate on this machine: {FILE} (user")
        first.leave()
        out, err = probe.communicate()
    assert probe.returncode == 0, err
    assert out.startswith("OK isolated: started in ")
    assert re.fullmatch(r"bootgate: waited \d+ s; this gate runs now\n", err)


def test_doctor_says_who_has_the_machine(gate, holder, pytester):
    gate(boots=1)
    said = " ".join(bootgate("doctor", cwd=pytester.path).out.split())
    assert "ok queue ok journal" in said
    first = holder()
    first.has_it()
    holder().waits()
    said = " ".join(bootgate("doctor", cwd=pytester.path).out.split())
    assert f"queue {FILE} (user {holder_user()}, pid {first.process.pid}, booting for " in said
    assert ") is running, and 1 more in the queue: another gate would wait" in said


def test_a_queue_that_is_not_there_is_a_sentence(gate, start, pytester, monkeypatch):
    monkeypatch.setenv("BOOTGATE_QUEUE_DIR", str(pytester.path / "none"))
    gate(boots=1)
    status, out = start("bootgate.yaml").end()
    assert status == 1
    assert "BOOTGATE_QUEUE_DIR names " in out
    assert "Traceback" not in out
    assert "FAIL  queue" in bootgate("doctor", cwd=pytester.path).out
