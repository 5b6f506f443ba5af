"""Every broken gate file next to the complete report about it."""

from importlib import import_module
from pathlib import Path

import pytest

from pytest_bootgate.errors import GateFileError
from pytest_bootgate.gatefile import load

HERE = Path(__file__).parent
BROKEN = sorted((HERE / "broken").glob("*.yaml"))


def mistakes(path: Path) -> list[str]:
    with pytest.raises(GateFileError) as caught:
        load(path, {})
    return caught.value.mistakes


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(HERE)


@pytest.mark.parametrize("path", BROKEN, ids=lambda path: path.stem)
def test_report(path: Path) -> None:
    told = [mistake.removeprefix(f"broken/{path.name}:") for mistake in mistakes(path)]
    assert "\n".join(told).splitlines() == path.with_suffix(".txt").read_text().splitlines()


def test_a_gate_file_is_named_from_the_current_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(HERE / "broken")
    assert mistakes(Path("empty.yaml")) == [
        "empty.yaml:1:1: the file is empty: name the releases and the targets"
    ]


def test_a_missing_file(tmp_path: Path) -> None:
    path = tmp_path / "bootgate.yaml"
    assert mistakes(path) == [f"{path}:1:1: the file cannot be read: No such file or directory"]
    other = tmp_path / "good" / "bootgate.yaml"
    other.parent.mkdir()
    other.touch()
    assert mistakes(path) == [
        f"{path}:1:1: the file cannot be read: No such file or directory; there is {other}"
    ]


def test_a_directory(tmp_path: Path) -> None:
    path = tmp_path / "bootgate.yaml"
    path.mkdir()
    assert mistakes(path) == [f"{path}:1:1: the file cannot be read: Is a directory"]


def test_a_file_that_is_too_large(tmp_path: Path) -> None:
    path = tmp_path / "bootgate.yaml"
    path.write_text("# a comment\n" * 30_000)
    assert mistakes(path) == [f"{path}:1:1: the file is larger than 256 KiB: shorten it"]


def test_an_unknown_preset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_module("pytest_bootgate.gatefile.load"), "PRESETS", HERE / "presets")
    path = tmp_path / "bootgate.yaml"
    ways_out = "there are flawed and tiny, or write a path such as ./preset.yaml"
    for name, way_out in (("tyny", f"did you mean 'tiny'? {ways_out}"), ("other", ways_out)):
        path.write_text(f"preset: {name}\n")
        assert mistakes(path) == [f"{path}:1:9: unknown preset '{name}': {way_out}"]


def test_a_preset_that_the_environment_does_not_name(tmp_path: Path) -> None:
    path = tmp_path / "bootgate.yaml"
    path.write_text("preset: ${SYSTEM}\n")
    assert mistakes(path) == [
        f"{path}:1:9: environment variable SYSTEM is not set: set it, or write ${{SYSTEM:-default}}"
    ]
