"""Boots that start on somebody's own state, a fresh copy each."""

from __future__ import annotations

import json
import os
import subprocess
import tarfile
from io import BytesIO

import pytest

from pytest_bootgate.engines.memory import MemoryEngine
from pytest_bootgate.errors import BootgateError, GateFileError
from pytest_bootgate.gatefile import load
from pytest_bootgate.gatefile.model import State
from pytest_bootgate.run.source import SOURCE, packed
from tests.engines.conftest import IMAGE

#: Says what it finds, spoils it, and starts.
PROGRAM = """\
import json, os, sys, time
found = {}
for above, _, files in os.walk(sys.argv[1]):
    for name in files:
        path = os.path.join(above, name)
        kept = os.stat(path)
        found[os.path.relpath(path, sys.argv[1])] = [
            open(path).read(), kept.st_uid, oct(kept.st_mode)
        ]
print("found " + json.dumps(found), flush=True)
open(os.path.join(sys.argv[1], "spoilt"), "x").close()
time.sleep(60)
"""


@pytest.fixture
def state(pytester):
    """A directory as production would leave it."""
    directory = pytester.mkdir("own")
    (directory / "deep").mkdir()
    (directory / "jobs.json").write_text('{"token": "secret-1", "id": 7}')
    (directory / "deep" / "data").write_text("data")
    (directory / "deep" / "run.log").write_text("log")
    (directory / "cache").mkdir()
    (directory / "cache" / "big").write_text("big")
    (directory / "jobs.json").chmod(0o600)
    os.chown(directory / "deep" / "data", 1234, 1234)
    return directory


@pytest.fixture
def boots(pytester, monkeypatch):
    """Boot twice on a state; what each boot found."""
    monkeypatch.setenv("PROGRAM", PROGRAM)

    def call(engine: str, state: str, path: str = "${dir}/state", image: str = IMAGE):
        image = f'image: "{image}", ' if engine == "docker" else ""
        gate = pytester.path / "bootgate.yaml"
        gate.write_text(
            f"releases:\n  candidate: {{{image}command: [python3, -c, '${{PROGRAM}}', '{path}']}}\n"
            f"state: {{path: '{path}', {state}}}\n"
            "targets: {app: {timeout: 20s, proof: {line: found}}}\n"
        )
        args = ("--bootgate-engine", engine, "--bootgate-boots", "2", "--bootgate-json", "out.json")
        pytester.runpytest_subprocess(gate, "-p", "no:cacheprovider", *args)
        (target,) = json.loads((pytester.path / "out.json").read_text())["targets"]
        assert target["error"] is None, target["error"]
        lines = [boot["tails"]["gateway.out"][0] for boot in target["boots"]]
        return [json.loads(line.removeprefix("found ")) for line in lines]

    return call


ENGINES = ["process", pytest.param("docker", marks=pytest.mark.docker)]
WHOLE = {
    "jobs.json": ['{"token": "secret-1", "id": 7}', 0, "0o100600"],
    "deep/data": ["data", 1234, "0o100644"],
    "deep/run.log": ["log", 0, "0o100644"],
    "cache/big": ["big", 0, "0o100644"],
}


@pytest.mark.parametrize("engine", ENGINES)
def test_a_directory(boots, state, engine):
    assert boots(engine, "from: ./own") == [WHOLE, WHOLE]
    assert not (state / "spoilt").exists()


@pytest.mark.parametrize("engine", ENGINES)
def test_what_must_not_leave_production(boots, state, engine):
    out = r"""exclude: [cache, "*.log"], redact: {"*.json": '"token": "([^"]*)"'}"""
    (first, second) = boots(engine, f"from: ./own, {out}")
    assert first == second
    assert first == {
        "jobs.json": ['{"token": "REDACTED", "id": 7}', 0, "0o100600"],
        "deep/data": ["data", 1234, "0o100644"],
    }


@pytest.mark.parametrize("top", ["", "own", "."])
def test_an_archive(boots, state, pytester, top):
    """Of the directory, or of what is in it."""
    with tarfile.open(pytester.path / "own.tar.gz", "w:gz") as tar:
        if top:
            tar.add(state, top)
        else:
            for path in state.iterdir():
                tar.add(path, path.name)
    assert boots("process", "from: ./own.tar.gz") == [WHOLE, WHOLE]


@pytest.mark.docker
def test_a_volume(boots):
    name = "bootgate-test-state"
    run = ["docker", "run", "--rm", "-v", f"{name}:/v", IMAGE, "sh", "-c", "echo -n x > /v/file"]
    try:
        subprocess.run(run, check=True, capture_output=True)
        found = boots("docker", f"from: 'volume:{name}'", "/var/lib/app")
        assert found == [{"file": ["x", 0, "0o100644"]}] * 2
    finally:
        subprocess.run(["docker", "volume", "rm", "-f", name], check=True, capture_output=True)


