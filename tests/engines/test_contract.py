"""What all engines promise."""

from __future__ import annotations

import os

import pytest

from pytest_bootgate.errors import EngineError
from tests.engines.scripts import (
    busy,
    does,
    gives,
    hears,
    ignores_signals,
    listens_at,
    listens_on,
    listens_to_signals,
    lives,
    reaches,
    waits_for,
    waits_for_a_line,
)


def test_lines_arrive_in_order_and_split(bench):
    bench.begin(
        "import os, time\n"
        "os.write(1, b'a\\nb\\r\\nc'); time.sleep(.1); os.write(1, b'ut\\n\\xff!\\n\\nlast')",
        does(lambda me: me.write(b"a\nb\r\nc"), 0.1, lambda me: me.write(b"ut\n\xff!\n\nlast")),
    )
    bench.lines.until("gateway.out", None)
    assert bench.lines.texts("gateway.out") == ["a", "b", "cut", "\ufffd!", "", "last", None]


def test_stderr_apart_and_one_end_after_both(bench):
    bench.begin(
        "import sys; print('out'); print('err', file=sys.stderr)",
        does("out", lambda me: me.err("err")),
    )
    bench.lines.until("gateway.out", None)
    assert bench.lines.texts("gateway.out") == ["out", None]
    assert bench.lines.texts("gateway.err") == ["err"]


def test_overlong_line_is_cut(bench):
    bench.begin("print('x' * 200_000); print('next')", does("x" * 200_000, "next"))
    bench.lines.until("gateway.out", None)
    long, after, _ = bench.lines.texts("gateway.out")
    assert (len(long), after) == (64 * 1024, "next")


def test_many_lines_lose_none(bench):
    bench.begin(
        "for n in range(20_000): print('line', n)", does(*(f"line {n}" for n in range(20_000)))
    )
    bench.lines.until("gateway.out", None, timeout=60)
    assert bench.lines.texts("gateway.out")[:-1] == [f"line {n}" for n in range(20_000)]


def test_times_are_those_of_arrival(bench):
    bench.begin("import time; print('one'); time.sleep(.5); print('two')", does("one", 0.5, "two"))
    bench.lines.until("gateway.out", "one")
    bench.lines.until("gateway.out", "two")
    one, two = bench.lines.seen
    assert 0.45 < two.at - one.at < 0.8


@pytest.mark.parametrize(
    ("program", "code"),
    [
        ("raise SystemExit(0)", 0),
        ("raise SystemExit(3)", 3),
        ("import os; os.kill(os.getpid(), 11)", 139),
        ("import os; os.abort()", 134),
    ],
)
def test_exit_code(bench, program, code):
    unit = bench.begin(program, does(code=code))
    bench.lines.until("gateway.out", None)
    ended = unit.exit()
    assert (ended.code, ended.oom, ended.gone) == (code, False, False)


def test_exit_is_none_before_and_while_running(bench):
    unit = bench.make("input()", waits_for_a_line, stdin=True)
    assert unit.exit() is None
    unit.start()
    assert unit.exit() is None


def test_ran(bench):
    unit = bench.begin("import time; time.sleep(.5)", does(0.5))
    bench.lines.until("gateway.out", None)
    assert 0.45 < unit.exit().ran < 1.5


def test_send(bench):
    unit = bench.begin("while True: print('heard', input())", hears, stdin=True)
    for text in ("one", "zwölf"):
        unit.send(text)
        bench.lines.until("gateway.out", f"heard {text}")


def test_send_to_one_that_ended(bench):
    unit = bench.begin("print('bye')", does("bye"), stdin=True)
    bench.lines.until("gateway.out", None)
    with pytest.raises(EngineError, match="no longer accepts input"):
        unit.send("hello")


def test_run_inside(bench):
    unit = bench.begin("import time; time.sleep(60)", lives())
    program = (
        "import os, sys; print('in', os.getcwd(), os.environ['X']); print('e', file=sys.stderr)"
    )
    script = does(lambda me: me.out(f"in {me.env['X']}"), lambda me: me.err("e"), code=7)
    running = bench.run(unit, f"{program}; sys.exit(7)", script, {"X": "y"})
    bench.lines.until("trigger.out", None)
    assert running.exit_code() == 7
    assert bench.lines.texts("trigger.out")[0].endswith(" y")
    assert bench.lines.texts("trigger.err") == ["e"]


def test_run_of_an_unknown_command(bench):
    unit = bench.begin("import time; time.sleep(60)", lives())
    with pytest.raises(EngineError, match="no-such-command"):  # noqa: PT012
        running = unit.run("trigger", ["no-such-command"])
        bench.lines.until("trigger.out", None)
        running.exit_code()


def test_run_in_one_that_ended(bench):
    unit = bench.begin("pass", does())
    bench.lines.until("gateway.out", None)
    with pytest.raises(EngineError):
        unit.run("trigger", ["true"])


