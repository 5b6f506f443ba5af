"""A boot that timed out is tried again, and told."""

from __future__ import annotations

import json

import pytest

from tests.pytest_plugin.conftest import GOOD, add_baseline

LATE = ["engine ready"]


@pytest.fixture
def again(gate, pytester):
    """A gate file for a release that carries out one plan after the other, the last one forever."""

    def write(*plans, rules="", **more):
        counter = pytester.path / "counter"
        path = gate(plans, env={"COUNTER": str(counter)}, timeout="700ms", **more)
        text = path.read_text().replace("listen: 500ms", "listen: 100ms")
        text = text.replace("gate: {boots", f"gate: {{retry_pause: 100ms{rules}, boots")
        path.write_text(text)
        return path

    return write


@pytest.fixture
def found(played, pytester):
    """Run the gate; its result in the terminal, and the one target in the JSON."""

    def call(*args, how=played):
        result = how("bootgate.yaml", "--bootgate-json", "out.json", *args)
        (target,) = json.loads((pytester.path / "out.json").read_text())["targets"]
        return result, target

    return call


def outcomes(target) -> list[tuple[int, int, str]]:
    return [(b["number"], b["attempt"], b["outcome"]) for b in target["boots"]]


def test_timed_out_then_started_warns(again, found, pytester):
    again(LATE, GOOD, boots=1)
    (pytester.path / "conftest.py").write_text(
        "def pytest_bootgate_event(event):\n"
        "    if event.kind in ('boot_began', 'retry_scheduled'):\n"
        "        print('HEARD', event.kind, event.boot.attempt, getattr(event, 'reason', ''))\n"
    )
    result, target = found("-s", "--junitxml=junit.xml")
    assert result.ret == 0
    assert target["verdict"] == "warn"
    assert outcomes(target) == [(1, 1, "timed_out"), (1, 2, "started")]
    text = "1 of 2 boots timed out, and started on retry (boot 1 in phase persona:"
    result.stdout.fnmatch_lines(
        [
            "WARN isolated, cold: 1 timed_out, 1 started",
            f"*warn: {text} no proof within 0.7 s)",
        ]
    )
    result.stdout.fnmatch_lines([f"*BootgateWarning: isolated: {text}*"])
    heard = [line.partition("HEARD ")[2] for line in result.outlines if "HEARD" in line]
    assert heard == [
        "boot_began 1 ",
        "retry_scheduled 1 timed_out: no proof within 0.7 s",
        "boot_began 2 ",
    ]


def test_timed_out_twice_fails_and_tells_both(again, found):
    again(LATE, boots=1)
    result, target = found()
    assert result.ret == 1
    assert outcomes(target) == [(1, 1, "timed_out"), (1, 2, "timed_out")]
    result.stdout.fnmatch_lines(
        [
            "FAIL isolated, cold: 2 timed_out",
            "*fail: 2 of 2 boots timed out: no proof within 0.7 s",
            "*what happened:",
            "*ended after 700 ms: timed_out (no proof within 0.7 s)",
            "*the first attempt timed out as well in phase persona after 700 ms",
        ]
    )


def test_without_retries_the_first_timeout_fails(again, found):
    again(LATE, GOOD, boots=1, rules=", retries: 0")
    result, target = found()
    assert result.ret == 1
    assert outcomes(target) == [(1, 1, "timed_out")]
    result.stdout.fnmatch_lines(["*fail: boot 1 ended as timed_out: no proof within 0.7 s"])


def test_a_crash_is_not_retried_and_not_hidden_by_a_retry(again, found):
    again(LATE, ["exit:3"], boots=1)
    result, target = found()
    assert result.ret == 1
    assert outcomes(target) == [(1, 1, "timed_out"), (1, 2, "crashed")]
    result.stdout.fnmatch_lines(
        [
            "FAIL isolated, cold: 1 timed_out, 1 crashed",
            "*fail: 1 of 2 boots timed out: no proof within 0.7 s",
            "*fail: boot 1 ended as crashed: the gateway exited with 3 *; it printed: toy 1*",
            "*the first attempt timed out in phase persona after 700 ms",
        ]
    )


def test_the_retries_are_for_all_boots_of_a_target(again, found):
    again(LATE, GOOD, LATE, GOOD, boots=3)
    result, target = found()
    assert result.ret == 1
    assert outcomes(target) == [(1, 1, "timed_out"), (1, 2, "started"), (2, 1, "timed_out")]
    result.stdout.fnmatch_lines(
        [
            "*fail: 2 of 3 boots timed out: no proof within 0.7 s",
            "*boot 1 timed out as well in phase persona after 700 ms, and started on*",
        ]
    )


def test_a_warm_gateway_that_timed_out_is_not_used_again(again, found):
    again(GOOD, LATE, GOOD, boots=2, targets=["  isolated: {start: warm}"])
    result, target = found()
    assert result.ret == 0
    assert outcomes(target) == [
        (0, 1, "started"),
        (1, 1, "timed_out"),
        (0, 2, "started"),
        (1, 2, "started"),
        (2, 1, "started"),
    ]
    result.stdout.fnmatch_lines(
        ["*warn: 1 of 5 boots (warm-ups included) timed out, and started on retry*"]
    )


def test_a_retried_baseline_is_a_note_and_still_compared(again, found, pytester):
    path = again(GOOD, boots=5)
    add_baseline(path, "PLAN: '[[0.02", 'OTHER: old, PLAN: \'[["engine ready"], [0.02')
    text = path.read_text()
    path.write_text(text.replace("counter'", "counter.old'", 1))
    result, target = found()
    assert result.ret == 0
    late = [b for b in target["boots"] if b["outcome"] == "timed_out"]
    assert [(b["release"], b["number"]) for b in late] == [("baseline", 0)]
    assert target["judgement"]["regression"] is not None
    result.stdout.fnmatch_lines(
        ["*note: the baseline's warm-up boot ended as timed_out: no proof*, and started on retry"]
    )


def test_a_gateway_that_was_not_ready_is_tried_again(gate, found, pytester, run):
    path = gate(boots=1)
    first = f"[ -e {pytester.path}/counter ] || {{ touch {pytester.path}/counter; exec sleep 60; }}"
    text = path.read_text().replace(
        "command: [python3, ", f"command: [sh, -c, '{first}; exec python3 "
    )
    text = text.replace('toy.py"]', "toy.py']").replace('python3 "', "python3 ")
    path.write_text(text.replace("  ready: {http", "  ready_timeout: 3s\n  ready: {http"))
    result, target = found(how=run)
    assert outcomes(target) == [(1, 1, "timed_out"), (1, 2, "started")]
    assert result.ret == 0
    words = "1 of 2 boots timed out, and started on retry (boot 1: the gateway was not ready"
    result.stdout.fnmatch_lines([f"*warn: {words} after 3 s*"])
