from __future__ import annotations

import json

import pytest

from pytest_bootgate.gatefile import load
from pytest_bootgate.gatefile.digest import measures
from pytest_bootgate.records.result import ReleaseFacts
from tests.cli.calibration.conftest import GATE, SECONDS, boots


@pytest.fixture
def apply(gate, calibrate):
    """Apply the patch for some results; the new gate file, and what was said."""

    def call(*args):
        out, err, status = calibrate(*args, "--write")
        assert status == 0, err
        assert out, err
        return load(gate).gate, err

    return call


def limits(gate_file, target="isolated"):
    phases = gate_file.targets[target].phases
    return {name: float(p.limit) for name, p in phases.items() if p.limit is not None}


def test_a_patch_with_its_provenance(calibrate, write, gate):
    out, err, status = calibrate(write(boots("isolated", SECONDS, 20)))
    assert status == 0
    assert out.startswith("--- a/bootgate.yaml\n+++ b/bootgate.yaml\n@@ ")
    assert gate.read_text() == GATE
    for part in (
        "# calibrated: limits from boots of the candidate 2.0 app:2 (sha256:abababababab)",
        "docker 20.10, profile default (Linux 6.1, 2 CPUs, 8 GiB)",
        "result.json of 2026-11-20",
        "- setup: 20 boots, median ",
        "+      setup: {line: b, limit: ",
        "}          # the long one\n",
    ):
        assert part in " ".join(out.split("\n+  #   ")) or part in out
    assert "isolated.accepted: no limit, its median of " in err
    assert "below 10 ms" in err
    assert "all boots come from one run" in err


def test_limits_are_well_above_the_boots_and_below_the_timeout(apply, write):
    made = boots("isolated", SECONDS, 20)
    found, _ = apply(write(made))
    assert limits(found).keys() == {"setup", "prep", "done"}
    for name, limit in limits(found).items():
        slowest = max(boot.phase(name).seconds for boot in made)
        assert slowest < 0.6 * limit < 3 * slowest


def test_limits_stay_when_calibrated_again(apply, calibrate, write, gate):
    result = write(boots("isolated", SECONDS, 20))
    apply(result)
    before = gate.read_text()
    out, err, status = calibrate(result)
    assert (out, status) == ("", 0)
    assert "isolated.setup: the limit of " in err
    assert err.endswith("bootgate.yaml: nothing to change\n")
    assert calibrate(result, "--all")[0] == ""
    assert gate.read_text() == before


def test_all_replaces_limits_and_their_comment(apply, write, gate):
    apply(write(boots("isolated", SECONDS, 20)))
    found, _ = apply(
        write(boots("isolated", {**SECONDS, "setup": 4.0, "prep": 0.2, "done": 0.02}, 30)), "--all"
    )
    assert limits(found)["setup"] < 15
    text = gate.read_text()
    assert text.count("# calibrated: ") == 1
    assert "30 boots" in text
    assert "20 boots" not in text
    assert ", was " in text


def test_a_limit_that_the_boots_come_near_is_replaced_and_others_keep_their_comment(
    apply, write, gate
):
    apply(write(boots("isolated", SECONDS, 20)))
    before = limits(load(gate).gate)
    found, err = apply(write(boots("isolated", {**SECONDS, "prep": 1.5}, 20)))
    assert limits(found)["prep"] > 2 * before["prep"]
    assert limits(found)["setup"] == before["setup"]
    assert "isolated.setup: the limit of " in err
    text = gate.read_text()
    assert text.count("# calibrated: ") == 2 or text.count("limits from boots") == 2
    assert "- setup: 20 boots" in text


