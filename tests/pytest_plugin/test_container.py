"""How a gate file has its containers made: the whole way to a real engine, and what it answers."""

from __future__ import annotations

import json
import os
import subprocess
from textwrap import indent

import pytest

from pytest_bootgate.errors import GateFileError
from pytest_bootgate.gatefile import load
from tests.engines.conftest import IMAGE

LOOK = """\
import grp, json, os, resource, socket, sys, time
def listed(path):
    return sorted(os.listdir(path)) if os.path.isdir(path) else None
def may_write(path):
    try:
        open(path + "/mine", "x").close()
    except OSError as error:
        return error.strerror
    return "yes"
name = socket.gethostname()
print("looked " + json.dumps({
    "pid": os.getpid(),
    "uid": os.getuid(),
    "gid": os.getgid(),
    "cwd": os.getcwd(),
    "name": name,
    "address": socket.gethostbyname(name),
    "nofile": resource.getrlimit(resource.RLIMIT_NOFILE),
    "shm": os.statvfs("/dev/shm").f_blocks * os.statvfs("/dev/shm").f_frsize,
    "write": {path: may_write(path) for path in sys.argv[1:]},
    "ls": {path: listed(path) for path in sys.argv[1:]},
    "hosts": {h: socket.gethostbyname(h) for h in ["db"] if h in open("/etc/hosts").read()},
    "links": sorted(os.listdir("/sys/class/net")),
    "owner": os.stat(sys.argv[1]).st_uid if sys.argv[1:] else None,
}), flush=True)
time.sleep(60)
"""
GATE = """\
releases: {{candidate: {{image: "{image}", command: [python3, -c, "${{LOOK}}", {args}]}}}}
gateway:
  container:
{container}
{more}
targets: {{app: {{timeout: 20s, proof: {proof}}}}}
"""
STUB = f'sidecar: {{image: "{IMAGE}", stub: {{port: 8099}}}}'


@pytest.fixture
def look(pytester, monkeypatch):
    """Boot once with container options; what the gateway saw, or the result without a boot."""
    monkeypatch.setenv("LOOK", LOOK)

    def call(container: str, *args: str, more: str = "", proof: str = "{line: looked}"):
        asked = {"container": indent(container, "    "), "more": more, "proof": proof}
        text = GATE.format(image=IMAGE, args=", ".join(args), **asked)
        path = pytester.path / "bootgate.yaml"
        path.write_text(text)
        options = ("--bootgate-boots", "1", "--bootgate-json", "out.json")
        pytester.runpytest_subprocess(path, "-p", "no:cacheprovider", *options)
        result = json.loads((pytester.path / "out.json").read_text())
        (target,) = result["targets"]
        for boot in target["boots"]:
            for line in boot["tails"].get("gateway.out", []):
                if line.startswith("looked "):
                    return json.loads(line.removeprefix("looked "))
        return result

    return call


@pytest.mark.docker
class TestOnDocker:
    def test_by_default(self, look):
        seen = look("labels: {a: b}")
        assert (seen["pid"] > 1, seen["uid"], seen["links"]) == (True, 0, ["lo"])
        assert (seen["name"], seen["address"]) == ("gateway", "127.0.0.1")

    @pytest.mark.parametrize("more", ["", STUB])
    def test_who_and_where_it_is(self, look, more):
        """Both where it is alone and where it shares the network of a sidecar."""
        seen = look(
            'init: false\nuser: "1234:100"\nworking_dir: /usr/lib\nhostname: node-1\n'
            "extra_hosts: {db: 127.0.0.9}",
            more=more,
        )
        assert (seen["pid"], seen["uid"], seen["gid"], seen["cwd"]) == (1, 1234, 100, "/usr/lib")
        assert (seen["name"], seen["address"]) == ("node-1", "127.0.0.1")
        assert seen["hosts"] == {"db": "127.0.0.9"}

    def test_limits(self, look):
        seen = look('shm_size: 128m\nulimits: {nofile: "2048:4096"}')
        assert (seen["shm"], seen["nofile"]) == (128 << 20, [2048, 4096])

    def test_a_read_only_file_system(self, look):
        seen = look(
            'read_only: true\ntmpfs: ["/run:size=1m"]\nvolumes: [/data]',
            *("/run", "/data", "/usr"),
        )
        assert seen["write"] == {"/run": "yes", "/data": "yes", "/usr": "Read-only file system"}

    def test_volumes(self, look, pytester):
        data = pytester.mkdir("data")
        (data / "file").write_text("x")
        os.chown(data, 1234, 1234)
        seen = look('volumes: ["./data:/ro", "./data:/rw:rw"]', "/rw", "/ro")
        assert seen["ls"] == {"/ro": ["file"], "/rw": ["file", "mine"]}
        assert seen["write"] == {"/ro": "Read-only file system", "/rw": "yes"}
        assert seen["owner"] == 1234
        assert [path.name for path in data.iterdir()] == ["file"]

    def test_a_named_volume(self, look):
        name = "bootgate-test-named"
        mount = f"{name}:/v"
        run = ["docker", "run", "--rm", "-v", mount, IMAGE, "sh", "-c", "echo kept > /v/file"]
        try:
            subprocess.run(run, check=True, capture_output=True)
            seen = look(f'volumes: ["{name}:/rw:rw"]', "/rw")
            assert seen["ls"] == {"/rw": ["file", "mine"]}
            seen = look(f'volumes: ["{name}:/ro"]', "/ro")
            assert seen["ls"] == {"/ro": ["file"]}
        finally:
            subprocess.run(["docker", "volume", "rm", "-f", name], check=True, capture_output=True)

    def test_a_read_only_file_system_with_a_copy(self, look, pytester):
        """Owners and modes of a volume, the state and the shared directory are kept."""
        data = pytester.mkdir("data")
        (data / "file").write_text("x")
        os.chown(data, 1234, 1234)
        seen = look(
            'user: "1234:100"\nread_only: true\nvolumes: ["./data:/rw:rw"]',
            *("/rw", "/bootgate", "/srv/state"),
            more=f"{STUB}\nstate: {{from: ./data, path: /srv/state}}",
        )
        assert seen["write"] == {"/rw": "yes", "/bootgate": "yes", "/srv/state": "yes"}
        assert (seen["ls"]["/rw"], seen["owner"]) == (["file", "mine"], 1234)

    def test_a_copy_for_the_sidecar(self, look, pytester):
        """Its file system is always read-only."""
        os.chown(pytester.mkdir("data"), 1234, 1234)
        volumes = '{user: "1234", volumes: ["./data:/rw:rw"]}'
        look(
            *("init: true", "/bootgate"),
            more=f'sidecar: {{image: "{IMAGE}", container: {volumes}}}',
            proof="{exec: [cp, /bootgate/mine, /rw], in: sidecar}",
        )
        (target,) = json.loads((pytester.path / "out.json").read_text())["targets"]
        assert [boot["outcome"] for boot in target["boots"]] == ["started"]

    def test_a_named_volume_that_is_not_there(self, look):
        for mount in ("bootgate-none:/x", "bootgate-none:/x:rw"):
            result = look(f'volumes: ["{mount}"]')
            assert "There is no volume bootgate-none for /x." in result["targets"][0]["error"]
        listed = subprocess.run(
            ["docker", "volume", "ls"], capture_output=True, text=True, check=True
        )
        assert "bootgate-none" not in listed.stdout

    def test_a_network(self, look):
        seen = look("network: bridge")
        assert seen["links"] == ["eth0", "lo"]

    def test_a_network_that_is_not_there(self, look):
        result = look("network: no-such-network")
        assert "no-such-network" in json.dumps(result)

    def test_an_entry_point(self, look):
        seen = look("entrypoint: [env, MORE=1]\ncap_drop: [ALL]")
        assert seen["uid"] == 0


