"""What neighbours cost a boot is taken off its wall time; what it costs itself is not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_bootgate.records.values import Boot

QUIET = Boot(
    target="isolated",
    release="candidate",
    profile="default",
    number=1,
    start="cold",
    outcome="started",
    detail="",
    timeout=60.0,
    ended=1.0,
    seconds=1.0,
    cpu_seconds=1.0,
    throttled=0.0,
    run_delay=0.0,
    others_cpu=0.0,
)


def net(**more) -> float | None:
    return replace(QUIET, **more).net_seconds


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        # One task beside a neighbour on its CPU: it ran half of the time.
        ({"cpu_seconds": 0.5, "run_delay": 0.5, "others_cpu": 0.5}, 0.5),
        # The same, with others on another CPU too: only what it waited for counts.
        ({"cpu_seconds": 0.5, "run_delay": 0.5, "others_cpu": 1.5}, 0.5),
        # It also slept: that stays.
        ({"cpu_seconds": 0.2, "run_delay": 0.3, "others_cpu": 0.5}, 0.7),
        # Two tasks and one neighbour on two CPUs: each had two thirds of a CPU.
        ({"cpu_seconds": 4 / 3, "run_delay": 2 / 3, "others_cpu": 2 / 3}, 2 / 3),
        # Four tasks and one neighbour on two CPUs: 1.6 CPU seconds are 0.8 s on both.
        ({"cpu_seconds": 1.6, "run_delay": 2.4, "others_cpu": 0.4}, 0.8),
    ],
)
def test_what_neighbours_cost_is_taken_off(more, expected):
    assert net(**more) == pytest.approx(expected)


@pytest.mark.parametrize(
    "more",
    [
        {},
        # Its own tasks waited for each other on a quiet host.
        {"cpu_seconds": 2.0, "run_delay": 2.0, "others_cpu": 0.0},
        # Others were busy on CPUs that it did not need.
        {"cpu_seconds": 0.3, "run_delay": 0.0, "others_cpu": 3.0},
        # Its own limit of 0.2 CPUs held it back beside busy neighbours.
        {"cpu_seconds": 0.2, "run_delay": 0.8, "throttled": 0.8, "others_cpu": 1.8},
        # So did one of 0.8 CPUs for two tasks on as many CPUs.
        {"cpu_seconds": 0.8, "run_delay": 1.2, "throttled": 1.2, "others_cpu": 0.9},
        # Nothing is known of one of the parts.
        {"cpu_seconds": None, "run_delay": 0.5, "others_cpu": 0.5},
        {"cpu_seconds": 0.5, "run_delay": None, "others_cpu": 0.5},
        {"cpu_seconds": 0.5, "run_delay": 0.5, "others_cpu": None},
        {"cpu_seconds": 0.5, "run_delay": 0.5, "others_cpu": 0.5, "throttled": None},
    ],
)
def test_what_is_its_own_or_unknown_stays(more):
    assert net(**more) == 1.0


def test_of_a_limit_and_neighbours_only_these_are_taken_off():
    found = net(cpu_seconds=0.2, run_delay=0.8, throttled=0.5, others_cpu=1.0)
    assert found == pytest.approx(0.7)
    # Three tasks, held back for most of the time, also wait for each other in the rest of it.
    found = net(cpu_seconds=0.2, run_delay=2.8, throttled=0.8, others_cpu=1.8)
    assert 0.85 < found < 1


def test_it_is_never_below_zero_and_never_above_the_wall_time():
    for cpu in (0.0, 0.01, 1.0, 8.0):
        for waited in (0.0, 0.5, 1.5, 30.0):
            for others in (0.0, 0.4, 16.0):
                found = net(cpu_seconds=cpu, run_delay=waited, others_cpu=others)
                assert 0 <= found <= 1
    assert net(seconds=0.0, run_delay=0.1, others_cpu=0.1) == 0.0


def test_a_boot_without_a_proof_has_none():
    assert net(outcome="timed_out", seconds=None, run_delay=0.5, others_cpu=0.5) is None