def test_a_phase_that_varies_too_much_gets_none(calibrate, write):
    made = boots("isolated", {**SECONDS, "setup": 0.1}, 10)
    slow = boots("isolated", {**SECONDS, "setup": 4.0}, 10)
    out, err, _ = calibrate(write(made + slow))
    assert "- setup" not in out
    assert "isolated.setup: no limit, its bound of " in err
    assert "would need one above the timeout of 1m" in err


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (boots("isolated", SECONDS, 9), "isolated: 9 measured boots of the candidate, at least 10"),
        (
            boots("isolated", SECONDS, 9) + boots("isolated", SECONDS, 3, warm_up=True),
            "isolated: 9 measured boots",
        ),
        (
            boots("isolated", SECONDS, 20)
            + boots("isolated", SECONDS, 1, outcome="timed_out", seconds=None),
            "isolated: 1 boot did not start (timed_out)",
        ),
        (boots("isolated", SECONDS, 20, start="warm"), "the boots in the results are not cold"),
    ],
    ids=["few", "warm-up", "not started", "warm"],
)
def test_boots_that_do_not_count(calibrate, write, made, said):
    out, err, status = calibrate(write(made))
    assert (out, status) == ("", 0)
    assert said in err
    assert err.endswith("nothing to change\n")


def test_a_lost_boot_is_left_out(calibrate, write):
    lost = boots("isolated", SECONDS, 1, outcome="lost", seconds=None)
    assert "- setup: 10 boots" in calibrate(write(boots("isolated", SECONDS, 10) + lost))[0]


def test_results_add_up_and_one_run_counts_once(calibrate, write):
    one = write(boots("isolated", SECONDS, 6), "one.json")
    two = write(boots("isolated", SECONDS, 7), "two.json", at="2026-11-21T10:00:00+00:00")
    out, err, _ = calibrate(two, one, one)
    assert "one run" not in err
    assert "- setup: 13 boots" in out
    assert "one.json of 2026-11-20, two.json of 2026-11-21." in " ".join(out.split("\n+  #   "))


def test_a_list_of_results_in_one_file(calibrate, write, gate):
    one = json.loads(write(boots("isolated", SECONDS, 6), "one.json").read_text())
    two = json.loads(write(boots("isolated", SECONDS, 7), "two.json").read_text())
    other = json.loads(write(boots("isolated", SECONDS, 9), "three.json").read_text())
    other["file"] = "/elsewhere/bootgate.yaml"
    (gate.parent / "list.json").write_text(json.dumps([one, two, other]))
    assert "- setup: 13 boots" in calibrate(gate.parent / "list.json")[0]


def test_the_same_gate_file_at_another_path(calibrate, write):
    result = write(boots("isolated", SECONDS, 10), file="/ci/bootgate.yaml")
    out, err, _ = calibrate(result)
    assert "- setup: 10 boots" in out
    assert "was made with /ci/bootgate.yaml: taken for this gate file" in err


def test_an_older_release_is_left_out(calibrate, write):
    older = {"candidate": ReleaseFacts("app:1", "sha256:" + "cd" * 32, "1.0")}
    old = write(boots("isolated", SECONDS, 50), "old.json", releases=older)
    new = write(boots("isolated", SECONDS, 10), "new.json", at="2026-11-21T10:00:00+00:00")
    out, err, _ = calibrate(old, new)
    assert "- setup: 10 boots" in out
    assert "old.json is left out: its candidate is 1.0 app:1 (sha256:cdcdcdcdcdcd)" in err


def test_the_baseline_if_asked_for(calibrate, write):
    made = boots("isolated", SECONDS, 12, release="baseline")
    facts = ReleaseFacts("app:1", None, "1.0")
    result = write(made, releases={"candidate": facts, "baseline": facts})
    out, _, _ = calibrate(result, "--release", "baseline")
    assert "boots of the baseline 1.0 app:1, docker" in out
    _, err, status = calibrate(result)
    assert status == 4
    assert "not one measured boot of the candidate" in err


def test_boots_recorded_in_another_run_do_not_count(calibrate, write):
    old = boots("isolated", SECONDS, 20, release="baseline", recorded=True)
    facts = ReleaseFacts("app:1", None, "1.0")
    both = {"candidate": facts, "baseline": facts}
    result = write(old + boots("isolated", SECONDS, 10), releases=both)
    _, err, status = calibrate(result, "--release", "baseline")
    assert status == 4
    assert "not one measured boot of the baseline" in err


