"""What only the docker engine does. A real engine must answer: these tests never skip."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import secrets
import subprocess
import tarfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from pytest_bootgate.engines import choose
from pytest_bootgate.engines.docker_api import DockerApi
from pytest_bootgate.errors import EngineError
from pytest_bootgate.gatefile.model import Container
from tests.engines.conftest import IMAGE

pytestmark = pytest.mark.docker


def docker(*command: str, **more) -> str:
    done = subprocess.run(["docker", *command], check=True, capture_output=True, text=True, **more)
    return done.stdout.strip()


def labelled(run: str) -> list[str]:
    label = f"label=bootgate.run={run}"
    containers = docker("ps", "-aq", "--filter", label).split()
    return containers + docker("volume", "ls", "-q", "--filter", label).split()


def built(dockerfile: str) -> str:
    return docker("build", "-q", "-", input=f"FROM {IMAGE}\n{dockerfile}")


def test_choose():
    engine, why = choose("auto", images=True, commands=False, run="r")
    assert why == "it answers and every release names an image"
    engine.close()


def test_everything_is_labelled_and_close_removes_it(docker_bench, run_id):
    docker_bench.begin("import time; time.sleep(60)", role="sidecar")
    docker_bench.make("pass")
    assert len(labelled(run_id)) == 3
    docker_bench.engine.close()
    assert labelled(run_id) == []


def test_a_machine_without_open_files_is_no_engine_that_was_stopped():
    """It said so: the SDK tells the one as it tells the other."""
    api = DockerApi()
    api.close()
    held = [os.open(os.devnull, os.O_RDONLY)]
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (held[0] + 1, before[1]))
    try:
        with contextlib.suppress(OSError):
            while True:
                held.append(os.open(os.devnull, os.O_RDONLY))
        said = pytest.raises(EngineError, match="ran out of a resource: Too many open files")
        with said, api.call("list leftovers") as client:
            client.containers()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
        for one in held:
            os.close(one)
        api.close()


def test_who_shares_nothing_needs_no_volume(docker_bench, run_id):
    docker_bench.begin("print('ok')")
    docker_bench.lines.until("gateway.out", "ok")
    assert len(labelled(run_id)) == 1


def test_place_remove_removes_all(docker_bench, run_id):
    docker_bench.begin("import time; time.sleep(60)", role="sidecar")
    docker_bench.place.remove()
    assert labelled(run_id) == []


def test_no_network_but_the_pairs_own(docker_bench):
    docker_bench.begin(
        "import socket; print([n for _, n in socket.if_nameindex() if n.startswith('eth')])"
    )
    docker_bench.lines.until("gateway.out", "[]")


def test_oom(docker_bench):
    unit = docker_bench.begin("x = [bytes(1 << 20) + b'x' for _ in range(999)]", memory=48 << 20)
    docker_bench.lines.until("gateway.out", None)
    ended = unit.exit()
    assert (ended.code, ended.oom) == (137, True)


def test_cpu_limit(docker_bench):
    unit = docker_bench.begin("print('go')\nwhile True: pass", cpus=0.25)
    docker_bench.lines.until("gateway.out", "go")
    before, began = unit.cpu_seconds(), time.monotonic()
    time.sleep(1.5)
    assert (unit.cpu_seconds() - before) / (time.monotonic() - began) < 0.35


def test_cpu_seconds_as_the_engine_counts_them(docker_bench, monkeypatch):
    monkeypatch.setattr("pytest_bootgate.engines.container._cpu_file", lambda *_: None)
    unit = docker_bench.begin("print('go')\nwhile True: pass")
    docker_bench.lines.until("gateway.out", "go")
    before, began = unit.cpu_seconds(), time.monotonic()
    # Other tests may leave it a small share of a core.
    while (used := unit.cpu_seconds() - before) < 0.2 and time.monotonic() - began < 30:
        time.sleep(0.1)
    assert 0.2 <= used < time.monotonic() - began + 1.5
    unit.stop(0)
    assert unit.cpu_seconds() is None


def test_gone_is_told(docker_bench, run_id):
    unit = docker_bench.begin("import time; time.sleep(60)")
    docker("rm", "-f", *docker("ps", "-aq", "--filter", f"label=bootgate.run={run_id}").split())
    docker_bench.lines.until("gateway.out", None)
    assert unit.exit().gone
    assert unit.stop(1).gone
    assert unit.cpu_seconds() is None
    with pytest.raises(EngineError, match="No such container"):
        unit.run("trigger", ["true"])
    unit.remove()


def test_remove_a_paused_one(docker_bench, run_id):
    unit = docker_bench.begin("print('up'); import time; time.sleep(60)")
    docker_bench.lines.until("gateway.out", "up")
    docker("pause", *docker("ps", "-q", "--filter", f"label=bootgate.run={run_id}").split())
    assert unit.exit() is None
    unit.remove()
    assert unit.exit().gone


def test_two_that_remove_at_once(docker_bench, run_id):
    docker_bench.begin("import time; time.sleep(60)")
    threads = [threading.Thread(target=docker_bench.place.remove)]
    threads += [threading.Thread(target=docker_bench.engine.close) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert labelled(run_id) == []


def test_files_anywhere(docker_bench):
    files = {"/opt/new/deep/conf": b"one", "/etc/hostname.x": b"two", "/tmp/x": b"3"}
    docker_bench.begin(
        "import os, stat\n"
        "for p in ('/opt/new/deep/conf', '/etc/hostname.x'): print(open(p).read())\n"
        "for p in ('/tmp', '/opt/new', '/bootgate'): print(p, oct(os.stat(p).st_mode)[-4:])",
        files=files,
    )
    docker_bench.lines.until("gateway.out", None)
    said = docker_bench.lines.texts("gateway.out")
    assert said == ["one", "two", "/tmp 1777", "/opt/new 0755", "/bootgate 1777", None]


@pytest.mark.parametrize("user", ["nobody", "1234", "1234:4321"])
def test_a_user_that_is_not_root_may_write(docker_bench, user):
    image = built(f"USER {user}")
    docker_bench.begin(
        "import pathlib\npathlib.Path('/srv/app/conf').write_text('mine')\n"
        "pathlib.Path('/srv/app/new').touch()\npathlib.Path('/bootgate/logs/x').touch()\nprint('ok')",
        image=image,
        files={"/srv/app/conf": b"theirs", "/bootgate/logs/given": b""},
    )
    docker_bench.lines.until("gateway.out", "ok")


def test_who_is_told_of_the_shared_directory_may_write_there(docker_bench):
    docker_bench.begin("open('/bootgate/x', 'w').close()\nprint('ok')", image=built("USER nobody"))
    docker_bench.lines.until("gateway.out", "ok")


def test_and_who_comes_after_the_sidecar_need_not_be_told(docker_bench):
    files = {"/bootgate/program": b""}
    docker_bench.begin("import time; time.sleep(60)", role="sidecar", files=files)
    docker_bench.begin(
        "open('/boot' + 'gate/x', 'w').close()\nprint('ok')", image=built("USER nobody")
    )
    docker_bench.lines.until("gateway.out", "ok")


def test_relative_files_are_refused(docker_bench, run_id):
    with pytest.raises(EngineError, match="absolute path"):
        docker_bench.make("pass", files={"conf": b""})
    assert len(labelled(run_id)) == 1  # the volume; the container was taken back


def test_own_command_of_the_image(docker_bench):
    docker_bench.unit(None, image=built('CMD ["echo", "own"]')).start()
    docker_bench.lines.until("gateway.out", "own")


def test_no_command_at_all(docker_bench):
    empty = docker("import", "-", input="")
    try:
        with pytest.raises(EngineError, match="has no default command"):
            docker_bench.unit(None, image=empty)
    finally:
        docker("rmi", empty)


def test_no_image(docker_bench):
    with pytest.raises(EngineError, match="has no image"):
        docker_bench.unit(["true"], image=None)


def test_limits_the_engine_refuses(docker_bench):
    with pytest.raises(EngineError, match="Range of CPUs"):
        docker_bench.make("pass", cpus=999)


def test_identity_is_what_resolve_said(docker_bench):
    assert docker_bench.make("pass").identity == docker_bench.engine.resolve(IMAGE)


def test_units_from_many_threads(docker_bench):
    unit = docker_bench.begin("import time; time.sleep(60)")
    failed = []

    def ask() -> None:
        try:
            for _ in range(20):
                assert unit.exit() is None
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=ask) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []


# -- images that cannot be had: a registry of our own answers as real ones do -----------------


class Registry(BaseHTTPRequestHandler):
    def do_GET(self):
        if "/secret/" in self.path:
            code, status = "UNAUTHORIZED", 401
        elif "/private/" in self.path:
            code, status = "DENIED", 403
        elif self.path == "/v2/":
            code, status = "", 200
        else:
            code, status = "MANIFEST_UNKNOWN", 404
        errors = {"errors": [{"code": code, "message": code.lower().replace("_", " ")}]}
        body = json.dumps(errors if code else {}).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(body)

    do_HEAD = do_GET  # noqa: N815

    def log_message(self, *_):
        pass


@pytest.fixture
def registry():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Registry)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(
    ("image", "says"),
    [
        ("{registry}/team/app:9", "neither local nor in its registry"),
        ("{registry}/team/app", "neither local nor in its registry"),
        ("{registry}/secret/app:9", "docker login"),
        ("{registry}/private/app:9", "docker login"),
        ("127.0.0.1:1/team/app:9", "registry is reachable"),
        ("Not An Image", "is not the name of an image"),
    ],
)
def test_images_that_cannot_be_had(docker_bench, registry, image, says):
    named = image.format(registry=registry)
    with pytest.raises(EngineError, match=says) as raised:
        docker_bench.engine.resolve(named)
    assert named in str(raised.value)
    print(raised.value)


def test_a_context_that_is_not_there(monkeypatch):
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    monkeypatch.setenv("DOCKER_CONTEXT", f"none-{secrets.token_hex(3)}")
    with pytest.raises(EngineError, match="docker context ls"):
        choose("docker", images=True, commands=False, run="r")


def test_the_current_context_is_honoured(monkeypatch, tmp_path):
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    docker("context", "create", "far", "--docker", "host=unix:///no/such.sock")
    docker("context", "use", "far")
    with pytest.raises(EngineError, match=r"context far, unix:///no/such\.sock"):
        choose("docker", images=True, commands=False, run="r")
    docker("context", "create", "near", "--docker", "host=unix:///var/run/docker.sock")
    monkeypatch.setenv("DOCKER_CONTEXT", "near")
    engine, _ = choose("docker", images=True, commands=False, run="r")
    engine.close()


def test_a_directory_that_cannot_be_read_is_not_copied_in_part(docker_bench, tmp_path, monkeypatch):
    """The writer of the archive fails after its first files."""
    (tmp_path / "data").mkdir()
    for name in "ab":
        (tmp_path / "data" / name).write_text(name)
    add = tarfile.TarFile.addfile

    def fails(self, entry, content=None):
        if entry.name.endswith("/b"):
            raise PermissionError(13, "Permission denied", entry.name)
        add(self, entry, content)

    monkeypatch.setattr(tarfile.TarFile, "addfile", fails)
    container = Container(volumes=[f"{tmp_path}/data:/data:rw"])
    with pytest.raises(EngineError, match=r"data could not be copied: .*Permission denied"):
        docker_bench.make("pass", container=container)
