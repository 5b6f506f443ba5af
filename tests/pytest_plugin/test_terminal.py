"""The summary in terminals of all kinds, and at every verbosity."""

from __future__ import annotations

import re

import pytest

from tests.pytest_plugin.conftest import PLAYED
from tests.pytest_plugin.test_progress import in_terminal

LATE = ["engine ready"]
MEMORY = ("-p", PLAYED)


def section(text: str) -> list[str]:
    """The lines of the gate's section, without colours."""
    lines = [re.sub(r"\x1b\[[\d;]*[mK]", "", line) for line in text.replace("\r", "").splitlines()]
    start = next(n for n, line in enumerate(lines) if line.startswith("=") and "bootgate:" in line)
    ends = (n for n, line in enumerate(lines) if n > start and line.startswith(("=", "journal")))
    return lines[start + 1 : next(ends, len(lines))]


@pytest.mark.parametrize("columns", ["80", "60"])
def test_no_line_is_wider_than_the_terminal(gate, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", columns)
    path = gate(LATE, targets=["isolated", "main"], timeout="500ms", boots=1)
    lines = section(in_terminal(path.parent, "bootgate.yaml", *MEMORY, "-v"))
    quoted = [line for line in lines if "toy 1 is here" in line or line.startswith("  boot ")]
    prose = [line for line in lines if line not in quoted and not re.search(r"\S {2,}\S", line)]
    assert len(prose) > 15
    too_wide = [line for line in prose if len(line) > int(columns)]
    assert [line for line in too_wide if " " in line.strip()] == []  # a path is not broken


def test_without_colour_and_without_unicode(gate, monkeypatch):
    for name in ("NO_COLOR", "PY_COLORS", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    path = gate(LATE, timeout="500ms", boots=1)
    coloured = in_terminal(path.parent, "bootgate.yaml", *MEMORY)
    assert "\x1b[31m" in coloured
    assert "██" in coloured
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    plain = in_terminal(path.parent, "bootgate.yaml", *MEMORY)
    assert "\x1b[" not in plain
    assert plain.isascii()
    assert "  slowest boot ############################## the whole timeout 500 ms" in plain


def test_a_dumb_terminal_has_no_line_that_is_rewritten(gate, monkeypatch):
    path = gate(LATE, timeout="700ms", boots=1)
    assert "· candidate in " in in_terminal(path.parent, "bootgate.yaml", *MEMORY, term="xterm")
    assert "· candidate in " not in in_terminal(path.parent, "bootgate.yaml", *MEMORY, term="dumb")


def test_what_the_verbosities_say(gate, played):
    gate(LATE, targets=["isolated"], timeout="500ms", boots=1)
    heading, reason = "FAIL isolated, cold: 2 timed_out", "  fail: 2 of 2 boots timed out: *"
    last, table = "FAIL: 1 target, 1 fail", "  whole boot *"
    row = "  1 (attempt 2)  candidate  timed_out  500 ms *"
    expected = {
        "-qq": ([last], [heading, table, row]),
        "-q": ([heading, reason, last], [table, row, "  what happened:"]),
        "": ([heading, reason, table, "  what happened:", last], [row, "host *"]),
        "-v": (["host *", heading, reason, table, row, "  what happened:", last], []),
    }
    for option, (said, unsaid) in expected.items():
        result = played("bootgate.yaml", *([option] if option else []))
        assert result.ret == 1
        result.stdout.fnmatch_lines(said)
        for text in unsaid:
            result.stdout.no_fnmatch_line(text)


def test_no_gateway_writes_over_its_verdict(gate, monkeypatch):
    for name in ("NO_COLOR", "PY_COLORS"):
        monkeypatch.delenv(name, raising=False)
    path = gate(["engine ready", "\x1b[2J\x1b[3A\x1b[32mPASS\x07"], timeout="500ms", boots=1)
    shown = in_terminal(path.parent, "bootgate.yaml", *MEMORY)
    assert r"    PASS\x07" in shown  # a line has none of its orders to a terminal
    for command in ("\x1b[2J", "\x1b[3A", "\x1b[32mPASS", "\x07"):
        assert command not in shown


def test_what_to_do_is_the_last_that_is_said_of_a_target(gate, played):
    gate(LATE, targets=["isolated", "main"], timeout="500ms", boots=1)
    result = played("bootgate.yaml::isolated")
    text = "what to do: Keep the old release in production. Find out what it waits for in persona *"
    result.stdout.fnmatch_lines(
        ["bootgate.yaml:*: fail: *", text, "FAIL isolated*", f"  {text}", "", "not booted: main"],
        consecutive=False,
    )


def test_what_a_listener_prints_stands_on_a_line_of_its_own(gate, pytester):
    path = gate(["engine ready", 0.5, "persona loaded", 0.5, "ring"], boots=1)
    pytester.makeconftest(
        """
        import sys
        def pytest_bootgate_event(event):
            if event.kind == "phase_reached":
                print(f"heard {event.phase}", file=sys.__stderr__, flush=True)
        """
    )
    text = in_terminal(path.parent, "bootgate.yaml", "-s")
    for phase in ("engine", "persona", "task_started"):
        before = text.partition(f"heard {phase}")[0].rpartition("\n")[2].rpartition("\r")[2]
        assert "bootgate: " not in before


def test_without_pytests_capture(gate):
    path = gate(["engine ready", 0.5, "persona loaded", "ring"], boots=1)
    text = in_terminal(path.parent, "bootgate.yaml", *MEMORY, "-p", "no:capture")
    assert "INTERNALERROR" not in text
    assert "4 passed" in text
