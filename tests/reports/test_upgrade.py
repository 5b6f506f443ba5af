"""An upgrade in place as people read it, from plain values."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_bootgate.checks.upgrade import judge_upgrade
from pytest_bootgate.records.result import UpgradeResult
from pytest_bootgate.records.upgrade import Owned, Run, Stop, Upgrade
from pytest_bootgate.reports.advice import advice_on_upgrade
from pytest_bootgate.reports.upgrade import table
from tests.checks.test_upgrade import boot, job, start, upgrade

LATE = boot(outcome="false_ok", detail="said ok", seconds=None)
STUCK = boot(outcome="timed_out", detail="no proof", seconds=None, ended=60.0, cpu_seconds=0.1)


def advised(seen: Upgrade) -> str:
    result = UpgradeResult(profile="default", upgrade=seen, findings=judge_upgrade(seen))
    return advice_on_upgrade(result).removeprefix("Keep the old release in production. ")


@pytest.mark.parametrize(
    ("seen", "words"),
    [
        (upgrade(start(())), "Check the job table"),
        (upgrade(start(jobs=(), refused="exited", ready=None)), "Read its last lines above"),
        (upgrade(start(runs=(Run("1", LATE),))), "but not all run. It reported ok, but no proof"),
        (upgrade(start(runs=(Run("1", STUCK),))), "not all run. Find out what it waits for"),
        (upgrade(start(ran=["1"])), "not all could be run"),
        (upgrade(start(stop=Stop(1, 2.0))), "what stops its end or second start"),
    ],
)
def test_the_advice_fits_what_failed(seen, words):
    assert words in advised(seen)
    assert ("job table" in advised(seen)) is ("job table" in words)


def shown(seen: Upgrade) -> tuple[list[str], str]:
    head, *lines = table(seen)
    assert head.startswith("job ")
    return [line.split("  ")[0] for line in lines[:-1]], lines[-1]


def test_the_table_shows_lost_jobs_first_and_few_that_nothing_came_of():
    jobs = tuple(job(f"{n}") for n in range(3000))
    well = replace(upgrade(start(jobs), start(jobs), jobs), owned=(Owned("2999", "own", "t"),))
    few = ["job 2999", "job 0", "job 1", "job 2", "job 3"]
    assert shown(well) == (few, "and 2995 more, all in --bootgate-json")
    some = (*jobs[:5], *jobs[7:8], job("8", x=1), *jobs[9:])
    seen = replace(well, first=start(some), second=start(some))
    assert shown(seen) == (["job 5", "job 6", *few[:3]], "and 2995 more, all in --bootgate-json")
    lost = replace(well, first=start(()), second=start(()))
    assert len(shown(lost)[0]) == 20
