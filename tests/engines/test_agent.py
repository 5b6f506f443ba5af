"""The agent of a pod: what it says of the commands that it lets run."""

from __future__ import annotations

import json
import os
import subprocess

import pytest

from pytest_bootgate.engines.kubernetes.agent import program, slot


@pytest.fixture
def agent(tmp_path, monkeypatch):
    monkeypatch.setattr(slot, "ROOT", str(tmp_path))
    monkeypatch.setattr(program, "SOCKET", str(tmp_path / "s"))
    made = program.Agent([])
    yield made
    made._selector.close()
    made._server.close()


def test_a_command_that_ended_since_the_last_look_keeps_its_code(agent):
    agent._add("gateway/1", "trigger")
    command = agent._slots["gateway/1"]
    for stream in [*command.open]:  # nobody writes to them any more
        agent._read(command, stream)
    with subprocess.Popen(["true"]) as process:
        command.pid = process.pid
    os.write(command.said, b"code 7\n")
    agent._look()
    (_, last) = agent._frames[-1]
    about = json.loads(last)
    assert (about["over"], about["code"]) == (True, 7)
