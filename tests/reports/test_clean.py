"""Text of strangers."""

from __future__ import annotations

import pytest

from pytest_bootgate.reports.clean import clean, one_line


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("Größe 💥 👩‍💻 \t|", "Größe 💥 👩‍💻 \t|"),
        ("one\r\ntwo\n", "one\ntwo\n"),
        ("\x1b[32mok\x1b[0m \x1b[1;31mred\x1b[m", "ok red"),
        ("FAIL\x1b[1A\x1b[2KPASS", r"FAIL\x1b[1A\x1b[2KPASS"),
        ("FAIL\rPASS\x08\x07", r"FAIL\x0dPASS\x08\x07"),
        ("\x1b]0;title\x07", r"\x1b]0;title\x07"),
        ("exe.\u202egnp\ud800\ufeff", r"exe.\u202egnp\ud800\ufeff"),
        ("\x9b31m\u2028", r"\x9b31m\u2028"),
        ("::error::no\n  ::set-output x=y", "> ::error::no\n>   ::set-output x=y"),
        ("job failed: a::b", "job failed: a::b"),
        ("said ##vso[task.complete result=Failed;]", "said ## vso[task.complete result=Failed;]"),
        ("##teamcity[buildStop] ##[error]no", "## teamcity[buildStop] ## [error]no"),
        ("## a heading [x]", "## a heading [x]"),
    ],
)
def test_what_commands_a_terminal_is_spelled_out_and_colours_go(said, shown):
    assert clean(said) == shown
    assert clean(shown) == shown


def test_one_line():
    assert one_line("  a\r\n\tb\x0c  c ") == r"a b\x0c c"
