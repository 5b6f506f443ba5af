"""Boots that start on somebody's own state, a fresh copy each."""

from __future__ import annotations

import json
import os
import subprocess
import tarfile

import pytest

from pytest_bootgate.errors import GateFileError
from pytest_bootgate.gatefile import load
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
        (
            "{from: ., path: /s, redact: {a: '(x)?'}}",
            "bootgate.yaml:2:40: the pattern for 'a' also",
        ),
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
