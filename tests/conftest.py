"""What tests of the plugin need: a pytester that runs the installed plugin in a process."""

from __future__ import annotations

import functools
import importlib.metadata
import json
import os
import signal
import sys
import time
from pathlib import Path

import pytest

from tests import nursery
from tests.forked import forked

pytest_plugins = ["pytester"]

# In the background of a script SIGINT is ignored, and all that the tests start would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Where nothing is compiled for good, every pytest in a process of its own compiles the plugin anew:
# more than half of the CPU time of all tests.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# A shim of pyenv takes longer than the Python that it starts.
os.environ["PATH"] = f"{Path(sys.executable).resolve().parent}:{os.environ['PATH']}"

_read = importlib.metadata.PathDistribution.read_text


@functools.cache
def _metadata(path: str, name: str) -> str | None:
    """Every pytest reads what all that is installed says of itself, four times: half its start."""
    return _read(importlib.metadata.PathDistribution(Path(path)), name)


importlib.metadata.PathDistribution.read_text = (  # type: ignore[method-assign]
    lambda self, filename: _metadata(str(self._path), str(filename))
)

ROOT = Path(__file__).parent.parent
INCIDENT = ROOT / "examples" / "incident"


#: Fixtures with which a test starts processes.
PROCESSES = {"pytester", "local_bench", "docker_bench"}


#: Says that tests may boot on the cluster of KUBECONFIG.
CLUSTER = "BOOTGATE_TEST_CLUSTER"


#: Where the tests are that `ci/quick` runs, but for those that are slow or take an engine.
QUICK = ("checks", "gatefile", "loop", "observe", "probes", "records", "run", "stats")
QUICK_FILES = (
    *("engines/test_contract.py", "engines/test_hold.py", "engines/test_memory.py"),
    *("test_masking.py", "test_mutants.py", "test_rooms.py", "test_untrusted.py"),
)


#: Files that take a minute or more, the longest first.
LONG = (
    *("pytest_plugin/test_in_place.py", "test_examples.py"),
    *("pytest_plugin/test_templates.py", "engines/test_hosts.py"),
    *("reports/test_html_browser.py", "pytest_plugin/test_flood.py"),
    *("pytest_plugin/test_ends.py", "reports/test_html.py", "pytest_plugin/test_shards.py"),
    *("cli/test_compare.py", "engines/test_contract.py", "fuzz/test_fuzz.py"),
    *("engines/test_reaper.py", "cli/test_newcomer.py"),
    *("engines/test_confine.py", "cli/test_run.py", "pytest_plugin/test_queue.py"),
    *("test_readme.py", "engines/test_sidecar.py", "test_openclaw.py", "test_systems.py"),
)


def pytest_collection_modifyitems(items):
    for item in items:
        if not PROCESSES.isdisjoint(getattr(item, "fixturenames", ())):
            item.add_marker("slow")
        place = item.path.relative_to(ROOT / "tests")
        here = place.parts[0] in QUICK or place.as_posix() in QUICK_FILES
        slow = any(map(item.get_closest_marker, ("docker", "kubernetes", "slow")))
        if here and not slow:
            item.add_marker("quick")
        if place.parts[0] == "lies" and slow and not item.get_closest_marker("kubernetes"):
            item.add_marker("lies")
        if item.get_closest_marker("kubernetes") and CLUSTER not in os.environ:
            item.add_marker(pytest.mark.skip(f"no cluster: {CLUSTER}=1 takes KUBECONFIG's"))
    # Those that take minutes begin first, so that no worker ends alone.
    rank = {ROOT / "tests" / name: number for number, name in enumerate(LONG)}
    items.sort(key=lambda item: rank.get(item.path, len(LONG)))


@pytest.fixture(autouse=True)
def _apart(request, monkeypatch, tmp_path):
    """Runs inside the tests take no options from outside, and wait for no gate outside."""
    if "pytester" in request.fixturenames:
        nursery.found()  # before it: what is imported after that, it takes out of sys.modules again
        request.getfixturevalue("pytester")  # it removes PYTEST_ADDOPTS
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setenv("BOOTGATE_QUEUE_DIR", str(tmp_path))
    for name in ("PYTEST_TIMEOUT", "PYTEST_XDIST_WORKER"):
        monkeypatch.delenv(name, raising=False)
    # A run inside a test has no use for hypothesis, which takes half a second to import.
    monkeypatch.setenv("PYTEST_ADDOPTS", "-p no:hypothesispytest")
    yield
    # `bootgate log` would find it from the directory of any later test.
    assert not (tmp_path.parent / ".bootgate").exists(), "a run of this test needs --rootdir"


@pytest.fixture
def short_look(monkeypatch):
    """A gate looks at its machine for a shorter time than users' gates do: 0.2 s less of CPU."""
    monkeypatch.setattr("pytest_bootgate.run.onlooker.STILL", 0.2)
    monkeypatch.setattr("pytest_bootgate.run.onlooker._TIMES", 2)


@pytest.fixture
def pytester(pytester, short_look):
    """A run of pytest in a process of its own is a fork, which has imported everything already.

    So are the workers of pytest-xdist.
    """
    anew = pytester.runpytest_subprocess

    def run(*args: str | os.PathLike[str]) -> pytest.RunResult:
        if "LD_PRELOAD" in os.environ:
            return anew(*args)
        words = [f"--basetemp={pytester.path}/basetemp", *map(str, args)]
        began = time.monotonic()
        done = forked(lambda: pytest.main(words), cwd=pytester.path, streams=pytester.path)
        sys.stdout.write(done.out)
        sys.stderr.write(done.err)
        took = time.monotonic() - began
        return pytest.RunResult(done.status, done.out.splitlines(), done.err.splitlines(), took)

    pytester.runpytest_subprocess, pytester.runpytest_anew = run, anew
    return pytester


@pytest.fixture
def run(pytester):
    """Runs a gate file, and keeps its results for `found`."""

    def call(path: Path, *args: str):
        return pytester.runpytest_subprocess(
            str(path), "-p", "no:cacheprovider", "--bootgate-json", "out.json", *args
        )

    return call


@pytest.fixture
def found(pytester):
    """What the run wrote: its targets by name."""
    return lambda: {
        target["target"]: target
        for target in json.loads((pytester.path / "out.json").read_text())["targets"]
    }


def labelled(run_env: str) -> list[int]:
    """The processes whose environment carries a text."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                if run_env.encode() in (entry / "environ").read_bytes():
                    found.append(int(entry.name))
            except OSError:
                continue
    return found
