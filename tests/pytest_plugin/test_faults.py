"""What is not there, or goes away: one paragraph with the way out, never a traceback."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

BROKEN = sorted((Path(__file__).parent.parent / "gatefile" / "broken").glob("*.yaml"))
IMAGE = os.environ.get("BOOTGATE_PYTHON_IMAGE", "python:3.13-slim")


def write(pytester, text: str, **more: str) -> None:
    (pytester.path / "bootgate.yaml").write_text(text)
    for name, content in more.items():
        (pytester.path / name).write_text(content)


def no_traceback(result) -> None:
    for stream in (result.stdout, result.stderr):
        stream.no_fnmatch_line("*Traceback (most recent call last)*")
        stream.no_fnmatch_line("*INTERNALERROR*")
        stream.no_fnmatch_line("*.py:[0-9]*: *Error")


def test_there_are_enough_broken_gate_files():
    assert len(BROKEN) >= 20


@pytest.mark.parametrize("broken", BROKEN, ids=lambda p: p.stem)
def test_a_broken_gate_file_is_a_usage_error_with_all_its_mistakes(pytester, broken):
    shutil.copytree(broken.parent.parent, pytester.path, dirs_exist_ok=True)
    name = f"broken/{broken.stem}.bootgate.yaml"
    shutil.copy(broken, pytester.path / name)
    result = pytester.runpytest_inprocess(name)
    assert result.ret == 4
    no_traceback(result)
    expected = broken.with_suffix(".txt").read_text().splitlines()
    said = [line.removeprefix("ERROR: ") for line in result.stderr.lines if line]
    assert len(said) == len(expected)
    for line, mistake in zip(said, expected, strict=True):
        position = re.compile(r"^[\w/.]*:?\d+:\d+: ")
        assert position.sub("", line).replace(".bootgate", "") == position.sub("", mistake)


def test_a_broken_gate_file_found_on_the_way_is_a_usage_error_too(pytester, here):
    write(pytester, "targets: 5\n")
    result = here("--bootgate")
    assert result.ret == 4
    no_traceback(result)


def test_an_unknown_engine(gate, run):
    gate()
    result = run("bootgate.yaml", "--bootgate-engine", "podman")
    assert result.ret == 4
    result.stderr.fnmatch_lines(["*podman*auto*docker*process*"])
    no_traceback(result)


def test_a_stopped_engine_and_a_gate_that_has_only_images(pytester, monkeypatch, here):
    monkeypatch.setenv("DOCKER_HOST", f"unix://{pytester.path}/nothing.sock")
    write(
        pytester,
        "releases: {candidate: {image: a}}\ntargets: {boot: {timeout: 5s, proof: {line: never}}}\n",
    )
    result = here("bootgate.yaml")
    assert result.ret == 1
    result.assert_outcomes(errors=1, skipped=1)
    result.stdout.fnmatch_lines(["*nothing.sock*"])
    no_traceback(result)


def test_a_stopped_engine_and_commands_fall_back_and_say_so(gate, run, monkeypatch, pytester):
    monkeypatch.setenv("DOCKER_HOST", f"unix://{pytester.path}/nothing.sock")
    path = gate(boots=1)
    path.write_text(path.read_text().replace("candidate:\n", "candidate:\n    image: a\n"))
    result = run("bootgate.yaml")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["bootgate: bootgate.yaml: engine process (*"])


def test_a_command_that_is_not_there(pytester, here):
    write(
        pytester,
        "releases: {candidate: {command: [no-such-gateway]}}\n"
        "targets: {boot: {timeout: 5s, proof: {line: never}}}\n",
    )
    result = here("bootgate.yaml")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*no-such-gateway*"])
    no_traceback(result)


@pytest.mark.docker
@pytest.mark.parametrize(
    ("release", "said"),
    [
        ('{image: "localhost:1/nothing:1"}', "*localhost:1/nothing:1*"),
        ('{image: "no-such-image-of-bootgate:1"}', "*no-such-image-of-bootgate:1*"),
        (f'{{image: "{IMAGE}", command: [no-such-gateway]}}', "*no-such-gateway*"),
    ],
)
def test_images_that_cannot_be_booted(pytester, release, said, here):
    write(
        pytester,
        f"releases: {{candidate: {release}}}\n"
        "targets: {boot: {timeout: 5s, proof: {line: never}}}\n",
    )
    result = here("bootgate.yaml", "--bootgate-engine", "docker")
    assert result.ret == 1
    result.assert_outcomes(errors=1, skipped=1)
    result.stdout.fnmatch_lines([said])
    no_traceback(result)


@pytest.mark.docker
def test_an_image_without_python_for_the_sidecar(pytester, here):
    write(
        pytester,
        f'releases: {{candidate: {{image: "{IMAGE}", command: [sleep, "9"]}}}}\n'
        f'sidecar: {{image: "{IMAGE}", command: [no-such-python]}}\n'
        'targets: {boot: {timeout: 5s, proof: {http: ":80/"}}}\n',
    )
    result = here("bootgate.yaml", "--bootgate-engine", "docker")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*no-such-python*"])
    no_traceback(result)


@pytest.mark.parametrize("engine", ["process", pytest.param("docker", marks=pytest.mark.docker)])
def test_a_sidecar_that_dies_is_an_error_and_not_a_timeout(pytester, engine, here):
    write(
        pytester,
        f"""\
releases: {{candidate: {{image: "{IMAGE}", command: [sleep, "60"]}}}}
sidecar: {{image: "{IMAGE}", program: dying.py, command: [python3, "${{program}}"]}}
targets: {{boot: {{timeout: 60s, proof: {{http: ":80/"}}}}}}
""",
        **{
            "dying.py": """\
import sys, time
print('{"event":"hello"}', flush=True)
sys.stdin.readline()
print('{"event":"armed"}', flush=True)
time.sleep(1)
sys.exit("out of ideas")
"""
        },
    )
    began = time.monotonic()
    result = here("bootgate.yaml", "--bootgate-engine", engine)
    assert result.ret == 1
    assert time.monotonic() - began < 30
    result.assert_outcomes(errors=1, skipped=1)
    result.stdout.fnmatch_lines(["*The sidecar exited with 1*out of ideas*"])
    no_traceback(result)


def running(command: str) -> list[str]:
    """The containers of any run with this command."""
    ps = ["docker", "ps", "--filter", "label=bootgate.run", "--format", "{{.ID}} {{.Command}}"]
    lines = subprocess.run(ps, capture_output=True, text=True, check=True).stdout.splitlines()
    return [line.split()[0] for line in lines if command in line]


@pytest.mark.docker
def test_a_container_that_somebody_else_removes_is_an_error(pytester):
    write(
        pytester,
        f'releases: {{candidate: {{image: "{IMAGE}", command: [sleep, "61.5"]}}}}\n'
        "targets: {boot: {timeout: 60s, proof: {line: never}}}\n",
    )
    run = pytester.popen(
        [sys.executable, "-m", "pytest", "bootgate.yaml", "--bootgate-engine", "docker"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    for _ in range(100):
        if ids := running("sleep 61.5"):
            time.sleep(1)
            subprocess.run(["docker", "rm", "-f", *ids], capture_output=True, check=False)
            break
        time.sleep(0.2)
    out = run.communicate(timeout=60)[0].decode()
    assert run.returncode == 1
    assert "from outside the gate" in out
    assert "Traceback" not in out
