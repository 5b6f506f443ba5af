"""A gate in shards: each boots its share and passes for no whole; merged they are the whole run."""

from __future__ import annotations

import json
import re
import sqlite3
import sys
from contextlib import closing
from xml.etree import ElementTree as ET

import pytest

from pytest_bootgate.records import codec
from tests.pytest_plugin.conftest import GOOD, add_baseline

#: Ten targets: two that do not start, one that is held, one that reaches its timeout nearly.
TEN = [
    *(f"t{number}" for number in range(6)),
    "  slow: {timeout: 150ms}",
    '  gone: {trigger: {http: ":${port.gateway}/run", body: "x"}}',
    "  held: {propagation: {hold: kill, in: persona}}",
    "  main: {start: warm}",
]
KEEP = "notify:\n  on call: {command: [sh, -c, 'cat >> told.json']}\n"


@pytest.fixture(autouse=True)
def _no_ci(monkeypatch):
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    monkeypatch.delenv("GITLAB_CI", raising=False)


@pytest.fixture
def shards(played, pytester):
    """Run shards of a gate; returns the names of their results and how pytest ended."""

    def run(of: int, *args: str, only=None, begin: str = "shard"):
        names, ended = [], []
        for number in only or range(1, of + 1):
            names.append(f"{begin}-{number}.json")
            asked = ("--bootgate-shard", f"{number}/{of}", "--bootgate-json", names[-1])
            ended.append(played("bootgate.yaml", *asked, *args))
        return names, ended

    return run


@pytest.fixture
def merge(played):
    """Merge results, as the command does, but in this process."""

    def run(names, *args: str):
        return played(*(f"--bootgate-merge={name}" for name in names), *args)

    return run


def read(pytester, name="out.json"):
    (result,) = codec.read(pytester.path / name)
    return result


def essence(result) -> dict:
    """All of a result but what was measured."""
    return {
        "verdict": result.verdict,
        "error": result.error,
        "releases": result.releases,
        "lines": result.lines,
        "profiles": result.profiles,
        "measures": result.measures,
        "unjudged": result.unjudged,
        "checks": [
            (
                *(c.kind, c.target, c.profile, c.verdict, c.items, c.whole, c.error),
                [(f.kind, f.subject, f.verdict, f.timed) for f in c.findings],
                [(b.release, b.number, b.outcome, [p.name for p in b.phases]) for b in c.boots],
            )
            for c in result.checks
        ],
    }


def items(result) -> list[str]:
    return [line.split()[0] for line in result.outlines if re.match(r"bootgate.yaml::\S+ ", line)]


def test_five_shards_of_ten_targets_are_the_whole_gate(gate, shards, merge, played, pytester):
    gate(targets=TEN, boots=1, timeout="1s")
    add_baseline(pytester.path / "bootgate.yaml", "ring", "ring")
    path = pytester.path / "bootgate.yaml"
    path.write_text(
        path.read_text().replace("gate: {boots: 1", "gate: {allow: same-image, boots: 1")
    )
    whole = played("bootgate.yaml", "-v", "--bootgate-json", "whole.json", "--junitxml=whole.xml")
    names, ended = shards(5)
    booted = [[t.target for t in read(pytester, name).targets] for name in names]
    assert sorted(name for names in booted for name in names) == sorted(
        t.target for t in read(pytester, "whole.json").targets
    )
    assert all(len(targets) == 2 for targets in booted)
    merged = merge(names, "-v", "--bootgate-json", "out.json", "--junitxml=out.xml")
    assert essence(read(pytester)) == essence(read(pytester, "whole.json"))
    assert (merged.ret, merged.parseoutcomes() | {"warnings": 0}) == (
        whole.ret,
        whole.parseoutcomes() | {"warnings": 0},
    )
    assert sorted(items(merged)) == sorted(items(whole))
    assert {one.ret for one in ended} == {0, 1}
    cases = [
        sorted(
            (case.get("classname"), case.get("name"), case.get("line"))
            for case in tree.iter("testcase")
        )
        for tree in (ET.parse(pytester.path / f"{name}.xml") for name in ("out", "whole"))
    ]
    assert cases[0] == cases[1]
    result = read(pytester)
    assert [part.number for part in result.shards] == [1, 2, 3, 4, 5]
    assert result.shard is None


