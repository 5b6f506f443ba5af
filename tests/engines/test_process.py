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

from pytest_bootgate.engines import choose
from pytest_bootgate.engines.listeners import strangers
from pytest_bootgate.engines.process import sweep
from pytest_bootgate.engines.processes import RUN_LABEL, kill
from pytest_bootgate.errors import EngineError
from pytest_bootgate.run.meter import Meter

SLEEP = "import time; time.sleep(60)"


def is_gone(pid: int) -> bool:
    """An orphan may stay a zombie for a while."""
    return not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def test_only_docker_limits(local_bench):
    with pytest.raises(EngineError, match="--bootgate-engine docker"):
        local_bench.make("pass", cpus=0.5)
    with pytest.raises(EngineError, match="profile"):
        local_bench.make("pass", memory=1 << 30)


def test_no_images(local_bench):
    with pytest.raises(EngineError, match="cannot boot image x:1"):
        local_bench.engine.resolve("x:1")


def test_no_command(local_bench):
    with pytest.raises(EngineError, match=r"gateway has no command, .* needs\. Name one"):
        local_bench.unit(None)
    with pytest.raises(EngineError, match=r"service a has no command, .*; a release is no image"):
        local_bench.unit(None, role="a")


@pytest.mark.parametrize("path", ["/etc/x", "{dir}/../x", "relative"])
def test_files_only_below_the_directory(local_bench, path):
    with pytest.raises(EngineError, match=r"\$\{dir\}"):
        local_bench.make("pass", files={path.format(dir=local_bench.place.dir): b""})


LISTEN = """\
import socket, sys, time
family = socket.AF_INET6 if ":" in sys.argv[2] else socket.AF_INET
server = socket.create_server((sys.argv[2], int(sys.argv[1])), family=family)
print("up", flush=True)
time.sleep(60)
"""
#: Starts one that listens, and lets it go: an orphan without a label, in a session of its own.
DAEMON = """\
import os, sys, time
if not os.fork():
    os.setsid()
    if os.fork():
        os._exit(0)
    os.chdir("/")
    os.execve(sys.executable, [sys.executable, "-c", {listen!r}, *sys.argv[1:]], {{}})
time.sleep(60)
"""


@pytest.fixture
def next_door():
    """A process that listens on a port and has nothing to do with any boot."""
    started = []

    def listen(
        port: int, address: str = "127.0.0.1", python: str = sys.executable
    ) -> psutil.Process:
        command = [python, "-c", LISTEN, str(port), address]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True)
        started.append(process)
        assert process.stdout.readline() == b"up\n"
        return psutil.Process(process.pid)

    yield listen
    for process in started:
        process.kill()
        process.communicate()


def begin_listening(bench, role, port, program=LISTEN, address="127.0.0.1"):
    command = [bench.python, "-uc", program, str(port), address]
    unit = bench.unit(command, role=role)
    unit.start()
    bench.lines.until(f"{role}.out", "up")
    return unit


def test_nobody_is_a_stranger_where_nobody_listens(local_bench):
    assert local_bench.place.strangers(local_bench.place.ports.values()) == {}


@pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0", "::"])
def test_who_listens_before_a_start_is_named(local_bench, next_door, address):
    port = local_bench.place.ports["gateway"]
    process = next_door(port, address)
    found = local_bench.place.strangers([port])
    assert found[port].startswith(f"process {process.pid} ({sys.executable} -c import socket, sys")


def test_what_the_place_started_is_no_stranger(local_bench):
    place = local_bench.place
    begin_listening(local_bench, "sidecar", place.ports["stub"])
    begin_listening(local_bench, "gateway", place.ports["gateway"])
    assert place.strangers(place.ports.values()) == {}


def test_who_was_there_before_is_a_stranger_when_he_listens_later(local_bench):
    port = local_bench.place.ports["gateway"]
    local_bench.begin("input()", role="sidecar", stdin=True)
    local_bench.begin("import time; time.sleep(60)")
    with socket.create_server(("127.0.0.1", port)):  # this process is older than both
        assert f"process {os.getpid()} (" in local_bench.place.strangers([port])[port]


def test_who_was_started_since_then_by_others_is_a_stranger(local_bench, next_door):
    port = local_bench.place.ports["gateway"]
    local_bench.begin("input()", role="sidecar", stdin=True)
    local_bench.begin("import time; time.sleep(60)")
    process = next_door(port)
    assert f"process {process.pid} (" in local_bench.place.strangers([port])[port]


def test_a_port_of_a_container_may_be_that_of_one_which_the_gateway_started(
    local_bench, next_door, tmp_path
):
    """A gateway may be ``docker run -p``: then the engine's own process listens for it."""
    port = local_bench.place.ports["gateway"]
    (tmp_path / "docker-proxy").symlink_to(sys.executable)
    local_bench.begin("input()", role="sidecar", stdin=True)
    local_bench.begin("import time; time.sleep(60)")
    next_door(port, python=str(tmp_path / "docker-proxy"))
    assert local_bench.place.strangers([port]) == {}


def test_what_a_gateway_started_and_let_go_is_no_stranger(local_bench):
    port = local_bench.place.ports["gateway"]
    local_bench.begin("input()", role="sidecar", stdin=True)
    begin_listening(local_bench, "gateway", port, DAEMON.format(listen=LISTEN))
    (listener,) = [c.pid for c in psutil.net_connections("tcp") if port in c.laddr]
    try:
        assert psutil.Process(listener).environ() == {}
        assert local_bench.place.strangers([port]) == {}
    finally:
        psutil.Process(listener).kill()


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


