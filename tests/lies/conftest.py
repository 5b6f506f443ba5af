"""A gate for a lying gateway, on either engine, and the table of what the gate says to each lie."""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.pytest_plugin.conftest import TOY

DOCKER = pytest.param("docker", id="docker", marks=pytest.mark.docker)
#: What an engine sees in its own way is told on both; all else on the one that most people use.
BOTH = [pytest.param("process", id="process"), DOCKER]
TABLE = ROOT / "docs" / "lies.md"
IMAGE = os.environ.get("BOOTGATE_PYTHON_IMAGE", "python:3.13-slim")
GATE = """\
releases:
{releases}
gateway:
  command: [python3, "${{dir}}/toy.py"]
  files: {{"${{dir}}/toy.py": {{path: "{toy}"}}}}
  env: {{PORT: "${{port.gateway}}", STUB: "http://127.0.0.1:${{port.bell}}/"}}
  ready: {ready}
  ready_timeout: 10s
  version: {{line: 'toy (?P<version>\\S+) is here'}}
sidecar: {{stub: {{port: "${{port.bell}}"}}}}
ports: {{gateway: 8080, bell: 8099}}
profiles: {{here: {profile}}}
target:
  timeout: {timeout}
  listen: 300ms
  trigger: {{http: ":${{port.gateway}}/run", body: "do ${{target}} ${{token}}"}}
  phases: {phases}
  signals:
    log: {{line: job failed}}
    run log: {{line: 'run finished: ok', means: ok}}
targets:
  {targets}
gate: {gate}
"""
PHASES = (
    "{engine: {line: engine ready}, persona: {line: persona loaded}, task_started: {stub: true}}"
)


@dataclass(frozen=True)
class Row:
    """What the docs say the gate says to a lie."""

    verdict: str
    text: str

    def said_in(self, output: str) -> bool:
        """Whether the text was printed, other numbers notwithstanding."""
        pattern = re.sub(r"\d+(?:\\\.\d+)?", r"[\\d.]+", re.escape(self.text))
        return re.search(pattern, output) is not None


def rows() -> dict[str, Row]:
    """The table of the docs: for each lie, the verdict and the text."""
    found = {}
    for line in TABLE.read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        if line.startswith("| ") and len(cells) == 3 and cells[1] in ("fail", "error", "red"):
            found[cells[0]] = Row(cells[1], cells[2].strip("`"))
    return found


@pytest.fixture
def told(request):
    """The row of the lie that a test is marked with."""
    return rows()[request.node.get_closest_marker("lie").args[0]]


@pytest.fixture
def lying(pytester):
    """Gate a gateway that does as its plan says; returns pytester's result and the JSON."""

    def call(
        plan=(),
        *args,
        engine="process",
        env=None,
        releases=None,
        options=(),
        listener="",
        **more,
    ):
        if releases is None:
            entries = {"PLAN": json.dumps(list(plan)), **(env or {})}
            releases = {"candidate": entries}
        text = GATE.format(
            releases="\n".join(
                f'  {name}: {{image: "{IMAGE}", env: {json.dumps(env)}}}'
                if isinstance(env, dict)
                else f"  {name}: {env}"
                for name, env in releases.items()
            ),
            toy=TOY,
            **{
                "ready": '{http: ":${port.gateway}/"}',
                "profile": "{}",
                "timeout": "5s",
                "phases": PHASES,
                "targets": "isolated: {}",
                "gate": "{boots: 1, noise: 1000, retries: 0}",
                **more,
            },
        )
        if "trigger: null" in text:  # without one nothing waits for `ready`
            text = re.sub("  ready.*\n", "", text)
        (pytester.path / "bootgate.yaml").write_text(text)
        if listener:
            (pytester.path / "conftest.py").write_text(listener)
        # A listener may stop or kill what runs it, or look for children: it gets its own process.
        gate = pytester.runpytest_subprocess if listener else pytester.runpytest_inprocess
        result = gate(
            *("-p", "no:cacheprovider", "bootgate.yaml", "--bootgate-engine", engine),
            *("--bootgate-json", "out.json", *options, *args),
        )
        for stream in (result.stdout, result.stderr):
            stream.no_fnmatch_line("*Traceback (most recent call last)*")
        written = Path(pytester.path / "out.json")
        return result, json.loads(written.read_text()) if written.exists() else {}

    return call


def verdicts(found) -> set[str]:
    """The verdicts of all that a run judged."""
    each = [*found["targets"], *found["upgrades"], *found["propagations"]]
    return {one["verdict"] for one in each}


def check(told: Row, result: pytest.RunResult, found: dict) -> None:
    """The gate is red, and says what the docs say it says."""
    assert result.ret == 1
    assert verdicts(found) == {told.verdict}
    assert told.said_in(result.stdout.str())
