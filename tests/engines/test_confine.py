"""How little a container may do, shown by what it tries. A real engine must answer."""

from __future__ import annotations

import json
import re
import time
import tracemalloc
from pathlib import Path

import psutil
import pytest

from pytest_bootgate.engines.granted import CAPABILITIES, beyond
from pytest_bootgate.errors import EngineError
from pytest_bootgate.gatefile.model import Container
from tests.engines.test_docker import built, docker

pytestmark = pytest.mark.docker

#: Says of each line whether it is allowed.
TRY = """
import ctypes, os, socket
libc = ctypes.CDLL(None, use_errno=True)
def called(result):
    if result: raise OSError(ctypes.get_errno(), '')
def attempt(name, do):
    try: do(); print(name, 'allowed')
    except OSError as error: print(name, error.errno)
def status(name):
    with open('/proc/self/status') as file:
        return next(line.split()[1] for line in file if line.startswith(name))
"""
REFUSED = 1  # EPERM
READ_ONLY = 30  # EROFS


def attempts(bench, program: str, **more) -> dict[str, str]:
    unit = bench.begin(TRY + program, **more)
    role = more.get("role", "gateway")
    bench.lines.until(f"{role}.out", None)
    assert bench.lines.texts(f"{role}.err") == []
    unit.remove()
    said = bench.lines.texts(f"{role}.out")[:-1]
    return dict(line.split(" ", 1) for line in said)


def host_config(run: str, role: str) -> dict:
    (made,) = docker(
        *("ps", "-aq", "--filter", f"label=bootgate.run={run}", "--filter", f"name={role}")
    ).split()
    return json.loads(docker("inspect", "-f", "{{json .HostConfig}}", made))


def mask(names) -> str:
    """A set of capabilities as the kernel shows it."""
    numbers = {"CHOWN": 0, "DAC_OVERRIDE": 1, "DAC_READ_SEARCH": 2, "FOWNER": 3, "KILL": 5}
    numbers |= {"SETGID": 6, "SETUID": 7, "NET_BIND_SERVICE": 10, "NET_RAW": 13, "SYS_CHROOT": 18}
    return f"{sum(1 << numbers[name] for name in names):016x}"


def test_what_a_gateway_is_made_with(docker_bench, run_id):
    docker_bench.make("pass")
    made = host_config(run_id, "gateway")
    assert made["SecurityOpt"] == ["no-new-privileges"]
    assert made["CapDrop"] == ["ALL"]
    assert sorted(made["CapAdd"]) == sorted(CAPABILITIES)
    assert made["PidsLimit"] == 4096
    assert made["LogConfig"]["Type"] == "none"
    assert (
        made["Memory"]
        == made["MemorySwap"]
        == pytest.approx(0.9 * int(docker("info", "-f", "{{.MemTotal}}")), abs=4096)
    )
    assert not made["Privileged"]


def test_what_a_sidecar_is_made_with(docker_bench, run_id):
    docker_bench.make("pass", role="sidecar")
    made = host_config(run_id, "sidecar")
    assert made["SecurityOpt"] == ["no-new-privileges"]
    assert (made["CapDrop"], made["CapAdd"]) == (["ALL"], ["DAC_READ_SEARCH"])
    assert made["ReadonlyRootfs"]
    assert made["PidsLimit"] == 512
    assert made["Memory"] == made["MemorySwap"] == 512 << 20
    assert made["LogConfig"]["Type"] == "none"


FORBIDDEN = """
attempt('mknod', lambda: os.mknod('/disk', 0o60600, os.makedev(8, 0)))
attempt('mount', lambda: called(libc.mount(b'none', b'/mnt', b'tmpfs', 0, None)))
attempt('raw', lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP))
attempt('name', lambda: socket.sethostname('other'))
attempt('nice', lambda: os.nice(-5))
"""


def test_a_gateway_may_not_do_what_only_root_of_the_machine_should(docker_bench):
    refused = str(REFUSED)
    assert attempts(docker_bench, FORBIDDEN) == {
        "mknod": refused,
        "mount": refused,
        "raw": refused,
        "name": refused,
        "nice": refused,
    }


