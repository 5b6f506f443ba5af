from __future__ import annotations

import json

import pytest
import yaml

from pytest_bootgate.gatefile import load
from pytest_bootgate.gatefile.digest import measures
from pytest_bootgate.records.result import ReleaseFacts
from tests.cli.calibration.conftest import GATE, SECONDS, boots


@pytest.fixture
def apply(gate, calibrate):
    """Merge what is printed for some results into the gate file; that file, and what was said."""

    def call(*args):
        out, err, status = calibrate(*args)
        assert status == 0, err
        assert out, err
        text = yaml.safe_load(gate.read_text())
        gate.write_text(yaml.safe_dump(merged(text, yaml.safe_load(out)), sort_keys=False))
        return load(gate).gate, err

    return call


def merged(under, over):
    """One mapping put into another, as a person would."""
    if not isinstance(under, dict) or not isinstance(over, dict):
        return under if over == {} else over
    return under | {key: merged(under.get(key), value) for key, value in over.items()}


def words(out):
    """What is printed as one line: a comment may be error anywhere."""
    return " ".join(out.replace("#", " ").split())


def limits(gate_file, target="isolated"):
    phases = gate_file.targets[target].phases
    return {name: float(p.limit) for name, p in phases.items() if p.limit is not None}


def test_entries_with_their_provenance(calibrate, write, gate):
    out, err, status = calibrate(write(boots("isolated", SECONDS, 20)))
    assert status == 0
    assert gate.read_text() == GATE
    assert out.startswith("# Merge into bootgate.yaml. From boots of the candidate 2.0 app:2")
    for part in (
        "app:2 (sha256:abababababab), docker 20.10 (Linux 6.1, 2 CPUs, 8 GiB); result.json of 2026",
        "isolated.setup.limit: 20 boots, median ",
        "A limit is the bound / warn_at (60 %), rounded up. With 95 % confidence 99 % of all boots",
    ):
        assert part in words(out)
    assert "\n      setup: {limit: " in out
    assert max(map(len, out.splitlines())) <= 100
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


def test_all_replaces_limits(apply, calibrate, write):
    apply(write(boots("isolated", SECONDS, 20)))
    result = write(
        boots("isolated", {**SECONDS, "setup": 4.0, "prep": 0.2, "done": 0.02}, 30), "new.json"
    )
    assert "; was 1" in words(calibrate(result, "--all")[0])
    assert limits(apply(result, "--all")[0])["setup"] < 15


def test_a_limit_that_the_boots_come_near_is_replaced(apply, write, gate):
    apply(write(boots("isolated", SECONDS, 20)))
    before = limits(load(gate).gate)
    found, err = apply(write(boots("isolated", {**SECONDS, "prep": 1.5}, 20)))
    assert limits(found)["prep"] > 2 * before["prep"]
    assert limits(found)["setup"] == before["setup"]
    assert "isolated.setup: the limit of " in err


def test_a_phase_that_varies_too_much_gets_none(calibrate, write):
    made = boots("isolated", {**SECONDS, "setup": 0.1}, 10)
    slow = boots("isolated", {**SECONDS, "setup": 4.0}, 10)
    out, err, _ = calibrate(write(made + slow))
    assert "setup.limit" not in out
    assert "isolated.setup: no limit, its bound of " in err
    assert "would need a limit above the timeout of 1m" in err


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
    out, _, _ = calibrate(write(boots("isolated", SECONDS, 10) + lost))
    assert "isolated.setup.limit: 10 boots" in out


def test_results_add_up_and_one_run_counts_once(calibrate, write):
    one = write(boots("isolated", SECONDS, 6), "one.json")
    two = write(boots("isolated", SECONDS, 7), "two.json", at="2026-11-21T10:00:00+00:00")
    out, err, _ = calibrate(two, one, one)
    assert "one run" not in err
    assert "isolated.setup.limit: 13 boots" in out
    assert "one.json of 2026-11-20, two.json of 2026-11-21." in words(out)


def test_a_list_of_results_in_one_file(calibrate, write, gate):
    one = json.loads(write(boots("isolated", SECONDS, 6), "one.json").read_text())
    two = json.loads(write(boots("isolated", SECONDS, 7), "two.json").read_text())
    other = json.loads(write(boots("isolated", SECONDS, 9), "three.json").read_text())
    other["file"] = "/elsewhere/bootgate.yaml"
    (gate.parent / "list.json").write_text(json.dumps([one, two, other]))
    assert "isolated.setup.limit: 13 boots" in calibrate(gate.parent / "list.json")[0]


