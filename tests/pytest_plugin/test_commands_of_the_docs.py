"""Every command of the README and the docs is run: here, or by the test that `ELSEWHERE` names.

They are run in their order, in one directory, on a gate whose boots are played in memory.
"""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from pytest_bootgate.journal import files, queries
from tests.cli.conftest import bootgate
from tests.conftest import ROOT
from tests.pytest_plugin.conftest import PLAYED, add_baseline

PAGES = {path.name: path for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))}
OURS = ("bootgate ", "pytest ", "ci/")
#: What needs another machine, a network, an engine or a minute, by a pattern: where it is run.
ELSEWHERE = {
    r"ci/(quick|test)": "ci/test",
    r"ci/lies": "ci/lies",
    r"ci/docs": "tests/test_site.py",
    r"ci/systems|.*ci/gate examples/openclaw": "ci/systems",
    r"ci/gate": "tests/test_examples.py",
    r"pip install 'pytest-bootgate\[": "ci/package",
    r"mkdir first-gate|python3 -m venv|\. \.venv|pip install|sed -i": "tests/cli/test_newcomer.py",
    r".*hosts ssh://": "tests/engines/test_hosts.py",
    r".*--bootgate-engine kubernetes": "tests/kubernetes",
    r".*otel=http:": "tests/reports/formats/test_otel.py",
    r"bootgate init --from [dr]": "tests/cli/test_init_from.py",
    r"bootgate init .*--from ~": "tests/cli/test_init_preset.py",
    r"bootgate (compare f5eafe|check$|doctor$|explain)": "tests/cli/test_docs.py",
    r"bootgate clean": "tests/cli/test_clean.py",
    r"bootgate completion": "tests/cli/test_completion.py",
    r"bootgate run": "tests/cli/test_run.py",
    r".*bootgate probe": "tests/pytest_plugin/test_probe.py",
    r"bootgate merge FILE": "tests/cli/test_merge.py",  # what it takes
    r"(helm|kubectl|npx|bencher) ": "",  # programs of others, with what ours has written
}


def commands(name: str) -> list[str]:
    """The commands of a page, without comments and what only a shell does."""
    text = PAGES[name].read_text()
    lines = []
    for kind, block in re.findall(r"^```(\w*)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE):
        if kind == "sh":
            lines += block.replace("\\\n", " ").splitlines()
        elif kind == "yml" and "\n- run: " in f"\n{block}":
            lines += [step["run"] for step in yaml.safe_load(block) if "run" in step]
        else:
            lines += [line[2:] for line in block.splitlines() if line.startswith("$ ")]
    indented = re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE).replace(
        "\\\n", " "
    )
    lines += [line.strip() for line in indented.splitlines() if line.startswith("    ")]
    found = [part for line in lines for part in re.sub(r"\s+# .*", "", line).split(" && ")]
    # An indented block may be an output, a setting or a rule as well.
    return [one for one in found if one.startswith(OURS) or re.match("|".join(ELSEWHERE), one)]


def test_there_are_commands():
    found = [one for name in PAGES for one in commands(name)]
    assert len(found) > 60
    for pattern, where in ELSEWHERE.items():
        assert any(re.match(pattern, one) for one in found), pattern
        assert (ROOT / where).exists()


@pytest.fixture
def directory(gate, pytester, monkeypatch, played) -> Path:
    """A gate of three targets that ran once, and what the docs' commands find beside it."""
    path = gate(targets=["isolated", "main", "nightly"], boots=1)
    add_baseline(path, "PLAN:", "OLD: '1', PLAN:")
    monkeypatch.setenv("HOME", str(pytester.path))
    assert played(path, "--bootgate-json", "result.json").ret == 0
    (pytester.path / "old").mkdir()
    shutil.copy(pytester.path / files.DEFAULT, pytester.path / "old")
    return pytester.path


def _here(command: str, directory: Path) -> str:
    """A command with the places and names of this directory."""
    with files.reading(directory / "old" / "journal.db") as journal:
        run = queries.last_run(journal)
    command = command.replace("6f3a", run[:6]).replace("/var/lib/node_exporter/", f"{directory}/")
    return re.sub(r" *>+ *\S+$", "", command)


def _expanded(word: str, directory: Path) -> list[str]:
    """A word as a shell expands it."""
    return sorted(path.name for path in directory.glob(word)) if "*" in word else [word]


def _shards(command: str) -> Iterator[str]:
    """The same on each of the runners that a comment beside it names."""
    if "--bootgate-shard 1/3" not in command:
        yield command
        return
    for number in "123":
        yield command.replace("1/3", f"{number}/3").replace("shard-1", f"shard-{number}")


def test_commands(directory, played):
    lines = dict.fromkeys(one for name in PAGES for one in commands(name))
    mine = [one for one in lines if not re.match("|".join(ELSEWHERE), one)]
    for command in (one for line in mine for one in _shards(_here(line, directory))):
        program, *args = shlex.split(command)
        args = [one for word in args for one in _expanded(word, directory)]
        if program == "pytest":
            assert played(*args).ret == 0, command
            continue
        assert program == "bootgate", command
        where = directory
        if args[0] == "init":  # which keeps what is there
            where = directory / f"new-{len(args)}"
            where.mkdir()
        env = {"PYTEST_ADDOPTS": f"-p {PLAYED}", "PYTHONPATH": str(ROOT)}
        said = bootgate(*args, cwd=where, **env)
        assert said.status == 0, (command, said.out, said.err)
