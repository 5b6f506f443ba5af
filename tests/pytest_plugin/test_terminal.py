"""The summary in terminals of all kinds, and at every verbosity."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.pytest_plugin.conftest import PLAYED, add_baseline
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
        ["bootgate.yaml:*: fail: *", "FAIL isolated*", f"  {text}", "", "not booted: main"],
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


def test_one_cause_is_one_red_item(gate, played):
    """It was one for each phase that was never reached, and one for the boot."""
    path = gate(LATE, targets=["isolated"], timeout="500ms", boots=1)
    result = played("bootgate.yaml", "-rsf")
    result.assert_outcomes(failed=1, passed=1, skipped=2)
    result.stdout.fnmatch_lines(
        [
            "SKIPPED * bootgate.yaml:18: boot 1 ended in this phase: timed_out; see isolated::boot",
            "FAILED bootgate.yaml::isolated::boot - never started (2 of 2 boots, *",
        ]
    )
    # What is not there cannot tell it.
    played("bootgate.yaml::isolated::task_started").assert_outcomes(failed=1)
    gate(LATE, targets=["isolated"], timeout="500ms", boots=1, env={"DEAF": "1"})
    text = path.read_text().replace("python3", "nothing-of-this-name")
    path.write_text(text)
    result = played("bootgate.yaml")
    result.assert_outcomes(errors=1, skipped=3)


@pytest.mark.parametrize("ci", ["", "true"])
def test_the_story_is_told_once(gate, played, monkeypatch, ci):
    monkeypatch.setenv("CI", ci)  # pytest then cuts no line of its short summary
    gate(LATE, targets=["isolated"], timeout="500ms", boots=1)
    for words in ((), ("-q",), ("-n1",)):
        out = played("bootgate.yaml", *words, "--junitxml=j.xml").stdout.str()
        assert out.count("the task never started: task_started") == 1
        assert out.count("what to do: ") == 1
        assert "the task never started: task_started" in Path("j.xml").read_text()
        # Nor does a worker of pytest-xdist take away why.
        assert "::boot - never started (2 of 2 boots, " in out


def test_the_baseline_comes_first_and_the_change_last(gate, played):
    path = gate([0.2, "engine ready", "persona loaded", "ring"], boots=1)
    add_baseline(path, "[0.2,", "[0.1,")
    out = played("bootgate.yaml").stdout.str()
    rows = [line.split() for line in out.splitlines()]
    assert [
        "phase",
        "(median)",
        "baseline",
        "slowest",
        "candidate",
        "slowest",
        "Δ",
        "Δ",
        "%",
    ] in rows
    (engine,) = [row for row in rows if row[:1] == ["engine"] and len(row) > 8]
    assert engine[1:] == [
        "100",
        "ms",
        "100",
        "ms",
        "200",
        "ms",
        "200",
        "ms",
        "+100",
        "ms",
        "+100",
        "%",
    ]
    assert "(│ warns at 60 %, fails at 80 %)" in out
    wide = [line for line in out.splitlines() if line.startswith("  whole boot")]
    assert max(map(len, wide)) <= 80


def test_more_is_said_with_each_v(gate, played):
    lines = [f"step {n}" for n in range(12)]
    gate([*lines, "engine ready"], targets=["isolated"], timeout="500ms", boots=1)
    usual, more, every = (played("bootgate.yaml", *v).stdout.str() for v in ((), ["-v"], ["-vv"]))
    for text in (usual, more):
        assert "last 8 of 14 lines of gateway.out:" in text
        assert re.search(r"\(all lines that were kept: `bootgate report [0-9a-f]+ -vv`\)", text)
        assert "step 1\n" not in text
    assert ("  1 (attempt 2)  candidate" in usual, "  1 (attempt 2)  candidate" in more) == (0, 1)
    assert "all 14 lines of gateway.out:" in every
    assert "step 1\n" in every
    assert "last 8 of" not in every


def test_every_report_is_named(gate, played):
    gate(boots=1)
    result = played("bootgate.yaml", "--bootgate-html=a.html", "--bootgate-report=ctrf=c.json")
    result.stdout.fnmatch_lines(["journal: *", "written: a.html, c.json (ctrf)"])
