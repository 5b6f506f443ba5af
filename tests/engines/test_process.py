"""What only the process engine does."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from pytest_bootgate.boot.meter import Meter
from pytest_bootgate.engines import choose
from pytest_bootgate.engines.processes import RUN_LABEL
from pytest_bootgate.errors import EngineError

SLEEP = "import time; time.sleep(60)"


def is_gone(pid: int) -> bool:
    """An orphan may stay a zombie for a while."""
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def test_only_docker_limits(local_bench):
    with pytest.raises(EngineError, match="--bootgate-engine docker"):
        local_bench.make("pass", cpus=0.5)
    with pytest.raises(EngineError, match="host profile"):
        local_bench.make("pass", memory=1 << 30)


def test_no_images(local_bench):
    with pytest.raises(EngineError, match="cannot boot image x:1"):
        local_bench.engine.resolve("x:1")


def test_no_command(local_bench):
    with pytest.raises(EngineError, match="has no command"):
        local_bench.unit(None)


@pytest.mark.parametrize("path", ["/etc/x", "{dir}/../x", "relative"])
def test_files_only_below_the_directory(local_bench, path):
    with pytest.raises(EngineError, match=r"\$\{dir\}"):
        local_bench.make("pass", files={path.format(dir=local_bench.place.dir): b""})


def test_a_port_that_already_answers(local_bench):
    port = local_bench.place.ports["gateway"]
    with (
        socket.create_server(("127.0.0.1", port)),
        pytest.raises(EngineError, match=f"Port {port} .gateway. already answers"),
    ):
        local_bench.begin("pass")


def test_the_companions_own_port_may_answer(local_bench):
    port = local_bench.place.ports["doorbell"]
    local_bench.begin(
        f"import socket; s = socket.create_server(('127.0.0.1', {port})); print('up'); input()",
        role="companion",
        stdin=True,
    )
    local_bench.lines.until("companion.out", "up")
    local_bench.begin("print('started')")
    local_bench.lines.until("gateway.out", "started")


def test_every_place_has_ports_of_its_own(local_bench):
    other = local_bench.engine.place(dict(local_bench.place.ports))
    assert not set(other.ports.values()) & set(local_bench.place.ports.values())
    other.remove()


def test_environment_is_not_the_test_process_s(local_bench, monkeypatch, run_id):
    monkeypatch.setenv("SECRET", "s")
    local_bench.begin("import os; print(os.environ.get('SECRET'), os.environ['BOOTGATE_RUN'])")
    local_bench.lines.until("gateway.out", f"None {run_id}")


def test_what_a_gateway_leaves_behind_ends_with_it(local_bench):
    local_bench.begin(
        "import subprocess, sys\n"
        f"p = subprocess.Popen([sys.executable, '-c', {SLEEP!r}], start_new_session=True)\n"
        "print(p.pid)"
    )
    pid = int(local_bench.lines.until("gateway.out", "").text)
    local_bench.lines.until("gateway.out", None)
    assert is_gone(pid)


def test_remove_finds_descendants_that_dropped_label_and_session(local_bench):
    unit = local_bench.begin(
        "import subprocess, sys, time\n"
        f"p = subprocess.Popen([sys.executable, '-c', {SLEEP!r}], "
        "start_new_session=True, env={})\n"
        "print(p.pid); time.sleep(60)"
    )
    pid = int(local_bench.lines.until("gateway.out", "").text)
    unit.remove()
    local_bench.engine.close()
    assert is_gone(pid)


def test_cpu_of_orphans_counts(local_bench):
    busy = "import time\nwhile time.process_time() < .4: pass\nprint('done'); time.sleep(60)"
    child = f"import os\nif os.fork(): os._exit(0)\nos.setsid()\n{busy}"
    unit = local_bench.begin(
        f"import subprocess, sys, time\nsubprocess.run([sys.executable, '-uc', {child!r}])\n{SLEEP}"
    )
    local_bench.lines.until("gateway.out", "done")
    assert unit.cpu_seconds() > 0.35


def test_place_remove_deletes_the_directory(local_bench):
    local_bench.begin(SLEEP)
    assert local_bench.place.dir.startswith(os.path.realpath("/tmp"))
    local_bench.place.remove()
    assert not Path(local_bench.place.dir).exists()


def test_close_kills_what_nobody_removed(local_bench, run_id):
    unit = local_bench.begin(SLEEP)
    local_bench.engine.close()
    assert is_gone(unit.pid)
    assert not Path(local_bench.place.dir).exists()


def test_a_unit_that_reads_nothing_does_not_block_the_gate(local_bench, monkeypatch):
    monkeypatch.setattr("pytest_bootgate.engines.local_unit._SEND_DEADLINE", 0.3)
    unit = local_bench.begin(SLEEP, stdin=True)
    began = time.monotonic()
    with pytest.raises(EngineError, match="read nothing"):
        unit.send("x" * 1_000_000)
    assert time.monotonic() - began < 2


@pytest.mark.parametrize(
    ("wanted", "images", "commands", "says"),
    [
        ("swarm", True, True, "There is no engine 'swarm'; the engines are auto, docker, process"),
        ("docker", False, True, "not every release has one"),
        ("process", True, False, "not every release has one"),
        ("auto", False, False, "Nothing can be booted"),
    ],
)
def test_choose_refuses(wanted, images, commands, says):
    with pytest.raises(EngineError, match=says):
        choose(wanted, images=images, commands=commands, run="r")


@pytest.mark.parametrize("host", ["unix:///no/such/socket", "tcp://127.0.0.1:1", "nonsense://x"])
def test_choose_without_a_docker_engine(monkeypatch, host):
    monkeypatch.setenv("DOCKER_HOST", host)
    engine, why = choose("auto", images=True, commands=True, run="r")
    assert engine.name == "process"
    assert why.startswith("every release has a command, and docker is no choice (")
    assert host in why
    for wanted in ("auto", "docker"):
        with pytest.raises(EngineError, match="--bootgate-engine process"):
            choose(wanted, images=True, commands=False, run="r")


def test_choose_only_commands():
    engine, why = choose("auto", images=False, commands=True, run="r")
    assert (engine.name, why) == (
        "process",
        "every release has a command, and not every one an image",
    )


def test_importing_the_engines_is_light():
    import subprocess

    program = (
        "import sys, pytest_bootgate.engines.reaper as r\n"
        "heavy = {'docker', 'psutil', 'requests', 'msgspec', 'yaml', 'pytest'} & set(sys.modules)\n"
        "sys.exit(str(heavy) if heavy else 0)"
    )
    environment = {k: v for k, v in os.environ.items() if not k.startswith("COV")}
    subprocess.run([sys.executable, "-c", program], check=True, env=environment | {RUN_LABEL: ""})


ORPHAN = """\
import os, sys, time, pathlib
go = pathlib.Path(sys.argv[1])
if os.fork() == 0:
    if os.fork() == 0:
        os.setsid()
        while time.process_time() < 0.3:
            pass
        print("burnt", os.getpid(), flush=True)
        while not go.exists():
            time.sleep(0.01)
    os._exit(0)
