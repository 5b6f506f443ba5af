"""For those who write Python."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from pytest_bootgate.pytest_plugin.session import is_gate_file

ROOT = Path(__file__).parent.parent.parent

CHECK = """
def test_isolated_starts(isolated_runner, boot_gate):
    result = boot_gate.check(isolated_runner)
    assert result.verdict == "pass"
    assert len(result.of("candidate")) == 2
"""


def test_the_fixture_of_the_readme(gate, run, pytester):
    gate()
    pytester.makepyfile(CHECK)
    run().assert_outcomes(passed=1)


def test_a_check_that_fails_tells_the_story_without_a_traceback(gate, played, pytester):
    gate(["engine ready", 60], timeout="500ms")
    pytester.makepyfile(CHECK)
    result = played()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["last phase: persona*", "reported by: nobody (log: no report)"])
    result.stdout.no_fnmatch_line("*Traceback*")


def test_session_target_runs_for_every_target(gate, played, pytester):
    gate(targets=["isolated", "main"])
    pytester.makepyfile("def test_all(session_target, boot_gate): boot_gate.check(session_target)")
    result = played("-v")
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(["*test_all?isolated? PASSED*", "*test_all?main? PASSED*"])


def test_result_does_not_judge(gate, played, pytester):
    gate([60], timeout="500ms", targets=["main"])
    pytester.makepyfile(
        """
        def test_it(main_runner, boot_gate):
            assert boot_gate.result(main_runner).verdict == "fail"
        """
    )
    played().assert_outcomes(passed=1)


def test_without_a_gate_file_the_error_says_what_to_do(played, pytester):
    pytester.makepyfile(CHECK)
    result = played()
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*there is no bootgate.yaml beside it*Write one*"])


def test_a_target_by_another_name(gate, played, pytester):
    gate(targets=["nightly"])
    pytester.makepyfile(CHECK)
    result = played()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*has no target 'isolated'; it has nightly.*"])


def test_a_name_is_no_target(gate, played, pytester):
    gate()
    pytester.makepyfile("def test_it(boot_gate): boot_gate.check('isolated')")
    result = played()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*boot_gate boots a target, not 'isolated'*session_target*"])
    result.stdout.no_fnmatch_line("*AttributeError*")


def test_items_and_fixtures_share_the_boots(gate, played, pytester):
    gate()
    pytester.makepyfile(CHECK)
    result = played(".", "--bootgate", "--bootgate-json", "out.json")
    result.assert_outcomes(passed=5)
    assert (pytester.path / "out.json").read_text().count('"number"') == 2


def test_a_fixture_of_one_target_does_not_hide_the_other_values(gate, played, pytester):
    gate(more="vary: {N: [1, 2]}", env={"N": "${N}"})
    pytester.makepyfile(CHECK)
    result = played()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*has `vary`, and this would be isolated at its first value*"])


def test_a_target_by_its_name(gate, played, pytester):
    gate(targets=["nightly", "main"])
    pytester.makepyfile(
        """
        def test_it(gate_target, boot_gate):
            assert boot_gate.check(gate_target("nightly")).target == "nightly"
            assert gate_target("main", "default") == gate_target("main")

        def test_no_target(gate_target):
            gate_target("nightli")

        def test_no_profile(gate_target):
            gate_target("nightly", "small")
        """
    )
    result = played()
    result.assert_outcomes(passed=1, failed=2)
    result.stdout.fnmatch_lines(["*has no target 'nightli'; it has nightly, main.*"])
    result.stdout.fnmatch_lines(["*has no profile 'small' in this run; it has default.*"])


def test_what_boots_has_a_marker(gate, played, pytester):
    gate()
    pytester.makepyfile(f"{CHECK}\n\ndef test_else(): pass\n")
    result = played("--bootgate", "-m", "not bootgate", "--strict-markers")
    result.assert_outcomes(passed=1, deselected=5)


def test_a_hook_of_pre_commit_takes_what_is_a_gate_file():
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    names = ["bootgate.yaml", "night.bootgate.yaml", "bootgate.yml", "mybootgate.yaml", "a.yaml"]
    for name in names:
        assert bool(re.search(hook["files"], f"gates/{name}")) == is_gate_file(Path(name)), name
