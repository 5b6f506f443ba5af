"""Which phase and stage a slowdown is in."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_bootgate.checks.attribution import attribute, only_in_one
from pytest_bootgate.checks.pairs import Pairs
from pytest_bootgate.checks.wording import blame, sentence
from pytest_bootgate.records.values import Boot, Phase, Stage
from pytest_bootgate.stats.regression import Regression

STRATA = [[0, 1, 2, 3, 4]]


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
        profile="default",
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
        STRATA,
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
        STRATA,
        None,
    )
    assert [(s.name, round(s.seconds, 3)) for s in found.stages] == [("startup plugins", 1.3)]
    assert found.unattributed == pytest.approx(0.7)
    assert blame(found) == (
        "+2.00 s, the whole boot +2.00 s against the baseline; self-reported stage startup plugins"
        " +1.30 s, outside any stage +700 ms"
    )


def test_a_phase_that_grew_more_than_the_whole_boot_says_why():
    before, after = {"setup": 1.0, "proof": 2.0}, {"setup": 1.5, "proof": 2.25}
    found = attribute(pairs(before, after), STRATA, None)
    text = blame(found)
    why = "(other phases together 250 ms shorter)"
    assert text == f"+500 ms, the whole boot +250 ms against the baseline {why}"


def test_a_stage_of_another_phase_is_said_only_where_the_blamed_one_reports_none():
    stages = [("prep", "prompt", 1.0, None, "proof")]
    before, after = {"setup": 1.0, "proof": 2.0}, {"setup": 3.0, "proof": 4.0}
    found = attribute(pairs(before, after, [], stages), STRATA, None)
    assert found.stages == ()
    assert "no stage reported in this phase, elsewhere prep prompt +1.00 s (only the cand" in blame(
        found
    )


def test_marks_that_only_one_release_has_are_taken_as_one_phase_and_taken_apart():
    boots = pairs(
        {"accepted": 0.1, "setup": None, "engine": None, "proof": 1.0},
        {"accepted": 0.1, "setup": 5.0, "engine": 6.0, "proof": 6.5},
    )
    found = attribute(boots, STRATA, None)
    assert [s.name for s in found.phases] == ["proof", "accepted"]
    assert [(s.name, s.only) for s in found.inner][:2] == [
        ("setup", "candidate"),
        ("engine", "candidate"),
    ]
    assert found.phase == "setup"
    assert blame(found).startswith("+4.90 s (only the candidate has it), the whole boot +5.50 s")
    assert only_in_one(boots) == [("setup", "candidate"), ("engine", "candidate")]


def test_a_phase_seen_in_some_boots_only_is_nobodys_alone():
    boots = pairs({"setup": 1.0, "proof": 2.0}, {"setup": 1.0, "proof": 2.0})
    unseen = boot("baseline", 0, {"setup": None, "proof": 2.0})
    assert only_in_one(replace(boots, baseline=[unseen, *boots.baseline[1:]])) == []


def kind(cpu, cpus=None, by=2.0, before=None, after=None):
    """What a slowdown by `by` seconds is called; `before` and `after` are what else is known."""
    grown = pairs({"proof": 2.0}, {"proof": 2.0 + by}, cpu=cpu)
    known = Pairs(
        [replace(boot, **(before or {})) for boot in grown.baseline],
        [replace(boot, **(after or before or {})) for boot in grown.candidate],
    )
    return attribute(known, STRATA, cpus).kind


@pytest.mark.parametrize(
    ("cpu", "cpus", "found"),
    [
        ((1.0, 3.0), None, "more work"),
        ((1.0, 2.1), None, "more work"),
        ((1.0, 1.3), 0.25, "more work"),
        ((1.0, 1.2), None, "more waiting"),
        # Neither most of the slowdown nor next to nothing of it.
        ((1.0, 1.9), None, None),
        ((1.0, 1.6), None, None),
        ((1.0, 1.2), 0.25, None),
        ((None, 3.0), None, None),
    ],
)
def test_cpu_time_tells_work_from_waiting_where_it_is_clear(cpu, cpus, found):
    assert kind(cpu, cpus, before={"others_busy": 0.0}) == found


def test_a_shift_below_the_ticks_of_the_clock_is_no_evidence():
    quiet = {"others_busy": 0.0}
    assert kind((0.10, 0.11), by=0.02, before=quiet) is None
    assert kind((0.10, 0.10), by=0.02, before=quiet) is None
    assert kind((0.10, 0.10), by=0.05, before=quiet) == "more waiting"
    # Containers are counted in microseconds.
    assert kind((0.100001, 0.110001), by=0.019, before=quiet) == "more work"
    assert kind((0.100001, 0.100101), by=0.02, before=quiet) == "more waiting"


WAITED = (1.0, 1.1)


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        # Nothing is known of the host: neighbours could have cost 1.1 s, its CPU time.
        ({}, {}, "more waiting"),
        # It was busy between the boots, beside which release is not known.
        ({"others_busy": 0.6}, {"others_busy": 0.6}, "more waiting"),
        # Others used as much beside both.
        ({"others_cpu": 0.2}, {"others_cpu": 0.4}, "more waiting"),
        # Others used more beside the candidate, and it stood in line for a CPU.
        (
            {"others_cpu": 0.2, "run_delay": 0.1},
            {"others_cpu": 3.0, "run_delay": 1.9},
            "busy host",
        ),
        ({"others_cpu": 0.2}, {"others_cpu": 3.0}, "busy host"),
        # They did, but it did not stand in line, or only a little.
        (
            {"others_cpu": 0.2, "run_delay": 0.1},
            {"others_cpu": 3.0, "run_delay": 0.2},
            "more waiting",
        ),
        ({"others_cpu": 0.2, "run_delay": 0.1}, {"others_cpu": 3.0, "run_delay": 0.8}, None),
        # It stood in line, and not for others.
        ({"others_cpu": 0.2, "run_delay": 0.1}, {"others_cpu": 0.4, "run_delay": 1.9}, None),
        ({"others_cpu": 0.2}, {"others_cpu": 1.2}, None),
        ({"run_delay": 0.1}, {"run_delay": 0.1}, "more waiting"),
        ({"run_delay": 0.1}, {"run_delay": 1.9}, None),
    ],
)
def test_a_busy_host_is_one_that_others_used_more_beside_the_candidate(before, after, found):
    assert kind(WAITED, before=before, after=after) == found


@pytest.mark.parametrize(("busy", "found"), [(0.1, "more waiting"), (0.6, None), (None, None)])
def test_what_neighbours_could_have_cost_is_not_called_waiting(busy, found):
    assert kind((3.0, 3.1), before={"others_busy": busy}) == found


@pytest.mark.parametrize(("net", "time"), [(True, "net of neighbours"), (False, "wall time")])
def test_the_sentence_of_a_comparison_says_which_time_it_is_of(net, time):
    found = Regression("same", 5, 0.92, 0.8, 1.1, 0.5, 0.1, net=net)
    seen = "8 % faster (95 % interval 20 % faster to 10 % slower)"
    assert sentence(found).startswith(f"{seen}, 5 pairs, {time}; tolerance 10 %")
