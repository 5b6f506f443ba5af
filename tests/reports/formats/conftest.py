"""Real runs of the toy gateway, one for each verdict, with all reports written."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests import nursery
from tests.forked import Done, forked
from tests.pytest_plugin import test_in_place
from tests.pytest_plugin.conftest import GATE, GOOD, TOY, add_baseline
from tests.reports.formats.readers import NAMES

#: What a log may hold and XML, terminals and Markdown choke on.
NASTY = "\x1b[31mred\x07 ]]> <b>&amp; | 50% a\u0085b \U0001f4a5 ::error::injected"


@dataclass(frozen=True)
class Ran:
    """A run: where its files are, its exit status, what it printed, and its own results."""

    path: Path
    status: int
    output: str
    results: list


def gate_file(path: Path, plan=GOOD, *, targets=("isolated",), boots="1", more="", **env) -> Path:
    lines = [t if ":" in t else f"  {t}: {{}}" for t in targets]
    path.parent.mkdir(parents=True, exist_ok=True)
    text = GATE.format(
        toy=TOY,
        plan=json.dumps(list(plan)),
        env="".join(f", {key}: '{value}'" for key, value in env.items()),
        timeout="700ms",
        boots=boots,
        targets="\n".join(lines),
        more=more,
    )
    path.write_text(text.replace("listen: 500ms", "listen: 100ms"))
    return path


def green(path: Path) -> None:
    slow = gate_file(path / "bootgate.yaml")
    slow.write_text(slow.read_text().replace("timeout: 700ms", "timeout: 5s"))


def warn(path: Path) -> None:
    """Timed out, and started when tried again."""
    plans = [["engine ready"], GOOD]
    held = gate_file(path / "bootgate.yaml", plans, COUNTER=path / "counter")
    held.write_text(held.read_text().replace("gate: {", "gate: {retry_pause: 10ms, "))


def inconclusive(path: Path) -> None:
    """Two pairs say nothing about slower."""
    held = gate_file(path / "bootgate.yaml", boots="2")
    add_baseline(held, "env: {", "env: {RELEASE: old, ")
    held.write_text(held.read_text().replace("timeout: 700ms", "timeout: 5s"))


def fail(path: Path) -> None:
    gate_file(path / "bootgate.yaml", ["engine ready", NASTY, 60], more="")


def error(path: Path) -> None:
    """Two releases that are one."""
    add_baseline(gate_file(path / "bootgate.yaml"))


def left_out(path: Path) -> None:
    targets = ["isolated", '  "session:a|b": {unsupported: {"1": "no <such> target, 50%"}}']
    held = gate_file(path / "bootgate.yaml", targets=targets)
    text = held.read_text().replace("  candidate:\n", '  candidate:\n    version: "1"\n')
    held.write_text(text.replace("timeout: 700ms", "timeout: 5s"))


def nothing_else(path: Path) -> None:
    """All targets are left out."""
    gate_file(path / "bootgate.yaml", targets=['  isolated: {unsupported: {"1": gone}}'])
    held = path / "bootgate.yaml"
    text = held.read_text().replace("  candidate:\n", '  candidate:\n    version: "1"\n')
    held.write_text(text)


def several(path: Path) -> None:
    """Two gate files, two profiles, and a target with signs that formats use themselves."""
    held = gate_file(
        path / "a b" / "one.bootgate.yaml", targets=["isolated", '  "session:a|b": {}']
    )
    held.write_text(held.read_text().replace("timeout: 700ms", "timeout: 5s"))
    gate_file(path / "bootgate.yaml", [60], more="profiles: {staging: {}, other: {}}")


def propagation(path: Path) -> None:
    """A boot that is held, and nobody is told."""
    held = "  isolated: {timeout: 2s, propagation: {hold: pause, in: persona}}"
    # A busy machine needs time to hold it before it is over.
    plan = ["engine ready", 0.5, "persona loaded", "ring"]
    gate_file(path / "bootgate.yaml", plan, targets=[held])


def upgrade(path: Path) -> None:
    """A candidate that loses a job of the state that it takes over."""
    text = test_in_place.GATE.format(
        keeper=test_in_place.KEEPER,
        how="lose",
        before="keep",
        jobs="some",
        image="none",
        path="${dir}/state",
        list='{http: ":${port.gateway}/jobs"}',
        run='{http: ":${port.gateway}/jobs/${job.id}/run"}',
        more="",
    )
    (path / "bootgate.yaml").write_text(text)


#: What to write, what to name on the command line, and the verdict of every target.
SCENARIOS = {
    "green": (green, ["bootgate.yaml"], {"bootgate.yaml::isolated": "pass"}),
    "warn": (warn, ["bootgate.yaml"], {"bootgate.yaml::isolated": "warn"}),
    "inconclusive": (inconclusive, ["bootgate.yaml"], {"bootgate.yaml::isolated": "inconclusive"}),
    "fail": (fail, ["bootgate.yaml"], {"bootgate.yaml::isolated": "fail"}),
    "error": (error, ["bootgate.yaml"], {"bootgate.yaml::isolated": "error"}),
    "left out": (
        left_out,
        ["bootgate.yaml"],
        {"bootgate.yaml::isolated": "pass", "bootgate.yaml::session:a|b": "left out"},
    ),
    "all left out": (
        nothing_else,
        ["bootgate.yaml"],
        {"bootgate.yaml::isolated": "left out", "bootgate.yaml::gate": "error"},
    ),
    "several": (
        several,
        ["a b/one.bootgate.yaml", "bootgate.yaml"],
        {
            "a b/one.bootgate.yaml::isolated": "pass",
            "a b/one.bootgate.yaml::session:a|b": "pass",
            "bootgate.yaml::isolated@staging": "fail",
            "bootgate.yaml::isolated@other": "fail",
        },
    ),
    "chosen": (
        several,
        ["a b/one.bootgate.yaml", "-k", "isolated"],
        {
            "a b/one.bootgate.yaml::isolated": "pass",
            "a b/one.bootgate.yaml::session:a|b": "unjudged",
        },
    ),
    "propagation": (
        propagation,
        ["bootgate.yaml"],
        {"bootgate.yaml::isolated": "pass", "bootgate.yaml::isolated::propagation": "fail"},
    ),
    "upgrade": (
        upgrade,
        ["bootgate.yaml", "--bootgate-engine=process", "-k", "upgrade"],
        {"bootgate.yaml::upgrade": "fail"}
        | dict.fromkeys(
            [f"bootgate.yaml::{name}" for name in ("main", "isolated", "again", "daily")],
            "unjudged",
        ),
    ),
    "no boots": (
        green,
        ["bootgate.yaml", "-k", "nosuchthing"],
        {"bootgate.yaml::isolated": "unjudged", "bootgate.yaml::gate": "error"},
    ),
}
SCENARIOS["xdist"] = (several, [*SCENARIOS["several"][1], "-n", "2"], SCENARIOS["several"][2])


def run_pytest(path: Path, *args: str, **environ: str) -> Ran:
    """A pytest of its own that boots in memory, with nothing of a CI system around it but this."""
    away = re.compile(r"GITHUB_|GITLAB_|OTEL_|PYTEST_")
    env = {k: v for k, v in os.environ.items() if not away.match(k)}
    here = str(path.parent)
    env |= {"TMPDIR": here, "BOOTGATE_QUEUE_DIR": here, "PYTHONIOENCODING": "utf-8", **environ}
    plugins = ["-pno:cacheprovider", "-pno:hypothesispytest", "-ptests.pytest_plugin.played"]
    words = [*plugins, "--bootgate-json=out.json", *args]
    nursery.found()
    if "PYTHONPATH" in environ:
        command = [sys.executable, "-m", "pytest", *words]
        new = (path / "sitecustomize.py").exists()  # which a fork is too late for
        start = subprocess.run if new else nursery.run
        run = start(command, cwd=path, env=env, capture_output=True, text=True, check=False)
        done = Done(run.returncode, run.stdout, run.stderr)
    else:
        done = forked(lambda: pytest.main(words), cwd=path, streams=path, env=env)
    out = path / "out.json"
    results = json.loads(out.read_text()) if out.exists() else []
    results = results if isinstance(results, list) else [results]
    return Ran(path, done.status, done.out + done.err, results)


def options(**instead: str) -> list[str]:
    """The options for all formats."""
    return [f"--bootgate-report={n}={instead.get(n, f'reports/{p}')}" for n, p in NAMES.items()]


@pytest.fixture(scope="session")
def ran(tmp_path_factory):
    """The run of a scenario, made once."""
    known: dict[str, Ran] = {}

    def call(scenario: str) -> Ran:
        if scenario not in known:
            path = tmp_path_factory.mktemp("gate") / "here"
            path.mkdir()
            write, named, _ = SCENARIOS[scenario]
            write(path)
            known[scenario] = run_pytest(path, *named, *options(), "--junitxml=own.xml")
        return known[scenario]

    return call