def test_a_gate_file_that_measured_something_else(calibrate, write, gate):
    made = boots("isolated", SECONDS, 10)
    assert "something else" not in calibrate(write(made, measures=measures(load(gate))))[1]
    _, err, _ = calibrate(write(made, measures="0123"))
    assert "result.json: the gate file measured something else then" in err


# -- targets that take over others ------------------------------------------------------------

TWO = GATE.replace(
    "sidecar:",
    '  warm: {extends: isolated, trigger: {exec: [run, "${token}"]}, start: warm}\nsidecar:',
)


def warm(phases, count):
    return boots("warm", phases, count, start="warm")


def test_as_takes_over_the_limit_unless_it_needs_a_higher_one(apply, write, gate):
    gate.write_text(TWO)
    made = boots("isolated", SECONDS, 20) + warm({**SECONDS, "setup": 0.1, "prep": 2.0}, 20)
    found, err = apply(write(made))
    assert "warm.setup: takes over that of isolated" in err
    assert limits(found, "warm")["setup"] == limits(found)["setup"]
    assert limits(found, "warm")["prep"] > 3 * limits(found)["prep"]
    assert "start: warm,\n" in gate.read_text()
    assert "phases: {prep: {limit: " in gate.read_text()


def test_as_gets_its_own_where_only_its_own_boots_are_there(apply, write, gate):
    gate.write_text(TWO)
    found, err = apply(write(warm(SECONDS, 20)))
    assert limits(found) == {}
    assert limits(found, "warm").keys() == {"setup", "prep", "done"}
    assert "isolated: 0 measured boots" in err


def test_as_without_boots_takes_over_and_that_is_said(apply, write, gate):
    gate.write_text(TWO)
    _, err = apply(write(boots("isolated", SECONDS, 20)))
    assert "warm: takes over limits of isolated, unproven for it" in err


def test_no_limit_that_a_target_with_less_time_would_take_over(apply, write, gate):
    gate.write_text(TWO.replace("start: warm}", "start: warm, timeout: 2s}"))
    found, err = apply(write(boots("isolated", SECONDS, 20)))
    assert limits(found).keys() == {"prep", "done"}
    assert "isolated.setup: no limit, warm would take it over, and has less time" in err


# -- phases from a preset or from the defaults ---------------------------------------------------


def test_phases_that_only_a_preset_has(apply, write, gate):
    (gate.parent / "mine.yaml").write_text(
        GATE.replace("sidecar:", "  idle:\n    timeout: 5s\n    proof: {line: x}\nsidecar:")
    )
    gate.write_text("preset: ./mine.yaml   # the system\n")
    found, _ = apply(write(boots("isolated", SECONDS, 20)))
    assert limits(found).keys() == {"setup", "prep", "done"}
    assert [*found.targets] == ["isolated", "idle"]
    assert gate.read_text().startswith("preset: ./mine.yaml   # the system\ntargets:\n  # calib")
    assert gate.read_text().endswith("  idle:\n")


def test_phases_that_the_defaults_have(apply, write, gate):
    gate.write_text(
        'releases: {candidate: {image: "app:2"}}\n'
        "target:\n  timeout: 60s\n  trigger: {exec: [run]}\n"
        "  phases:  # of all\n    accepted: {line: a}\n    setup: {line: b}\n"
        "    prep: {line: c}\n    done: {line: d}\n"
        "targets:\n  isolated:\n  main:\n"
    )
    found, _ = apply(write(boots("isolated", SECONDS, 20)))
    assert limits(found).keys() == {"setup", "prep", "done"}
    assert limits(found, "main") == {}


def test_optional_phases_are_left_alone(calibrate, write, gate):
    gate.write_text(GATE.replace("{line: c}", "{line: c, optional: true}"))
    out, err, _ = calibrate(write(boots("isolated", SECONDS, 20)))
    assert "- prep" not in out
    assert "isolated.prep: no limit, the phase is optional" in err


