"""Gate files for the toy gateway, run through pytest itself: pytest in a process of its own."""

from __future__ import annotations

import json
import warnings
from functools import partial
from pathlib import Path

import pytest

TOY = Path(__file__).with_name("toy.py")
PLAYED = "tests.pytest_plugin.played"
pytest.register_assert_rewrite(PLAYED)
#: A boot that goes well: three phases within a tenth of a second.
GOOD = [0.02, "engine ready", 0.02, "persona loaded", 0.02, "ring"]

#: The toy is about what the gate sees and says, also while other tests keep the machine busy.
GATE = """\
releases:
  candidate:
    command: [python3, "{toy}"]
    env: {{PLAN: '{plan}'{env}}}
gateway:
  env: {{PORT: "${{port.gateway}}", STUB: "http://127.0.0.1:${{port.bell}}/"}}
  ready: {{http: ":${{port.gateway}}/"}}
  version: {{line: 'toy (?P<version>\\S+) is here'}}
sidecar:
  stub: {{port: "${{port.bell}}"}}
ports: {{gateway: 8080, bell: 8099}}
target:
  timeout: {timeout}
  listen: 500ms
  trigger: {{http: ":${{port.gateway}}/run", body: "do ${{target}} ${{token}}"}}
  phases:
    engine: {{line: engine ready}}
    persona: {{line: persona loaded}}
    task_started: {{stub: true}}
  signals:
    log: {{line: job failed}}
targets:
{targets}
gate: {{boots: {boots}, noise: 1000}}
{more}
"""


def add_baseline(path: Path, old: str = "", new: str = "") -> None:
    """Give a gate file a baseline: its candidate, with a text replaced."""
    text = path.read_text()
    start, end = text.index("  candidate:"), text.index("gateway:")
    baseline = text[start:end].replace("candidate", "baseline")
    path.write_text(text[:start] + (baseline.replace(old, new) if old else baseline) + text[start:])


@pytest.fixture
def gate(pytester):
    """Write a gate file for the toy gateway; returns its path."""

    def write(
        plan=GOOD,
        *,
        targets=("isolated",),
        timeout="5s",
        boots=2,
        env=None,
        more="",
        name="bootgate.yaml",
    ) -> Path:
        env = "".join(f", {key}: '{value}'" for key, value in (env or {}).items())
        lines = [t if ":" in t else f"  {t}: {{}}" for t in targets]
        text = GATE.format(
            toy=TOY,
            plan=json.dumps(list(plan)),
            env=env,
            timeout=timeout,
            boots=boots,
            targets="\n".join(lines),
            more=more,
        )
        path = pytester.path / name
        path.write_text(text)
        return path

    return write


@pytest.fixture
def run(pytester):
    """Run pytest in a process of its own; returns pytester's result."""

    def call(*args: str):
        return pytester.runpytest_subprocess("-p", "no:cacheprovider", *args)

    return call


@pytest.fixture
def here(pytester):
    """Run pytest in this process, with real boots."""

    def call(*args: str):
        with warnings.catch_warnings(record=True):
            warnings.resetwarnings()  # those outside are errors
            return pytester.runpytest_inprocess(
                "-p", "no:cacheprovider", *args, no_reraise_ctrlc=True
            )

    return call


@pytest.fixture
def apart(pytester, monkeypatch):
    """Run pytest in a process of its own, with all boots in memory."""
    monkeypatch.setenv("PYTHONPATH", str(TOY.parents[2]))

    def call(*args: str):
        return pytester.runpytest_subprocess("-p", "no:cacheprovider", "-p", PLAYED, *args)

    return call


@pytest.fixture
def played(here):
    """Run pytest in this process, with all boots in memory (tests/pytest_plugin/played.py)."""
    return partial(here, "-p", PLAYED)
