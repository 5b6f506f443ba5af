"""What the README and the docs show is what the plugin takes."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from dataclasses import fields, is_dataclass
from pathlib import Path
from runpy import run_path
from types import ModuleType

import pytest
import yaml

import pytest_bootgate
from pytest_bootgate import BootGate
from pytest_bootgate.gatefile import load
from pytest_bootgate.records.result import TargetResult
from pytest_bootgate.records.values import Boot

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
DOCS = {path.name: path.read_text() for path in sorted((ROOT / "docs").glob("*.md"))}
BLOCKS = dict(enumerate(re.findall(r"```(\w+)\n(.*?)```", README, re.DOTALL)))


@pytest.fixture
def gate_file(tmp_path):
    """Where a gate file finds what those of the docs name."""
    for file in ("last-upgrade.json", "broker.conf", "openclaw.json", "openclaw-backup.tar"):
        (tmp_path / file).write_text("{}")
    (tmp_path / "data").mkdir()
    manifest = (ROOT / "tests" / "cli" / "origins" / "pod.yaml").read_text()
    manifest = manifest.replace("name: app", "name: api").replace("readinessProbe", "startupProbe")
    (tmp_path / "deployment.yaml").write_text(manifest)
    for path in (ROOT / "examples" / "web-api").glob("[!.]*.*"):
        shutil.copy(path, tmp_path)
    return tmp_path / "bootgate.yaml"


@pytest.mark.parametrize("number", [n for n, (kind, _) in BLOCKS.items() if kind == "yaml"])
def test_gate_files(number, gate_file):
    gate_file.write_text(BLOCKS[number][1])
    assert load(gate_file, {}).gate.targets


@pytest.mark.parametrize("name", DOCS)
def test_gate_files_of_the_docs(name, gate_file):
    for text in re.findall(r"```yaml\n(.*?)```", DOCS[name], re.DOTALL):
        gate_file.write_text(text)
        assert load(gate_file, {}).gate.targets


def test_other_yaml_of_the_docs():
    """What is no gate file is YAML as well, and a setting of a project is TOML."""
    for text in DOCS.values():
        for block in re.findall(r"```yml\n(.*?)```", text, re.DOTALL):
            assert list(yaml.safe_load_all(block))
        for block in re.findall(r"```toml\n(.*?)```", text, re.DOTALL):
            assert tomllib.loads(block)


def test_pages_that_messages_name():
    code = "".join(path.read_text() for path in Path(pytest_bootgate.__file__).parent.rglob("*.py"))
    named = set(re.findall(r"\bdocs/([\w-]+\.md)", code))
    assert len(named) > 1
    assert named <= DOCS.keys()


PAGES = {
    name: (ROOT / name).read_text() for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")
}


@pytest.mark.parametrize("name", [*PAGES, *DOCS])
def test_links(name):
    text = PAGES.get(name) or DOCS[name]
    base = ROOT if name in PAGES else ROOT / "docs"
    for target in re.findall(r"\]\((?!http)([^)#]+)", text):
        assert (base / target).exists(), target


PYTHON = {
    name: re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    for name, text in {"README.md": README, "python.md": DOCS["python.md"]}.items()
}


@pytest.mark.parametrize("name", PYTHON)
def test_fixtures(name, pytester):
    tests, *listener = PYTHON[name]
    target = "isolated" if "isolated_runner" in tests else "nightly"
    pytester.path.joinpath("bootgate.yaml").write_text(
        "releases: {candidate: {command: [sh, -c, 'echo up; sleep 9']}}\n"
        f"targets: {{{target}: {{timeout: 5s, proof: {{line: up}}}}}}\n"
        "gate: {boots: 1}\n"
    )
    pytester.makepyfile(tests)
    pytester.makeconftest(
        listener[0].replace("boot_timed_out", "phase_reached") if listener else ""
    )
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", "-s")
    result.assert_outcomes(passed=2)
    if listener:
        result.stdout.fnmatch_lines("*candidate of nightly hung in proof*")


@pytest.mark.parametrize(
    ("above", "cls"),
    [("### BootGate\n", BootGate), ("### The result\n", TargetResult), ("A boot (`Boot`)", Boot)],
)
def test_the_api_is_there(above, cls):
    """Each attribute that the first column of a table of docs/python.md names."""
    after = DOCS["python.md"].partition(above)[2]
    rows = re.search(r"^\|.*?\n\n", after, re.DOTALL | re.MULTILINE).group().split("\n")[2:-2]
    names = [name for row in rows for name in re.findall(r"`(\w+)", row.split("|")[1])]
    assert len(names) > 1
    assert not [name for name in names if not hasattr(cls, name) and name not in _fields(cls)]


def _fields(cls: type) -> set[str]:
    return {one.name for one in fields(cls)} if is_dataclass(cls) else set()


def _slug(heading: str) -> str:
    """The anchor of a heading, as GitHub makes it."""
    return re.sub(r"[^\w -]", "", heading.strip().lower()).replace(" ", "-")


@pytest.mark.parametrize("name", [*PAGES])
def test_anchors(name):
    """Those of the pages that are no part of the site, whose build checks the others."""
    for page, anchor in re.findall(r"\]\((?!http)(?:docs/)?([^)#]*)#([^)]+)\)", PAGES[name]):
        text = DOCS[page] if page else PAGES[name]
        plain = re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE)
        headings = re.findall(r"^#+ (.*)$", plain, re.MULTILINE)
        assert anchor in map(_slug, headings), (page, anchor)


@pytest.fixture
def for_pypi(monkeypatch):
    """What hatch_build.py makes of the README; what builds packages is not there in tests."""
    name = "hatchling.metadata.plugin.interface"
    for end in (len("hatchling"), len("hatchling.metadata"), len("hatchling.metadata.plugin")):
        monkeypatch.setitem(sys.modules, name[:end], ModuleType(name[:end]))
    module = ModuleType(name)
    module.MetadataHookInterface = object  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, name, module)
    return run_path(str(ROOT / "hatch_build.py"))["for_pypi"]


def test_pypi_has_no_relative_links(for_pypi):
    relative = r"\]\((?!https?:|#)"
    assert re.search(relative, README)
    alone, sited = for_pypi(README, ""), for_pypi(README, "https://docs.example/bootgate/")
    assert not re.search(relative, alone)
    assert not re.search(relative, sited)
    assert "look healthy (`docs/lies.md`)" in " ".join(alone.split())
    assert "[docs/hosts.md](https://docs.example/bootgate/hosts/)" in sited
    assert "(https://docs.example/bootgate/how-to/#a-quantity-that-grows)" in sited


def test_every_option_is_named(pytester):
    shown = pytester.runpytest_inprocess("--help").stdout.str()
    for option in re.findall(r"--bootgate[\w-]*", shown):
        assert option in README


def test_the_reference_is_the_code(tmp_path):
    """The gate file's model, the events, the words of reports and the options of pytest."""
    command = [sys.executable, str(ROOT / "ci" / "reference"), "all", str(tmp_path)]
    subprocess.run(command, check=True)
    made = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert made.keys() == {"events.md", "gate-file.md", "glossary.md", "options.md"}
    for name, text in made.items():
        assert text == DOCS[name], "renew them with: .venv/bin/python ci/reference all docs"


