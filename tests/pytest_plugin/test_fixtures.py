"""For those who write Python."""

from __future__ import annotations

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
    result.stdout.fnmatch_lines(["*has `vary`, and isolated_runner would be its first value*"])
