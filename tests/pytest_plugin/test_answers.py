"""What a probe last saw stands in the result, and at the end of why a boot timed out."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

IMAGE = os.environ.get("BOOTGATE_PYTHON_IMAGE", "python:3.13-slim")
ENGINES = ["process", pytest.param("docker", marks=pytest.mark.docker)]
GATE = """\
releases:
  candidate:
    image: {image}
    command: [python3, -m, http.server, "${{port.app}}", --bind, 127.0.0.1, --directory, "${{dir}}"]
gateway:
  files: {{"${{dir}}/state": {{text: '{{"status": "starting"}}'}}}}
  ready: {ready}
  ready_timeout: 3s
ports: {{app: 8080, other: 8081}}
target: {{timeout: 3s, listen: 0s}}
targets: {{boot: {target}}}
gate: {{boots: 1, noise: 1000, retries: 0}}
"""
RAN = 'trigger: {exec: ["true"]}'


@pytest.fixture
def booted(pytester, here):
    """Gate a server that answers, but not as wanted; returns what its boot was, ports as N."""

    def call(target: str, engine: str, ready: str = '{http: ":${port.app}/"}') -> dict:
        text = GATE.format(image=IMAGE, target=target, ready=ready)
        if "trigger" not in target:
            text = re.sub("  ready.*\n", "", text)
        (pytester.path / "bootgate.yaml").write_text(text)
        here(
            *("bootgate.yaml", "--bootgate-engine", engine),
            *("--bootgate-json", "out.json"),
        )
        (found,) = json.loads(Path(pytester.path / "out.json").read_text())["targets"]
        (boot,) = found["boots"]
        assert boot["outcome"] == "timed_out", boot
        return json.loads(re.sub(r":\d{4,5}\b", ":N", json.dumps(boot)))

    return call


@pytest.mark.parametrize("engine", ENGINES)
def test_where_the_start_is_the_trigger(booted, engine):
    phases = (
        '{refused: {tcp: ":${port.other}"}, made: {file: "${dir}/done"},'
        ' up: {http: ":${port.app}/"}, ok: {http: ":${port.app}/state", json: {status: ok}}}'
    )
    boot = booted(f"{{phases: {phases}}}", engine)
    assert boot["answers"] == {
        "refused": ":N: connection refused",
        "made": "${dir}/done: no such file",
        "ok": ':N/state: 200 OK: {"status": "starting"}',
    }
    last = ':N/state last answered 200 OK: {"status": "starting"}'
    assert boot["detail"] == f"no proof within 3 s; {last}"


@pytest.mark.parametrize("engine", ENGINES)
def test_where_a_gateway_is_triggered(booted, engine):
    boot = booted(f'{{{RAN}, proof: {{http: ":${{port.app}}/none"}}}}', engine)
    assert boot["detail"] == "no proof within 3 s; :N/none last answered 404 File not found"
    assert boot["answers"]["proof"].startswith(":N/none: 404 File not found: <!DOCTYPE HTML")


@pytest.mark.parametrize("engine", ENGINES)
def test_where_a_gateway_is_never_ready(booted, engine):
    ready = '{http: ":${port.app}/none"}'
    boot = booted(f"{{{RAN}, proof: {{line: never}}}}", engine, ready)
    last = ":N/none last answered 404 File not found"
    assert boot["detail"] == f"the gateway was not ready after 3 s; {last}"
    assert boot["answers"]["ready"].startswith(":N/none: 404 File not found: <!DOCTYPE HTML")


def test_where_nobody_answers(booted):
    boot = booted(f'{{{RAN}, proof: {{http: ":${{port.other}}/"}}}}', "process")
    assert boot["answers"] == {"proof": ":N/: connection refused"}
    assert boot["detail"] == "no proof within 3 s; :N/: connection refused"


def test_a_boot_that_started_has_no_answers(booted, pytester):
    with pytest.raises(AssertionError):
        booted('{proof: {http: ":${port.app}/"}}', "process")
    (target,) = json.loads(Path(pytester.path / "out.json").read_text())["targets"]
    (boot,) = target["boots"]
    assert (boot["outcome"], boot["answers"]) == ("started", {})
