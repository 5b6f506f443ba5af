"""``bootgate clean`` removes what is nobody's, and says what it leaves alone."""

from __future__ import annotations

import pytest

from pytest_bootgate import engines
from pytest_bootgate.cli import main
from pytest_bootgate.errors import EngineError


@pytest.fixture
def removed(monkeypatch) -> list[str]:
    """Runs of three kinds on the engine `process`; docker does not answer."""
    found: list[str] = []

    def runs(engine: str) -> dict[str, str]:
        if engine == "docker":
            raise EngineError("No Docker engine answers.\nStart it.")
        return {"one": "lives", "two": "gone", "three": "unknown"}

    def remove(_: str, run: str) -> int:
        found.append(run)
        return 3

    monkeypatch.setattr(engines, "runs", runs)
    monkeypatch.setattr(engines, "remove", remove)
    return found


def test_only_what_is_surely_nobodys(removed, capsys):
    assert main(["clean"]) == 0
    assert removed == ["two"]
    said = capsys.readouterr()
    assert said.out.splitlines()[:2] == [
        "process: run one is still active, so it was not touched",
        "process: run two: removed 3 leftovers",
    ]
    assert "run three was not touched: it may still be active" in said.out
    assert said.err == "docker: No Docker engine answers.\n"


def test_all(removed, capsys):
    assert main(["clean", "--all", "--engine", "process"]) == 0
    assert removed == ["two", "three"]


def test_an_engine_that_is_named_must_answer(removed, capsys):
    assert main(["clean", "--engine", "docker"]) == 4
    assert "No Docker engine answers" in capsys.readouterr().err


def test_nothing(monkeypatch, capsys):
    monkeypatch.setattr(engines, "runs", lambda _: {})
    assert main(["clean"]) == 0
    assert capsys.readouterr().out == "No run left anything behind.\n"