def test_environment_variables_and_crlf_stay(apply, write, gate, monkeypatch):
    monkeypatch.setenv("APP", "app:2")
    text = GATE.replace("app:2", "${APP}").replace("\n", "\r\n")
    gate.write_bytes(text.encode())
    apply(write(boots("isolated", SECONDS, 20)))
    new = gate.read_bytes().decode()
    assert "${APP}" in new
    assert new.count("\n") == new.count("\r\n")


# -- profiles -------------------------------------------------------------------------------

PROFILES = (
    GATE + "profiles:\n  staging: {}\n  low: {cpus: 0.5}\n  tiny: {cpus: 0.1, on_request: true}\n"
)


def test_limits_take_boots_of_every_profile(apply, calibrate, write, gate):
    gate.write_text(PROFILES)
    staging = boots("isolated", SECONDS, 20, profile="staging")
    out, err, _ = calibrate(write(staging))
    assert out == ""
    assert "isolated@low: 0 measured boots" in err
    low = boots("isolated", {**SECONDS, "prep": 1.0}, 20, profile="low")
    found, err = apply(write(staging + low))
    assert limits(found)["prep"] > 3
    assert "limits hold on profile tiny too" in err
    assert "bound " in gate.read_text()
    assert " on low" in gate.read_text()


def test_one_profile_if_asked_for(apply, write, gate):
    gate.write_text(PROFILES)
    found, err = apply(
        write(boots("isolated", SECONDS, 20, profile="staging")), "--profile", "staging"
    )
    assert limits(found)
    assert "limits hold on profile low too, whose boots are not looked at" in err


# -- fail_at and warn_at -------------------------------------------------------------------------

PROOF = """\
releases: {candidate: {image: "app:2"}}
targets:
  boot: {timeout: 60s, proof: {http: ":80/"}}   # the smallest
"""


def test_near_goes_down_where_all_use_little_and_no_phase_has_a_limit(apply, write, gate):
    gate.write_text(PROOF)
    found, err = apply(write(boots("boot", {"proof": 2.0}, 20)))
    assert (found.gate.fail_at, found.gate.warn_at) == (0.2, pytest.approx(0.15))
    assert "boot: no limits, it has a proof and no phases" in err
    text = gate.read_text()
    assert text.startswith(PROOF)
    assert text.endswith("gate: {fail_at: 20%, warn_at: 15%}\n")
    assert "no target uses more than " in text


def test_near_stays_where_phases_have_limits(calibrate, write):
    made = boots("isolated", {name: s / 8 for name, s in SECONDS.items()}, 20)
    out, err, _ = calibrate(write(made))
    assert "fail_at: 20%" not in out
    assert "fail_at stays 80 %" in err


def test_near_stays_where_it_is_right(calibrate, write, gate):
    gate.write_text(PROOF)
    out, err, _ = calibrate(write(boots("boot", {"proof": 14.0}, 20)))
    assert out == ""
    assert err.endswith("nothing to change\n")


def test_near_goes_up_where_healthy_boots_would_warn(apply, write, gate):
    gate.write_text(PROOF + "gate: {fail_at: 80%}\n")
    found, _ = apply(write(boots("boot", {"proof": 28.0}, 40)))
    assert found.gate.warn_at < found.gate.fail_at <= 0.9
    assert "a timeout of" in " ".join(gate.read_text().split("\n#   "))
    assert "gate: {fail_at: " in gate.read_text()


def test_no_near_makes_up_for_a_timeout_that_leaves_no_room(calibrate, write, gate):
    gate.write_text(PROOF)
    out, err, status = calibrate(write(boots("boot", {"proof": 50.0}, 40)))
    assert (out, status) == ("", 0)
    assert "boot: 40 boots, median" in err
    assert "of the timeout 1m; a timeout of 2m" in err
    assert "no fail_at up to 90 % would" in err


# -- mistakes ------------------------------------------------------------------------------------


