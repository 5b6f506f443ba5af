"""Lies that a gateway tells by what it does in one boot, or in a few."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.lies.conftest import IMAGE, PHASES, check, rows, verdicts

SMALL = "{memory: 64MB}"
ACCEPTED = PHASES.replace("{engine", "{accepted: {line: run accepted}, engine", 1)
READY_AND_PROOF = '{ready: {line: is here}, answers: {http: ":${port.gateway}/"}}'


@dataclass(frozen=True)
class Lie:
    """What a gateway does; on `process` too where that engine sees it in a way of its own."""

    plan: list[Any]
    more: dict[str, Any] = field(default_factory=dict)
    engines: tuple[str, ...] = ("docker", "kubernetes")


MARKS = {"docker": [pytest.mark.docker], "kubernetes": [pytest.mark.kubernetes]}


def both(plan: list[Any], **more: Any) -> Lie:
    return Lie(plan, more, ("process", "docker"))


LIES = {
    "the runner exits with 0 before its proof": both(["engine ready", "exit:0"]),
    "the runner exits with 1": Lie(["engine ready", "exit:1"]),
    "the runner is killed because memory ran out": Lie(["engine ready", "eat"], {"profile": SMALL}),
    "a child is killed because memory ran out, and the runner exits with 0": Lie(
        ["engine ready", "child eats", "exit:0"], {"profile": SMALL}
    ),
    "a child is killed because memory ran out, and the gateway goes on": Lie(
        ["engine ready", "child eats"], {"profile": SMALL, "timeout": "3s"}
    ),
    "a signal reports ok without a proof": Lie(
        ["engine ready", "persona loaded", "run finished: ok"], {"timeout": "1s"}
    ),
    "`main` reports that it finished when it was only enqueued": Lie(
        ["enqueued", "run finished: ok"],
        {
            "timeout": "1s",
            "targets": "main: {phases: {enqueued: {line: enqueued}, run: {stub: true}}}",
        },
    ),
    "the answer that a trigger was accepted is taken for the proof": Lie(
        [],
        {
            "timeout": "1s",
            "env": {"STATUS": "202"},
            "phases": "{done: {line: ok, from: trigger}}",
        },
    ),
    "the proof comes after the deadline": Lie(
        ["engine ready", "persona loaded", 1.2, "ring"], {"timeout": "1s"}
    ),
    "a proof without the token of this boot": Lie(
        ["engine ready", "persona loaded", "ring without token"], {"timeout": "1s"}
    ),
    "a proof that was there before the trigger": Lie(
        ["engine ready"],
        {"phases": '{engine: {line: engine ready}, up: {http: ":${port.gateway}/"}}'},
    ),
    "another release answers on the port": Lie(
        [],
        {"releases": {"candidate": f'{{image: "{IMAGE}", env: {{PLAN: "[]"}}, version: "2"}}'}},
    ),
    "a phase's mark never appears": Lie(["engine ready", "ring"]),
    "marks out of order": Lie(["persona loaded", 1, "engine ready", 0.1, "ring"]),
    "marks flushed late, in one burst before the proof": Lie(
        ["buffer", "engine ready", 0.8, "persona loaded", 0.2, "flush", "ring"],
        {"env": {"STAMPS": "1"}},
    ),
    "marks flushed late, in one burst after the proof": Lie(
        ["buffer", "engine ready", 0.1, "persona loaded", "ring", 0.8, "flush"]
    ),
    "a log is replaced by one that still has the line of an earlier task": both(
        ["engine ready", 0.1, "save"],
        timeout="1s",
        env={"LOG": "${dir}/log"},
        phases='{engine: {line: engine ready}, task: {file: "${dir}/log", line: task st}}',
    ),
    "what is ready dies a moment later": Lie(
        ["engine ready", "persona loaded", 0.4, "exit:3"],
        {"phases": "{engine: {line: engine ready}, up: {line: persona loaded, stays: 3s}}"},
    ),
    "what proved it is gone again": both(
        [
            *("engine ready", "do:open(os.environ['UP'], 'w').close()", 0.6),
            "do:os.remove(os.environ['UP'])",
        ],
        env={"UP": "${dir}/up"},
        phases='{engine: {line: engine ready}, up: {file: "${dir}/up", stays: 3s}}',
    ),
    "an error is logged, and it is ready all the same": Lie(
        ["engine ready", "ERROR migration 0042 failed", "persona loaded", "ring"],
        {"phases": f"{PHASES}\n  never: {{line: ERROR}}"},
    ),
    "a command that succeeds before the trigger": Lie(
        ["engine ready"],
        {
            "phases": "{engine: {line: engine ready},"
            " up: {exec: [python3, -c, \"import os; os.stat('/')\"]}}"
        },
    ),
    "an error that is none of time is tried again": Lie(
        ["engine ready", "job failed: plugin is not installed"],
        {"timeout": "3s", "gate": "{boots: 1, noise: 1000, retries: 1, retry_pause: 100ms}"},
    ),
    "the gateway crashes and restarts itself": both(
        ["engine ready", "restart", "persona loaded", 0.3, "ring"]
    ),
    "the trigger is accepted twice": Lie(
        ["run accepted", "engine ready", "run accepted", "persona loaded", "ring"],
        {"phases": ACCEPTED},
    ),
    '"ready" is logged while nobody answers': both(
        [],
        env={"DEAF": "1"},
        ready='{line: is here}\n  health: {http: ":${port.gateway}/"}',
    ),
    '"ready" is logged while the endpoint that proves it does not answer': Lie(
        [],
        {
            "env": {"DEAF": "1"},
            "timeout": "1s",
            "targets": f"boot: {{trigger: null, phases: {READY_AND_PROOF}}}",
        },
    ),
}


@pytest.mark.parametrize(
    ("lie", "engine"),
    [
        pytest.param(
            name, engine, id=f"{name}, {engine}",
            marks=[pytest.mark.lie(name), *MARKS.get(engine, [])],
        )
        for name, lie in LIES.items()
        for engine in lie.engines
    ],
)  # fmt: skip
def test_a_lie_is_red_and_named(lying, told, lie, engine):
    plan, more = LIES[lie].plan, dict(LIES[lie].more)
    result, found = lying(plan, engine=engine, **more)
    check(told, result, found)


def test_without_a_lie_it_is_green(lying):
    result, found = lying(["engine ready", "persona loaded", "ring"])
    assert result.ret == 0
    assert verdicts(found) == {"pass"}
    assert not any(row.said_in(result.stdout.str()) for row in rows().values())