os.wait()
time.sleep(60)
"""


def test_what_an_orphan_used_that_has_ended_is_not_less_than_nothing(local_bench, tmp_path):
    unit = local_bench.unit([sys.executable, "-c", ORPHAN, str(tmp_path / "go")])
    unit.start()
    pid = int(local_bench.lines.until("gateway.out", "burnt").text.split()[1])
    meter = Meter(unit, warm=True)
    (tmp_path / "go").touch()
    until = time.monotonic() + 10
    while not is_gone(pid) and time.monotonic() < until:
        time.sleep(0.01)
    used = meter.stop(unit)
    assert used.cpu_seconds is None or used.cpu_seconds >= 0
    assert used.disk_read is None or used.disk_read >= 0


DETACHED = """\
import os, subprocess, sys, time
helper = "import os, time; print('helper', os.getpid(), flush=True); time.sleep(600)"
if os.fork() == 0:  # as a daemon does it: twice, in a session of its own
    os.setsid()
    if os.fork() == 0:
        os.chdir("/")
        os.closerange(0, 1)
        os.execve(sys.executable, [sys.executable, "-c", helper], {})
    os._exit(0)
os.wait()
print("up", flush=True)
"""


def helper_of(bench) -> psutil.Process:
    return psutil.Process(int(bench.lines.until("gateway.out", "helper").text.split()[1]))


@pytest.mark.parametrize("then", ["time.sleep(60)", "time.sleep(1)"])
def test_a_helper_that_detached_is_ended_with_its_gateway(local_bench, then):
    unit = local_bench.begin(DETACHED + then)
    helper = helper_of(local_bench)
    assert helper.environ() == {}
    assert helper.cwd() == "/"
    if then == "time.sleep(1)":
        local_bench.lines.until("gateway.out", None)
        assert unit.exit().code == 0
    else:
        assert helper.pid in unit.hold.processes()
        unit.remove()
    assert is_gone(helper.pid)


def test_a_helper_that_detached_is_ended_where_the_gateway_is_stopped(local_bench):
    unit = local_bench.begin(DETACHED + "time.sleep(60)")
    helper = helper_of(local_bench)
    assert unit.stop(5).code == 143
    assert is_gone(helper.pid)


def test_what_an_orphan_used_that_has_ended_is_counted(local_bench, tmp_path):
    unit = local_bench.unit([sys.executable, "-c", ORPHAN, str(tmp_path / "go")])
    unit.start()
    pid = int(local_bench.lines.until("gateway.out", "burnt").text.split()[1])
    before = unit.cpu_seconds()
    (tmp_path / "go").touch()
    until = time.monotonic() + 10
    while not is_gone(pid) and time.monotonic() < until:
        time.sleep(0.01)
    assert unit.cpu_seconds() >= before >= 0.28


def test_the_command_is_started_as_without_a_launcher(local_bench):
    """Its session, group, signals, streams and files are its own."""
    program = """
