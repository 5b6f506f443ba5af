"""What became of the old state, from plain values."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_bootgate.checks.upgrade import judge_upgrade, migration
from pytest_bootgate.records.jobs import Job
from pytest_bootgate.records.kept_jobs import compare, differs, volatile
from pytest_bootgate.records.upgrade import Owned, Repair, Run, Start, Stop, Upgrade
from pytest_bootgate.records.values import Boot, Phase, Stage


def job(number: str, name: str | None = None, runs: int | None = 1, **fields) -> Job:
    name = name or f"job {number}"
    return Job(number, name, {"id": number, "name": name, "enabled": True, **fields}, runs)


def boot(**more) -> Boot:
    values = {
        "target": "isolated",
        "release": "candidate",
        "profile": "default",
        "number": 1,
        "start": "cold",
        "outcome": "started",
        "detail": "",
        "timeout": 60.0,
        "ended": 1.0,
        "seconds": 1.0,
    }
    return Boot(**{**values, **more})


JOBS = (job("1"), job("2"), job("3"))
SAME = ("id", "name", "enabled", "schedule")


def start(jobs=JOBS, *, ran=None, release="candidate", **more) -> Start:
    ran = [each.id for each in jobs] if ran is None else ran
    values = {
        "release": release,
        "ready": 5.0,
        "jobs": tuple(jobs),
        "runs": tuple(Run(each, boot()) for each in ran),
        "stop": Stop(0, 1.0),
    }
    return Start(**{**values, **more})


def upgrade(first=None, second=None, jobs=JOBS, **more) -> Upgrade:
    first = first or start()
    return Upgrade(
        baseline=start(jobs, release="baseline"),
        owned=tuple(Owned(each.id, f"target {each.id}", f"token{each.id}") for each in jobs),
        same=SAME,
        first=first,
        second=second or start(),
        health="/readyz",
        **more,
    )


def texts(seen: Upgrade, subject: str) -> list[str]:
    return [f.text for f in judge_upgrade(seen) if f.subject == subject]


def test_all_is_well():
    assert judge_upgrade(upgrade()) == ()


def test_what_only_the_candidate_has_is_reported_and_no_difference():
    own = (*JOBS, job("own"))
    seen = upgrade(start(own), start(own))
    assert judge_upgrade(seen) == ()
    assert [each.id for each in seen.compared(seen.first).added] == ["own"]


@pytest.mark.parametrize(
    ("old", "new", "difference"),
    [
        (1, 1, None),
        (1, True, ("f", 1, True)),
        ({"a": 1}, {"a": 1, "b": 2}, None),
        ({"a": None}, {}, None),
        ({"a": {"b": [1, {"c": 2}]}}, {"a": {"b": [1, {"c": 3}]}}, ("f.a.b[1].c", 2, 3)),
        ([1, 2], [1], ("f", [1, 2], [1])),
        ({"a": 1}, None, ("f", {"a": 1}, None)),
    ],
)
def test_differences(old, new, difference):
    assert differs(old, new, "f") == difference


def test_a_job_with_a_new_id_is_found_by_its_name_and_has_changed():
    seen = upgrade(start([job("9", "job 1"), job("2"), job("3")], ran=["1", "2", "3"]))
    assert texts(seen, "jobs")[0] == "job job 1 (target 1) changed: id was '1', is '9'"
    assert texts(seen, "runs") == []


def test_a_name_is_not_taken_twice():
    twins = (job("1", "twin"), job("2", "twin"))
    compared = compare(twins, [job("9", "twin")], SAME)
    assert [each.id for each in compared.lost] == ["2"]


def test_a_shorter_history():
    compared = compare([job("1", runs=4), job("2", runs=None)], [job("1", runs=None), job("2")], ())
    assert [(old.runs, new.runs) for old, new in compared.shorter] == [(4, None)]


def test_what_running_a_job_changes_is_volatile():
    assert volatile([job("1", last=1, x=2)], [job("1", last=2, x=2, new=3)]) == {"last", "new"}


def test_a_lost_job_by_its_name_and_that_nobody_was_told():
    seen = upgrade(start(JOBS[:2], health=4.0), start(JOBS[:2]))
    assert texts(seen, "jobs") == [
        "2 of 3 jobs survived; lost: job 3 (target 3)",
        (
            "not reported: it was ready after 5.0 s, /readyz was green after 4.0 s, it stopped with"
            " exit code 0, and no line of its output mentions it"
        ),
    ]
    assert texts(seen, "runs") == ["1 of 3 jobs could not be run: job 3 (target 3)"]
    assert texts(seen, "restart") == ["the second start was no better than the first"]


def test_what_its_output_says_is_quoted():
    seen = upgrade(start(JOBS[:2], said=("job 3 was lost",)))
    assert texts(seen, "jobs")[1].startswith("its output may mention it: 'job 3 was lost'")


def test_disabled_jobs_and_those_of_absent_targets_are_kept_and_not_run():
    jobs = (job("1"), replace(job("2"), fields={"id": "2", "name": "job 2", "enabled": False}))
    seen = upgrade(start(jobs, ran=["1"]), start(jobs, ran=["1"]), jobs)
    assert judge_upgrade(seen) == ()
    owned = (*seen.owned[:1], Owned("3", "target 3", "token3", unsupported=("candidate",)))
    seen = replace(seen, baseline=start(), owned=owned)
    assert texts(seen, "runs") == []
    assert texts(seen, "jobs")[0] == "2 of 3 jobs survived; lost: job 3 (target 3)"


def test_no_job_to_run_is_no_evidence():
    seen = upgrade()
    owned = tuple(replace(each, unsupported=("candidate",)) for each in seen.owned)
    (found,) = judge_upgrade(replace(seen, owned=owned))
    assert (found.verdict, found.subject) == ("error", "runs")


def test_a_job_that_did_not_start_on_the_baseline_either():
    late = boot(outcome="false_ok", detail="said ok", seconds=None, notes=("without its token",))
    seen = upgrade(start(runs=(Run("1", late), Run("2", boot()), Run("3", boot()))))
    assert texts(seen, "runs") == [
        "job job 1 (target 1) did not start: false_ok, said ok; without its token"
    ]
    runs = (Run("1", late),)
    seen = replace(seen, baseline=replace(seen.baseline, runs=runs))
    assert texts(seen, "runs")[0].endswith("(the baseline did not start it either)")


def test_what_the_baseline_does_not_run_a_second_time_is_no_reason_against_a_rollback():
    late = boot(outcome="false_ok", detail="said ok", seconds=None)
    runs = (Run("1", late), Run("2", boot()), Run("3", boot()))
    seen = upgrade(rollback_asked=True, rollback=start(release="baseline", runs=runs))
    assert seen.failed == ["1"]
    assert texts(seen, "rollback") == [
        "rollback does not work: job job 1 (target 1) did not start: false_ok, said ok"
    ]
    seen = replace(seen, control=start(release="baseline", runs=(Run("1", late),)))
    assert texts(seen, "rollback") == []
    seen = replace(seen, first=start(runs=runs))
    assert texts(seen, "runs")[0].endswith(
        "(nor does the baseline, started again on its own state)"
    )


def test_a_refusal():
    refused = start(jobs=None or (), refused="the gateway exited with 78", ready=None, stop=None)
    seen = replace(upgrade(replace(refused, jobs=None)), second=None, rollback_asked=True)
    assert texts(seen, "jobs") == [
        "the candidate failed on the old state: the gateway exited with 78"
    ]
    assert texts(seen, "runs") == ["none of 3 jobs ran"]
    assert texts(seen, "restart") == ["no second start: the first one failed"]
    (back,) = [f for f in judge_upgrade(seen) if f.subject == "rollback"]
    assert (back.verdict, back.text) == (
        "warn",
        "rollback was not tested: the candidate did not stop cleanly",
    )


@pytest.mark.parametrize(
    ("stop", "end"),
    [(Stop(3, 0.0, itself=True), "; it printed: Error: no such key"), (None, "")],
)
def test_a_gateway_that_exits_on_the_old_state_is_quoted(stop, end):
    why = "the gateway exited with 3 before it was ready"
    last = ("starting", "Error: no such key", "bye")
    seen = upgrade(start(jobs=(), refused=why, ready=None, stop=stop, last=last))
    assert texts(seen, "jobs") == [f"the candidate failed on the old state: {why}{end}"]


def test_a_run_that_failed_says_in_which_phase():
    phases = (Phase("accepted", 0.1, 0.1), Phase("loaded"), Phase("proof"))
    late = boot(outcome="false_ok", detail="said ok", seconds=None, phases=phases)
    seen = upgrade(start(runs=(Run("1", late), Run("2", boot()), Run("3", boot()))))
    assert texts(seen, "runs") == [
        "job job 1 (target 1) did not start: false_ok in phase loaded, said ok"
    ]


def test_of_many_jobs_the_first_ten_are_named():
    jobs = tuple(job(f"{n}") for n in range(1000))
    seen = replace(upgrade(start(()), start(()), jobs), owned=(Owned("0", "own", "t"),))
    (lost, _), named = texts(seen, "jobs"), ", ".join(f"job {n}" for n in range(1, 10))
    assert lost == f"0 of 1000 jobs survived; lost: job 0 (own), {named} and 990 more"
    changed = tuple(job(f"{n}", schedule="x") for n in range(1000))
    before = tuple(job(f"{n}", schedule="y") for n in range(1000))
    found = texts(upgrade(start(changed), start(changed), before), "jobs")
    assert [*found[:1], *found[10:]][:2] == [
        "job job 0 (target 0) changed: schedule was 'y', is 'x'",
        "and 990 more such differences",
    ]


@pytest.mark.parametrize(
    ("stop", "text"),
    [
        (Stop(1, 2.0), "the candidate did not stop cleanly: it exited with 1 after 2.0 s"),
        (Stop(0, 0.0, itself=True), "the candidate exited with 0 before it was asked to stop"),
        (Stop(None, 0.1), "the candidate did not stop cleanly: it disappeared after 0.1 s"),
    ],
)
def test_an_end_that_is_not_clean(stop, text):
    seen = replace(upgrade(start(stop=stop)), second=None)
    assert texts(seen, "restart") == [text]
    assert texts(upgrade(second=start(stop=stop)), "restart") == [f"second start: {text}"]


@pytest.mark.parametrize(
    ("repair", "text"),
    [
        (
            {"start": start()},
            (
                "needs repair: `doctor --fix` (14.0 s, exit 0) first, then 3 of 3 jobs are there"
                " and 3 of 3 ran"
            ),
        ),
        (
            {"start": start(ran=["1", "2"])},
            (
                "needs repair: `doctor --fix` (14.0 s, exit 0) first, then 3 of 3 jobs are there"
                " and 2 of 3 ran: 1 of 3 jobs could not be run: job 3 (target 3)"
            ),
        ),
        (
            {"start": start(JOBS[:1])},
            (
                "the repair command `doctor --fix` (14.0 s, exit 0) does not help: 1 of 3 jobs"
                " survived; lost: job 2 (target 2), job 3 (target 3); 2 of 3 jobs could not be run:"
                " job 2 (target 2), job 3 (target 3)"
            ),
        ),
        (
            {"code": 3},
            (
                "the repair command `doctor --fix` (14.0 s, exit 3) failed, so nothing was started"
                " on its result"
            ),
        ),
    ],
)
def test_a_repair(repair, text):
    made = Repair(**{"command": "doctor --fix", "code": 0, "seconds": 14.0, **repair})
    seen = upgrade(start(()), repair=made)
    assert texts(seen, "jobs")[-1] == text
    assert {f.verdict for f in judge_upgrade(seen)} == {"fail"}


def test_a_rollback():
    works = upgrade(rollback_asked=True, rollback=start(release="baseline"))
    assert judge_upgrade(works) == ()
    back = start((), release="baseline", health=6.0)
    (found,) = judge_upgrade(
        replace(works, rollback=replace(back, jobs=None, jobs_error="fails: x"))
    )
    assert (found.verdict, found.text) == (
        "warn",
        (
            "rollback does not work (although /readyz was green after 6.0 s): the baseline was"
            " ready, but the list of jobs fails: x; none of 3 jobs ran"
        ),
    )


def test_the_migration_is_what_took_longer_on_the_first_start():
    first = start(
        stages=(Stage("trace", "migrate", 3.2), Stage("trace", "listen", 1.0), Stage("t", "a", 0.5))
    )
    second = start(stages=(Stage("trace", "migrate", 0.1), Stage("trace", "listen", 0.95)))
    assert [(s.name, round(by, 2)) for s, by in migration(first, second)] == [
        ("migrate", 3.1),
        ("a", 0.5),
    ]
