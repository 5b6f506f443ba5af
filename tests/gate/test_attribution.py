"""Which phase and stage a slowdown is in."""

from __future__ import annotations

import pytest

from pytest_bootgate.boot.values import Boot, Phase, Stage
from pytest_bootgate.gate.attribution import attribute, only_in_one
from pytest_bootgate.gate.comparison import blame
from pytest_bootgate.gate.pairs import Pairs

SIZES = [5]


def boot(release, number, marks, stages=(), **more) -> Boot:
    """A boot from its marks (None: never seen); it wobbles a little from boot to boot."""
    phases, before = [], 0.0
    for name, at in marks.items():
        at = None if at is None else at + number / 1000
        phases.append(Phase(name, at, None if at is None else at - before, optional=True))
        before = before if at is None else at
    return Boot(
        target="isolated",
        release=release,
        host="default",
        number=number,
        start="cold",
        outcome="started",
        detail="",
        timeout=60.0,
        ended=before,
        seconds=before,
        phases=tuple(phases),
        stages=tuple(Stage(*stage) for stage in stages),
        **more,
    )


def pairs(before, after, stages_before=(), stages_after=(), cpu=(None, None), count=5) -> Pairs:
    return Pairs(
        [boot("baseline", n, before, stages_before, cpu_seconds=cpu[0]) for n in range(count)],
        [boot("candidate", n, after, stages_after, cpu_seconds=cpu[1]) for n in range(count)],
    )


def test_the_largest_shift_in_seconds_is_to_blame_not_the_largest_in_per_cent():
    found = attribute(
        pairs(
            {"accepted": 0.01, "setup": 2.0, "proof": 3.0},
            {"accepted": 0.1, "setup": 4.0, "proof": 5.1},
        ),
        SIZES,
        None,
    )
    assert found.phase == "setup"
    assert found.seconds == pytest.approx(2.1)
    assert {s.name: round(s.seconds, 3) for s in found.phases} == {
        "setup": 1.91,
        "proof": 0.1,
        "accepted": 0.09,
    }
    assert found.kind is None


def test_the_stage_inside_that_phase_and_what_no_stage_explains():
    found = attribute(
        pairs(
            {"setup": 1.0, "proof": 2.0},
            {"setup": 3.0, "proof": 4.0},
            [("startup", "plugins", 0.2, None, "setup"), ("prep", "prompt", 0.1, None, "proof")],
            [("startup", "plugins", 1.5, None, "setup"), ("prep", "prompt", 9.0, None, "proof")],
        ),
        SIZES,
        None,
    )
    assert [(s.name, round(s.seconds, 3)) for s in found.stages] == [("startup plugins", 1.3)]
    assert found.unattributed == pytest.approx(0.7)
    assert blame(found) == (
        "+2.00 s of the +2.00 s of the whole boot; self-reported stage startup plugins +1.30 s,"
        " in no stage +700 ms"
    )


def test_a_stage_of_another_phase_is_said_only_where_the_blamed_one_reports_none():
    stages = [("prep", "prompt", 1.0, None, "proof")]
    before, after = {"setup": 1.0, "proof": 2.0}, {"setup": 3.0, "proof": 4.0}
    found = attribute(pairs(before, after, [], stages), SIZES, None)
    assert found.stages == ()
    assert "no stage reported in it, elsewhere prep prompt +1.00 s (only the cand" in blame(found)


def test_marks_that_only_one_release_has_are_taken_as_one_phase_and_taken_apart():
    boots = pairs(
        {"accepted": 0.1, "setup": None, "engine": None, "proof": 1.0},
        {"accepted": 0.1, "setup": 5.0, "engine": 6.0, "proof": 6.5},
    )
    found = attribute(boots, SIZES, None)
    assert [s.name for s in found.phases] == ["proof", "accepted"]
    assert [(s.name, s.only) for s in found.inner][:2] == [
        ("setup", "candidate"),
        ("engine", "candidate"),
    ]
    assert found.phase == "setup"
    assert blame(found).startswith("+4.90 s (only the candidate has it) of the +5.50 s")
    assert only_in_one(boots) == [("setup", "candidate"), ("engine", "candidate")]


def test_a_phase_seen_in_some_boots_only_is_nobodys_alone():
    boots = pairs({"setup": 1.0, "proof": 2.0}, {"setup": 1.0, "proof": 2.0})
    boots.baseline[0] = boot("baseline", 0, {"setup": None, "proof": 2.0})
    assert only_in_one(boots) == []


@pytest.mark.parametrize(
    ("cpu", "cpus", "kind"),
    [
        ((1.0, 3.0), None, "more work"),
        ((1.0, 1.2), None, "more waiting"),
        ((1.0, 1.3), 0.25, "more work"),
    ],
)
def test_kind(cpu, cpus, kind):
    found = attribute(pairs({"proof": 2.0}, {"proof": 4.0}, cpu=cpu), SIZES, cpus)
    assert found.kind == kind


def test_more_work_beside_neighbours_is_more_work():
    beside = {"throttled": 0.0, "others_cpu": 9.0, "others_busy": 0.9}
    found = attribute(
        Pairs(
            [
                boot("baseline", n, {"a": 1.0}, cpu_seconds=0.5, run_delay=0.5, **beside)
                for n in range(5)
            ],
            [
                boot("candidate", n, {"a": 3.0}, cpu_seconds=0.7, run_delay=2.3, **beside)
                for n in range(5)
            ],
        ),
        SIZES,
        None,
    )
    assert found.seconds == pytest.approx(2.0)
    assert found.kind == "more work"