import os, signal, sys
print(os.getsid(0) == os.getpgid(0) == os.getpid(), signal.getsignal(signal.SIGPIPE).name)
print(sorted(map(int, os.listdir("/proc/self/fd")))[:-1], os.getcwd(), repr(sys.stdin.read()))
print(os.environ["TEXT"].encode("utf-8", "surrogateescape"))
os.kill(os.getpid(), signal.SIGUSR1)
"""
    odd = b"\xff\xc3\xa4".decode("utf-8", "surrogateescape")
    unit = local_bench.unit([sys.executable, "-I", "-u", "-c", program], env={"TEXT": odd})
    unit.start()
    local_bench.lines.until("gateway.out", None)
    assert local_bench.lines.texts("gateway.out")[:3] == [
        "True SIG_IGN",  # Python itself ignores it
        f"[0, 1, 2] {local_bench.place.dir} ''",
        repr(odd.encode("utf-8", "surrogateescape")),
    ]
    assert unit.exit().code == 128 + signal.SIGUSR1


@pytest.mark.parametrize("command", [["no-such-program"], ["/etc/passwd"], ["a\0b"]])
def test_a_command_that_cannot_be_started(local_bench, command):
    unit = local_bench.unit(command)
    with pytest.raises(EngineError, match="The gateway cannot run `"):
        unit.start()


def test_a_helper_that_detached_is_ended_where_the_gate_is_killed():
    """Not by the reaper, which does not know it: the launcher hears of it by itself."""
    program = f"""
import os, signal, sys, time
from pytest_bootgate.engines.base import UnitSpec
from pytest_bootgate.engines.process import ProcessEngine
sink = lambda line: line.text and os.write(1, line.text.encode() + b"\\n")
place = ProcessEngine("killed").place({{}})
os.write(1, place.dir.encode() + b"\\n")
command = [sys.executable, "-uc", {DETACHED + "time.sleep(60)"!r}]
place.create(UnitSpec("gateway", None, command), sink).start()
time.sleep(60)
"""
    gate = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    with gate:
        lines = iter(gate.stdout.readline, "")
        directory = next(lines).strip()
        pid = next(int(line.split()[1]) for line in lines if line.startswith("helper"))
        gate.kill()
        until = time.monotonic() + 10
        while not is_gone(pid) and time.monotonic() < until:
            time.sleep(0.01)
        assert is_gone(pid)
    shutil.rmtree(directory)
