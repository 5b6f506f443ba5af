"""What docs/command.md shows is what comes out, but for figures that differ from run to run."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from pytest_bootgate.cli import COMMANDS, doctor_host, statuses
from pytest_bootgate.journal import files, queries
from pytest_bootgate.records.machine import Still, Work
from tests.cli.conftest import bootgate

DOCS = Path(__file__).parents[2] / "docs"
TEXT = (DOCS / "command.md").read_text()
BLOCK = re.compile(r"```\n\$ (bootgate [^\n]*)\n(.*?)```", re.DOTALL)
BLOCKS = dict(BLOCK.findall(TEXT))
#: Those of other pages.
ELSEWHERE = dict(BLOCK.findall((DOCS / "openclaw.md").read_text()))
#: Those that say the same everywhere.
STILL = ["bootgate init", "bootgate check", "bootgate explain silent_exit"]


def test_all_outputs_are_looked_at():
    assert set(BLOCKS) == {*STILL, "bootgate doctor", *(b for b in BLOCKS if "compare" in b)}
    assert len(BLOCKS) == 5
    assert [*ELSEWHERE] == ["bootgate explain isolated"]


@pytest.mark.parametrize("line", [*STILL, *ELSEWHERE])
def test_outputs(command, line):
    if line != "bootgate init":
        command("init")
    said = command(*shlex.split(line)[1:])
    assert (said.status, said.out) == (0, {**BLOCKS, **ELSEWHERE}[line])


def _texts(out: str) -> dict[str, str]:
    """What ``bootgate doctor`` says of each thing, each in one line."""
    rows = re.findall(r"^(?:ok|warn|FAIL) +(gate file|\w+) *(.*(?:\n {18}.*)*)", out, re.MULTILINE)
    return {name: " ".join(text.split()) for name, text in rows}


def test_doctor(command, monkeypatch):
    """The same things are looked at, in the same order, and the words are those of the code."""
    shown = _texts(BLOCKS["bootgate doctor"])
    quiet = shown.pop("quiet")
    monkeypatch.setattr(doctor_host, "still", lambda _: Still(busy=0.49, steal=0.0))
    monkeypatch.setattr(doctor_host, "work", lambda: Work(best=1.0, slow=1.3))
    assert [text for _, text in doctor_host.quiet(None)] == [quiet]
    command("init")
    printed = _texts(command("doctor").out)
    assert {name: printed[name] for name in ("gate file", "engine")} == {
        name: text for name, text in shown.items() if text
    }
    first = re.compile(r"^(?:ok|warn|FAIL) +(gate file|\w+)", re.MULTILINE)
    # Other tests may leave something of several kinds, or boot just now.
    found = [*dict.fromkeys(first.findall(command("doctor").out))]
    assert found == first.findall(BLOCKS["bootgate doctor"])


def test_compare(runs):
    (shown,) = (text for line, text in BLOCKS.items() if "compare" in line)
    with files.reading(runs.here / files.DEFAULT) as journal:
        ids = [
            journal.execute("SELECT id FROM runs ORDER BY began").fetchall()[n][0] for n in (0, 1)
        ]
        assert queries.last_run(journal) not in ids
    said = bootgate("compare", ids[0][:6], ids[1], cwd=runs.here)
    assert said.status == 0

    def still(text: str) -> list[str]:
        """The words, without figures and what depends on how busy the host is."""
        text = re.sub(r"[+-]?\d[\d.]*(?: m?s\b| %)?|run \w{12}", "N", text)
        lines = [
            " ".join(line.split()) for line in text.replace("INCONCLUSIVE", "PASS").splitlines()
        ]
        busy = ("waited for a CPU", "net of neighbours")
        return [line.replace("inconclusive", "pass") for line in lines if not line.startswith(busy)]

    assert still(said.out) == still(shown)


def test_exit_statuses():
    assert "\n".join(statuses.table()) in TEXT


def test_every_command_is_named():
    for command in COMMANDS:
        assert f"`{command.name}" in TEXT
