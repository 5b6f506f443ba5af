"""From a gate file on the command line to what a user reads, one boot of it all."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from tests.pytest_plugin.conftest import GOOD, PLAYED, add_baseline


def test_a_good_gate_passes_with_an_item_for_each_phase(gate, run):
    gate()
    result = run("bootgate.yaml", "-v")
    assert result.ret == 0
    result.stdout.fnmatch_lines(
        [
            "bootgate: bootgate.yaml: engine process (*)",
            "bootgate.yaml::isolated::engine PASSED*",
            "bootgate.yaml::isolated::persona PASSED*",
            "bootgate.yaml::isolated::task_started PASSED*",
            "bootgate.yaml::isolated::boot PASSED*",
            "*bootgate: bootgate.yaml*",
            "PASS isolated, cold: 2 started",
            "*slowest boot * of the timeout 5 s (*warns at 60 %, fails at 80 %)",
            "*2 boots: the slowest decides*",
            "*phase (median)*candidate*slowest*",
            "PASS: 1 target, 1 pass",
        ]
    )


def test_a_gate_file_that_is_not_named_is_left_alone_and_the_header_says_so(gate, played, pytester):
    gate()
    pytester.makepyfile("def test_unit(): pass")
    result = played()
    result.stdout.fnmatch_lines(["bootgate: bootgate.yaml found but not selected*"])
    result.assert_outcomes(passed=1)


def test_bootgate_boots_all_it_finds(gate, played, pytester):
    gate()
    (pytester.path / "sub").mkdir()
    gate(name="sub/web.bootgate.yaml", targets=["main"])
    result = played("--bootgate", "--bootgate-boots", "1")
    result.assert_outcomes(passed=8)


def test_a_boot_that_times_out_fails_and_tells_the_whole_story(gate, played):
    gate(["engine ready", 60], timeout="1s", targets=["isolated", "main"])
    result = played("bootgate.yaml", "-k", "isolated")
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        [
            "bootgate.yaml:*fail: 2 of 2 boots timed out: no proof within 1 s",
            "(the summary below says what happened, and what to do)",
            "FAIL isolated, cold: 2 timed_out",
            "*trigger accepted in *",
            "*the task never started: task_started was not seen in time",
            "*last phase: persona, last mark engine at *",
            "*ended after 1.00 s: timed_out *",
            "*reported by: nobody (log: no report)",
            "*all 2 lines of gateway.out:",
            "*    engine ready",
        ]
    )


def test_who_was_told_and_how_late(gate, played):
    gate([0.2, "job failed: no persona", 60], timeout="2s")
    result = played("bootgate.yaml")
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        [
            "*isolated, cold: 1 reported_error",
            "*reported by: log after * ms: job failed: no persona",
        ]
    )


def test_a_failure_that_was_reported_before_a_proof_in_time_is_a_warning(gate, played):
    gate([0.1, "job failed: try again", *GOOD], boots=1)
    result = played("bootgate.yaml")
    assert result.ret == 0
    result.stdout.fnmatch_lines(
        ["*warn: boot 1 started, but log reported a failure: job failed: try again"]
    )


def test_another_target_that_started_puts_the_blame_on_the_runner(gate, played):
    slow = "  isolated: {proof: {line: never}, timeout: 1s}"
    gate(targets=[slow, "main"])
    result = played("bootgate.yaml")
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        ["*main started in * on the same host: the problem is in the runner's boot*"]
    )


@pytest.mark.parametrize(
    ("plan", "env", "outcome"),
    [
        (["exit:3"], {}, "crashed"),
        (["exit:0"], {}, "silent_exit"),
        ([], {"STATUS": "503"}, "not_accepted"),
        (["engine ready", "persona loaded", "ring without token"], {}, "timed_out"),
    ],
)
def test_outcomes(gate, played, plan, env, outcome):
    gate(plan, env=env, timeout="1s")
    result = played("bootgate.yaml", "--bootgate-json", "out.json")
    assert result.ret == 1
    boot = json.loads(Path("out.json").read_text())["targets"][0]["boots"][0]
    assert boot["outcome"] == outcome
    if "ring without token" in plan:
        assert "without this boot's token" in boot["notes"][0]


def test_near_the_timeout_fails_and_between_warn_and_near_warns(gate, played):
    gate([2.5, *GOOD], timeout="3s", boots=1)
    result = played("bootgate.yaml")
    result.stdout.fnmatch_lines(
        ["*fail: timeout 3 s: the slowest of 1 boot used *, fail_at is 80 %"]
    )
    assert result.ret == 1
    gate([1.9, *GOOD], timeout="3s", boots=1)
    result = played("bootgate.yaml")
    assert result.ret == 0
    result.stdout.fnmatch_lines(
        ["*BootgateWarning: isolated: timeout 3 s: *warn_at is 60 %", "WARN isolated*"]
    )


def test_the_version_must_be_the_one_asked_for(gate, played):
    path = gate()
    path.write_text(path.read_text().replace("candidate:\n", "candidate:\n    version: '2'\n"))
    result = played("bootgate.yaml")
    assert result.ret == 1
    result.assert_outcomes(errors=1, skipped=3)
    result.stdout.fnmatch_lines(["*should be version 2, but the gateway that answers reports 1.*"])
    result.stdout.no_fnmatch_line("*Traceback*")


@pytest.mark.parametrize("plugin", ["benchmark", "timeout"])
def test_without_the_other_plugins(gate, played, plugin):
    gate()
    result = played("bootgate.yaml", "-p", f"no:{plugin}", "--strict-markers")
    result.assert_outcomes(passed=4)


def test_the_complete_result_as_json(gate, played):
    gate()
    played("bootgate.yaml", "--bootgate-json", "sub/out.json")
    from pytest_bootgate.records.codec import decode

    text = Path("sub/out.json").read_text()
    result = decode(text)
    assert json.loads(text)["verdict"] == result.verdict == "pass"
    (target,) = result.targets
    assert [p.name for p in target.boots[0].phases] == ["engine", "persona", "task_started"]
    assert target.boots[0].cpu_seconds is not None
    assert target.boots[0].ready > 0
    assert target.boots[0].version == "1"


def test_a_result_that_cannot_be_written_is_not_green(gate, played, pytester):
    gate(boots=1)
    pytester.makeconftest("def pytest_runtest_logfinish(): open('file', 'w').close()")
    result = played("bootgate.yaml", "--bootgate-json", "file/out.json")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["ERROR: The result could not be written to *"])


def test_junit_has_the_items_and_the_story(gate, played):
    gate([60], timeout="500ms")
    played("bootgate.yaml", "--junitxml", "junit.xml")
    cases = ET.parse("junit.xml").getroot().iter("testcase")
    failures = {case.get("name"): case.find("failure") for case in cases}
    assert list(failures) == ["engine", "persona", "task_started", "boot"]
    assert "reported by: nobody" in failures["boot"].text


def test_last_failed_and_node_ids(gate, pytester):
    gate([60], timeout="500ms", targets=["isolated", "main"])
    pytester.runpytest_inprocess("-p", PLAYED, "bootgate.yaml::isolated::engine").assert_outcomes(
        failed=1
    )
    result = pytester.runpytest_inprocess("-p", PLAYED, "bootgate.yaml", "--lf", "-v")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*isolated::engine FAILED*"])


def test_under_xdist_one_worker_boots_and_the_summary_is_complete(gate, played):
    gate(targets=["isolated", "main"])
    gate(name="other.bootgate.yaml")
    result = played(
        "bootgate.yaml", "other.bootgate.yaml", "-n", "2", "-v", "--bootgate-json", "out.json"
    )
    result.assert_outcomes(passed=12)
    gates = json.loads(Path("out.json").read_text())
    boots = {
        g["file"].rpartition("/")[2]: sum(len(t["boots"]) for t in g["targets"]) for g in gates
    }
    assert boots == {"bootgate.yaml": 4, "other.bootgate.yaml": 2}
    result.stdout.fnmatch_lines(["PASS isolated*", "PASS main*"])


def test_host_profiles_are_items_of_their_own_and_those_on_request_wait(gate, played):
    gate(more="profiles: {staging: {}, spare: {on_request: true}}", boots=1)
    result = played("bootgate.yaml", "-v")
    result.stdout.fnmatch_lines(
        [
            "*profiles staging (without spare: --bootgate-profile)",
            "*isolated@staging::boot PASSED*",
        ]
    )
    result.assert_outcomes(passed=4)
    result = played("bootgate.yaml", "--bootgate-profile", "spare", "--bootgate-profile", "staging")
    result.assert_outcomes(passed=8)
    result = played("bootgate.yaml", "--bootgate-profile", "nowhere")
    assert result.ret == 4
    result.stderr.fnmatch_lines(["*no profile 'nowhere'; it has staging, spare."])


def test_one_value_of_what_varies_says_that_no_growth_is_judged(gate, played):
    gate(more="vary: {N: [1, 2]}", env={"N": "${N}"}, boots=1)
    result = played("bootgate.yaml", "-v", "--bootgate-profile", "N=2")
    result.stdout.fnmatch_lines(["*without N=1: *growth with N is not judged at one value"])


def test_limits_on_process_are_an_error_that_names_the_way_out(gate, run):
    gate(more="profiles: {low-spec: {cpus: 0.5}}", boots=1)
    result = run("bootgate.yaml")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*only containers have `cpus` and `memory`*docker*"])
    result.stdout.no_fnmatch_line("*Traceback*")


def test_a_target_that_the_candidate_does_not_have_is_left_out_with_the_reason(gate, played):
    path = gate(targets=["isolated", '  current: {unsupported: {"1": "release 1 has no current"}}'])
    path.write_text(path.read_text().replace("candidate:\n", "candidate:\n    version: '1'\n"))
    result = played("bootgate.yaml", "-rs")
    result.assert_outcomes(passed=4, skipped=4)
    result.stdout.fnmatch_lines(["LEFT OUT current: release 1 has no current"])


def test_a_release_that_upgrades_to_itself_is_no_gate(gate, played):
    path = gate()
    add_baseline(path)
    result = played("bootgate.yaml")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*baseline and candidate are the same*"])


def test_the_baseline_is_shown_beside_the_candidate(gate, played):
    path = gate()
    add_baseline(path, "0.02", "0.03")
    result = played("bootgate.yaml")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["*baseline*slowest*candidate*slowest*"])


def test_a_timeout_for_unit_tests_does_not_cut_a_gate_short(gate, played, pytester):
    gate([1.2, *GOOD], boots=1)
    pytester.makeini("[pytest]\ntimeout = 1\n")
    played("bootgate.yaml").assert_outcomes(passed=4)


def test_a_timeout_that_the_user_asks_for_counts_and_is_not_booted_again(gate, run):
    gate([60], boots=1, timeout="30s")
    result = run("bootgate.yaml", "--timeout", "2", "--bootgate-json", "out.json")
    assert result.ret == 1
    result.assert_outcomes(errors=2, skipped=2)  # the item that had the time, and the boot
    said = "bootgate.yaml:*: Timeout (>2.0s) *: Interrupted in the 1st boot of isolated*"
    result.stdout.fnmatch_lines([said])
    (target,) = json.loads(Path("out.json").read_text())["targets"]
    assert target["verdict"] == "error"


def test_a_baseline_that_never_starts_is_an_error(gate, played):
    path = gate(timeout="1s", boots=1)
    add_baseline(path, '"ring"', '"no ring"')
    result = played("bootgate.yaml")
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        [
            "ERROR isolated, cold: 1 started (baseline: 2 timed_out)",
            "*error: the baseline never started (2 of 2 boots of the baseline failed (2 timed_*",
            "*note: the baseline's boot 1 ended as timed_out: no proof within 1 s*",
        ]
    )


def test_an_option_of_before_names_the_one_of_now(gate, played):
    gate(boots=1)
    result = played("bootgate.yaml", "--bootgate-host", "default")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--bootgate-host: it is now --bootgate-profile"])


def test_a_directory_whose_name_is_no_text(pytester):
    """Bytes that are no UTF-8 stand in no result, and stop none."""
    directory = Path(os.fsdecode(os.fsencode(pytester.path) + b"/b\xff"))
    directory.mkdir()
    (directory / "bootgate.yaml").write_text(
        "releases: {candidate: {command: [sh, -c, 'echo up; exec sleep 9']}}\n"
        "targets: {app: {timeout: 5s, proof: {line: up}}}\n"
    )
    options = ("--bootgate-engine", "process", "--bootgate-boots", "1", "-p", "no:cacheprovider")
    reports = ("--bootgate-json", "r.json", "--bootgate-html", "r.html", "--junit-xml", "r.xml")
    command = [sys.executable, "-m", "pytest", "bootgate.yaml", *options, *reports]
    done = subprocess.run(command, cwd=directory, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout
    assert json.loads((directory / "r.json").read_text())["file"].endswith("/b\ufffd/bootgate.yaml")
    assert (directory / "r.html").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["bootgate.yaml::nope"], "There is no target 'nope' in bootgate.yaml: it has isolated."),
        (
            ["bootgate.yaml::isolated::engin"],
            "There is no item 'engin' in bootgate.yaml::isolated: did you mean 'engine'? It has*",
        ),
        (
            ["bootgate.yaml", "--bootgate-engine", "dokcer"],
            "*--bootgate-engine: There is no engine 'dokcer'; the engines are auto, docker, *",
        ),
        (
            ["bootgate.yaml", "--bootgate-engine", "docker"],
            "bootgate.yaml: The docker engine boots images, but not every release has one. *",
        ),
    ],
)
def test_what_a_command_line_names_wrongly_ends_before_anything_is_collected(
    gate, played, words, said
):
    """Each was an error of every item."""
    gate()
    result = played(*words)
    assert result.ret == 4
    result.stderr.fnmatch_lines([f"ERROR: {said}" if not said.startswith("*") else said])
    result.stdout.no_fnmatch_line("*ERROR at setup*")


def test_an_option_that_chooses_nothing_says_what_there_is(gate, played):
    gate(targets=["isolated", "main"])
    result = played("bootgate.yaml", "-k", "nope")
    assert result.ret == 5
    result.stdout.fnmatch_lines(
        ["-k 'nope' matches nothing in bootgate.yaml; targets: isolated, main"]
    )
    played("bootgate.yaml", "-k", "main").stdout.fnmatch_lines(["not booted: isolated"])
