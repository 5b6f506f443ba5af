"""What a kubelet would have done, where the timeout is that of its probe."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_bootgate.checks.startup import judge
from pytest_bootgate.records.values import Phase
from tests.checks.test_campaign import FEW, boot

OF_PROBE = replace(FEW, timeout_of="startupProbe")
UNTIL = (Phase("startupProbe", 4.0, 4.0), Phase("proof"))


@pytest.mark.parametrize(
    ("boots", "said"),
    [
        ([{"seconds": 8.5}, {"seconds": 8.6}], "the kubelet kills it at 10 s (startupProbe)"),
        (
            [{"outcome": "timed_out", "detail": "no proof within 10 s", "ended": 10.0}],
            "no proof within 10 s; in production the kubelet would have killed it at 10 s",
        ),
        (
            [{"outcome": "timed_out", "detail": "no proof within 10 s", "phases": UNTIL}],
            "its startupProbe succeeded, so it would not have been killed, and not ready",
        ),
        ([{"outcome": "crashed", "detail": "the runner exited with 3"}], "exited with 3"),
        ([{"seconds": 5.0}, {"seconds": 5.0}], ""),
    ],
)
def test_words(boots, said):
    made = [boot(number=number, **one) for number, one in enumerate(boots, 1)]
    texts = [finding.text for finding in judge(made, OF_PROBE).about("boot")]
    assert any(said in text for text in texts) or not (said or texts)
    assert any("kubelet" in text for text in texts) == ("kubelet" in said)
    assert not any("kubelet" in finding.text for finding in judge(made, FEW).findings)
