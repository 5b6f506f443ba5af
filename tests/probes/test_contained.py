"""What of an answer in JSON is as wanted, in the real sidecar and in the one in memory."""

from __future__ import annotations

import pytest

from pytest_bootgate.engines.memory.sidecar import _contains
from pytest_bootgate.sidecar.contained import contains, mistyped


@pytest.mark.parametrize("ask", [contains, _contains])
@pytest.mark.parametrize(
    ("answer", "wanted", "there"),
    [
        ({"docs": 300}, {"docs": "300"}, True),  # a variable's value is a text
        ({"docs": 300}, {"docs": "301"}, False),
        ({"docs": 300}, {"docs": "3e2"}, False),
        ({"ratio": 0.5}, {"ratio": "0.5"}, True),
        ({"ok": True}, {"ok": "true"}, True),
        ({"ok": True}, {"ok": "1"}, False),
        ({"ok": None}, {"ok": "null"}, False),
        ({"docs": "300"}, {"docs": 300}, False),
        ([{"n": 1}, {"n": 2}], [{"n": "2"}], True),
    ],
)
def test_a_text_stands_for_a_number_or_a_boolean_that_is_written_so(ask, answer, wanted, there):
    assert ask(answer, wanted) is there


@pytest.mark.parametrize(
    ("answer", "wanted", "words"),
    [
        ({"a": {"n": "300"}}, {"a": {"n": 300}}, 'a.n is "300", a text, not a number'),
        ({"ok": "true"}, {"ok": True}, 'ok is "true", a text, not a boolean'),
        ({"ok": "no"}, {"ok": True}, ""),
        ({"n": 300}, {"n": "300"}, ""),
        ({"n": 1}, {"m": 1}, ""),
        (None, None, ""),
    ],
)
def test_what_is_there_as_another_type_is_said(answer, wanted, words):
    assert mistyped(answer, wanted) == words
