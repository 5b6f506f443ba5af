"""Boots on several Docker hosts: this machine's engine, and a second one behind a real sshd.

The last test kills the second engine.
"""

from __future__ import annotations

import io
import itertools
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tarfile
import threading
import time
from pathlib import Path

import pytest

from pytest_bootgate.cli import main
from pytest_bootgate.engines import remove, runs
from pytest_bootgate.engines.docker_address import HOSTS
from pytest_bootgate.engines.docker_leftovers import LABEL, LEASED
from pytest_bootgate.engines.hosts import lease
from pytest_bootgate.engines.hosts.engine import Fleet, HostsEngine
from pytest_bootgate.engines.ssh import Tunnel
from pytest_bootgate.errors import EngineError, LostError
from tests import nursery
from tests.engines.conftest import IMAGE, Bench, Lines
from tests.machine import Engine, an_engine, an_ssh_host

pytestmark = [
    pytest.mark.docker,
    pytest.mark.skipif(
        shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin") is None,
        reason="no sshd here: ci/sshd installs one",
    ),
]
#: Each boot sleeps for so many seconds.
SLEEP = 1.0
HERE, THERE = "default", "ssh://staging"


@pytest.fixture(scope="module")
def second():
    with an_engine() as engine:
        yield engine


@pytest.fixture(scope="module")
def behind_ssh(second):
    with an_ssh_host(second.host) as ssh:
        yield ssh


@pytest.fixture(autouse=True)
def _its_ssh(behind_ssh, monkeypatch):
    monkeypatch.setenv("PATH", f"{behind_ssh.path}:{os.environ['PATH']}")
    monkeypatch.setenv("BOOTGATE_SIDECAR_IMAGE", IMAGE)
    monkeypatch.delenv("DOCKER_HOST", raising=False)


@pytest.fixture
def engine(run_id):
    """Makes engines of runs of their own, or of one run."""
    made: list[HostsEngine] = []

    def one(*names: str, run: str = run_id) -> HostsEngine:
        made.append(HostsEngine(run, Fleet(run, names)))
        return made[-1]

    yield one
    for each in made:
        each.close()


def docker(*command: str, host: Engine | None = None) -> str:
    words = ["docker", *(() if host is None else ("-H", host.host)), *command]
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout.strip()


def there_is(host: Engine | None = None, label: str = LABEL) -> str:
    """What carries a label on a host."""
    wanted = ["--filter", f"label={label}"]
    return docker("ps", "-aq", *wanted, host=host) + docker(
        "volume", "ls", "-q", *wanted, host=host
    )


