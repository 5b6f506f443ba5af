"""What only pods have: volumes, files, users, and how the agent sees and reaches them."""

from __future__ import annotations

import secrets

import pytest

from pytest_bootgate.errors import EngineError
from pytest_bootgate.gatefile.model import Container
from pytest_bootgate.quantities import Memory
from tests.engines.conftest import bench_of

pytestmark = pytest.mark.kubernetes


@pytest.fixture
def bench():
    yield from bench_of("kubernetes", f"test{secrets.token_hex(5)}")


def test_directories_files_and_users(bench, tmp_path):
    source = tmp_path / "conf"
    source.mkdir()
    (source / "a").write_text("from here")
    container = Container(
        user="1234:1234",
        volumes=[f"{source}:/etc/app", "/cache"],
        tmpfs=["/run/app:size=1m"],
        shm_size=Memory(1 << 20),
        read_only=True,
        working_dir="/tmp",
    )
    program = (
        "import os, pathlib as p\n"
        "print(os.getuid(), os.getgid(), os.getcwd())\n"
        "print(p.Path('/etc/app/a').read_text())\n"
        "p.Path('/cache/x').write_text('y'); p.Path('/run/app/x').write_text('y')\n"
        "print(os.statvfs('/dev/shm').f_blocks * os.statvfs('/dev/shm').f_frsize)\n"
        "print(p.Path('/etc/one.conf').read_text(), os.stat('/etc/one.conf').st_uid)\n"
        "for path in ('/etc/app/b', '/x'):\n"
        "  try: p.Path(path).touch()\n"
        "  except OSError as error: print(error.strerror)\n"
        "p.Path('/bootgate/mine').touch(); print('done')\n"
    )
    unit = bench.make(program, container=container, files={"/etc/one.conf": b"one"})
    unit.start()
    bench.lines.until("gateway.out", None)
    said = bench.lines.texts("gateway.out")
    assert said[:2] == ["1234 1234 /tmp", "from here"], bench.lines.seen
    assert said[3:] == ["one 1234", *["Read-only file system"] * 2, "done", None]


def test_a_gateway_that_is_not_root_is_seen_held_and_measured(bench):
    program = (
        "import time\nprint('up')\nwhile time.process_time() < 1: pass\nprint('done')\ninput()"
    )
    unit = bench.begin(program, container=Container(user="1234"), stdin=True)
    bench.lines.until("gateway.out", "up")
    unit.hold.pause()
    assert unit.hold.state() == "paused"
    before = unit.cpu_seconds()
    bench.clock.sleep(0.5)
    assert unit.cpu_seconds() == before
    unit.hold.release()
    bench.lines.until("gateway.out", "done", 30)
    assert 0.9 < unit.cpu_seconds() < 1.3


def test_memory_that_runs_out(bench):
    unit = bench.begin("x = bytearray(1 << 30); print(len(x))", memory=64 << 20)
    bench.lines.until("gateway.out", None)
    assert (unit.exit().code, unit.exit().oom) == (137, True)


def test_how_a_gateway_fares_on_its_node(bench):
    program = (
        "import subprocess as s, sys, time\nprint('up')\ninput()\n"
        "s.run([sys.executable, '-c', 'bytearray(1 << 30)[:]'])\n"
        "while time.process_time() < .5: pass\nprint('done')\ninput()"
    )
    unit = bench.begin(program, cpus=0.2, memory=64 << 20, stdin=True)
    bench.lines.until("gateway.out", "up")
    before = bench.place.machine()
    unit.send("")
    bench.lines.until("gateway.out", "done", 60)
    after = bench.place.machine()
    assert after.busy > before.busy
    assert after.cpus == before.cpus >= 1
    assert after.oom_kills - before.oom_kills == 1
    assert after.throttled > before.throttled
    assert after.run_delay > before.run_delay


def test_a_unit_that_was_not_announced(bench):
    bench.make("pass")
    with pytest.raises(EngineError, match="was not announced"):
        bench.make("pass", role="sidecar")


def test_a_file_as_a_volume(bench, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(EngineError, match="is no directory"):
        bench.make("pass", container=Container(volumes=[f"{tmp_path}/file:/etc/x"]))
