"""What listens on the loopback only satisfies every probe, and nobody outside reaches it."""

from __future__ import annotations

import json

import pytest

from tests.engines.conftest import IMAGE

LISTENS = """\
releases:
  baseline: {image: "%(image)s", command: [python3, -u, -c, "%(serve)s", "0.0.0.0"]}
  candidate: {image: "%(image)s", command: [python3, -u, -c, "%(serve)s", "127.0.0.1"]}
ports: {app: 8080}
gateway: {published: [%(published)s]}
targets: {app: {timeout: 20s, proof: {tcp: ":${port.app}"}}}
gate: {boots: 1}
"""
SERVE = (
    "import socket, sys, time; s = socket.create_server((sys.argv[1], ${port.app})); time.sleep(60)"
)


@pytest.mark.parametrize("engine", ["process", pytest.param("docker", marks=pytest.mark.docker)])
@pytest.mark.parametrize(("published", "verdict"), [("", "warn"), ("8080", "fail")])
def test_a_candidate_on_the_loopback_only(pytester, engine, published, verdict):
    gate = LISTENS % {"image": IMAGE, "serve": SERVE, "published": published}
    if engine == "process":
        gate = gate.replace(f'image: "{IMAGE}", ', "")
    path = pytester.path / "bootgate.yaml"
    path.write_text(gate)
    args = ("--bootgate-engine", engine, "--bootgate-json", "out.json")
    result = pytester.runpytest_subprocess(path, "-p", "no:cacheprovider", *args)
    assert result.ret == (verdict == "fail")
    (target,) = json.loads((pytester.path / "out.json").read_text())["targets"]
    (found,) = [f for f in target["judgement"]["findings"] if "listens" in f["text"]]
    assert found["verdict"] == verdict
    start = "the candidate listens on 127.0.0.1 (port.app) only, the baseline on all addresses"
    assert found["text"].startswith(start)
