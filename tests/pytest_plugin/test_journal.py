"""The journal through pytest itself: made when something boots, and never silent."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

#: Lets the journal's file grow no further from an event on, as a full disk would.
FULL = """\
import resource
from pathlib import Path

def pytest_bootgate_event(event):
    if event.kind == "{kind}" and event.{what}:
        size = Path("bootgate.db-wal").stat().st_size
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
"""
TEST = """\
def test_it(isolated_runner, boot_gate):
    boot_gate.check(isolated_runner)
"""
BROKEN = "*The journal *bootgate.db could not be written:*free disk space there*"


def kept(path: Path, sql: str):
    with closing(sqlite3.connect(path)) as journal, journal:
        return journal.execute(sql).fetchall()


def test_it_is_made_where_something_boots(gate, run, pytester):
    gate(boots=2)
    result = run("bootgate.yaml")
    result.assert_outcomes(passed=4)
    path = pytester.path / ".bootgate" / "journal.db"
    (name,) = kept(path, "SELECT id FROM runs WHERE finished > began")[0]
    result.stdout.fnmatch_lines([f"journal: .bootgate/journal.db, run {name}"])
    assert (path.parent / ".gitignore").read_text() == "*\n"
    assert kept(path, "SELECT number, outcome FROM boots ORDER BY began") == [
        (1, "started"),
        (2, "started"),
    ]
    assert kept(path, "SELECT target, verdict FROM verdicts") == [("isolated", "pass")]
    ((whole,),) = kept(path, "SELECT result FROM runs")
    assert json.loads(whole)["targets"][0]["verdict"] == "pass"


@pytest.mark.parametrize(
    "options",
    [
        ("bootgate.yaml", "--collect-only"),
        ("bootgate.yaml", "-k", "nothing"),
        ("test_unit.py",),
        ("bootgate.yaml", "--collect-only", "-n2"),
        ("bootgate.yaml", "--setup-plan"),
        ("bootgate.yaml", "--setup-only"),
        ("bootgate.yaml", "--setup-plan", "-n2"),
        ("bootgate.yaml", "--fixtures"),
        ("bootgate.yaml", "--fixtures-per-test"),
    ],
    ids=" ".join,
)
def test_it_is_not_made_where_nothing_boots(gate, played, pytester, options):
    gate(boots=1)
    pytester.makepyfile(test_unit="def test_unit(): pass")
    assert played(*options).ret in (0, 5)
    assert not (pytester.path / ".bootgate").exists()


def test_a_path_of_ones_own(gate, played, pytester):
    gate(boots=1)
    pytester.makepyfile(TEST)
    result = played("--bootgate-journal", "kept/here.db")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["journal: kept/here.db, run *"])
    assert kept(pytester.path / "kept" / "here.db", "SELECT count(*) FROM boots") == [(1,)]
    assert not (pytester.path / ".bootgate").exists()


@pytest.mark.parametrize("options", [(), ("-n1",)], ids=["alone", "xdist"])
@pytest.mark.parametrize("fixture", [False, True], ids=["gate file", "fixture"])
def test_a_journal_that_cannot_be_written_is_a_usage_error(
    gate, played, pytester, options, fixture
):
    gate(boots=1)
    pytester.makepyfile(TEST)
    (pytester.path / "notes.txt").write_text("Call the baker.")
    file = "test_a_journal_that_cannot_be_written_is_a_usage_error.py"
    args = [file if fixture else "bootgate.yaml", "--bootgate-journal", "notes.txt", *options]
    result = played(*args)
    assert result.ret == 4
    both = result.stdout.str() + result.stderr.str()
    assert "--bootgate-journal: " in both
    assert "notes.txt already exists and is not a journal of pytest-bootgate" in both
    assert "Traceback" not in both
    assert (pytester.path / "notes.txt").read_text() == "Call the baker."


def test_under_xdist_the_worker_that_boots_writes(gate, played, pytester):
    gate(boots=1, targets=("isolated", "main"))
    result = played("bootgate.yaml", "-n2")
    result.assert_outcomes(passed=8)
    result.stdout.fnmatch_lines(["journal: .bootgate/journal.db, run *"])
    path = pytester.path / ".bootgate" / "journal.db"
    assert kept(path, "SELECT count(*), count(finished) FROM runs") == [(1, 1)]
    assert kept(path, "SELECT count(*) FROM boots WHERE outcome = 'started'") == [(2,)]


def test_two_gates_in_one_run(gate, played, pytester):
    gate(boots=1)
    gate(boots=1, name="other.bootgate.yaml")
    played("bootgate.yaml", "other.bootgate.yaml").assert_outcomes(passed=8)
    path = pytester.path / ".bootgate" / "journal.db"
    runs = kept(path, "SELECT gate_file, verdict FROM runs ORDER BY began")
    assert [(Path(file).name, verdict) for file, verdict in runs] == [
        ("bootgate.yaml", "pass"),
        ("other.bootgate.yaml", "pass"),
    ]


@pytest.fixture
def full(pytester, gate, apart):
    """Run a gate whose journal can grow no more from an event on."""

    def call(kind: str, what: str, *options: str):
        (pytester.path / "conftest.py").write_text(FULL.format(kind=kind, what=what))
        gate(boots=5)
        return apart("bootgate.yaml", "--bootgate-journal", "bootgate.db", *options)

    return call


@pytest.mark.parametrize("options", [(), ("-n1",)], ids=["alone", "xdist"])
def test_a_disk_that_is_full_in_the_midst_breaks_the_target(full, pytester, options):
    result = full("boot_ended", "boot.number == 2", *options)
    result.assert_outcomes(errors=1, skipped=3)
    assert result.ret == 1
    result.stdout.fnmatch_lines([BROKEN, "ERROR isolated: *"])
    assert "Traceback" not in result.stdout.str()
    # What was kept before is there, and no boot began that was not.
    rows = kept(pytester.path / "bootgate.db", "SELECT outcome FROM boots WHERE number > 0")
    assert [outcome for (outcome,) in rows] == ["started"] * 2


@pytest.mark.parametrize(
    ("kind", "broken"), [("boot_ended", True), ("verdict_given", False)], ids=["verdict", "end"]
)
def test_a_disk_that_is_full_at_the_end_makes_the_run_red(full, pytester, kind, broken):
    result = full(kind, "boot.number == 5" if broken else "verdict")
    result.assert_outcomes(**({"errors": 1, "skipped": 3} if broken else {"passed": 4}))
    assert result.ret == 1
    result.stdout.fnmatch_lines(["ERROR isolated*" if broken else "ERROR: " + BROKEN])


def test_a_journal_that_somebody_removes(gate, played, pytester):
    (pytester.path / "conftest.py").write_text(
        "import shutil\n"
        "def pytest_bootgate_event(event):\n"
        "    if event.kind == 'phase_reached': shutil.rmtree('.bootgate', ignore_errors=True)\n"
    )
    gate(boots=2)
    result = played("bootgate.yaml")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*journal.db was removed or replaced while it was being written*"])
    assert "Traceback" not in result.stdout.str()


@pytest.mark.parametrize("workers", [(), ("-n1",)])
def test_the_journal_keeps_the_verdict_of_the_run_as_a_whole(gate, played, pytester, workers):
    """A worker knows its own boots, not what the run should have judged besides."""
    gate(targets=("isolated", "main"))
    done = played(
        "bootgate.yaml::isolated", "--bootgate-require", "--bootgate-json=out.json", *workers
    )
    assert done.ret == 1
    path = pytester.path / ".bootgate" / "journal.db"
    ((verdict, whole),) = kept(path, "SELECT verdict, result FROM runs")
    found = json.loads((pytester.path / "out.json").read_text())
    assert verdict == found["verdict"] == "error"
    assert json.loads(whole) == found
    ends = kept(path, "SELECT kind FROM events WHERE kind = 'run_ended'")
    assert len(ends) == 1 + len(workers)
    assert set(kept(path, "SELECT outcome FROM boots")) == {("started",)}
