"""The examples, as a user runs them."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
EXAMPLES = ROOT / "examples"
#: On local processes they are what the README shows: tests/test_readme.py.
ENGINES = [
    pytest.param("docker", marks=pytest.mark.docker),
    pytest.param("kubernetes", marks=pytest.mark.kubernetes),
]
#: How many it takes to be sure depends on how busy this machine is.
FIVE = ("--bootgate-boots", "5")


@pytest.mark.parametrize("engine", ENGINES)
def test_the_upgrade_that_passes(run, found, engine):
    gate = EXAMPLES / "incident" / "good" / "bootgate.yaml"
    result = run(gate, "--bootgate-engine", engine, *FIVE)
    assert result.ret == 0
    targets = found()
    assert targets.keys() == {"isolated", "main"}
    for target in targets.values():
        started = [boot["release"] for boot in target["boots"] if boot["outcome"] == "started"]
        assert started.count("baseline") == started.count("candidate") == 6  # and a warm-up


@pytest.mark.parametrize("engine", ENGINES)
def test_the_upgrade_of_the_story(run, engine):
    gate = EXAMPLES / "incident" / "bad" / "bootgate.yaml"
    result = run(gate, "--bootgate-engine", engine, *FIVE)
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        [
            "FAIL isolated, cold: 2 timed_out (baseline: 1 started)",
            "*fail: 2 of 2 boots timed out: no proof within 3 s",
            "*what happened:",
            "*trigger accepted in *",
            "*the task never started: task_started was not seen in time",
            "*last phase: context_engine, last mark accepted at *",
            "*ended after 3.00 s: timed_out (no proof within 3 s)",
            "*reported by: nobody (run log: no report; container log: no report)",
            "*the first attempt timed out as well in phase context_engine after 3.00 s",
            "*the baseline started in * on the same host: the upgrade caused this",
            (
                "*main started in * on the same host: the problem is in the runner's boot, not in"
                " the gateway"
            ),
            "* main, warm: * started*",  # whether it is as fast is another matter
        ]
    )


@pytest.mark.parametrize(
    ("name", "engine", "told"),
    [
        ("bootgate", "process", "FAIL isolated, propagation: no report from run log, *"),
        ("mended.bootgate", "process", "PASS isolated, propagation: reported by run log in * (*"),
        pytest.param(
            *(
                "mended.bootgate",
                "docker",
                "PASS isolated, propagation: reported by run log in * (*",
            ),
            marks=pytest.mark.docker,
        ),
    ],
)
def test_who_is_told_in_the_story(run, name, engine, told):
    gate = EXAMPLES / "incident" / "told" / f"{name}.yaml"
    result = run(gate, "-k", "propagation", "--bootgate-engine", engine)
    assert result.ret == (0 if told.startswith("PASS") else 1)
    result.stdout.fnmatch_lines([told])


@pytest.mark.docker
def test_the_smallest_gate(run, found):
    assert run(EXAMPLES / "health" / "bootgate.yaml").ret == 0
    (boot, *_) = found()["boot"]["boots"]
    assert boot["identity"].startswith("sha256:")
    assert boot["cpu_seconds"] > 0