def shape(line: str) -> str:
    """A line of the summary without its numbers."""
    line = re.sub(r"[█·│]+", "BAR", line.strip())
    line = re.sub(r"(?:(?<= )[+-])?\b\d+(\.\d+)?( ms| s| min)?\b", "N", line)
    line = re.sub(r"N lost, ", "", line)  # where this machine stood still
    line = re.sub(r"works on or waits for|works on", "does", line)  # by how busy this machine is
    return re.sub(r"\s+", " ", line)


@pytest.mark.parametrize(("number", "example"), [(0, "bad"), (1, "good")])
def test_outputs(pytester, number, example):
    """What the README shows of the incident is what comes out, in that order."""
    shutil.copytree(ROOT / "examples" / "incident", pytester.path / "incident")
    gate = pytester.path / "incident" / example / "bootgate.yaml"
    # More boots, which a busy machine takes, print the same.
    options = ("-p", "no:cacheprovider", "--bootgate-engine", "process", "--bootgate-boots", "5")
    result = pytester.runpytest_subprocess(str(gate), *options)
    assert result.ret == (example == "bad")
    out = result.stdout.str()
    printed, place = " ".join(shape(line) for line in out.splitlines()), 0
    fenced = re.findall(r"^```(\w*)\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)
    shown = [text for kind, text in fenced if not kind][number]
    for line in filter(None, map(shape, shown.splitlines())):
        if "PASS" in line or line.startswith(("SHIP", "same:", "faster:", "next boot")):
            continue  # how clear the evidence is, and how noisy the host, is another matter
        place = printed.find(line, place)
        assert place >= 0, f"{line!r} did not come, or not after those before it, in\n{out}"