def test_what_it_needs_more_is_granted_and_nothing_else(docker_bench):
    granted = attempts(docker_bench, FORBIDDEN, container=Container(cap_add=["NET_RAW"]))
    assert {name for name, how in granted.items() if how == "allowed"} == {"raw"}


def test_all_is_all_that_the_engine_has_itself(docker_bench):
    container = Container(cap_add=["ALL"])
    whole = (1 << int(Path("/proc/sys/kernel/cap_last_cap").read_text()) + 1) - 1
    if any(bounds < whole for bounds in engines_bounds()):
        with pytest.raises(EngineError, match="may not grant the gateway ALL, which it has not"):
            attempts(docker_bench, FORBIDDEN, container=container)
        return
    granted = attempts(docker_bench, FORBIDDEN, container=container)
    assert granted == dict.fromkeys(["mknod", "mount", "raw", "name", "nice"], "allowed")


def engines_bounds() -> list[int]:
    """What the engine's own process may have and grant, by the kernel's word."""
    processes = [p for p in psutil.process_iter() if p.name() == "dockerd"]
    found = (Path(f"/proc/{p.pid}/status").read_text() for p in processes)
    return [int(re.search(r"CapBnd:\s+(\w+)", text)[1], 16) for text in found]


def test_a_gateway_may_do_what_entry_points_do(docker_bench):
    said = attempts(
        docker_bench,
        """
import time
os.mkdir('/data')
attempt('chown', lambda: os.chown('/data', 65534, 65534))
attempt('chmod', lambda: os.chmod('/data', 0o700))
attempt('override', lambda: open('/data/x', 'w').close())
child = os.fork()
if not child:
    attempt('groups', lambda: os.setgroups([65534]))
    attempt('gid', lambda: os.setgid(65534))
    attempt('uid', lambda: os.setuid(65534))
    attempt('port', lambda: socket.create_server(('', 80)))
    open('/tmp/ready', 'w').close()
    time.sleep(60)
while not os.path.exists('/tmp/ready'): time.sleep(.01)
attempt('kill', lambda: os.kill(child, 15))
os.wait()
attempt('chroot', lambda: os.chroot('/data'))
""",
    )
    tried = ["chown", "chmod", "override", "groups", "gid", "uid", "port", "kill", "chroot"]
    assert said == dict.fromkeys(tried, "allowed")


def test_a_gateway_that_went_on_as_another_user_can_be_asked_to_stop(docker_bench):
    unit = docker_bench.begin(
        "import os, signal, sys, time\nos.setgid(65534); os.setuid(65534)\n"
        "signal.signal(15, lambda *_: sys.exit(5))\nprint('up')\ntime.sleep(60)"
    )
    docker_bench.lines.until("gateway.out", "up")
    assert unit.stop(10).code == 5


SHOWN = "print('new', status('NoNewPrivs'))\nprint('bounds', status('CapBnd'))\n"


def test_commands_inside_may_do_no_more(docker_bench):
    unit = docker_bench.begin("import time; time.sleep(60)")
    running = unit.run("trigger", ["python3", "-c", TRY + SHOWN])
    docker_bench.lines.until("trigger.out", None)
    assert running.exit_code() == 0
    assert docker_bench.lines.texts("trigger.out")[:2] == ["new 1", f"bounds {mask(CAPABILITIES)}"]


@pytest.mark.parametrize(("new", "uid"), [(False, "65534"), (True, "0")])
def test_no_program_makes_a_user_root_but_where_the_gate_file_says_so(docker_bench, new, uid):
    copied = "RUN cp /usr/bin/id /usr/bin/root-id && chmod 4755 /usr/bin/root-id\nUSER nobody"
    shown = (
        "import subprocess as s; print('is', s.check_output(['root-id', '-u']).decode().strip())"
    )
    container = Container(new_privileges=new)
    assert attempts(docker_bench, shown, image=built(copied), container=container) == {"is": uid}