def test_a_merge_says_why_a_target_of_a_shard_failed(gate, shards, merge):
    """Each of its items was an AttributeError."""
    gate([*GOOD[:-1], 60], targets=["one", "two"], boots=1, timeout="300ms")
    names, _ = shards(2)
    merged = merge(names)
    assert merged.ret == 1
    merged.assert_outcomes(failed=2, passed=4, skipped=2)
    merged.stdout.fnmatch_lines(
        ["FAILED bootgate.yaml::one::boot - never started (2 of 2 boots, *"]
    )
    merged.stdout.no_fnmatch_line("*AttributeError*")


# -- a shard -----------------------------------------------------------------------------------


def test_a_shard_that_passes_says_everywhere_that_it_is_no_whole_gate(gate, played, pytester):
    gate(targets=["a", "b", "c"], boots=1, more=KEEP)
    words = "shard 2 of 3, not a whole gate"
    reports = [f"--bootgate-report={name}=out.{name}" for name in ("junit", "github", "ctrf")]
    result = played(
        *("bootgate.yaml", "--bootgate-shard", "2/3", "--bootgate-json=out.json", "-v"),
        *("--bootgate-html=out.html", "--junitxml=own.xml", *reports),
    )
    assert result.ret == 0
    result.stdout.fnmatch_lines(
        [
            f"bootgate: bootgate.yaml: engine *; {words}: b",
            "*collected 12 items / 8 deselected / 4 selected",
            "SHARD 2 of 3, not a whole gate: 1 target, 1 pass",
            "not notified: on call (a shard is no verdict; `bootgate merge` is)",
        ]
    )
    assert not (pytester.path / "told.json").exists()
    found = read(pytester)
    assert (found.verdict, found.shard.words) == ("error", words)
    assert found.unjudged == ()
    for name in ("html", "junit", "github", "ctrf"):
        text = (pytester.path / f"out.{name}").read_text()
        assert words in text
        assert re.search("ERROR|error", text)
    assert f'value="{words}"' in (pytester.path / "own.xml").read_text()
    with closing(sqlite3.connect(pytester.path / ".bootgate" / "journal.db")) as journal:
        ((verdict, text),) = journal.execute("SELECT verdict, result FROM runs")
    assert verdict == "error"
    assert words in text


def test_what_is_required_is_the_whole_gate(gate, played):
    gate(targets=["a", "b"], boots=1)
    asked = ("bootgate.yaml", "--bootgate-shard", "1/2")
    for how in (("--bootgate-require",), ("-o", "bootgate_require=true")):
        result = played(*asked, *how)
        assert result.ret == 4
        result.stderr.fnmatch_lines(
            ["ERROR: --bootgate-require: shard 1 of 2, not a whole gate. Leave the option out of*"]
        )


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (("--bootgate-shard=0/2",), "*--bootgate-shard: '0/2' is not a shard: write 1/2 to 2/2*"),
        (("--bootgate-shard-journal=x.db",), "*it weighs the shares of --bootgate-shard, which is"),
        (
            ("--bootgate-shard=1/2", "--bootgate-shard-journal=x.db"),
            "*There is no journal */x.db. Give the journal that*",
        ),
        (
            ("--bootgate-shard=1/2", "--bootgate-shard-journal=.bootgate/journal.db"),
            "*this run writes into .bootgate/journal.db, so the next shard would be planned*",
        ),
    ],
)
def test_options_that_do_not_go_together(gate, played, asked, said):
    gate(boots=1)
    result = played("bootgate.yaml", *asked)
    assert result.ret == 4
    result.stderr.fnmatch_lines([said if said.endswith("*") else f"{said}*"])