def test_unknown_command(bench):
    unit = bench.unit(["no-such-command", "x"])
    with pytest.raises(EngineError, match="no-such-command"):  # noqa: PT012
        unit.start()
        bench.lines.until("gateway.out", None)
        unit.exit()


def test_cpu_seconds_grow_under_a_busy_loop(bench):
    unit = bench.begin("print('go')\nwhile True: pass", busy)
    bench.lines.until("gateway.out", "go")
    before, began = unit.cpu_seconds(), bench.clock.now()
    bench.clock.sleep(1)
    # Other tests may leave it a small share of a core.
    while (used := unit.cpu_seconds() - before) < 0.2 and bench.clock.now() - began < 30:
        bench.clock.sleep(0.1)
    assert 0.2 <= used < 1.2 * (bench.clock.now() - began)


def _child_is_busy(me):
    child = me.fork("child", does(0.4, lambda it: setattr(it, "cpu", 0.4)))
    while child.exit is None:
        yield 0.01
    me.out("done")
    yield me.stdin


def test_cpu_seconds_count_children_that_ended(bench):
    busy = "import time\nwhile time.process_time() < .4: pass"
    unit = bench.begin(
        f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {busy!r}])\n"
        "print('done'); input()",
        _child_is_busy,
        stdin=True,
    )
    bench.lines.until("gateway.out", "done")
    assert unit.cpu_seconds() > 0.35


def test_cpu_seconds_of_one_that_ended(bench):
    unit = bench.begin("pass", does())
    bench.lines.until("gateway.out", None)
    assert unit.cpu_seconds() is None


def test_both_share_a_directory(bench):
    bench.expect("sidecar", "gateway")
    path = f"{bench.place.dir}/conf/given.txt"
    wait = f"import time, pathlib; p = pathlib.Path('{bench.place.dir}/said')\n"
    bench.begin(
        wait + "while not p.exists(): time.sleep(.01)\nprint(p.name)",
        waits_for(f"{bench.place.dir}/said"),
        role="sidecar",
    )
    bench.begin(
        f"import pathlib; print(pathlib.Path('{path}').read_text())\n"
        f"pathlib.Path('{bench.place.dir}/said').touch()",
        gives(path, f"{bench.place.dir}/said"),
        files={path: b"given"},
    )
    bench.lines.until("gateway.out", "given")
    bench.lines.until("sidecar.out", "said")


def test_ports_are_reachable_from_the_sidecar(bench):
    bench.expect("sidecar", "gateway")
    port = bench.place.ports["gateway"]
    bench.begin(
        "import socket, time\nwhile True:\n"
        f"  try: socket.create_connection(('127.0.0.1', {port}))\n"
        "  except OSError: time.sleep(.02)\n  else: break\nprint('reached')",
        reaches(port),
        role="sidecar",
    )
    program = f"import socket; socket.create_server(('127.0.0.1', {port})).accept()"
    bench.begin(program, listens_on(port))
    bench.lines.until("sidecar.out", "reached")


def test_at_which_sockets_a_unit_listens(bench):
    """Also at one that was bound by a relative path."""
    paths = [f"{bench.place.dir}/{name}" for name in ("a.sock", "b.sock", "c.sock")]
    port = bench.place.ports["gateway"]
    program = (
        "import os, socket, time\n"
        f"os.chdir('{bench.place.dir}')\n"
        f"held = [socket.create_server(('127.0.0.1', {port}))]\n"
        f"for path in ('{paths[0]}', 'b.sock'):\n"
        "  held.append(socket.socket(socket.AF_UNIX))\n"
        "  held[-1].bind(path)\n"
        "  held[-1].listen()\n"
        "print('up', flush=True)\ntime.sleep(60)"
    )
    bench.expect("sidecar", "gateway")
    other = bench.begin("import time; time.sleep(60)", lives(), role="sidecar")
    unit = bench.begin(program, listens_at(port, *paths[:2]))
    bench.lines.until("gateway.out", "up")
    known = set() if bench.engine.name == "kubernetes" else {port, *paths[:2]}
    assert unit.listens([port, *paths]) == known
    assert other.listens([port, *paths]) == set()


def test_env(bench):
    bench.begin(
        "import os; print(os.environ['A'], os.environ['HOME'])",
        does(lambda me: me.out(f"{me.env['A']} {me.env['HOME']}")),
        env={"A": "b", "HOME": "/h"},
    )
    bench.lines.until("gateway.out", "b /h")


def test_identity_is_stable(bench):
    bench.expect("sidecar", "gateway")
    one, two = (bench.make("pass", does(), role=role) for role in ("sidecar", "gateway"))
    assert one.identity == two.identity
    assert one.identity.startswith("sha256:" if bench.contained else "command:")


def test_stop_asks_first(bench):
    unit = bench.begin(
        "import signal, sys, time\nsignal.signal(15, lambda *_: sys.exit(5))\n"
        "print('up')\ntime.sleep(60)",
        listens_to_signals,
    )
    bench.lines.until("gateway.out", "up")
    assert unit.stop(10).code == 5


