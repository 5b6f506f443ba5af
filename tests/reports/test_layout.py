"""How much is said in a terminal, how wide, and in which characters."""

from __future__ import annotations

import pytest

from pytest_bootgate.reports.layout import ALL, ALWAYS, MORE, QUIET, Styled, encodable, laid_out

LONG = "  fail:" + " word" * 30


def texts(*lines: Styled, verbosity=0, width=None, encoding="utf-8") -> list[str]:
    return [s.text for s in laid_out(lines, verbosity=verbosity, width=width, encoding=encoding)]


def test_each_verbosity_says_what_the_quieter_ones_say_and_more():
    lines = [Styled(str(n), level=n) for n in (ALWAYS, QUIET, 0, MORE, ALL)]
    said = [texts(*lines, verbosity=v) for v in (-3, -2, -1, 0, 1, 2, 3)]
    assert said == [[], *([str(n) for n in range(-2, top + 1)] for top in range(-2, 3)), said[-2]]


def test_a_log_keeps_a_sentence_in_a_line_and_a_terminal_breaks_it():
    assert texts(Styled(LONG)) == [LONG]
    first, *rest = texts(Styled(LONG), width=60)
    assert max(map(len, [first, *rest])) <= 60
    assert first.startswith("  fail: word")
    assert all(line.startswith("    word") for line in rest)
    assert " ".join([first, *rest]).split() == LONG.split()


def test_tables_and_quotes_are_never_broken():
    assert texts(Styled(LONG, fixed=True), width=60) == [LONG]


@pytest.mark.parametrize(
    ("encoding", "text"),
    [("utf-8", "██·│ 3 s → …"), ("ascii", "##.| 3 s > ~"), (None, "##.| 3 s > ~")],
)
def test_characters_that_the_output_does_not_have(encoding, text):
    assert encodable("██·│ 3 s → …", encoding) == text
    assert encodable("plain", encoding) == "plain"


def test_other_characters_become_question_marks_and_no_error():
    assert encodable("Größe", "ascii") == "Gr??e"
    assert encodable("Größe", "latin-1") == "Größe"
