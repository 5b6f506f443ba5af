"""`--bootgate-set`: a variable of the gate file, which is an error where it has no effect."""

from __future__ import annotations

import os
import re

import pytest

from tests.pytest_plugin.conftest import GOOD

#: How the toy gateway ends: its plan is one of the candidate's variables.
END = "STEP"


@pytest.fixture
def varied(gate, monkeypatch):
    monkeypatch.setenv("HOW", "exit:3")

    def write(how: str = "${HOW}"):
        path = gate([*GOOD[:-1], END])
        path.write_text(path.read_text().replace(END, how))

    return write


def test_it_counts_more_than_the_environment(varied, played):
    varied()
    assert played("bootgate.yaml").ret == 1
    assert played("bootgate.yaml", "--bootgate-set", "HOW=ring").ret == 0
    assert os.environ["HOW"] == "exit:3"  # afterwards


def test_one_without_an_effect(varied, played):
    varied("ring")
    result = played("bootgate.yaml", "--bootgate-set", "HOW=ring")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    told = (
        "*--bootgate-set HOW=... has no effect: nothing that bootgate.yaml boots depends on ${HOW},"
        " so another release would be gated. Write it where it belongs, such as*"
    )
    result.stderr.fnmatch_lines([told.replace("[", "[[]")])


def test_one_that_only_a_number_may_be(varied, played, pytester):
    """What is tried to see its effect is a text, with which there is no gate file at all."""
    varied("ring")
    path = pytester.path / "bootgate.yaml"
    path.write_text(f"{path.read_text()}profiles: {{all: {{cpus: '${{CORES}}'}}}}\n")
    assert played("bootgate.yaml", "--bootgate-set", "CORES=2").ret == 0


@pytest.mark.parametrize(
    "more",
    [
        "profiles: {all: {}, low: {cpus: '${X}', on_request: true}}",
        "notify: {chat: {command: [echo, '${X}']}}",
        "kubernetes: {namespace: '${X}'}",
        "releases: {candidate: {image: 'app:${X}'}}",
        "gateway: {command: [serve, '${X}']}",  # the release has its own
        "gateway: {env: {PLAN: '${X}'}}",
        "sidecar: {image: 'python:${X}'}",
        "target: {timeout: '${X}s'}",
        "target: {never: {line: 'panic ${X}'}}",
    ],
)
def test_one_with_an_effect_on_nothing_that_is_booted(varied, played, pytester, more):
    varied("ring")
    path = pytester.path / "bootgate.yaml"
    text = path.read_text()
    if more.startswith("releases"):
        text = text.replace("    command:", "    image: 'app:${X}'\n    command:", 1)
    else:
        key, _, inner = more.partition(": ")
        there = re.search(rf"^{key}:\n(  .*\n)+", text, re.MULTILINE)
        if there is None:
            text += more
        else:
            entry, _, value = inner[1:-1].partition(": ")
            own = re.search(rf"^  {entry}: \{{", there[0], re.MULTILINE)
            block = re.sub(rf"^  {entry}: [^{{].*\n", "", there[0], flags=re.MULTILINE)
            if own is None:
                block += f"  {entry}: {value}\n"
            else:
                block = block.replace(own[0], f"{own[0]}{value[1:-1]}, ")
            text = text.replace(there[0], block)
    path.write_text(text)
    given = "X=2" if "cpus" in more or "timeout" in more else "X=bootgate-x"
    result = played("bootgate.yaml", "--bootgate-engine=process", "--bootgate-set", given)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--bootgate-set X=... has no effect: *"])


def test_only_an_image_of_gate_files_that_commands_could_boot(varied, here, pytester, monkeypatch):
    """Without Docker the commands would be booted, whatever image is given."""
    monkeypatch.setenv("DOCKER_HOST", "unix:///no/such/socket")
    varied("ring")
    path = pytester.path / "bootgate.yaml"
    path.write_text(path.read_text().replace("    command:", "    image: 'app:${X}'\n    command:"))
    result = here("bootgate.yaml", "--bootgate-set=X=2")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*unix:///no/such/socket*"])


def test_a_run_without_a_gate(played, pytester):
    pytester.makepyfile("def test_it(): pass")
    result = played("--bootgate-set=X=2")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["ERROR: --bootgate-set: no gate was collected; *"])


@pytest.mark.parametrize("text", ["HOW", "=ring", "1X=2", "A B=2"])
def test_what_is_no_variable(varied, played, text):
    varied()
    result = played("bootgate.yaml", f"--bootgate-set={text}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*this is not NAME=VALUE: write CANDIDATE=1.9"])


def test_what_is_empty(varied, played):
    """As of a pipeline whose own variable is not set: a default would be gated instead."""
    varied("${HOW:-ring}")
    result = played("bootgate.yaml", "--bootgate-set=HOW=")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*HOW is empty, so a default would be gated*"])