def test_who_looks_around_in_the_directory_of_a_boot_is_not_ended(local_bench):
    """A shell or an editor of a developer, who wants to know what a boot does."""
    unit = local_bench.begin("print('up', flush=True)\nimport time; time.sleep(60)")
    local_bench.lines.until("gateway.out", "up")
    shell = subprocess.Popen(["sleep", "60"], cwd=local_bench.place.dir)
    try:
        unit.remove()
        local_bench.engine.close()
        assert shell.poll() is None
        assert psutil.Process(shell.pid).status() != psutil.STATUS_ZOMBIE
    finally:
        shell.kill()
        shell.wait()


def test_who_shares_a_group_with_what_is_killed_lives():
    """A boot of a gate that a shell started without job control is in the shell's own group."""
    leader = subprocess.Popen(["sleep", "60"], process_group=0)
    member = subprocess.Popen(["sleep", "60"], process_group=leader.pid)
    try:
        kill([psutil.Process(member.pid)])
        assert member.wait(5) == -signal.SIGKILL
        assert leader.poll() is None
    finally:
        leader.kill()
        leader.wait()


def test_who_started_this_process_is_no_carrier(run_id):
    """A gate that runs in a shell which an earlier boot left behind."""
    program = (
        "import os, subprocess, sys\n"
        "inner = 'import sys; from pytest_bootgate.engines.processes import *;'"
        "'print(len(carriers(RUN_LABEL, sys.argv[1])))'\n"
        "print(subprocess.run([sys.executable, '-c', inner, sys.argv[1]], text=True,"
        " capture_output=True).stdout)"
    )
    environment = os.environ | {RUN_LABEL: run_id}
    command = [sys.executable, "-c", program, run_id]
    said = subprocess.check_output(command, env=environment, text=True)
    assert said.split() == ["0"]


def test_a_sweep_spares_what_only_looks_like_a_boot_of_the_run(run_id, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    names = [f"bootgate-{run_id}-abcd1234", f"bootgate-{run_id}-state-abcd_234"]
    spared = [f"bootgate-{run_id}-notes-of-mine", f"bootgate-{run_id}-x-abcd1234"]
    for name in (*names, *spared):
        (tmp_path / name).mkdir()
    assert sweep(run_id) == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(spared)


def test_a_machine_that_is_short_of_files_is_told_in_a_sentence(local_bench, monkeypatch):
    def short():
        raise OSError(24, "Too many open files")

    monkeypatch.setattr("os.pipe", short)
    with pytest.raises(OSError, match="Too many open files"):  # the gate says what to do
        local_bench.unit([sys.executable, "-c", SLEEP])


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
    monkeypatch.setattr("pytest_bootgate.engines.local_command._SEND_DEADLINE", 0.3)
    unit = local_bench.begin(SLEEP, stdin=True)
    began = time.monotonic()
    with pytest.raises(EngineError, match="read nothing"):
        unit.send("x" * 1_000_000)
    assert time.monotonic() - began < 9  # without, it has 10 s


@pytest.mark.parametrize(
    ("wanted", "images", "commands", "says"),
    [
        ("swarm", True, True, "There is no engine 'swarm'; the engines are auto, docker, process"),
        ("docker", False, True, "not every release has one"),
        ("process", True, False, "not every release has one"),
        ("auto", False, False, "No engine fits"),
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
    assert why.startswith("every release has a command, and docker is not available (")
    assert host in why
    for wanted in ("auto", "docker"):
        with pytest.raises(EngineError, match="--bootgate-engine process"):
            choose(wanted, images=True, commands=False, run="r")


def test_choose_only_commands():
    engine, why = choose("auto", images=False, commands=True, run="r")
    assert (engine.name, why) == (
        "process",
        "not every release has an image",
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
    used = meter.stop(unit, time.monotonic())
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
sink = lambda chunk: chunk.data and os.write(1, chunk.data)
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


SERVE = """
import socket, sys, time
s = socket.socket()
if "reuse" in sys.argv:
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
s.bind((sys.argv[1], int(sys.argv[2])))
s.listen()
print("listening", flush=True)
time.sleep(60)
"""


@pytest.mark.parametrize(
    ("own", "other", "reuse"),
    [("127.0.0.2", "127.0.0.1", []), ("127.0.0.1", "127.0.0.1", ["reuse"])],
    ids=["another address", "a shared address"],
)
def test_a_boot_that_listens_elsewhere_on_the_port_does_not_vouch_for_a_stranger(own, other, reuse):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    started = [
        subprocess.Popen(
            [sys.executable, "-c", SERVE, address, str(port), *reuse], stdout=subprocess.PIPE
        )
        for address in (other, own)
    ]
    try:
        for process in started:
            assert process.stdout is not None
            assert process.stdout.readline() == b"listening\n"
        theirs, ours = (psutil.Process(process.pid) for process in started)
        found = strangers([port], lambda: [ours], begun=True)
        assert f"process {theirs.pid} " in found[port]
        assert strangers([port], lambda: [ours, theirs], begun=True) == {}
    finally:
        for process in started:
            process.kill()
            process.communicate()
