"""The command as a user runs it: in a process of its own, in a directory of its own."""

from __future__ import annotations

import fcntl
import os
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from pytest_bootgate.cli import main
from pytest_bootgate.cli.init import contents, write
from tests import nursery
from tests.forked import forked

#: What makes the example's verdict the same on a busy machine.
STEADY = ("slower: 10%", "noise: 1000\n  slower: 80%"), ("boots: 5..30 ", "boots: 5 ")
#: Limits that a release stays away from which is slower than any burst.
ROOMY = ("timeout: 3s", "timeout: 6s"), ("limit: 2s", "limit: 5s")


@dataclass(frozen=True)
class Said:
    """What a command printed, and its exit status."""

    status: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()


def bootgate(*args: str, cwd: Path, **environ: str) -> Said:
    """Run the command in a process; an empty value takes a variable away."""
    env = {**os.environ, "COLUMNS": "80", **environ}
    env = {name: value for name, value in env.items() if value}
    if args[:1] != ("run",) and not any(name.startswith("PYTHON") for name in environ):
        with tempfile.TemporaryDirectory() as streams:  # another worker may be in `cwd`
            done = forked(lambda: main(args), cwd=cwd, streams=Path(streams), env=env)
        assert "Traceback" not in done.err, done.err
        return Said(done.status, done.out, done.err)
    words = [sys.executable, "-m", "pytest_bootgate", *args]
    run = nursery.run(words, cwd=cwd, env=env, capture_output=True, text=True, check=False)
    assert "Traceback" not in run.stderr, run.stderr
    return Said(run.returncode, run.stdout, run.stderr)


@pytest.fixture
def command(tmp_path) -> Callable[..., Said]:
    """Run the command in this test's directory."""

    def call(*args: str, **environ: str) -> Said:
        return bootgate(*args, cwd=tmp_path, **environ)

    return call


def edit(path: Path, *changes: tuple[str, str]) -> None:
    """Replace texts in a file, each of which must be there."""
    text = path.read_text()
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    path.write_text(text)


@pytest.fixture
def example(tmp_path) -> Path:
    """The gate file of the example, without the noise of a busy machine."""
    path, *_ = write(contents(tmp_path, ""), force=False)
    edit(path, *STEADY)
    return path


@dataclass(frozen=True)
class Runs:
    """A directory with three runs in its journal: green, red by time, and a part that is red."""

    here: Path
    green: Path
    slower: Path
    error: Path


@pytest.fixture(scope="session")
def runs(request, tmp_path_factory) -> Runs:
    """Three real runs of the example, made once for all workers."""
    base = tmp_path_factory.getbasetemp()
    here = (base.parent if hasattr(request.config, "workerinput") else base) / "runs"
    here.mkdir(exist_ok=True)
    found = Runs(here, here / "green.json", here / "slower.json", here / "error.json")
    with (here / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not found.error.exists():
            _make(found)
    return found


def _make(found: Runs) -> None:
    here = found.here
    path, *_ = write(contents(here, ""), force=False)
    own = {"TMPDIR": str(here), "BOOTGATE_QUEUE_DIR": str(here)}
    own["PYTEST_ADDOPTS"] = "-p no:cacheprovider -p no:hypothesispytest"

    def run(result: Path, *options: str) -> int:
        return bootgate(
            "run", "-q", "--bootgate-json", str(result), *options, cwd=here, **own
        ).status

    edit(path, *STEADY, *ROOMY)
    assert run(found.green) == 0
    edit(path, ('"1.1", --port', '"1.2", --slow, "1.6", --port'))
    assert run(found.slower) == 1
    edit(path, ("boots: 5 ", "boots: 1 "), ('"1.6"', '"9"'))
    assert run(found.error, "-k", "plugins", "--bootgate-require") == 1