def started(tmp_path: Path, name: str, *, names: str, sleep: float = SLEEP, boots: int = 2):
    """A gate in a process of its own."""
    file = tmp_path / f"{name}.bootgate.yaml"
    program = f"import time; time.sleep({sleep}); print('up', flush=True); time.sleep(60)"
    command = json.dumps(["python3", "-c", program])
    file.write_text(
        f"releases: {{baseline: {{image: '{IMAGE}', command: {command}}},"
        f" candidate: {{image: '{IMAGE}', command: {command[:-2]}; 0\"]}}}}\n"
        f"targets: {{boot: {{timeout: 30s, proof: {{line: up}}}}}}\n"
        f"gate: {{boots: {boots}, allow: same-image, slower: 50%, noise: 100}}\n"
    )
    words = [sys.executable, "-m", "pytest", str(file), f"--rootdir={tmp_path}"]
    words += ["-p", "no:cacheprovider", f"--bootgate-json={tmp_path / name}.json"]
    words += [f"--bootgate-hosts={names}"]
    return nursery.Python(
        words,
        cwd=tmp_path,
        env={**os.environ},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def result(tmp_path: Path, name: str) -> dict:
    (found,) = json.loads((tmp_path / f"{name}.json").read_text())["targets"]
    return found


def intervals(found: dict) -> dict[str, list[tuple[float, float]]]:
    """When boots ran, by host."""
    by_host: dict[str, list[tuple[float, float]]] = {}
    for boot in found["boots"]:
        by_host.setdefault(boot["node"], []).append((boot["wall"], boot["wall"] + boot["seconds"]))
    return by_host


# -- leases ------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", ["ssh://nobody@127.0.0.1:1", "no-such-context", "unix:///no"])
def test_a_host_that_does_not_answer(host):
    with pytest.raises(EngineError, match=host):
        Fleet("run", [host])


def test_who_comes_second_waits_until_it_is_given_back(engine):
    one, two = engine(THERE), engine(THERE, run="other")
    assert one.node == "staging"
    taken: list[float] = []
    told: list[tuple] = []
    two.waits = lambda held, _: told.append(held)
    waiter = threading.Thread(target=lambda: taken.append(len(two.node)))
    waiter.start()
    until = time.monotonic() + 30
    while not told:
        assert time.monotonic() < until
        time.sleep(0.1)
    assert not taken
    assert told[0][0].machine == "staging"
    assert (told[0][0].run, "@" in told[0][0].user) == (one._run, True)
    one.leave()
    waiter.join(30)
    assert taken
    assert told[-1] == ()


def test_beside_there_are_others_that_are_free(engine):
    one = engine(HERE, THERE)
    taken = {one.node, *(other.node for other in one.beside(5))}
    assert taken == {"default", "staging"}
    assert engine(HERE, THERE, run="other").hosts[0].held is None
    two = engine(THERE, HERE, run="other")
    assert [two._take(host) for host in two.hosts] == [False, False]


def test_a_gate_that_does_not_renew_loses_its_host(engine, monkeypatch):
    monkeypatch.setattr(lease, "PROGRAM", lease.PROGRAM.replace(str(lease.SECONDS), "1.0"))
    one, two = engine(THERE), engine(THERE, run="other")
    place = one.place({})
    began = time.monotonic()
    assert two.node == "staging"
    assert time.monotonic() - began < 15
    with pytest.raises(LostError, match="The lease of Docker host staging ended"):
        place.machine()
    with pytest.raises(LostError):
        place.remove()


def test_what_was_left_by_who_had_the_host_is_removed(engine, second, monkeypatch):
    one, two = engine(THERE), engine(THERE, run="other")
    one.resolve(IMAGE)
    bench = Bench(one, one.place({}), Lines())
    bench.begin("print('up'); import time; time.sleep(60)")
    bench.lines.until("gateway.out", "up")
    docker("rm", "-f", lease.NAME, host=second)
    assert two.node == "staging"
    assert there_is(second, f"{LABEL}={one._run}") == ""
    with pytest.raises(LostError):
        bench.place.remove()


def test_a_lease_that_never_began_is_no_lease(engine, second, monkeypatch):
    monkeypatch.setattr(lease, "SECONDS", 1.0)
    docker("create", "--name", lease.NAME, IMAGE, "true", host=second)
    assert engine(THERE).node == "staging"


def test_how_busy_a_host_is(engine):
    one = engine(THERE)
    place = one.place({})
    before = place.machine()
    until = time.monotonic() + 0.5
    while time.monotonic() < until:
        pass
    after = place.machine()
    assert after.cpus == os.cpu_count()
    assert after.busy - before.busy >= 0.4
    place.remove()


def test_another_image_of_the_same_name_is_an_error(engine, second):
    tag = "bootgate-differs:local"
    docker("tag", IMAGE, tag)
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        tar.addfile(tarfile.TarInfo("nothing"))
    words = ["docker", "-H", second.host, "import", "-", tag]
    subprocess.run(words, input=packed.getvalue(), check=True, capture_output=True)
    one = engine(HERE, THERE)
    one.resolve(tag)
    (other,) = one.beside(1)
    with pytest.raises(EngineError, match=rf"{tag} is sha256:\w+ on host .*, but sha256:\w+ on"):
        other.place({})
    docker("rmi", tag)


# -- gates -------------------------------------------------------------------------------------


def test_pairs_are_spread_and_two_gates_never_meet(tmp_path, second):
    """Each has two hosts to choose from; at the end nothing is left on either."""
    names = f"{HERE},{THERE}"
    gates = {name: started(tmp_path, name, names=names) for name in ("one", "two")}
    said = {name: gate.communicate(timeout=120)[0] for name, gate in gates.items()}
    assert [gate.returncode for gate in gates.values()] == [0, 0], said
    found = {name: result(tmp_path, name) for name in gates}
    at: dict[str, list[tuple[float, float]]] = {}
    for each in found.values():
        assert [boot["outcome"] for boot in each["boots"]] == ["started"] * 4
        pairs: dict[int, set[str]] = {}
        for boot in each["boots"]:
            pairs.setdefault(boot["number"], set()).add(boot["node"])
        assert all(len(nodes) == 1 for nodes in pairs.values())
        for node, times in intervals(each).items():
            at.setdefault(node, []).extend(times)
    assert at.keys() == {"default", "staging"}
    for times in at.values():
        times.sort()
        assert all(end <= begin for (_, end), (begin, _) in itertools.pairwise(times))
    assert there_is(second) == ""
    assert there_is(label=f"{LABEL}={json_run(tmp_path, 'one')}") == ""


def json_run(tmp_path: Path, name: str) -> str:
    return json.loads((tmp_path / f"{name}.json").read_text())["run"]


def booting(gate: nursery.Python, host: Engine) -> list[str]:
    """Wait until a gate boots on a host; its containers."""
    until = time.monotonic() + 120
    while time.monotonic() < until and gate.poll() is None:
        if found := there_is(host, LEASED).split():
            return found
        time.sleep(0.1)
    raise AssertionError(gate.communicate(timeout=60)[0])


def test_nothing_is_left_of_a_gate_that_was_killed(tmp_path, second, engine):
    gate = started(tmp_path, "killed", names=THERE, sleep=20.0)
    booting(gate, second)
    os.kill(gate.pid, signal.SIGKILL)
    gate.communicate()
    until = time.monotonic() + 30
    while (left := there_is(second)) and time.monotonic() < until:
        time.sleep(0.2)
    assert left == ""
    gone = {place.parent for place in tmp_path.glob("bootgate-ssh-*/docker.sock")}
    engine(THERE)
    assert not any(place.exists() for place in gone)


def test_a_connection_that_comes_while_it_logs_out(monkeypatch):
    """On a busy machine, ssh is started after the others were ended: it is ended as well."""
    started: list[subprocess.Popen[bytes]] = []

    class Slow(subprocess.Popen):
        def __init__(self, command, **options):
            if "docker system dial-stdio" in command:
                asked.set()
                time.sleep(0.5)
            super().__init__(command, **options)
            started.append(self)

    tunnel, asked = Tunnel(THERE), threading.Event()
    monkeypatch.setattr(subprocess, "Popen", Slow)
    with socket.socket(socket.AF_UNIX) as door:
        door.connect(tunnel.address.removeprefix("unix://"))
        assert asked.wait(20)
        tunnel.close()
    assert [one.returncode is None for one in started] == [False]


def test_leftovers_are_those_of_all_hosts(second):
    docker("create", "--label", f"{LABEL}=left", IMAGE, "true", host=second)
    where = {HOSTS: f"{HERE},{THERE},unix:///no-such"}
    assert runs("docker", where)["left"] == "unknown"
    assert remove("docker", "left", {HOSTS: THERE}) == 1
    assert "left" not in runs("docker", where)
    with pytest.raises(EngineError, match="unix:///no-such"):
        remove("docker", "left", where)


def test_doctor_and_clean_look_at_each_host(second, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["doctor", f"--hosts={THERE},unix:///no-such"]) == 0
    rows = [line for line in capsys.readouterr().out.splitlines() if " host  " in line]
    assert rows[0].startswith("warn  host        No Docker engine answers (unix:///no-such)")
    assert re.match(r"ok    host        staging: \d+ CPUs, .* GiB, answers within", rows[1])
    docker("create", "--label", f"{LABEL}=left", IMAGE, "true", host=second)
    assert main(["clean", f"--hosts={THERE}", "--all"]) == 0
    assert f"{THERE}: run left: removed 1 leftovers" in capsys.readouterr().out


def test_a_host_that_goes_away_is_left_and_its_pair_made_anew(tmp_path, second):
    gate = started(tmp_path, "lost", names=f"{HERE},{THERE}", sleep=8.0)
    booting(gate, second)
    os.kill(second.pid, signal.SIGKILL)
    said = gate.communicate(timeout=120)[0]
    assert gate.returncode == 0, said
    found = result(tmp_path, "lost")
    assert {boot["node"] for boot in found["boots"][-2:]} == {"default"}
    (note,) = [n for boot in found["boots"] for n in boot["notes"] if "was lost" in n]
    assert note.startswith("a boot was lost and repeated: The Docker engine (ssh://staging")
