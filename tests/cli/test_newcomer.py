"""From nothing to a first verdict: `bootgate init`, `bootgate check`, `pytest bootgate.yaml`."""

from __future__ import annotations

import json
import subprocess
import sys
import time

import pytest

from pytest_bootgate.gatefile import load
from pytest_bootgate.gatefile.load import presets
from tests.cli.conftest import edit


def gate(cwd, *options: str) -> subprocess.CompletedProcess:
    words = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "bootgate.yaml", *options]
    return subprocess.run(words, cwd=cwd, capture_output=True, text=True, check=False)


def verdict(cwd) -> str:
    return json.loads((cwd / "result.json").read_text())["verdict"]


def test_to_a_first_verdict_without_reading_anything(command, tmp_path):
    began = time.monotonic()
    made = command("init")
    assert made.status == 0
    assert made.out.startswith(
        "Wrote bootgate.yaml and example_service.py, and for editors .bootgate.schema.json.\n\n"
        "Next:\n"
    )
    assert command("check").status == 0
    run = gate(tmp_path, "--bootgate-json", "result.json")
    assert run.returncode == 0, run.stdout
    assert "engine process (not every release has an image)" in run.stdout
    # A busy machine makes it inconclusive, which passes; it was measured all the same.
    assert verdict(tmp_path) in ("pass", "warn", "inconclusive")
    assert "5 started (baseline: " in run.stdout or "started (baseline: " in run.stdout
    assert time.monotonic() - began < 120


def test_the_example_turns_red_as_it_says(command, tmp_path):
    command("init")
    assert "`--slow 4`" in (tmp_path / "example_service.py").read_text()
    edit(tmp_path / "bootgate.yaml", ('"1.1", --port', '"1.1", --slow, "4", --port'))
    run = gate(tmp_path, "--bootgate-json", "result.json")
    assert run.returncode == 1
    assert verdict(tmp_path) == "fail"
    assert "timed_out" in run.stdout


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
    schema.write_text('{"title": "mine"}')
    said = command("init", "--preset", "openclaw")
    assert said.err.startswith(".bootgate.schema.json is there already, and nothing was written.")
    assert schema.read_text() == '{"title": "mine"}'


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