def test_a_shard_with_nothing_to_boot_is_not_red(gate, played, pytester):
    gate(boots=1)
    asked = ("bootgate.yaml", "--bootgate-shard", "2/2", "--bootgate-json=out.json")
    result = played(*asked)
    assert result.ret == 0
    result.stdout.fnmatch_lines(["*; shard 2 of 2, not a whole gate: nothing to boot"])
    assert read(pytester).checks == ()
    assert played("bootgate.yaml", "--bootgate-shard", "1/2", "-k", "nothing").ret == 5


def test_a_share_that_the_gate_file_leaves_out(gate, shards, merge):
    gate(targets=["a", '  b: {unsupported: {"": not there}}'], boots=1)
    names, ended = shards(2)
    assert [one.ret for one in ended] == [0, 0]
    result = merge(names)
    assert result.ret == 0
    result.stdout.fnmatch_lines(["PASS: 2 targets, 1 pass, 1 left out"])


def test_a_shard_that_ends_early_still_is_one(gate, played, pytester):
    gate(targets=["  a: {timeout: 50ms}", "b"], boots=1)
    result = played("bootgate.yaml", "--bootgate-shard=1/1", "-x", "--bootgate-json=out.json")
    assert result.ret == 1
    assert read(pytester).error.startswith("shard 1 of 1, not a whole gate")


def test_under_xdist_a_shard_is_the_same(gate, apart, merge, pytester):
    gate(targets=["a", "b", "c"], boots=1)
    for number in (1, 2):
        asked = ("--bootgate-shard", f"{number}/2", f"--bootgate-json=s{number}.json", "-n", "2")
        result = apart("bootgate.yaml", *asked)
        assert result.ret == 0
        assert read(pytester, f"s{number}.json").shard.number == number
    assert merge(["s1.json", "s2.json"], "-n", "2").ret == 0


def test_tests_that_boot_run_where_their_target_is(gate, played, merge, pytester):
    gate(targets=["isolated", "main"], boots=1)
    pytester.makepyfile(
        """
        def test_isolated(isolated_runner, boot_gate):
            boot_gate.check(isolated_runner)

        def test_each(session_target, boot_gate):
            boot_gate.check(session_target)

        def test_asked_while_it_runs(request, boot_gate):
            boot_gate.check(request.getfixturevalue("main_runner"))

        def test_no_boot():
            pass
        """
    )
    ran = []
    for number in (1, 2):
        result = played(f"--bootgate-shard={number}/2", "-v", f"--bootgate-json=s{number}.json")
        assert result.ret == 0
        found = [re.match(r"\S+::(\S+) (PASSED|SKIPPED)", line) for line in result.outlines]
        ran.append({(one[1], one[2]) for one in found if one})
    both = {("test_no_boot", "PASSED")}
    assert ran == [
        {
            *(("test_isolated", "PASSED"), ("test_each[isolated]", "PASSED")),
            *(("test_asked_while_it_runs", "SKIPPED"), *both),
        },
        {("test_each[main]", "PASSED"), ("test_asked_while_it_runs", "PASSED"), *both},
    ]
    assert merge(["s1.json", "s2.json"]).ret == 0


def test_a_test_of_two_targets_that_no_shard_has_together(gate, played, pytester):
    gate(targets=["isolated", "main"], boots=1)
    pytester.makepyfile("def test_both(isolated_runner, main_runner, boot_gate): ...")
    result = played("--bootgate-shard=1/2")
    assert result.ret == 4
    result.stderr.fnmatch_lines(["*::test_both uses targets of the shards 1, 2, so none of them*"])