def test_stop_kills_what_does_not_listen(bench):
    unit = bench.begin(
        "import signal, time\nsignal.signal(15, signal.SIG_IGN)\nprint('up'); time.sleep(60)",
        ignores_signals,
    )
    bench.lines.until("gateway.out", "up")
    began = bench.clock.now()
    assert unit.stop(1).code == 137
    assert bench.clock.now() - began < 5


def test_remove_twice_and_never_started(bench):
    bench.expect("sidecar", "gateway")
    running = bench.begin("import time; time.sleep(60)", lives())
    never = bench.make("pass", does(), role="sidecar")
    for unit in (running, never, running, never):
        unit.remove()
    bench.lines.until("gateway.out", None)
    bench.place.remove()
    bench.place.remove()


def test_one_end_also_when_removed(bench):
    unit = bench.begin("print('up'); import time; time.sleep(60)", lives("up"))
    bench.lines.until("gateway.out", "up")
    unit.remove()
    bench.lines.until("gateway.out", None)
    assert not bench.lines.waiting


WRITE_STATE = """
import os, pathlib
state = pathlib.Path({path!r}); (state / 'sub').mkdir(parents=True)
(state / 'sub/jobs').write_text('three'); (state / 'sub/jobs').chmod(0o640)
(state / 'here').symlink_to('sub/jobs'); os.link(state / 'sub/jobs', state / 'again')
(state / 'closed').mkdir(); (state / 'closed/in').write_text('x'); (state / 'closed').chmod(0o500)
(state / 'big').write_bytes(bytes(3_000_000)); os.geteuid() or os.chown(state / 'big', 1234, 567)
"""
READ_STATE = """
import os, pathlib, stat
state = pathlib.Path({path!r})
mode = lambda name: oct(stat.S_IMODE((state / name).stat().st_mode))
print((state / 'here').read_text(), mode('sub/jobs'), mode('closed'))
print('in', (state / 'closed/in').read_text())
print((state / 'here').is_symlink(), (state / 'again').samefile(state / 'sub/jobs'))
big = (state / 'big').stat(); print(big.st_size, big.st_uid, big.st_gid)
print('given', (state / 'sub/given').read_text())
"""


def test_a_state_is_saved_and_loaded(bench, tmp_path):
    path, kept = f"{bench.place.dir}/state", tmp_path / "kept.tar"
    writer = bench.begin(
        f"import pathlib; p = pathlib.Path({path!r}); p.mkdir(); (p / 'jobs').write_text('3\\n')",
        does(lambda me: me.log(f"{path}/jobs", "3")),
    )
    bench.lines.until("gateway.out", None)
    writer.save(path, kept)
    place = bench.engine.place({})
    try:
        path = f"{place.dir}/state"
        program = f"import pathlib; print((pathlib.Path({path!r}) / 'jobs').read_text())"
        script = does(lambda me: me.out(me.world.files[f"{path}/jobs"].decode()))
        reader = place.create(bench.spec(bench.command(program, script)), bench.lines)
        reader.load(path, kept, {})
        reader.start()
        bench.lines.until("gateway.out", "3")
    finally:
        place.remove()


def test_a_state_keeps_links_modes_and_owners(real_bench, tmp_path):
    """Needs files of a real system."""
    save_and_load(real_bench, tmp_path / "kept.tar", "{dir}/state")


@pytest.mark.docker
def test_a_state_may_lie_outside_of_the_shared_directory(docker_bench, tmp_path):
    save_and_load(docker_bench, tmp_path / "kept.tar", "/var/lib/new/state")


def test_on_this_machine_a_state_is_only_below_a_place(local_bench, tmp_path):
    unit = local_bench.begin("pass")
    local_bench.lines.until("gateway.out", None)
    with pytest.raises(EngineError, match="only below"):
        unit.save("/etc", tmp_path / "kept.tar")


def save_and_load(bench, kept, state):
    path = state.format(dir=bench.place.dir)
    writer = bench.begin(WRITE_STATE.format(path=path))
    bench.lines.until("gateway.out", None)
    writer.save(path, kept)
    root = bench.contained or os.geteuid() == 0
    owner = "1234 567" if root else f"{os.getuid()} {os.getgid()}"
    place = bench.engine.place({})
    try:
        path = state.format(dir=place.dir)
        spec = bench.spec([bench.python, "-uc", READ_STATE.format(path=path)])
        reader = place.create(spec, bench.lines)
        reader.load(path, kept, {f"{path}/sub/given": b"by the gate"})
        reader.start()
        bench.lines.until("gateway.out", None)
        assert bench.lines.texts("gateway.out")[-6:-1] == [
            "three 0o640 0o500",
            "in x",
            "True True",
            f"3000000 {owner}",
            "given by the gate",
        ], bench.lines.seen
    finally:
        place.remove()


def test_there_is_no_state(bench, tmp_path):
    unit = bench.begin("pass", does())
    bench.lines.until("gateway.out", None)
    with pytest.raises(EngineError, match="no"):
        unit.save(f"{bench.place.dir}/none", tmp_path / "kept.tar")