@pytest.mark.docker
def test_a_state_is_all_that_there_is(pytester, boots, state):
    """What the image has at that path would not be there in production either."""
    dockerfile = f"FROM {IMAGE}\nRUN mkdir /state && echo x > /state/of-the-image\n"
    build = ["docker", "build", "-q", "-t", "bootgate-test-state:1", "-"]
    subprocess.run(build, input=dockerfile, text=True, check=True, capture_output=True)
    try:
        found = boots("docker", "from: ./own", "/state", image="bootgate-test-state:1")
        assert found == [WHOLE, WHOLE]
    finally:
        subprocess.run(["docker", "rmi", "bootgate-test-state:1"], check=True, capture_output=True)


@pytest.mark.parametrize(
    ("state", "mistake"),
    [
        ("{from: ./none, path: /state}", "there is no './none': looked for"),
        ("{from: .}", "it is not known where in the gateway this state belongs: write path"),
        ("{path: /state}", "'state' is used only by an upgrade in place"),
        ("{from: ., path: /state, seed: [x]}", "'seed' is used only by an upgrade in place"),
        ("{from: ., path: /s, redact: {a: '('}}", "'a' is not a regular expression"),
        ("{from: ., path: /s, redact: {a: '(?u)A'}}", "'a' is not a regular expression"),
        ("{from: /dev/zero, path: /s}", "'/dev/zero' is neither a directory nor a file"),
        ("{from: ., path: '/s/${target}'}", "the state is copied before any boot, '${target}'"),
        ("{exclude: [x], path: /state}", "'exclude' goes only with 'from'"),
    ],
)
def test_mistakes(tmp_path, state, mistake):
    path = tmp_path / "bootgate.yaml"
    path.write_text(
        'releases: {candidate: {image: "a:1"}}\n'
        f"state: {state}\n"
        "targets: {app: {timeout: 5s, proof: {line: x}}}\n"
    )
    with pytest.raises(GateFileError) as caught:
        load(path, {})
    assert any(mistake in one for one in caught.value.mistakes), caught.value.mistakes


def test_files_of_a_directory_and_of_a_pattern(pytester, monkeypatch):
    monkeypatch.setenv("PROGRAM", PROGRAM)
    conf = pytester.mkdir("conf")
    (conf / "deep").mkdir()
    for name in ("a.ini", "b.ini", "c.txt", "deep/d.ini"):
        (conf / name).write_text(name)
    gate = pytester.path / "bootgate.yaml"
    gate.write_text(
        "releases: {candidate: {command: [python3, -c, '${PROGRAM}', '${dir}/all']}}\n"
        "gateway:\n"
        "  files: {'${dir}/all/conf': {path: ./conf}, '${dir}/all/ini': {path: './conf/*.ini'}}\n"
        "targets: {app: {timeout: 20s, proof: {line: found}}}\n"
    )
    args = ("--bootgate-engine", "process", "--bootgate-boots", "1", "--bootgate-json", "out.json")
    pytester.runpytest_subprocess(gate, "-p", "no:cacheprovider", *args)
    (target,) = json.loads((pytester.path / "out.json").read_text())["targets"]
    (line,) = target["boots"][0]["tails"]["gateway.out"]
    found = json.loads(line.removeprefix("found "))
    assert {name: content for name, (content, *_) in found.items()} == {
        **{f"conf/{name}": name for name in ("a.ini", "b.ini", "c.txt", "deep/d.ini")},
        **{f"ini/{name}": name for name in ("a.ini", "b.ini")},
    }


@pytest.mark.parametrize(
    ("path", "mistake"),
    [
        ("./none", "there is no file './none'"),
        ("./empty", "'./empty' holds no file: name one that does"),
        ("./*.ini", "no file matches './*.ini': looked for"),
    ],
)
def test_files_that_are_not_there(tmp_path, path, mistake):
    (tmp_path / "empty").mkdir()
    gate = tmp_path / "bootgate.yaml"
    gate.write_text(
        'releases: {candidate: {image: "a:1"}}\n'
        f"gateway: {{files: {{/etc/app: {{path: '{path}'}}}}}}\n"
        "targets: {app: {timeout: 5s, proof: {line: x}}}\n"
    )
    with pytest.raises(GateFileError) as caught:
        load(gate, {})
    (only,) = caught.value.mistakes
    assert mistake in only


# -- archives of others ------------------------------------------------------------------------


class Nothing(MemoryEngine):
    """An engine that is not needed."""


