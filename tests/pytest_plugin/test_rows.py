"""What boots is in pytest-benchmark's table and files, whoever asked for it and wherever it ran."""

from __future__ import annotations

import json

import pytest

CHECK = """
def test_them(session_target, boot_gate):
    boot_gate.check(session_target)

def test_again(isolated_runner, boot_gate):
    boot_gate.check(isolated_runner)
"""
ITEMS, FIXTURES = ("bootgate.yaml",), ("test_rows.py",)
PHASES = ["engine", "persona", "task_started", "boot"]


@pytest.fixture
def both(gate, pytester):
    """Two targets, and tests that use them."""
    gate(boots=3, targets=["isolated", "main"])
    (pytester.path / "test_rows.py").write_text(CHECK)


def rows(path) -> dict[str, dict]:
    found = json.loads(path.read_text())["benchmarks"]
    assert len({row["fullname"] for row in found}) == len(found)
    return {row["fullname"]: row for row in found}


@pytest.mark.parametrize(
    ("named", "how", "engine"),
    [
        (ITEMS, "here", "local processes"),
        (FIXTURES, "played", "memory"),
        ((*ITEMS, *FIXTURES), "played", "memory"),
        ((*ITEMS, *FIXTURES, "-n2"), "played", "memory"),
    ],
)
def test_every_phase_is_a_row(both, request, pytester, named, how, engine):
    files = ("--benchmark-json=bench.json", "--benchmark-save=kept", "--bootgate-json=out.json")
    result = request.getfixturevalue(how)(*named, *files)
    assert result.ret == 0
    found = rows(pytester.path / "bench.json")
    targets = ["isolated", "main"]
    assert sorted(found) == sorted(f"bootgate.yaml::{t}::{p}" for t in targets for p in PHASES)
    row = found["bootgate.yaml::isolated::boot"]
    assert (row["name"], row["group"]) == ("boot", "isolated")
    assert row["extra_info"]["timeout_s"] == 5.0
    out = json.loads((pytester.path / "out.json").read_text())
    boots = [boot["seconds"] for boot in out["targets"][0]["boots"] if not boot["warm_up"]]
    assert row["stats"]["data"] == boots
    assert len(boots) == 3
    bench = json.loads((pytester.path / "bench.json").read_text())
    assert bench["machine_info"]["bootgate"][0]["engine"] == engine
    (kept,) = (pytester.path / ".benchmarks").rglob("*_kept.json")
    assert list(rows(kept)) == list(found)
    result.stdout.fnmatch_lines(["*benchmark 'isolated': 4 tests*", "boot *"])


def test_runs_are_compared_however_they_booted(both, played, pytester):
    assert played(*ITEMS, "--benchmark-save=one").ret == 0
    result = played(*FIXTURES, "-n2", "--benchmark-compare", "--benchmark-compare-fail=min:9999%")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["boot (0001_one)*", "boot (NOW)*"])


@pytest.mark.parametrize("option", ["--benchmark-skip", "--benchmark-only", "--benchmark-disable"])
@pytest.mark.parametrize("named", [ITEMS, FIXTURES], ids=" ".join)
def test_options_of_pytest_benchmark_do_not_switch_the_gate_off(
    gate, played, pytester, option, named
):
    gate([60], timeout="500ms")
    (pytester.path / "test_rows.py").write_text(CHECK)
    result = played(*named, option)
    assert result.ret == 1
    result.stdout.no_fnmatch_line("*Benchmark fixture was not used*")


def test_only_benchmarks_are_what_boots_and_what_uses_the_fixture(both, played, pytester):
    pytester.makepyfile(
        test_unit="def test_unit(): pass\ndef test_fast(benchmark): benchmark(int)\n"
    )
    result = played(*ITEMS, *FIXTURES, "test_unit.py", "--benchmark-only", "--benchmark-json=out")
    result.assert_outcomes(passed=8 + 3 + 1, skipped=1)
    assert len(rows(pytester.path / "out")) == 8 + 1


@pytest.mark.parametrize("named", [ITEMS, FIXTURES, (*FIXTURES, "-n2")], ids=" ".join)
@pytest.mark.parametrize(
    ("plan", "option", "why"),
    [
        ([60], "--color=no", "no boot of a candidate started"),
        ([0.02, "engine ready", "persona loaded", "ring"], "--benchmark-disable", "switches"),
    ],
    ids=["no boot", "disabled"],
)
def test_a_file_that_is_not_written_is_explained(gate, played, pytester, named, plan, option, why):
    gate(plan, timeout="1s", boots=1)
    (pytester.path / "test_rows.py").write_text(CHECK)
    result = played(*named, option, "--benchmark-json=bench.json")
    text = f"--benchmark-json: nothing was written, because *{why}*; --bootgate-json has all *"
    result.stdout.fnmatch_lines([text])
    assert not (pytester.path / "bench.json").exists()


def test_a_pytest_benchmark_of_another_make(both, apart, pytester):
    pytester.makeconftest("import pytest_benchmark.stats as s\ndel s.Metadata\n")
    result = apart(*ITEMS, "--benchmark-json=bench.json")
    text = "--benchmark-json: nothing was written, because this version of pytest-benchmark is not*"
    result.stdout.fnmatch_lines([text])


def test_a_phase_without_a_length_makes_no_other_an_infinite_multiple(gate, pytester, played):
    gate([0.02, "engine ready", "persona loaded", 0.02, "ring"])
    result = played("bootgate.yaml", "--benchmark-json=bench.json")
    data = rows(pytester.path / "bench.json")["bootgate.yaml::isolated::persona"]["stats"]["data"]
    assert min(data) == 1e-6
    result.stdout.no_fnmatch_line("*(inf)*")


def test_its_table_is_for_those_who_ask_for_it(gate, played):
    gate(boots=1)
    for words, shown in (((), False), (("-v",), True), (("--benchmark-sort=name",), True)):
        out = played("bootgate.yaml", *words).stdout.str()
        assert ("benchmark 'isolated': 4 tests" in out) is shown