def test_a_history_that_all_are_given_shares_out_anew(gate, played, shards, merge, pytester):
    gate(targets=["a", "b", "  slow: {timeout: 90s}"], boots=1)
    played("bootgate.yaml", "--bootgate-journal=old.db")
    names, _ = shards(2, "--bootgate-shard-journal=old.db")
    weighed = read(pytester, names[0]).shard
    assert all(0 < one.seconds < 20 for one in weighed.plan)
    assert merge(names).ret == 0
    (other,), _ = shards(2, only=[2], begin="other")
    result = merge([names[0], other])
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*its plan shares out the checks differently. Give all shards*"])


# -- the merge ---------------------------------------------------------------------------------


def test_what_is_said_once_comes_from_the_merge(gate, shards, merge, pytester, monkeypatch):
    gate([*GOOD[:-1]], targets=["a", "b"], boots=1, timeout="300ms", more=KEEP)
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(pytester.path / "summary.md"))
    names, ended = shards(2)
    for one in ended:
        assert one.ret == 1
        one.stdout.no_fnmatch_line("::error*")
    assert not (pytester.path / "summary.md").exists()
    assert not (pytester.path / "told.json").exists()
    result = merge(names, "--bootgate-html=out.html", "--bootgate-json=out.json")
    assert result.ret == 1
    assert sum(line.startswith("::error") for line in result.outlines) == 3  # and the decision
    result.stdout.fnmatch_lines(["notified on call: fail"])
    notice = json.loads((pytester.path / "told.json").read_text())
    assert (notice["verdict"], len(notice["targets"])) == ("fail", 2)
    assert "FAIL" in (pytester.path / "summary.md").read_text()
    assert "The shards that it was merged from" in (pytester.path / "out.html").read_text()
    with closing(sqlite3.connect(pytester.path / ".bootgate" / "journal.db")) as journal:
        run = read(pytester).run
        rows = journal.execute("SELECT verdict FROM runs WHERE id = ?", (run,)).fetchall()
        verdicts = journal.execute("SELECT target, verdict FROM verdicts WHERE run = ?", (run,))
        assert sorted(verdicts) == [("a", "fail"), ("b", "fail")]
    assert rows == [("fail",)]


def test_the_journal_of_a_merge_has_the_boots_of_all_shards_once(gate, shards, merge, pytester):
    gate(targets=["a", "b"], boots=2)
    names, _ = shards(2)
    for _ in range(2):
        assert merge(names, "--bootgate-journal=all.db", "--bootgate-json=out.json").ret == 0
    with closing(sqlite3.connect(pytester.path / "all.db")) as journal:
        boots = journal.execute("SELECT target, number, outcome, during FROM boots").fetchall()
        runs = journal.execute("SELECT verdict, finished IS NOT NULL FROM runs").fetchall()
    wanted = [(t, n, "started", "campaign") for t in "ab" for n in (1, 2)]
    assert sorted(boots) == wanted
    assert runs == [("pass", 1)] * 2


def test_without_the_gate_file_it_is_merged_and_who_was_to_be_told_is_missed(
    gate, shards, merge, pytester
):
    path = gate(targets=["a", "b"], boots=1, more=KEEP)
    names, _ = shards(2)
    text = path.read_text()
    path.write_text(text.replace("on call", "others"))
    result = merge(names)
    assert result.ret == 1
    result.stdout.fnmatch_lines(["ERROR: on call could not be notified: *names others than*"])
    path.unlink()
    result = merge(names)
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        ["ERROR: on call could not be notified: the gate file bootgate.yaml is needed here*"]
    )
    result.stdout.fnmatch_lines(["PASS: 2 targets, 2 pass"])
    path.write_text(text)
    assert merge(names).ret == 0


def test_a_part_of_a_shard_is_no_share(gate, shards, merge, pytester):
    gate(targets=["a", "b"], boots=1)
    (first,), _ = shards(2, "-k", "nothing", only=[1])
    (second,), _ = shards(2, only=[2])
    result = merge([first, second], "--bootgate-json=out.json")
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        ["ERROR: bootgate merge: bootgate.yaml: Not everything was judged: not booted: a."]
    )
    assert read(pytester).verdict == "error"