def test_the_same_gate_file_at_another_path(calibrate, write):
    result = write(boots("isolated", SECONDS, 10), file="/ci/bootgate.yaml")
    out, err, _ = calibrate(result)
    assert "isolated.setup.limit: 10 boots" in out
    assert "was made with /ci/bootgate.yaml: accepted for this gate file" in err


def test_an_older_release_is_left_out(calibrate, write):
    older = {"candidate": ReleaseFacts("app:1", "sha256:" + "cd" * 32, "1.0")}
    old = write(boots("isolated", SECONDS, 50), "old.json", releases=older)
    new = write(boots("isolated", SECONDS, 10), "new.json", at="2026-11-21T10:00:00+00:00")
    out, err, _ = calibrate(old, new)
    assert "isolated.setup.limit: 10 boots" in out
    assert "old.json is left out: its candidate is 1.0 app:1 (sha256:cdcdcdcdcdcd)" in err


def test_the_baseline_if_asked_for(calibrate, write):
    made = boots("isolated", SECONDS, 12, release="baseline")
    facts = ReleaseFacts("app:1", None, "1.0")
    result = write(made, releases={"candidate": facts, "baseline": facts})
    out, _, _ = calibrate(result, "--release", "baseline")
    assert "boots of the baseline 1.0 app:1, docker" in words(out)
    _, err, status = calibrate(result)
    assert status == 4
    assert "no measured boot of the candidate" in err


def test_boots_recorded_in_another_run_do_not_count(calibrate, write):
    old = boots("isolated", SECONDS, 20, release="baseline", recorded=True)
    facts = ReleaseFacts("app:1", None, "1.0")
    both = {"candidate": facts, "baseline": facts}
    result = write(old + boots("isolated", SECONDS, 10), releases=both)
    _, err, status = calibrate(result, "--release", "baseline")
    assert status == 4
    assert "no measured boot of the baseline" in err


def test_a_gate_file_that_measured_something_else(calibrate, write, gate):
    made = boots("isolated", SECONDS, 10)
    now = measures(load(gate))
    same = write(made, measures=now.digest, measured=now.parts)
    assert "different things" not in calibrate(same)[1]
    _, err, _ = calibrate(write(made, measures="0123", measured={**now.parts, "state": "0123"}))
    assert "result.json: the gate file measured different things then (state), so today's" in err


# -- targets that take over others ------------------------------------------------------------

TWO = GATE.replace(
    "sidecar:",
    '  warm: {extends: isolated, trigger: {exec: [run, "${token}"]}, start: warm}\nsidecar:',
)


def warm(phases, count):
    return boots("warm", phases, count, start="warm")


def test_as_gets_limits_of_its_own(apply, write, gate):
    gate.write_text(TWO)
    made = boots("isolated", SECONDS, 20) + warm({**SECONDS, "setup": 0.1, "prep": 2.0}, 20)
    found, _ = apply(write(made))
    assert limits(found, "warm")["setup"] < limits(found)["setup"] / 3
    assert limits(found, "warm")["prep"] > 3 * limits(found)["prep"]


def test_as_gets_its_own_where_only_its_own_boots_are_there(apply, write, gate):
    gate.write_text(TWO)
    found, err = apply(write(warm(SECONDS, 20)))
    assert limits(found) == {}
    assert limits(found, "warm").keys() == {"setup", "prep", "done"}
    assert "isolated: 0 measured boots" in err


@pytest.mark.parametrize("made", [(), warm(SECONDS, 5), warm({**SECONDS, "setup": 500.0}, 20)])
def test_as_takes_no_limit_over_that_its_own_boots_do_not_speak_for(
    apply, calibrate, write, gate, made
):
    gate.write_text(TWO)
    result = write((*boots("isolated", SECONDS, 20), *made))
    assert "warm.setup.limit: as it is now, whatever isolated gets" in words(calibrate(result)[0])
    found, _ = apply(result)
    assert "setup" in limits(found)
    assert "setup" not in limits(found, "warm")