BOMB = """
import os, signal
n = 0
try:
    for n in range(5000):
        if not os.fork():
            signal.pause(); os._exit(0)
except OSError as error:
    print('refused', n, error.errno)
signal.pause()
"""


@pytest.mark.parametrize("limit", [4096, 100])
def test_a_fork_bomb_ends_at_the_limit_and_nothing_is_left(docker_bench, run_id, limit):
    unit = docker_bench.begin(BOMB, container=Container(pids=limit))
    said = docker_bench.lines.until("gateway.out", "refused", timeout=120).text
    _, forked, error = said.split()
    assert int(error) == 11  # EAGAIN
    assert limit - 10 < int(forked) < limit
    unit.cpu_seconds()
    tasks = unit.tasks()
    assert len(tasks) > limit - 10
    docker_bench.place.remove()
    until = time.monotonic() + 20
    while (left := tasks & set(psutil.pids())) and time.monotonic() < until:
        time.sleep(0.1)
    assert not left


def test_a_sidecar_may_read_and_nothing_else(docker_bench):
    said = attempts(
        docker_bench,
        """
for path in ('/x', '/usr/x', '/etc/passwd', '/root/x', '/dev/x'):
    attempt(path, lambda: open(path, 'a').close())
attempt('/tmp/x', lambda: open('/tmp/x', 'w').close())
attempt('home', lambda: open(os.environ['HOME'] + '/x', 'w').close())
attempt('chown', lambda: os.chown('/tmp/x', 1, 1))
attempt('uid', lambda: os.setuid(1))
print('new', status('NoNewPrivs'))
print('may', status('CapEff'))
print('bounds', status('CapBnd'))
""",
        role="sidecar",
    )
    read_only, refused = str(READ_ONLY), str(REFUSED)
    may_read = mask(["DAC_READ_SEARCH"])
    assert said.pop("/dev/x") in ("allowed", read_only)  # the engine's own small tmpfs
    assert said == {
        "/x": read_only,
        "/usr/x": read_only,
        "/etc/passwd": read_only,
        "/root/x": read_only,
        "/tmp/x": "allowed",
        "home": "allowed",
        "chown": refused,
        "uid": refused,
        "new": "1",
        "may": may_read,
        "bounds": may_read,
    }


def test_a_sidecar_reads_what_a_gateway_has_closed_to_others(docker_bench):
    docker_bench.begin(
        "import pathlib, time; log = pathlib.Path('/bootgate/closed/log')\n"
        "while not log.parent.exists() or not log.exists(): time.sleep(.01)\n"
        "print(log.read_text())\n"
        "try: log.write_text('mine')\nexcept PermissionError: print('not written')",
        role="sidecar",
    )
    docker_bench.begin(
        "import os\nos.umask(0o077)\nos.mkdir('/bootgate/closed')\n"
        "os.rename(open('/bootgate/closed/new', 'w').name, '/bootgate/closed/new2')\n"
        "file = open('/bootgate/closed/new2', 'w'); file.write('closed'); file.close()\n"
        "os.rename('/bootgate/closed/new2', '/bootgate/closed/log')",
        image=built("USER nobody"),
    )
    docker_bench.lines.until("sidecar.out", "closed")
    docker_bench.lines.until("sidecar.out", "not written")


@pytest.mark.parametrize(("user", "mode"), [("nobody", "1775 65534 0"), ("root", "1777 0 0")])
def test_the_shared_directory_is_the_gateways(docker_bench, user, mode):
    wait = "import os, time\nwhile not os.path.exists('/bootgate/up'): time.sleep(.01)\n"
    docker_bench.begin(f"{wait}open('/bootgate/mine', 'w')\nprint('wrote')", role="sidecar")
    docker_bench.begin(
        "import os; about = os.stat('/bootgate')\n"
        "print(oct(about.st_mode)[-4:], about.st_uid, about.st_gid)\nopen('/bootgate/up', 'w')",
        image=built(f"USER {user}"),
    )
    docker_bench.lines.until("gateway.out", mode)
    docker_bench.lines.until("sidecar.out", "wrote")


