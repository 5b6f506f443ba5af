"""`bootgate explain`: every word of a report, and what to do."""

from __future__ import annotations

import json
from typing import get_args

import pytest

from pytest_bootgate.cli import main
from pytest_bootgate.gatefile.model.fields import homes
from pytest_bootgate.gatefile.validate import RENAMED
from pytest_bootgate.records.attribution import Kind
from pytest_bootgate.records.outcomes import OUTCOMES
from pytest_bootgate.records.verdict import Verdict
from pytest_bootgate.reports.decision import WORDS as ACTIONS
from pytest_bootgate.reports.meanings import MEANINGS
from pytest_bootgate.reports.numbers import whole
from pytest_bootgate.reports.terms import TERMS
from pytest_bootgate.stats.regression import Comparison
from tests.reports.test_words import boot

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
    assert word in (*WORDS, "isolated", *TERMS)


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
    assert main(["explain", "DO", "NOT", "SHIP"]) == 0
    assert capsys.readouterr().out == explained(capsys, "do not ship")
    assert explained(capsys, "net of neighbours").startswith("net of neighbours: ")


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
        "No report and no gate file has the word 'xyz'. `bootgate explain` lists the words of"
        " reports.\n"
    )


#: What stands in the summary of a gate, in tables, bars, headings and lines, and is no sentence.
SHOWN = (
    *ACTIONS.values(),
    *whole([boot(run_delay=0.1, ready=0.1)]),
    *get_args(Kind),
    *(
        "slowest boot",
        "next boot",
        "tolerance",
        "confidence",
        "reported by",
        "self-reported stages",
    ),
    *("candidate", "baseline", "engine", "granted", "recorded", "median", "slowest", "phase"),
    *("accepted", "boot", "cold", "warm", "warm-up", "pair", "left out", "not booted", "journal"),
    *("upgrade", "propagation", "growth", "shard", "killed", "running", "in_flight", "never"),
)


@pytest.mark.parametrize("word", SHOWN)
def test_every_word_that_is_shown_is_explained(capsys, word):
    text = explained(capsys, word)
    assert ": a" in text.splitlines()[0]
    assert max(map(len, text.splitlines())) <= 80


@pytest.mark.parametrize("key", homes())
def test_every_key_of_a_gate_file_is_explained(capsys, key):
    text = explained(capsys, key)
    assert f"{key}: a key of the gate file\n  in " in text


@pytest.mark.parametrize(("before", "now"), RENAMED.items())
def test_a_word_of_before_is_explained_by_its_successor(capsys, before, now):
    if before not in homes():
        assert now in explained(capsys, before)
