"""What pytest itself offers to look away with: a red gate stays red."""

from __future__ import annotations

import sys

import pytest

MARK = """
import pytest
def pytest_collection_modifyitems(items):
    for item in items:
        item.add_marker(pytest.mark.xfail(reason="known"))
"""
LATE = f"""
releases: {{candidate: {{command: [{sys.executable}, -c, "import time; time.sleep(9)"]}}}}
targets: {{boot: {{timeout: 300ms, listen: 0s, proof: {{line: ready}}}}}}
gate: {{boots: 1, noise: 1000, retries: 0}}
"""
CRASH = f"""
releases:
  candidate:
    command:
      - {sys.executable}
      - -c
      - import time; print('ready', flush=True); time.sleep(0.2); raise SystemExit(3)
targets: {{boot: {{timeout: 5s, proof: {{line: ready}}}}}}
gate: {{boots: 1, noise: 1000}}
"""


def gated(pytester, here, text, *options):
    (pytester.path / "bootgate.yaml").write_text(text)
    return here("bootgate.yaml", *options)


def test_xfail_hides_no_verdict(pytester, here):
    """It was exit status 0, with `FAIL` in the summary."""
    pytester.makeconftest(MARK)
    result = gated(pytester, here, LATE)
    assert result.ret == 1
    result.assert_outcomes(failed=1, skipped=1)


@pytest.mark.parametrize("option", ["--collect-only", "--setup-plan", "--setup-only"])
def test_a_list_of_items_is_no_gate(pytester, here, option):
    result = gated(pytester, here, LATE, option, "--bootgate-require", "--bootgate-json=out.json")
    assert result.ret == 1
    told = f"--bootgate-require: nothing was booted: {option} runs no test"
    result.stdout.fnmatch_lines([f"*{told}*"])
    assert gated(pytester, here, LATE, option).ret == 0
    assert not (pytester.path / "out.json").exists()


def test_warnings_may_be_failures(pytester, here):
    result = gated(pytester, here, CRASH, "-W", "error::pytest_bootgate.BootgateWarning")
    assert result.ret == 1
    told = "bootgate.yaml:*: warn: boot: boot 1 started, but the runner exited*"
    result.stdout.fnmatch_lines([told])
    result.stdout.no_fnmatch_line("*Traceback*")
    result.stdout.no_fnmatch_line("*warnings.warn*")


def test_one_that_crashes_right_after_its_proof_warns(pytester, here):
    """It was a pass without a word: the gate had ended it before it could crash."""
    result = gated(pytester, here, CRASH)
    assert result.ret == 0
    result.stdout.fnmatch_lines(
        ["WARN boot*", "*warn: boot 1 started, but the runner exited with 3 right after*"]
    )
