"""A gate boots once, however what uses it is spread over the workers of pytest-xdist."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing

import pytest

from pytest_bootgate.errors import BootgateError
from pytest_bootgate.pytest_plugin.spread import SHARED, claim, scopes, tell

CHECK = "def test_{name}({target}_runner, boot_gate): boot_gate.check({target}_runner)\n"
UNITS = "import pytest\n@pytest.mark.parametrize('n', range(9))\ndef test_unit(n): pass\n"
#: Nothing in its arguments says that it boots.
DYNAMIC = """
def test_{name}(request):
    target = request.getfixturevalue("isolated_runner")
    assert request.getfixturevalue("boot_gate").check(target).verdict == "pass"
"""
KEPT = ["load", "loadfile", "loadscope", "loadgroup", "worksteal"]


def booted(pytester) -> list[str]:
    """The targets of all boots that were made."""
    with closing(sqlite3.connect(pytester.path / ".bootgate" / "journal.db")) as journal:
        rows = journal.execute("SELECT target FROM boots WHERE number > 0")
        return sorted(target for (target,) in rows)


def runs(pytester) -> int:
    with closing(sqlite3.connect(pytester.path / ".bootgate" / "journal.db")) as journal:
        return int(journal.execute("SELECT count(*) FROM runs").fetchone()[0])


@pytest.fixture
def files(gate, pytester):
    """A gate file, two files whose tests boot its two targets, and one that boots nothing."""
    gate(targets=["isolated", "main"], boots=1)
    many = "".join(CHECK.format(name=f"many_{n}", target="isolated") for n in range(6))
    pytester.makepyfile(
        test_a=many,
        test_b=CHECK.format(name="main", target="main")
        + CHECK.format(name="again", target="isolated")
        + "class TestThem:\n    def test_all(self, session_target, boot_gate):\n"
        "        boot_gate.check(session_target)\n",
        test_unit=UNITS,
    )
    return pytester.path


@pytest.mark.parametrize(
    ("found", "dist"),
    [
        *(((), ("-n2", "--dist", name)) for name in KEPT),
        ((".", "--bootgate"), ("-n2",)),
        ((".", "--bootgate"), ("-n2", "--dist", "loadscope")),
    ],
)
def test_it_boots_once(files, played, pytester, found, dist):
    result = played(*found, *dist, "--bootgate-json", "out.json")
    assert result.ret == 0
    result.assert_outcomes(passed=27 if found else 19)
    assert (booted(pytester), runs(pytester)) == (["isolated", "main"], 1)
    result = json.loads((files / "out.json").read_text())
    assert [target["target"] for target in result["targets"]] == ["isolated", "main"]


@pytest.mark.parametrize(
    "dist",
    [
        ("-n0",),
        ("-n2", "--dist", "no"),
        ("-d", "--tx", "2*popen"),
        ("--dist", "each", "-n1"),
        ("-n2", "-k", "many or again"),
    ],
    ids=" ".join,
)
def test_other_ways_to_ask_for_workers(files, played, pytester, dist):
    assert played(".", "--bootgate", *dist).ret == 0
    assert runs(pytester) == 1
    assert booted(pytester) == (["isolated"] if "-k" in dist else ["isolated", "main"])


@pytest.mark.parametrize("found", [(), ("bootgate.yaml",)], ids=["fixtures", "named"])
def test_a_scheduler_that_runs_each_test_in_each_worker_is_refused(files, played, pytester, found):
    result = played(*found, "-n2", "--dist", "each")
    assert result.ret == 4
    text = "--dist each would boot the gate of bootgate.yaml once in each of 2 workers"
    result.stderr.fnmatch_lines([f"ERROR: bootgate: {text}*--dist load*"])
    assert not (pytester.path / ".bootgate").exists()


OTHER = """
from xdist.scheduler import LoadScheduling
class Other(LoadScheduling): pass
def pytest_xdist_make_scheduler(config, log): return Other(config, log)
"""


def test_a_scheduler_of_another_plugin_is_refused_only_where_a_gate_boots(files, played, pytester):
    pytester.makeconftest(OTHER)
    assert played("-n2", "test_unit.py").ret == 0
    result = played("-n2")
    assert result.ret == 4
    result.stderr.fnmatch_lines(["ERROR: bootgate: the scheduler Other of another plugin*"])
    assert not (pytester.path / ".bootgate").exists()


def test_what_a_scheduler_keeps_together_stays_together(gate, played, pytester):
    gate(boots=1)
    seen = "open(__file__ + os.environ['PYTEST_XDIST_WORKER'], 'w').close()\n"
    unit = f"def test_unit(): {seen}"
    pytester.makepyfile(
        test_a=f"import os\ndef test_door(isolated_runner, boot_gate): {seen}{unit}",
        test_b=f"import os\n{unit}",
    )
    assert played("-n2", "--dist", "loadfile").ret == 0
    assert len(list(pytester.path.glob("test_a.pygw*"))) == 1


SECOND_WAITS = """
import pathlib, time
BOOTED = pathlib.Path("booted")
def pytest_runtest_setup(item):
    while item.name == "test_second" and not BOOTED.exists(): time.sleep(0.02)
def pytest_runtest_teardown(item):
    if item.name == "test_first": BOOTED.touch()
"""


def test_one_that_asks_for_a_fixture_on_the_way_does_not_boot_it_again(gate, played, pytester):
    gate(boots=1)
    pytester.makepyfile(
        test_a=DYNAMIC.format(name="first"),
        test_b="def test_unit(): pass\n" + DYNAMIC.format(name="second"),
        test_c="def test_unit(): pass\n",
    )
    pytester.makeconftest(SECOND_WAITS)
    result = played("-n2")
    assert result.ret == 1
    text = "worker gw? of pytest-xdist boots its gate, and gw? would boot it again."
    result.stdout.fnmatch_lines([f"*bootgate.yaml: {text}*"])
    assert booted(pytester) == ["isolated"]


def test_nor_do_the_items_of_its_gate_file(gate, played, pytester):
    gate(boots=1)
    pytester.makepyfile(DYNAMIC.format(name="first"))
    result = played(".", "--bootgate", "-n2")
    assert booted(pytester) == ["isolated"]
    assert result.ret == 1  # whichever came second


def test_alone_such_a_test_is_as_good_as_any(gate, played, pytester):
    gate(boots=1)
    pytester.makepyfile(DYNAMIC.format(name="first"))
    assert played(".", "--bootgate").ret == 0
    assert booted(pytester) == ["isolated"]


def test_a_worker_on_another_machine_boots_nothing(tmp_path):
    worker = {SHARED: str(tmp_path / "elsewhere"), "workerid": "gw1"}
    tell(worker, {"test_a.py::test_door": "/srv/bootgate.yaml"})
    with pytest.raises(BootgateError, match="gw1 of pytest-xdist runs on another machine"):
        claim(worker, tmp_path / "bootgate.yaml", tmp_path / "bootgate.yaml")


def test_what_two_ways_keep_together_becomes_one_scope():
    ids = ["a::1", "a::2", "b::1", "b::2", "c::1", "d::1"]
    gates = {"a::1": "g", "b::1": "g", "b::2": "h", "d::1": "h"}
    found = scopes(ids, lambda nodeid: nodeid.partition("::")[0], gates)
    assert len({found[nodeid] for nodeid in ids if nodeid != "c::1"}) == 1
    assert found["c::1"] == "c"
    assert len(set(scopes(ids, str, gates).values())) == 4