def test_a_result_of_another_gate_file(calibrate, write):
    result = write(boots("elsewhere", SECONDS, 20), file="/other.yaml")
    out, err, status = calibrate(result)
    assert (out, status) == ("", 4)
    assert "this is a result of another gate file (/other.yaml)" in err


def test_the_same_names_with_other_phases_are_another_gate_file(calibrate, write, gate):
    result = write(boots("isolated", SECONDS, 20), file="/other.yaml")
    gate.write_text(GATE.replace("prep:", "preparation:"))
    assert "another gate file" in calibrate(result)[1]


def test_phases_that_have_changed_since(calibrate, write, gate):
    result = write(boots("isolated", SECONDS, 20))
    gate.write_text(GATE.replace("prep:", "preparation:"))
    out, err, status = calibrate(result)
    assert (out, status) == ("", 0)
    assert "isolated: the results have other phases: the gate file has changed since" in err


def test_two_engines(calibrate, write):
    one = write(boots("isolated", SECONDS, 10), "one.json")
    two = write(boots("isolated", SECONDS, 10), "two.json", engine="process on Linux")
    out, err, status = calibrate(one, two)
    assert (out, status) == ("", 4)
    assert "several engines (docker, process)" in err


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "no result of a gate"),
        ("{}", "no result of a gate"),
        ("[]", "there is no result in it"),
        ("[1]", "no result of a gate"),
        ("[", "no list of results"),
        ('{"schema": "bootgate-result/9"}', "no result of a gate"),
        (None, "cannot be read: No such file"),
    ],
)
def test_not_a_result(calibrate, gate, content, said):
    path = gate.parent / "result.json"
    if content is not None:
        path.write_text(content)
    out, err, status = calibrate(path)
    assert (out, status) == ("", 4)
    assert "result.json" in err
    assert said in err
    assert "Traceback" not in err


def test_a_broken_gate_file(calibrate, write, gate):
    result = write(boots("isolated", SECONDS, 20))
    gate.write_text(GATE.replace("fail_at: 80%", "fail_at: 80"))
    out, err, status = calibrate(result)
    assert (out, status) == ("", 4)
    assert err.startswith("bootgate.yaml:14:")


def test_no_such_profile(calibrate, write):
    _, err, status = calibrate(write(boots("isolated", SECONDS, 20)), "--profile", "staging")
    assert status == 4
    assert "has no profile 'staging'; it has default" in err


def test_a_patch_that_would_break_the_file_is_not_printed(calibrate, write, gate, monkeypatch):
    result = write(boots("isolated", SECONDS, 20))
    for text, said in (
        (GATE.replace("60s", "1s"), "something besides limits, fail_at and warn_at has changed"),
        (GATE.replace("{line: c}", "{line: c, limit: 61s}"), "is more than the target's timeout"),
        (GATE, "the limit of isolated.setup would be None"),
        (
            GATE.replace("fail_at: 80%", "fail_at: 81%"),
            "fail_at and warn_at would be 81 % and 60 %",
        ),
    ):
        monkeypatch.setattr("pytest_bootgate.gatefile.patch.patched", lambda *_, new=text: new)
        out, err, status = calibrate(result, "--write")
        assert (out, status) == ("", 4)
        assert "This is an internal error of bootgate calibrate" in err
        assert said in err
        assert "  isolated.setup: limit: " in err
        assert gate.read_text() == GATE
        assert [path.name for path in gate.parent.glob(".*.yaml")] == []


def test_an_alias_is_told_with_the_limits_to_set_by_hand(calibrate, write, gate):
    shared = "      setup: &b {line: b}          # the long one\n      prep: *b\n"
    text = GATE.replace(
        "      setup: {line: b}          # the long one\n      prep: {line: c}\n", shared
    )
    gate.write_text(text)
    out, err, status = calibrate(write(boots("isolated", SECONDS, 20)))
    assert (out, status) == ("", 4)
    assert "'targets.isolated.phases.setup' (line 10) is shared by an alias" in err
    assert "  isolated.setup: limit: " in err
    assert gate.read_text() == text
