"""A real OpenClaw gateway in its own gates. `ci/systems` makes the image."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
EXAMPLES = ROOT / "examples"
OPENCLAW = os.environ.get("OPENCLAW_TEST_VERSION", "2026.6.6")
pytestmark = [pytest.mark.docker, pytest.mark.systems]


def openclaw_gate(pytester, version: str, targets: str) -> Path:
    """A gate file for the release whose image is there, said to be `version`."""
    gate = pytester.path / "bootgate.yaml"
    image = f"bootgate-openclaw:{OPENCLAW}"
    gate.write_text(
        "preset: openclaw\n"
        f'releases: {{candidate: {{image: "{image}", version: "{version}"}}}}\n'
        f"targets: {targets}\n"
    )
    return gate


def test_a_real_openclaw_release(run, found, pytester):
    gate = openclaw_gate(pytester, OPENCLAW, '{isolated: {}, "session:daily": {start: warm}}')
    result = run(gate, "--bootgate-boots", "1")
    assert result.ret == 0
    for target in found().values():
        (boot,) = [b for b in target["boots"] if not b["warm_up"]]
        assert boot["version"] == OPENCLAW
        assert [p["name"] for p in boot["phases"]] == [
            "accepted",
            "setup",
            "runner_startup",
            "prep",
            "task_started",
        ]
        assert all(p["seconds"] is not None for p in boot["phases"])
        assert {"startup", "prep"} <= {s["source"] for s in boot["stages"]}


def test_a_real_openclaw_release_that_is_held_for_a_moment(run, pytester):
    """Far shorter than its own watchdogs allow, so nobody is told; only the holds are tested."""
    targets = (
        "{isolated: {listen: 2s, propagation: {hold: pause, in: setup, timeout: 3s, listen: 90s}},"
        " current: {listen: 2s, propagation: {hold: mute, timeout: 30s, for: 1s, listen: 2s}}}"
    )
    result = run(openclaw_gate(pytester, OPENCLAW, targets), "-k", "propagation")
    assert result.ret == 1
    paused, mute = json.loads((pytester.path / "out.json").read_text())["propagations"]
    assert (paused["verdict"], mute["verdict"]) == ("fail", "fail")
    assert paused["stall"]["proof"] > paused["stall"]["ended"] > 3
    assert mute["stall"]["holds_task"]
    assert "/readyz" in [told["name"] for told in paused["stall"]["signals"]]
    result.stdout.fnmatch_lines(["*nothing ends the boot*", "*nothing ends the task*"])


def test_a_real_openclaw_release_takes_over_its_own_state(run, pytester):
    gate = pytester.path / "bootgate.yaml"
    image = f"bootgate-openclaw:{OPENCLAW}"
    gate.write_text(
        "preset: openclaw\n"
        "upgrade: in-place\n"
        "releases:\n"
        f'  baseline: {{image: "{image}"}}\n'
        f'  candidate: {{image: "{image}", env: {{X: y}}}}\n'
        "targets: {isolated: {}}\n"
        "state: {rollback: true}\n"
    )
    result = run(gate, "-k", "upgrade")
    assert result.ret == 0
    (found,) = json.loads((pytester.path / "out.json").read_text())["upgrades"]
    seen = found["upgrade"]
    for start in (seen["first"], seen["second"], seen["rollback"]):
        (job,) = start["jobs"]
        assert (job["name"], job["fields"]["sessionTarget"]) == ("bootgate isolated", "isolated")
        assert job["runs"] >= 2
        assert start["health"] is not None
        assert start["stop"]["code"] == 0
        assert {stage["source"] for stage in start["stages"]} == {"start-up"}
        assert [run["boot"]["outcome"] for run in start["runs"]] == ["started"]


def test_an_openclaw_of_ones_own(run, found, pytester):
    """Three agents, four providers, two channels, an MCP server, and credentials in the state."""
    own = ROOT / "tests" / "gatefile" / "own"
    state = pytester.path / "state"
    for name, text in {
        "workspace/mcp.mjs": (own / "mcp.mjs").read_text(),
        "agents/main/agent/auth-profiles.json": '{"key": "sk-ant-of-the-state"}',
        ".env": "OPENAI_API_KEY=sk-of-the-state",
    }.items():
        (state / name).parent.mkdir(parents=True, exist_ok=True)
        (state / name).write_text(text)
    gate = pytester.path / "bootgate.yaml"
    gate.write_text(
        "preset: openclaw\n"
        f"config: {own}/openclaw.json5\n"
        "state: {from: ./state}\n"
        f'releases: {{candidate: {{image: "bootgate-openclaw:{OPENCLAW}"}}}}\n'
        'gateway: {settle: 10s, env: {LOG: "${dir}/mcp-asked"}}\n'
        "target: {signals: {mcp: {file: '${dir}/mcp-asked', means: ok}}}\n"
        "targets:\n"
        "  ops:\n"
        "    trigger:\n"
        "      send:\n"
        "        sessionTarget: isolated\n"
        "        agentId: ops\n"
        "        payload: {model: local/llama-3, thinking: low}\n"
    )
    result = run(gate, "--bootgate-boots", "1")
    assert result.ret == 0
    (boot,) = found()["ops"]["boots"]
    assert boot["outcome"] == "started"
    assert {s["name"] for s in boot["signals"] if s["at"] is not None} >= {"mcp"}
    said = "\n".join(boot["tails"]["sidecar.out"])
    assert '"path":"/v1/chat/completions","token":true' in said
    written = (pytester.path / "out.json").read_text()
    (changes,) = json.loads(written)["adapted"].values()
    assert "channels.telegram.enabled: false" in changes
    journal = b"".join(path.read_bytes() for path in pytester.path.glob(".bootgate/journal.db*"))
    for secret in ("telegram-secret", "hunter2", "notes-secret", "sk-ant", "sk-of-the-state"):
        assert secret not in written
        assert secret.encode() not in journal


def test_an_openclaw_release_that_is_not_the_one_asked_for(run, pytester):
    result = run(openclaw_gate(pytester, "2099.1.1", "{isolated: {}}"))
    assert result.ret == 1
    result.stdout.fnmatch_lines([f"*should be version 2099.1.1, but*reports {OPENCLAW}*"])
