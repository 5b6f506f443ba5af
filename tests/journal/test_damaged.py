"""A journal that somebody damaged is refused in words. Many more: tests/fuzz/journals.py."""

from __future__ import annotations

import pytest

from pytest_bootgate.cli import main
from tests.fuzz.journals import LOOSE, WHOLE, changed


def test_a_text_that_is_none(tmp_path, capsys):
    path = tmp_path / "journal.db"
    path.write_bytes(WHOLE.replace(b"aa11", b"a\xff\xfe1"))
    assert main(["log", "--journal", str(path)]) in (0, 4)
    said = capsys.readouterr()
    assert "cannot be read" in said.err or said.out


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("UPDATE runs SET id = NULL", ["log"]),
        ("UPDATE runs SET id = x'00' WHERE id = 'cc33'", ["report", "last"]),
        ("UPDATE runs SET pid = 'x', kernel = ' ' WHERE id = 'cc33'", ["log"]),
        ("UPDATE boots SET began = 1e17", ["log"]),
        ("UPDATE boots SET timeout = 'x'", ["log", "--json"]),
        ("UPDATE boots SET seconds = 9e999", ["log", "--json"]),
        ("UPDATE boots SET detail = x'ff'", ["log"]),
        ("UPDATE events SET wall = 'x'", ["log", "--events"]),
        ("UPDATE events SET kind = NULL", ["log", "--events", "--json"]),
    ],
)
def test_a_row_that_no_gate_wrote(tmp_path, capsys, change, words):
    path = changed(tmp_path / "journal.db", LOOSE, [change])
    assert main([*words, "--journal", str(path)]) == 4
    assert capsys.readouterr().err.startswith("The journal is damaged: it contains an invalid row")