def test_a_missing_shard_leaves_its_reports_with_the_error(gate, shards, merge, pytester):
    gate(targets=["a", "b"], boots=1)
    names, _ = shards(2)
    result = merge(names[1:], "--bootgate-json=out.json", "--bootgate-report=junit=out.xml")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["ERROR: bootgate merge: bootgate.yaml: Shard 1 of 2 is missing.*"])
    assert read(pytester).verdict == "error"
    assert 'errors="1"' in (pytester.path / "out.xml").read_text()


def test_where_nothing_can_be_merged_no_earlier_report_stays(gate, shards, merge, pytester):
    gate(targets=["a", "b"], boots=1)
    names, _ = shards(2)
    assert merge(names, "--bootgate-json=out.json").ret == 0
    result = merge(["none.json"], "--bootgate-json=out.json")
    assert result.ret == 4
    result.stderr.fnmatch_lines(["ERROR: bootgate merge: The result none.json cannot be read:*"])
    assert not (pytester.path / "out.json").exists()


def test_a_merge_does_not_overwrite_what_it_reads(gate, shards, merge, pytester):
    gate(targets=["a", "b"], boots=1)
    names, _ = shards(2)
    result = merge(names, f"--bootgate-json={names[0]}")
    assert result.ret == 4
    result.stderr.fnmatch_lines(["*--bootgate-json: shard-1.json is the result of a shard.*"])
    assert read(pytester, names[0]).shard is not None


def test_a_choice_at_the_merge_hides_no_verdict(gate, shards, merge):
    gate(targets=["a", "  b: {timeout: 50ms}"], boots=1)
    names, _ = shards(2)
    result = merge(names, "-k", "engine")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*bootgate merge: bootgate.yaml: its verdict is fail, but no*"])
    assert merge(names, "--collect-only").ret == 1


def test_benchmarks_have_the_rows_of_all_shards(gate, shards, merge, pytester):
    gate(targets=["a", "b"], boots=2)
    names, _ = shards(2)
    assert merge(names, "--benchmark-json=rows.json").ret == 0
    found = json.loads((pytester.path / "rows.json").read_text())["benchmarks"]
    assert {row["group"] for row in found} == {"a", "b"}


def test_a_gate_in_a_directory_below_and_a_merge_elsewhere(gate, played, merge, pytester):
    gate(targets=["a", "b"], boots=1)
    (pytester.path / "sub").mkdir()
    (pytester.path / "bootgate.yaml").rename(pytester.path / "sub" / "bootgate.yaml")
    (pytester.path / "pytest.ini").write_text("[pytest]\ntestpaths = sub\n")
    for number in (1, 2):
        asked = (f"--bootgate-shard={number}/2", f"--bootgate-json=s{number}.json")
        assert played("sub/bootgate.yaml", *asked).ret == 0
    assert read(pytester, "s1.json").shard.gate == "sub/bootgate.yaml"
    result = merge(["s1.json", "s2.json"], "-v")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["sub/bootgate.yaml::a::boot PASSED*"])


# -- for real ----------------------------------------------------------------------------------


def test_two_shards_of_processes_merged_by_the_command(gate, run, pytester):
    gate(["engine ready", "persona loaded", "ring"], targets=["isolated", "main"], boots=1)
    for number in (1, 2):
        asked = (f"--bootgate-shard={number}/2", f"--bootgate-json=s{number}.json")
        assert run("bootgate.yaml", "--bootgate-engine=process", *asked).ret == 0
    words = ("merge", "s1.json", "s2.json", "--bootgate-json", "out.json")
    done = pytester.run(sys.executable, "-m", "pytest_bootgate", *words)
    assert done.ret == 0
    done.stdout.fnmatch_lines(["PASS: 2 targets, 2 pass"])
    result = read(pytester)
    assert [found.target for found in result.targets] == ["isolated", "main"]
    assert result.engine_name == "process"
