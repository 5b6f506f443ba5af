"""A candidate beside its baseline, through pytest itself."""

from __future__ import annotations

import json

from tests.pytest_plugin.conftest import GOOD, add_baseline

SLOW = [0.3, "engine ready", 0.02, "persona loaded", 0.02, "ring"]


def written(pytester):
    """The only target of the result that was written."""
    (target,) = json.loads((pytester.path / "out.json").read_text())["targets"]
    return target


def compare(gate, played, pytester, *args, old=GOOD, new=GOOD, boots="5", **more):
    path = gate(new, boots=boots, **more)
    add_baseline(path, json.dumps(new), json.dumps(old))
    # Else two releases that do the same would be refused as one.
    path.write_text(path.read_text().replace("env: {PLAN", "env: {RELEASE: old, PLAN", 1))
    result = played("bootgate.yaml", "--bootgate-json", "out.json", "-v", *args)
    return result, written(pytester)


def test_slower_fails_the_boot_and_the_phase_to_blame(gate, played, pytester):
    result, target = compare(gate, played, pytester, new=SLOW)
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        [
            "bootgate.yaml::isolated::engine FAILED*",
            "bootgate.yaml::isolated::persona PASSED*",
            "bootgate.yaml::isolated::task_started PASSED*",
            "bootgate.yaml::isolated::boot FAILED*",
            "FAIL isolated, cold: 10 started (baseline: 10 started)",
            (
                "*fail: * times as long (95 % interval * times), 10 pairs, *; tolerance 10 %; a"
                " slowdown of 5 % or less is ruled out twice (exact p = 0.004, then 0.004 in fresh*"
            ),
            "*fail: engine: +2* ms, the whole boot +* ms*; more waiting: CPU time *",
        ]
    )
    judgement = target["judgement"]
    assert judgement["stopped"] == "the evidence was clear after 10 pairs"
    assert judgement["attribution"]["phases"][0]["name"] == "engine"


def test_the_order_of_the_boots_and_why_they_ended_are_in_the_result(gate, here, pytester):
    result, target = compare(gate, here, pytester, boots="5..7")
    assert result.ret == 0
    order = "".join(boot["release"][0] for boot in target["boots"])
    assert order.startswith("bcbccbcbbccb")
    assert [boot["warm_up"] for boot in target["boots"]][:3] == [True, True, False]
    assert target["judgement"]["stopped"] in (
        "the evidence was clear after 5 pairs",
        "the evidence was clear after 7 pairs",
        "more than 7 pairs would not settle it",
    )
    known = [n for n, boot in enumerate(target["boots"]) if boot["others_busy"] is not None]
    assert known[:2] == [2, 11]  # the first measured one, and the last before the first look
    for boot in target["boots"]:
        for what in ("disk_read", "throttled", "run_delay", "others_cpu"):
            assert boot[what] is not None
        assert 0 <= boot["net_seconds"] <= boot["seconds"]


def test_warm_releases_stay_up_and_take_turns(gate, played, pytester):
    result, target = compare(gate, played, pytester, targets=["  isolated: {start: warm}"])
    assert result.ret == 0
    order = [boot["release"][0] for boot in target["boots"]]
    assert "".join(order) == "bcbccbcbbccb"
    measured = [boot for boot in target["boots"] if not boot["warm_up"]]
    assert all(boot["waiting_cores"] is not None for boot in measured)
    assert target["judgement"]["regression"]["verdict"] == "same"


def test_a_release_that_works_while_it_waits_makes_the_comparison_inconclusive(
    gate, here, pytester
):
    # A fifth of a core is twice what is let pass.
    work = "do:while True: sum(range(100_000)), time.sleep(0.005)"
    old = ["engine ready", "persona loaded", "ring", work]
    new = ["engine ready", 0.1, "persona loaded", 0.1, "ring"]
    result, target = compare(
        gate, here, pytester, old=old, new=new, targets=["  isolated: {start: warm}"]
    )
    assert result.ret == 0
    assert target["verdict"] == "inconclusive"
    result.stdout.fnmatch_lines(
        ["*inconclusive: the baseline used * cores while idle*start: cold*"]
    )


def test_inconclusive_fails_where_the_gate_file_says_so(gate, played, pytester):
    more = {"boots": "2, inconclusive: fail"}
    result, target = compare(gate, played, pytester, **more)
    assert result.ret == 1
    assert target["verdict"] == "fail"
    result.stdout.fnmatch_lines(
        ["*not compared with the baseline: 2 pairs cannot show *; at least 5 are needed*"]
    )


def test_a_release_is_gated_against_itself_only_where_it_is_allowed(gate, played, pytester):
    path = gate(boots="5")
    add_baseline(path)
    result = played("bootgate.yaml")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*baseline and candidate are the same*allow: same-image*"])
    path.write_text(path.read_text().replace("boots: 5", "boots: 5, allow: same-image"))
    result = played("bootgate.yaml", "--bootgate-json", "out.json")
    assert result.ret == 0
    assert written(pytester)["judgement"]["regression"]["verdict"] == "same"