# -- an image's list of users may be anything ------------------------------------------------

OWNER = "import os; about = os.stat('/srv/conf'); print(about.st_uid, about.st_gid)"


def owner_of_a_file(bench, dockerfile: str) -> str:
    unit = bench.make(OWNER, image=built(dockerfile), files={"/srv/conf": b""})
    unit.start()
    bench.lines.until("gateway.out", None)
    return bench.lines.texts("gateway.out")[0]


def test_a_list_of_users_that_is_a_link_is_followed_inside_of_the_image(docker_bench):
    moved = (
        "RUN echo app:x:1234:4321::/: >> /etc/passwd && mkdir /opt/etc && mv /etc/passwd /opt/etc/"
    )
    for link in ("../opt/etc/passwd", "/opt/etc/passwd", "../../../../opt/etc/passwd"):
        said = owner_of_a_file(docker_bench, f"{moved} && ln -s {link} /etc/passwd\nUSER app")
        docker_bench.lines.seen.clear()
        assert said == "1234 4321"


def test_and_never_out_of_it(docker_bench, tmp_path):
    outside = tmp_path / "passwd"
    outside.write_text("1234:x:77:77::/:\n")
    up = "../" * 20
    for link in (outside, f"{up}{outside}", f"/proc/1/root{outside}"):
        said = owner_of_a_file(
            docker_bench, f"RUN rm /etc/passwd && ln -s {link} /etc/passwd\nUSER 1234:55"
        )
        docker_bench.lines.seen.clear()
        assert said == "1234 55"


@pytest.mark.parametrize(
    "instead",
    [
        "true",
        "mkdir /etc/passwd",
        "mkfifo /etc/passwd",
        "ln -s passwd /etc/passwd",
        "printf 'app:x:one:two::/:\\n1234\\n\\n:::\\n' > /etc/passwd",
        "printf '1234:x:%d%d:0::/:\\n' 99999999999 99999999999 > /etc/passwd",
    ],
)
def test_a_list_of_users_that_is_none_does_not_matter(docker_bench, instead):
    image = built(f"RUN rm /etc/passwd && {instead}\nUSER 1234")
    docker_bench.make("pass", image=image, files={"/srv/conf": b""})


def test_a_huge_list_of_users_is_not_read_to_its_end(docker_bench):
    huge = (
        "RUN echo app:x:1234:4321::/: > /etc/passwd && head -c 300M /dev/zero >> /etc/passwd"
        " && echo >> /etc/passwd && echo late:x:1:1::/: >> /etc/passwd"
    )
    early, late = built(f"{huge}\nUSER app"), built(f"{huge}\nUSER late")
    tracemalloc.start()
    try:
        for image in (early, late):
            docker_bench.make(OWNER, image=image, files={"/srv/conf": b""}).remove()
        assert tracemalloc.get_traced_memory()[1] < 32 << 20
    finally:
        tracemalloc.stop()


def test_limits_that_the_engine_may_not_give(docker_bench):
    nofile = int(Path("/proc/sys/fs/nr_open").read_text()) + 1
    with pytest.raises(EngineError) as caught:
        docker_bench.begin("", container=Container(ulimits={"nofile": nofile}))
    said = str(caught.value)
    assert "higher limits than it has itself (nofile): " in said
    assert "Lower `ulimits` of gateway: {container: ...}" in said


def test_what_is_beyond_the_default_in_words():
    assert beyond(Container()) == ()
    assert beyond(Container(cap_add=["CHOWN"], pids=100)) == ()
    more = Container(cap_add=["SYS_PTRACE", "IPC_LOCK"], pids=9999, new_privileges=True)
    assert beyond(more) == ("SYS_PTRACE", "IPC_LOCK", "9999 tasks", "new privileges")
    assert beyond(Container(cap_add=["SYS_PTRACE", "ALL"])) == ("ALL capabilities",)