def pack(tmp_path, **state):
    packed(State(path="/state", **state), Nothing({}), None, tmp_path)
    with tarfile.open(tmp_path / SOURCE) as tar:
        return {
            member.name: None
            if member.isdir() or member.issym()
            else tar.extractfile(member).read()
            for member in tar
        }


def archive(tmp_path, *entries, name="s.tar", mode="w"):
    """An archive of entries: a name, and bytes, or what a link points to (`sym:`, `hard:`)."""
    with tarfile.open(tmp_path / name, mode) as tar:
        for path, content in entries:
            entry = tarfile.TarInfo(path)
            if isinstance(content, bytes):
                entry.size = len(content)
                tar.addfile(entry, BytesIO(content))
                continue
            kind, entry.linkname = content.split(":")
            entry.type = {"sym": tarfile.SYMTYPE, "hard": tarfile.LNKTYPE}[kind]
            tar.addfile(entry)
    return str(tmp_path / name)


@pytest.mark.parametrize(
    "entries",
    [
        [("s/../../escaped", b"x")],
        [("/tmp/escaped", b"x")],
        [("s/e", "sym:/tmp"), ("s/e/escaped", b"x")],
    ],
)
def test_nothing_is_unpacked_elsewhere(tmp_path, entries):
    with pytest.raises(BootgateError, match="would be unpacked outside of its directory"):
        pack(tmp_path, from_=archive(tmp_path, ("s/a", b"x"), *entries))


BIG = [(f"s/{n}", os.urandom(5000)) for n in range(3)]


@pytest.mark.parametrize("cut", [5632, 6000, 11264])
def test_an_archive_that_is_cut_off(tmp_path, cut):
    path = archive(tmp_path, *BIG)
    os.truncate(path, cut)
    with pytest.raises(BootgateError, match=r"is cut off|could not be copied"):
        pack(tmp_path, from_=path)


@pytest.mark.parametrize("damage", ["cut", "changed"])
def test_a_compressed_archive_that_is_damaged(tmp_path, damage):
    path = archive(tmp_path, *BIG, name="s.tar.gz", mode="w:gz")
    data = bytearray((tmp_path / "s.tar.gz").read_bytes())
    if damage == "cut":
        del data[-4000:]
    else:
        data[len(data) // 2] ^= 0xFF
    (tmp_path / "s.tar.gz").write_bytes(data)
    with pytest.raises(BootgateError, match=r"could not be copied"):
        pack(tmp_path, from_=path)


def test_what_is_no_archive(tmp_path):
    (tmp_path / "s.tar").write_text("nothing")
    with pytest.raises(BootgateError, match=r"could not be copied"):
        pack(tmp_path, from_=str(tmp_path / "s.tar"))
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(BootgateError, match=r"neither a directory nor an archive"):
        pack(tmp_path, from_=str(tmp_path / "fifo"))


def test_hard_links(tmp_path):
    path = archive(tmp_path, ("s/a", b"SECRET"), ("s/b", "hard:s/a"))
    assert pack(tmp_path, from_=path)["state/b"] == b"SECRET"
    assert pack(tmp_path, from_=path, redact={"a": "SECRET"})["state/b"] == b"REDACTED"
    with pytest.raises(BootgateError, match="b of the state is a hard link to a, so it cannot be"):
        pack(tmp_path, from_=path, redact={"b": "SECRET"})
    with pytest.raises(BootgateError, match="b of the state is a hard link to a, which is not"):
        pack(tmp_path, from_=path, exclude=["a"])
    path = archive(tmp_path, ("s/b", "hard:s/none"))
    with pytest.raises(BootgateError, match="is a hard link to none, which is not copied"):
        pack(tmp_path, from_=path)


def test_what_is_too_large_to_be_redacted_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("pytest_bootgate.run.source.MOST_REDACTED", 3 << 20)
    path = archive(tmp_path, ("s/a.sql", bytes(4 << 20)))
    assert len(pack(tmp_path, from_=path)["state/a.sql"]) == 4 << 20
    with pytest.raises(BootgateError, match=r"a.sql of the state has 4 MiB, more than the 3 MiB"):
        pack(tmp_path, from_=path, redact={"*.sql": "x"})


def test_a_pattern_that_takes_for_ever(tmp_path, monkeypatch):
    monkeypatch.setattr("pytest_bootgate.run.source._PATIENCE", 0.3)
    path = archive(tmp_path, ("s/a", b"x=" * 10_000))
    with pytest.raises(BootgateError, match=r"The pattern .* of state: redact took more than"):
        pack(tmp_path, from_=path, redact={"a": ".*.*.*=.*!"})
