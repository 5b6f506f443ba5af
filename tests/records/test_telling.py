"""The line that says most about why a process ended."""

from __future__ import annotations

import pytest

from pytest_bootgate.records.telling import telling


@pytest.mark.parametrize(
    ("lines", "line"),
    [
        ([], ""),
        (["", "  ", "---"], ""),
        (["starting", "KeyError: TAX_RATE is not set"], "KeyError: TAX_RATE is not set"),
        (["1: bad option", "bye"], "bye"),
        (["Error: no module 'x'", "    at error (x.js:1)", "}", "Node.js v22.1.0"], None),
        (["panic: no key", "goroutine 1 [running]:", "\t/app/error.go:1", "exit status 2"], None),
        (["  File x, in fail"], "File x, in fail"),
        (["Error: " + "x" * 300], "Error: " + "x" * 192 + "…"),
    ],
)
def test_the_last_line_that_speaks_of_a_failure(lines, line):
    assert telling(lines) == (lines[0] if line is None else line)
