"""A poor host warns near a timeout only; one that cannot measure makes durations inconclusive."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_bootgate.checks.host import weigh
from pytest_bootgate.checks.startup import judge
from pytest_bootgate.records.machine import Machine, Span, Still, Work
from pytest_bootgate.records.values import HostFacts
from tests.checks.test_campaign import BOTH, RULES, boot

FACTS = HostFacts("Linux 6", "3.11", cpus=8, memory=2**34, load=0.1, uptime=86400.0)
QUIET = Work(best=0.005, slow=0.0054)
CALM = Still(busy=0.02, steal=0.0, cpu=0.01, memory=0.0, io=0.0)
GOOD = Machine(here=True, work=(QUIET, QUIET, QUIET), still=(CALM, CALM), steal=0.0)

#: Rounds of the fixed work as measured on two cores: (best, slow) in ms. Two speeds, because a core
#: is sometimes half of a busy one.
ROUNDS = {
    "quiet": [(4.38, 4.8), (7.87, 8.78), (4.29, 4.89), (7.97, 9.34)],
    "one busy loop": [(4.17, 9.13), (4.24, 5.99), (8.3, 24.81), (5.33, 10.1)],
    "four busy loops": [(4.18, 14.09), (4.31, 27.64), (4.31, 18.98), (4.2, 22.86)],
}


def boots(seconds=1.0, *, slower=1.0, **more):
    """Pairs (five, or ten to confirm a slowdown); the candidate takes `seconds` and a little."""
    found = []
    for number in range(1, 6 if slower == 1.0 else 11):
        for release in BOTH:
            took = (seconds if release == "candidate" else seconds / slower) + number / 1000
            values = {k: v(took) if callable(v) else v for k, v in more.items()}
            found.append(boot(release, number, took, **values))
    return found


def weighed(made, facts=FACTS, machine=GOOD, rules=RULES):
    return weigh(judge(made, rules), made, rules, facts, machine)


def rounds(name) -> Machine:
    return replace(GOOD, work=tuple(Work(a / 1000, b / 1000) for a, b in ROUNDS[name]))


def test_a_good_host_changes_nothing():
    for seconds in (1.0, 7.0, 9.0):
        assert weighed(boots(seconds)) == judge(boots(seconds), RULES)


POOR = [
    ({"cpus": 1}, {}, {}, "the host has 1 CPU, and "),
    ({"cpu_limit": 0.5}, {}, {}, "the host has 0.5 CPUs, and "),
    ({"memory": 2**30}, {}, {}, "the host has 1.0 GiB of memory, and "),
    ({"memory_limit": 2**29}, {}, {}, "the host has 0.5 GiB of memory, and "),
    ({"uptime": 45 * 86400.0}, {}, {}, "the host has been up for 45 days, and "),
    ({}, {"still": (replace(CALM, busy=0.6),)}, {}, "other processes use 60 % of its CPU time"),
    ({}, {"still": (replace(CALM, memory=0.2),)}, {}, "wait for memory 20 % of the time"),
    ({}, {"steal": 0.12}, {}, "lost 12 % of its CPU time to its hypervisor"),
    ({}, {}, {"throttled": 2.0}, "throttled the boots with a CPU limit for"),
]


@pytest.mark.parametrize(("facts", "machine", "of_boots", "words"), POOR)
def test_a_poor_host_warns_near_the_timeout_only(facts, machine, of_boots, words):
    facts, machine = replace(FACTS, **facts), replace(GOOD, **machine)
    near = boots(7.0, **of_boots)
    found = weighed(near, facts, machine)
    assert found.verdict == "warn"
    assert words in found.host
    assert found.findings[-1].text == found.host
    away = boots(1.0, **of_boots)
    assert weighed(away, facts, machine) == judge(away, RULES)


@pytest.mark.parametrize("still", [{"busy": 0.6}, {"cpu": 0.5}])
def test_a_boot_that_hardly_waited_for_a_cpu_would_be_as_late_on_another_host(still):
    machine = replace(GOOD, still=(replace(CALM, **still),))
    assert weighed(boots(7.0, run_delay=0.5), machine=machine).verdict == "warn"
    assert weighed(boots(7.0, run_delay=0.1), machine=machine) == judge(
        boots(7.0, run_delay=0.1), RULES
    )


def test_what_it_says_in_full():
    facts = replace(FACTS, uptime=45 * 86400.0, cpus=1)
    assert weighed(boots(7.0), facts).host == (
        "the host has 1 CPU and has been up for 45 days, and the next boot may use 70 % of the"
        " timeout: add CPUs, restart it, and rerun"
    )


def test_a_timeout_is_as_near_as_can_be():
    made = [boot(outcome="timed_out")]
    found = weighed(made, replace(FACTS, cpus=1))
    assert found.verdict == "fail"
    assert "the host has 1 CPU, and 1 of 1 boot timed out" in found.host


def test_a_limit_of_the_host_profile_is_no_fault_of_the_host():
    made = boots(7.0, throttled=5.0)
    assert weighed(made, rules=replace(RULES, cpus=0.25)).host == ""


def test_of_an_engine_elsewhere_only_its_size_is_known():
    away = replace(GOOD, here=False, still=(replace(CALM, busy=0.9),))
    facts = replace(FACTS, cpus=1, uptime=1e9)
    assert weighed(boots(7.0), facts, away).host == ""
    facts = replace(facts, engine_cpus=1, engine_memory=2**34)
    assert "the host has 1 CPU, and" in weighed(boots(7.0), facts, away).host
    four = replace(rounds("four busy loops"), here=False)
    assert weighed(boots(), machine=four).verdict == "pass"


@pytest.mark.parametrize("name", ["quiet", "one busy loop"])
def test_one_busy_loop_on_two_cores_can_be_measured_on(name):
    assert rounds(name).spread < RULES.noise
    assert weighed(boots(), machine=rounds(name)).verdict == "pass"


def test_four_busy_loops_on_two_cores_are_too_many():
    machine = rounds("four busy loops")
    assert machine.spread == pytest.approx(18.98 / 4.18)
    found = weighed(boots(), machine=machine)
    assert found.verdict == "inconclusive"
    assert found.regression.verdict == "inconclusive"
    assert found.host == (
        "the host is too busy to measure: a fixed workload took up to 4.5 times its best time"
        " (noise limit: 3), so timings are unreliable; stop other work on the host and rerun"
    )
    assert (
        weighed(boots(), machine=machine, rules=replace(RULES, inconclusive="fail")).verdict
        == "fail"
    )


@pytest.mark.parametrize("made", [boots(2.0, slower=2.0), boots(9.0), boots(7.0)])
def test_a_host_too_busy_to_measure_makes_slower_and_too_near_inconclusive(made):
    assert judge(made, RULES).verdict in ("fail", "warn")
    found = weighed(made, machine=rounds("four busy loops"))
    assert found.verdict == "inconclusive"
    assert {f.verdict for f in found.findings} == {"inconclusive"}
    assert found.attribution is None


def test_what_wall_and_cpu_time_both_show_stays_a_failure_on_such_a_host():
    """Neighbours take none of a boot's CPU time: 28.8 s against 46.0 s was `inconclusive`."""
    made = boots(4.0, slower=1.6, cpu_seconds=lambda took: took * 0.8)
    found = weighed(made, machine=rounds("four busy loops"))
    assert found.verdict == "fail"
    assert found.regression.verdict == "slower"
    assert found.host.endswith("the candidate is still slower: its CPU time grew as well")
    by_wall = boots(4.0, slower=1.6, cpu_seconds=1.0)
    assert weighed(by_wall, machine=rounds("four busy loops")).verdict == "inconclusive"


@pytest.mark.parametrize("outcome", ["timed_out", "crashed", "false_ok"])
def test_a_failure_stays_one_on_a_host_too_busy_to_measure(outcome):
    made = [boot(outcome=outcome)]
    found = weighed(made, machine=rounds("four busy loops"))
    assert found.verdict == "fail"
    assert "too busy to measure" in found.host
    assert ("1 of 1 boot timed out" in found.host) == (outcome == "timed_out")


def test_one_bad_round_is_not_the_machine():
    assert replace(GOOD, work=(QUIET, Work(0.005, 0.09))).spread < RULES.noise


def test_a_span_is_of_what_is_known():
    assert Span.of([None, 2.0, 1.0]) == Span(1.0, 2.0)
    assert Span.of([None]) is None
