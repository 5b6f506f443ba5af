"""`bootgate explain`: every word of a report, and what to do."""

from __future__ import annotations

import json
from typing import get_args

import pytest

from pytest_bootgate.cli import main
from pytest_bootgate.records.outcomes import OUTCOMES
from pytest_bootgate.records.verdict import Verdict
from pytest_bootgate.reports.meanings import MEANINGS
from pytest_bootgate.stats.regression import Comparison

WORDS = (*get_args(Verdict), *get_args(Comparison), *OUTCOMES)


def explained(capsys, *words: str) -> str:
    assert main(["explain", *words]) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("word", WORDS)
def test_every_word_has_a_meaning_and_a_way_on(capsys, word):
    text = explained(capsys, word)
    assert text.startswith(f"{word}: a")
    assert "\nWhat to do\n  - " in text
    assert max(map(len, text.splitlines())) <= 80


@pytest.mark.parametrize("word", MEANINGS)
def test_no_word_is_of_another_world(word):
    assert word in (*WORDS, "isolated")


def test_the_list(capsys):
    text = explained(capsys)
    words = [line.split()[0] for line in text.splitlines() if line[:3].strip()]
    for word in (*WORDS, "isolated"):
        assert word in text
        assert f"  {word}" in text
    assert words[0] == "verdicts"
    assert max(map(len, text.splitlines())) <= 80


def test_as_people_write_it(capsys):
    assert explained(capsys, "False-OK") == explained(capsys, "false_ok")


def test_the_workaround_is_a_change_of_a_job_that_can_be_made(capsys):
    """Taken back and forth, both jobs are JSON, as the preset makes them."""
    text = explained(capsys, "isolated")
    diff = MEANINGS["isolated"].diff
    before = json.loads("\n".join(line[1:] for line in diff if line[0] != "+"))
    after = json.loads("\n".join(line[1:] for line in diff if line[0] != "-"))
    assert (before["sessionTarget"], after["sessionTarget"]) == ("isolated", "main")
    assert before["payload"]["kind"] == "agentTurn"
    assert after["payload"] == {"kind": "systemEvent", "text": before["payload"]["message"]}
    changed = {key for key in before if before[key] != after[key]}
    assert changed == {"sessionTarget", "payload"}
    assert "\nWhat it costs\n  - Isolation: " in text
    assert '\n  -  "sessionTarget": "isolated",\n  +  "sessionTarget": "main",\n' in text


def test_another_word(capsys):
    assert main(["explain", "eror"]) == 4
    assert "Did you mean 'error'?" in capsys.readouterr().err
    assert main(["explain", "xyz"]) == 4
    assert capsys.readouterr().err == (
        "There is no verdict or outcome 'xyz'. See `bootgate explain` for all of them.\n"
    )
