"""Every outcome is one entry in one table, and every report can tell of it."""

from __future__ import annotations

from typing import get_args

import pytest

from pytest_bootgate.checks.startup import judge
from pytest_bootgate.records.outcomes import OUTCOMES, Outcome, is_share
from pytest_bootgate.records.result import TargetResult
from pytest_bootgate.records.values import Phase
from pytest_bootgate.records.verdict import Rules
from pytest_bootgate.reports import notice, probing
from pytest_bootgate.reports.failure import failure
from pytest_bootgate.reports.formats import junit
from pytest_bootgate.reports.html.page import render
from pytest_bootgate.reports.meanings import MEANINGS
from pytest_bootgate.reports.terminal import summary
from tests.reports.pages import boot, gate

RULES = Rules(timeout=60.0, fail_at=0.8, warn_at=0.6, least=1, most=1)


def test_every_outcome_has_an_entry():
    assert [*OUTCOMES] == [*get_args(Outcome)]
    for name, traits in OUTCOMES.items():
        assert all((traits.means, traits.todo, traits.advice, traits.shape))
        assert MEANINGS[name].means == traits.means


def test_those_that_use_up_the_timeout_are_shares_of_it():
    assert [name for name in OUTCOMES if is_share(name)] == ["started", "timed_out", "false_ok"]
    assert not is_share(None)
    assert not is_share("of another gate")


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_every_report_tells_of_it(outcome, tmp_path):
    phases = (Phase("accepted", 0.1, 0.1), Phase("task_started", 2.0, 1.9))
    more = {"seconds": 2.0, "ended": 2.0, "phases": phases} if outcome == "started" else {}
    made = (boot(outcome=outcome, detail="" if more else "x happened", **more),)
    target = TargetResult("isolated", "default", "isolated", RULES, made, judge(made, RULES))
    result = gate(target)
    assert outcome in "\n".join(line.text for line in summary(result))
    assert f'id="o-{outcome}"' in render([result])
    assert junit.document([result], tmp_path)
    assert probing.line("isolated", target, None)
    assert notice.notice(result)
    if outcome != "started":
        assert target.verdict in ("fail", "error")
        assert "x happened" in failure(target, ())


def test_a_lost_boot_shows_nothing():
    """Its marks may contradict each other: the items of its phases do not pass."""
    phases = (Phase("accepted", 0.1, 0.1), Phase("task_started"))
    made = (boot(outcome="lost", detail="x happened", phases=phases),)
    target = TargetResult("isolated", "default", "isolated", RULES, made, judge(made, RULES))
    assert target.verdict == "error"
    assert not target.seen("accepted")
