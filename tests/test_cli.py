from __future__ import annotations

import json

from pytest_bootgate.cli import main


def test_schema_is_json(capsys):
    assert main(["schema"]) == 0
    assert json.loads(capsys.readouterr().out)["title"]


def test_check_lists_all_mistakes_and_exits_with_usage(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bootgate.yaml").write_text("relases: {}\ntargets: 5\n")
    assert main(["check", "bootgate.yaml"]) == 4
    said = capsys.readouterr().err.splitlines()
    assert said[0].startswith("bootgate.yaml:1:1: ")
    assert "did you mean 'releases'" in said[0]
    assert len(said) >= 2


def test_check_of_a_good_file(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bootgate.yaml").write_text(
        "releases: {candidate: {image: a}}\ntargets: {boot: {timeout: 5s, proof: {line: up}}}\n"
    )
    assert main(["check", "bootgate.yaml"]) == 0
    assert capsys.readouterr().out.startswith("bootgate.yaml: no mistakes\n  engine ")