def test_as_keeps_the_limit_that_it_has_where_its_boots_are_well_below(apply, write, gate):
    gate.write_text(TWO)
    apply(write(boots("isolated", SECONDS, 20)))
    gate.write_text(gate.read_text().replace("limit: null", "limit: 50s"))
    found, err = apply(write(boots("isolated", {**SECONDS, "prep": 1.5}, 20) + warm(SECONDS, 20)))
    assert limits(found)["prep"] > 2
    assert limits(found, "warm")["prep"] == 50
    assert "warm.prep: the limit of 50s stays" in err


def test_a_limit_is_not_taken_over_by_a_target_with_less_time(apply, write, gate):
    gate.write_text(TWO.replace("start: warm}", "start: warm, timeout: 2s}"))
    found, _ = apply(write(boots("isolated", SECONDS, 20)))
    assert limits(found).keys() == {"setup", "prep", "done"}
    assert limits(found, "warm") == {}


# -- phases from a preset or from the defaults ---------------------------------------------------


def test_phases_that_only_a_preset_has(apply, write, gate):
    (gate.parent / "mine.yaml").write_text(
        GATE.replace("sidecar:", "  idle:\n    timeout: 5s\n    proof: {line: x}\nsidecar:")
    )
    gate.write_text("preset: ./mine.yaml   # the system\n")
    found, _ = apply(write(boots("isolated", SECONDS, 20)))
    assert limits(found).keys() == {"setup", "prep", "done"}
    assert [*found.targets] == ["isolated", "idle"]


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
    assert "prep.limit" not in out
    assert "isolated.prep: no limit, the phase is optional" in err


def test_names_that_yaml_would_read_as_something_else(apply, write, gate):
    gate.write_text(GATE.replace("isolated", '"session: 1"').replace("setup", "'on'"))
    phases = {"on" if name == "setup" else name: took for name, took in SECONDS.items()}
    found, _ = apply(write(boots("session: 1", phases, 20)))
    assert limits(found, "session: 1").keys() == {"on", "prep", "done"}


def test_what_a_result_says_stays_in_its_comment(apply, write):
    facts = {"candidate": ReleaseFacts("app:2", None, "2.0\ntargets: {}\x1b]0;\u2028x")}
    found, _ = apply(write(boots("isolated", SECONDS, 20), releases=facts))
    assert limits(found)


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
    result = write(staging + low)
    assert " on low " in words(calibrate(result)[0])
    found, err = apply(result)
    assert limits(found)["prep"] > 3
    assert "limits hold on profile tiny too" in err


def test_one_profile_if_asked_for(apply, write, gate):
    gate.write_text(PROFILES)
    found, err = apply(
        write(boots("isolated", SECONDS, 20, profile="staging")), "--profile", "staging"
    )
    assert limits(found)
    assert "limits hold on profile low too, whose boots are not considered" in err


# -- fail_at and warn_at -------------------------------------------------------------------------

PROOF = """\
releases: {candidate: {image: "app:2"}}
targets:
  boot: {timeout: 60s, proof: {http: ":80/"}}   # the smallest
"""


def test_near_goes_down_where_all_use_little_and_no_phase_has_a_limit(
    apply, calibrate, write, gate
):
    gate.write_text(PROOF)
    result = write(boots("boot", {"proof": 2.0}, 20))
    out, _, _ = calibrate(result)
    assert out.endswith("  fail_at: 20%\n  warn_at: 15%\n")
    assert "gate.fail_at, gate.warn_at: no target uses more than " in words(out)
    found, err = apply(result)
    assert (found.gate.fail_at, found.gate.warn_at) == (0.2, pytest.approx(0.15))
    assert "boot: no limits, it has a proof but no phases" in err


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


def test_near_goes_up_where_healthy_boots_would_warn(apply, calibrate, write, gate):
    gate.write_text(PROOF + "gate: {fail_at: 80%}\n")
    result = write(boots("boot", {"proof": 28.0}, 40))
    assert "a timeout of" in words(calibrate(result)[0])
    found, _ = apply(result)
    assert found.gate.warn_at < found.gate.fail_at <= 0.9


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
    two = write(
        boots("isolated", SECONDS, 10), "two.json", engine="process on Linux", engine_name="process"
    )
    out, err, status = calibrate(one, two)
    assert (out, status) == ("", 4)
    assert "several engines (docker, process)" in err


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "not a gate result"),
        ("{}", "not a gate result"),
        ("[]", "it contains no result"),
        ("[1]", "not a gate result"),
        ("[", "not a list of results"),
        ('{"schema": "bootgate-result/9"}', "not a gate result"),
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