def test_on_this_machine_there_is_no_container(pytester):
    path = pytester.path / "bootgate.yaml"
    path.write_text(
        "releases: {candidate: {command: [sleep, '60']}}\n"
        "gateway: {container: {user: nobody}}\n"
        "targets: {app: {timeout: 5s, proof: {line: x}}}\n"
    )
    done = pytester.runpytest_subprocess(path, "--bootgate-engine", "process")
    assert done.ret == 4
    done.stderr.fnmatch_lines(
        ["*only containers have `container`. This gate starts local processes: *"]
    )


@pytest.mark.parametrize(
    ("container", "mistake"),
    [
        ('volumes: ["./none:/data"]', "there is no './none': looked for"),
        ('volumes: ["./bootgate.yaml:/data:rw"]', "'./bootgate.yaml' is a file: copy it with"),
        ("volumes: [data]", "'data' is no volume: write ./data:/data"),
        ("tmpfs: [run]", "'run' is no path in a container: write /run"),
        ("ulimits: {nofile: many}", "'nofile' is no limit: write 65536"),
        ("devices: [kvm]", "'kvm' is no device: write /dev/kvm"),
        ("gpus: some", "'gpus' is neither a number nor all: write gpus: all"),
        ("network: host", "in network 'host' others could answer for the gateway"),
        ("privileged: true", "unknown key 'privileged' in a container"),
    ],
)
def test_mistakes(tmp_path, container, mistake):
    path = tmp_path / "bootgate.yaml"
    path.write_text(
        'releases: {candidate: {image: "a:1"}}\n'
        f"gateway: {{container: {{{container}}}}}\n"
        "targets: {app: {timeout: 5s, proof: {line: x}}}\n"
    )
    with pytest.raises(GateFileError) as caught:
        load(path, {})
    assert mistake in caught.value.mistakes[0]


@pytest.mark.parametrize(
    ("more", "mistake"),
    [
        (
            "container: {tmpfs: [/tmp, /data]}",
            "/data of 'tmpfs' and the state at /data/db are the same place: leave one out",
        ),
        (
            "container: {volumes: [/data/db/deep]}",
            "/data/db/deep of 'volumes' and the state at /data/db are the same place",
        ),
        (
            "container: {tmpfs: [/etc]}, files: {/etc/app/conf: {text: x}}",
            "/etc of 'tmpfs' would hide the file /etc/app/conf: put the file elsewhere",
        ),
        (
            "container: {read_only: true}, files: {/etc/app: {text: x}}",
            "/etc/app cannot be put into a read-only file system: put it below ${dir}",
        ),
    ],
)
def test_what_would_hide_what(tmp_path, more, mistake):
    path = tmp_path / "bootgate.yaml"
    path.write_text(
        'releases: {candidate: {image: "a:1"}}\n'
        "state: {from: ., path: /data/db}\n"
        f"gateway: {{{more}}}\n"
        "targets: {app: {timeout: 5s, proof: {line: x}}}\n"
    )
    with pytest.raises(GateFileError) as caught:
        load(path, {})
    assert any(mistake in one for one in caught.value.mistakes), caught.value.mistakes
