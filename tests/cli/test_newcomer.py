"""From nothing to a first verdict: `bootgate init`, `bootgate check`, `pytest bootgate.yaml`."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from pytest_bootgate.gatefile import load
from pytest_bootgate.gatefile.load import presets
from tests.conftest import ROOT
from tests.test_readme import shape

TUTORIAL = (ROOT / "docs" / "tutorial.md").read_text()
FENCED = re.findall(r"^```(\w+)\n(.*?)^```$", TUTORIAL, re.DOTALL | re.MULTILINE)


def test_the_tutorial(tmp_path):
    """Its commands, as they stand there, print what it shows; what it installs is installed.

    But with one boot of each release: how many it takes depends on how busy this machine is.
    """
    (_, install), *blocks = FENCED
    assert install.splitlines()[1:] == [
        "python3 -m venv .venv && . .venv/bin/activate",
        "pip install pytest-bootgate",
    ]
    here = tmp_path / install.split()[1]
    here.mkdir()
    env = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    env["PYTEST_ADDOPTS"] += " --bootgate-boots 1"
    out = ""
    for kind, text in blocks:
        if kind == "sh":
            command = ["bash", "-e", "-c", text]
            done = subprocess.run(command, cwd=here, env=env, capture_output=True, text=True)
            out = " ".join(shape(line) for line in done.stdout.splitlines())
            assert done.returncode == ("--slow" in text), done.stdout + done.stderr
        elif kind == "text":
            place = 0
            for line in filter(None, map(shape, text.splitlines())):
                # How clear the evidence is, and how busy the machine, is another matter: one that
                # stood still until after the timeout shows what came meanwhile.
                clear = ("SHIP", "PASS", "same:", "slowest boot", "next boot")
                if not line.startswith(clear) and not line.endswith("never"):
                    place = out.find(line, place)
                    assert place >= 0, f"{line!r} is not there, or not after those before it: {out}"
    assert (here / "report.html").exists()


def test_the_tutorial_shows_the_file_of_init():
    (shown,) = (text for kind, text in FENCED if kind == "yaml")
    made = ROOT / "pytest_bootgate" / "cli" / "templates" / "bootgate.yaml"
    assert yaml.safe_load(shown) == yaml.safe_load(made.read_text())


def test_the_example_says_how_to_see_it_fail(command, tmp_path):
    command("init")
    assert "`--slow 4`" in (tmp_path / "example_service.py").read_text()


def test_it_never_writes_over_a_file(command, tmp_path):
    (tmp_path / "example_service.py").write_text("mine")
    said = command("init")
    assert said.status == 4
    assert said.err.startswith("example_service.py is there already, and nothing was written.")
    assert not (tmp_path / "bootgate.yaml").exists()
    assert (tmp_path / "example_service.py").read_text() == "mine"


def test_a_schema_that_it_wrote_is_renewed_and_no_other(command, tmp_path):
    schema = tmp_path / ".bootgate.schema.json"
    assert command("init").status == 0
    new = schema.read_text()
    (tmp_path / "bootgate.yaml").unlink()
    (tmp_path / "example_service.py").unlink()
    schema.write_text(new.replace("gate file", "old gate file"))
    assert command("init").status == 0
    assert schema.read_text() == new == command("schema").out
    (tmp_path / "bootgate.yaml").unlink()
    for mine in ('{"title": "mine"}', '{"$ref": "urn:bootgate-gate-file:1"}', '["$id"]', "{"):
        schema.write_text(mine)
        said = command("init", "--preset", "openclaw")
        words = ".bootgate.schema.json is there already, and nothing was written."
        assert said.err.startswith(words)
        assert schema.read_text() == mine


def test_it_writes_all_or_nothing_even_by_force(command, tmp_path):
    (tmp_path / ".bootgate.schema.json").mkdir()
    (tmp_path / "bootgate.yaml").write_text("mine")
    said = command("init", "--force")
    assert said.status == 4
    words = ".bootgate.schema.json cannot be written: Is a directory. Nothing was written"
    assert said.err.startswith(words)
    assert (tmp_path / "bootgate.yaml").read_text() == "mine"
    assert sorted(p.name for p in tmp_path.iterdir()) == [".bootgate.schema.json", "bootgate.yaml"]


def test_nor_through_a_link_that_leads_nowhere(command, tmp_path):
    (tmp_path / "bootgate.yaml").symlink_to(tmp_path / "elsewhere")
    assert command("init").status == 4
    assert not (tmp_path / "elsewhere").exists()


def test_unless_it_is_forced(command, tmp_path):
    (tmp_path / "bootgate.yaml").write_text("mine")
    assert command("init", "--force").status == 0
    assert load(tmp_path / "bootgate.yaml").gate.targets


def test_in_a_directory_that_it_makes(command, tmp_path):
    said = command("init", "deep/my gate")
    assert said.status == 0
    assert "  cd 'deep/my gate'\n" in said.out
    assert load(tmp_path / "deep" / "my gate" / "bootgate.yaml").gate.targets


def test_where_nothing_can_be_written(command, tmp_path):
    (tmp_path / "file").touch()
    said = command("init", "file/below")
    assert said.status == 4
    assert "cannot be written" in said.err


@pytest.mark.parametrize("preset", presets())
def test_presets(command, tmp_path, preset):
    said = command("init", "--preset", preset)
    assert said.status == 0
    assert "FILL IN" in (tmp_path / "bootgate.yaml").read_text()
    assert said.lines[0] == "Wrote bootgate.yaml, and for editors .bootgate.schema.json."
    loaded = load(tmp_path / "bootgate.yaml", {})
    assert loaded.gate.preset == preset
    assert all(release.image for release in (loaded.gate.releases.baseline,) if release)


def test_a_preset_that_is_not_there(command):
    said = command("init", "--preset", "openclam")
    assert said.status == 4
    assert "invalid choice: 'openclam'" in said.err
