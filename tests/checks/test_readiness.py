"""How long the gateway takes to be ready is in no boot's time, and must not be silent for that."""

from __future__ import annotations

import pytest

from pytest_bootgate.checks.startup import judge
from tests.checks.test_campaign import RULES, boot

QUICK = [0.131, 0.135, 0.128, 0.14, 0.133]


def judged(own, before=(), **more):
    boots = [boot("baseline", n, ready=ready, **more) for n, ready in enumerate(before, 1)]
    boots += [boot(number=n, ready=ready, **more) for n, ready in enumerate(own, 1)]
    return judge(boots, RULES)


def test_a_gateway_that_is_ready_much_later_is_told():
    """It took nine times as long, and the gate passed without a word."""
    found = judged([ready * 9 for ready in QUICK], QUICK)
    assert found.verdict == "warn"
    (finding,) = found.about("boot")
    assert finding.kind == "ready"
    assert finding.text.startswith(
        "gateway ready: 9 times the baseline's (1.2 s instead of 0.133 s; medians of 5 and 5"
    )


@pytest.mark.parametrize("times", [0.5, 1.0, 1.09])
def test_one_that_is_ready_as_soon_is_not(times):
    assert judged([ready * times for ready in QUICK], QUICK).verdict == "pass"


def test_a_gateway_that_stays_up_counts_once():
    """Warm boots repeat the seconds of their one start."""
    assert judged([1.2] * 5, [0.13] * 5, start="warm").verdict == "pass"


@pytest.mark.parametrize(
    ("own", "text"),
    [
        ([70.0, 72.0, 75.0, 69.0, 71.0], "the next start may use 64 % (95 % bound from 5 starts)"),
        ([30.0, 31.0, 97.0], "the slowest of 3 starts used 81 %, fail_at is 80 %"),
    ],
)
def test_one_that_is_hardly_ready_in_time_is_told(own, text):
    (finding,) = [found for found in judged(own).about("boot") if found.verdict == "warn"]
    assert finding.text.startswith(f"gateway ready: ready_timeout 120 s: {text}")


@pytest.mark.parametrize(
    ("code", "before", "verdict"), [(3, None, "fail"), (0, None, "warn"), (3, 3, "pass")]
)
def test_what_ends_right_after_its_proof_as_the_baseline_does_not(code, before, verdict):
    """It was a warning at best, and nothing with exit code 0, while the baseline lived on."""
    boots = [boot("baseline", n, exit_code=before if n <= 1 else None) for n in range(6)]
    boots += [boot(number=n, exit_code=code if n <= 1 else None) for n in range(6)]
    found = judge(boots, RULES)
    assert found.verdict == verdict
    said = [f.text for f in found.about("boot") if "within a second" in f.text]
    assert said == [] if verdict == "pass" else "2 of 2 boots" in said[0]


def test_what_many_boots_say_is_said_once():
    """It was said by each of 21 boots, with other numbers; the baseline said the same."""
    boots = [
        boot(release, number, notes=(f"the runner exited with 1 after {number} s",))
        for release in ("baseline", "candidate")
        for number in range(1, 6)
    ]
    said = [finding.text for finding in judge(boots, RULES).about("boot")]
    assert said == [
        "5 boots started, but the runner exited with 1 after 1 s (so did 5 of the baseline's)"
    ]
    only = judge([*boots[:5], *(boot(number=n) for n in range(2, 6)), boots[5]], RULES)
    assert [finding.text for finding in only.about("boot")] == [
        "boot 1 started, but the runner exited with 1 after 1 s (so did 5 of the baseline's)"
    ]
