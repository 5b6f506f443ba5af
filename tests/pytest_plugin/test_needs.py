"""What a container may not do ends a gateway, and what the gate file grants it is told."""

from __future__ import annotations

import json

import pytest

from tests.engines.conftest import IMAGE

pytestmark = pytest.mark.docker

GATE = """\
releases: {{candidate: {{image: "{image}", version: "2"}}}}
gateway:
  command: [python3, -uc, "print('toy 2'); import socket; socket.socket(2, 3, 1); print('up')"]
  version: {{line: 'toy (?P<version>.)'}}
  container: {needs}
targets: {{boot: {{timeout: 20s, listen: 100ms, proof: {{line: up}}}}}}
gate: {{boots: 1}}
"""


@pytest.fixture
def run(pytester):
    def call(needs: str, *args: str):
        (pytester.path / "bootgate.yaml").write_text(GATE.format(image=IMAGE, needs=needs))
        done = pytester.runpytest_subprocess(
            *("bootgate.yaml", "--bootgate-engine", "docker", "--bootgate-json", "out.json"), *args
        )
        return done, json.loads((pytester.path / "out.json").read_text())

    return call


def test_a_gateway_that_may_not_is_told_how_it_may(run):
    done, found = run("{}")
    assert done.ret == 1
    (target,) = found["targets"]
    assert [boot["outcome"] for boot in target["boots"]] == ["crashed"]
    done.stdout.fnmatch_lines(["*Operation not permitted*", "*what to do:*"])
    said = " ".join(done.stdout.str().split())
    assert "grant more in the gate file (gateway: {container: {cap_add: [...]}}; see" in said
    assert found["releases"]["candidate"]["granted"] == []


def test_what_it_is_granted_is_told(run, pytester):
    done, found = run("{cap_add: [NET_RAW], pids: 5000}", "--bootgate-html", "out.html")
    assert done.ret == 0
    assert found["releases"]["candidate"]["granted"] == ["NET_RAW", "5000 tasks"]
    said = " ".join(done.stdout.str().split())
    assert f"candidate {IMAGE} 2 (sha256:" in said
    assert ", granted NET_RAW and 5000 tasks" in said
    assert "NET_RAW, 5000 tasks" in (pytester.path / "out.html").read_text()
