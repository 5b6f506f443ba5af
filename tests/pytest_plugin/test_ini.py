"""What a project sets once in its ini file counts as if it stood on the command line."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from pytest_bootgate.cli import main
from pytest_bootgate.pytest_plugin.options import settings
from tests.conftest import ROOT
from tests.pytest_plugin.conftest import PLAYED

DOCS = (ROOT / "docs" / "command.md").read_text()
#: The rows of the table: what is set, an example as it stands in a pyproject.toml, what it does.
ROWS = re.findall(r"^\| `bootgate_(\w+) = (.+?)` \| (.*) \|$", DOCS, re.MULTILINE)


def project(path: Path, *lines: str) -> None:
    text = "\n".join(["[tool.pytest.ini_options]", *lines, ""])
    (path / "pyproject.toml").write_text(text)


def test_the_table_of_the_docs_has_every_setting_and_each_example_is_taken(pytester, played):
    assert [name for name, _, _ in ROWS] == [*(one.name for one in settings()), "file"]
    for one, (_, _, does) in zip(settings(), ROWS, strict=False):
        assert f"`{one.option}`" in does
    lines = [f"bootgate_{name} = {example}" for name, example, _ in ROWS if name != "hosts"]
    project(pytester.path, *lines, "addopts = '-p no:cacheprovider'")
    pytester.makeconftest("def pytest_collection(session): print(vars(session.config.option))\n")
    out = played("-s", "--collect-only").stdout.str()
    for value in ("'bootgate_require': True", "'bootgate_engine': 'process'", "Boots(least=5"):
        assert value in out
    assert "'bootgate_report': ['junit=reports/bootgate.xml', 'otel=http://collector:4318']" in out


def test_paths_count_from_the_ini_file_and_the_command_line_wins(gate, pytester, here, monkeypatch):
    below = pytester.mkdir("below")
    gate(boots=1, name="below/bootgate.yaml")
    project(
        pytester.path,
        'bootgate_engine = "docker"',  # the toy has no image
        'bootgate_json = "out/result.json"',
        'bootgate_html = "/nowhere/page.html"',
        'bootgate_journal = "out/journal.db"',
        'bootgate_report = ["junit=out/junit.xml", "ctrf=out/ctrf.json"]',
    )
    monkeypatch.chdir(below)
    options = ("--bootgate-engine=process", "--bootgate-html=page.html", "-p", PLAYED)
    done = here("bootgate.yaml", *options, "--bootgate-report=junit=own.xml")
    assert done.ret == 0
    done.stdout.fnmatch_lines(
        [
            "journal: ../out/journal.db, run *",
            "written: ../out/result.json, page.html, own.xml (junit)",
        ]
    )
    assert sorted(p.name for p in (pytester.path / "out").glob("[!.]*.*")) == [
        "journal.db",
        "result.json",
    ]
    assert (below / "page.html").exists()


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ('bootgate_engine = "dokcer"', "There is no engine 'dokcer'"),
        ('bootgate_boots = "many"', "*many*"),
        ('bootgate_report = ["juint=x"]', "there is no format 'juint'"),
        ('bootgate_hosts = ","', "name at least one Docker host"),
        ('bootgate_require = "perhaps"', "*perhaps*"),
        ('bootgate_json = ["a", "b"]', "write one text (FILE), not *"),
    ],
)
def test_a_wrong_value_ends_the_run_and_names_file_and_key(pytester, played, line, says):
    project(pytester.path, line)
    done = played()
    assert done.ret == 4
    key = line.partition(" ")[0]
    done.stderr.fnmatch_lines([f"ERROR: *pyproject.toml: *{key}*"])
    done.stderr.fnmatch_lines([f"ERROR: *{says}*"])
    assert "Traceback" not in done.stderr.str()


def test_so_does_a_path_that_cannot_be(gate, pytester, played):
    gate(boots=1)
    project(pytester.path, 'bootgate_json = "bootgate.yaml"')
    done = played("bootgate.yaml")
    assert done.ret == 4
    done.stderr.fnmatch_lines(
        ["ERROR: pyproject.toml: bootgate_json: bootgate.yaml is a gate file*"]
    )
    done = played("bootgate.yaml", "-o", "bootgate_json=test_a.py")
    done.stderr.fnmatch_lines(["ERROR: -o bootgate_json: test_a.py is a test file*"])


def test_a_run_without_a_gate_leaves_reports_alone(gate, pytester, played):
    gate(boots=1)
    project(pytester.path, 'bootgate_json = "r.json"', 'bootgate_report = "junit=r.xml"')
    pytester.makepyfile(
        test_unit="def test_unit(): pass",
        test_gate="def test_boots(isolated_runner, boot_gate): boot_gate.check(isolated_runner)",
    )
    assert played("bootgate.yaml").ret == 0
    before = (pytester.path / "r.json").read_text()
    for words in (("test_unit.py",), ("-m", "not bootgate")):
        done = played(*words)
        assert done.ret == 0
        assert "bootgate: no gate was selected" not in done.stdout.str()
        assert (pytester.path / "r.json").read_text() == before
    for words in (("test_gate.py",), ("-n1",)):
        assert played(*words).ret == 0  # a test that boots is a run of the gate
        after = json.loads((pytester.path / "r.json").read_text())
        assert after["run"] != json.loads(before)["run"]
        before = json.dumps(after)


def test_commands_agree_with_it(pytester, gate, capsys):
    gate(boots=1)
    assert main(["check"]) == 0
    assert "3 boots" not in capsys.readouterr().out
    project(pytester.path, 'bootgate_boots = "3"', 'bootgate_journal = "j/own.db"')
    assert main(["check"]) == 0
    assert "isolated: 3 to 4 boots" in capsys.readouterr().out
    assert main(["log"]) == 4
    assert "j/own.db" in capsys.readouterr().err
    project(pytester.path, 'bootgate_engine = "kubernets"')
    assert main(["check"]) == 4
    err = capsys.readouterr().err
    assert "pyproject.toml: bootgate_engine: There is no engine 'kubernets'" in err
