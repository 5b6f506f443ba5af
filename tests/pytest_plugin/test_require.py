"""A run that should have gated must not be green without having measured all of it."""

from __future__ import annotations

import json
import re
import sqlite3
from contextlib import closing

import pytest

from pytest_bootgate.records.codec import decode, encode
from tests.conftest import labelled

REQUIRE = "--bootgate-require"
THREE = ["isolated", "main", "current"]
WHY = "(deselected by -k, -m, --deselect or a node id, skipped, or asked for by no test)"
LOST = (
    "(deselected by -k, -m, --deselect or a node id, skipped, or lost with a pytest-xdist worker"
    " that died)"
)
UNSEEN = "booted, but the item that gives the verdict did not run"
HIDDEN = "failed, but the item that reports it did not run"
SILENT = "  main: {propagation: {hold: kill, in: persona}}"
NOTIFY = "notify:\n  on call: {command: [sh, -c, 'cat > told.json']}\n"

#: Kills the process that sends a trigger for a target: once, or each time.
KILLER = """
import os, pathlib

def pytest_bootgate_event(event):
    if event.kind == "trigger_sent" and event.boot.target in {targets}:
        runs = pathlib.Path("runs")
        if {always} or not runs.exists():
            with runs.open("a") as file:
                print(event.boot.run, file=file)
            os.kill(os.getpid(), 9)
"""


def errors(result) -> list[str]:
    """What the run says besides the verdicts; the same is never said twice."""
    verdict = re.compile(r"ERROR: \d+ (target|upgrade|propagation)")
    said = [line for line in result.outlines if line.startswith("ERROR: ")]
    return [line.removeprefix("ERROR: ") for line in said if not verdict.match(line)]


def missing(text: str, why: str = WHY, file: str = "bootgate.yaml") -> list[str]:
    return [f"--bootgate-require: {file}: {text} {why}"]


def no_gate(text: str) -> list[str]:
    return [f"--bootgate-require: no gate was collected; {text}"]


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "xdist"])
def test_a_whole_gate_is_green(gate, played, workers):
    gate(targets=THREE, boots=1)
    result = played("bootgate.yaml", REQUIRE, *workers)
    assert result.ret == 0
    assert errors(result) == []
    result.stdout.no_fnmatch_line("*not booted*")


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "xdist"])
@pytest.mark.parametrize("how", [("bootgate.yaml",), (".", "--bootgate")], ids=["named", "found"])
@pytest.mark.parametrize(
    "choice",
    [("-k", "nothing"), ("-m", "nothing"), ("--deselect", "bootgate.yaml")],
    ids=["k", "m", "deselect"],
)
def test_everything_is_deselected(gate, played, workers, how, choice):
    gate(targets=["isolated", "main"], boots=1)
    result = played(*how, REQUIRE, *choice, *workers)
    assert result.ret == 1
    assert errors(result) == missing("0 of 2 targets were judged; not booted: isolated, main")


def test_without_the_option_the_exit_status_is_pytests_and_the_summary_says_it(gate, played):
    gate(targets=THREE, boots=1)
    result = played("bootgate.yaml", "-k", "nothing")
    assert (result.ret, errors(result)) == (5, [])
    result.stdout.fnmatch_lines(
        ["*-k 'nothing' matches nothing in bootgate.yaml; targets: isolated, main, current"]
    )
    result = played("bootgate.yaml", "-k", "isolated")
    assert (result.ret, errors(result)) == (0, [])
    result.stdout.fnmatch_lines(["not booted: main, current", "PASS: 1 target, 1 pass"])


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "xdist"])
def test_only_a_part_was_booted(gate, played, workers):
    gate(targets=THREE, boots=1)
    result = played("bootgate.yaml", REQUIRE, "-k", "isolated", *workers)
    assert result.ret == 1
    result.assert_outcomes(passed=4, deselected=0 if workers else 8)
    assert errors(result) == missing("1 of 3 targets was judged; not booted: main, current")
    result.stdout.fnmatch_lines(["not booted: main, current", "ERROR: 1 target, 1 pass"])


def test_host_profiles_count_and_those_on_request_only_where_asked_for(gate, played):
    gate(more="profiles: {staging: {}, low-spec: {}, spare: {on_request: true}}", boots=1)
    result = played("bootgate.yaml", REQUIRE, "-k", "staging")
    assert result.ret == 1
    text = "1 of 2 targets was judged; not booted: isolated@low-spec"
    assert errors(result) == missing(text)
    assert played("bootgate.yaml", REQUIRE).ret == 0
    asked = ("--bootgate-profile", "spare", "--bootgate-profile", "staging")
    result = played("bootgate.yaml", REQUIRE, *asked, "-k", "staging")
    assert errors(result) == missing("1 of 2 targets was judged; not booted: isolated@spare")


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "xdist"])
def test_booted_without_the_item_that_gives_the_verdict(gate, played, workers):
    gate(["engine ready"], timeout="500ms", boots=1)
    result = played("bootgate.yaml::isolated::engine", *workers)
    assert result.ret == 1  # the phase was good, but a boot that failed is never green
    result.stdout.fnmatch_lines([f"{UNSEEN}: isolated::boot", "FAIL: 1 target, 1 fail"])
    assert errors(result) == [f"bootgate.yaml: {HIDDEN}: isolated::boot"]
    assert played("bootgate.yaml::isolated", *workers).ret == 1
    result = played("bootgate.yaml::isolated::engine", REQUIRE, *workers)
    assert result.ret == 1
    assert errors(result) == missing(f"0 of 1 target was judged; {UNSEEN}: isolated::boot")


def test_with_profiles_the_item_is_named_as_pytest_calls_it(gate, played):
    gate(["engine ready"], timeout="500ms", boots=1, more="profiles: {staging: {}, spare: {}}")
    result = played("bootgate.yaml::isolated@spare::engine")
    assert errors(result) == [f"bootgate.yaml: {HIDDEN}: isolated@spare::boot"]


def test_a_part_of_a_good_gate_is_green(gate, played):
    gate(boots=1)
    result = played("bootgate.yaml::isolated::engine")
    assert (result.ret, errors(result)) == (0, [])


@pytest.mark.parametrize(
    ("skipped", "text"),
    [
        ("isolated", "1 of 2 targets was judged; not booted: isolated"),
        ("isolated::boot", f"1 of 2 targets was judged; {UNSEEN}: isolated::boot"),
    ],
)
def test_items_that_somebody_skips(gate, played, pytester, skipped, text):
    gate(targets=["isolated", "main"], boots=1)
    pytester.makeconftest(
        f"""
        import pytest
        def pytest_collection_modifyitems(items):
            for item in items:
                if {skipped!r} in item.nodeid:
                    item.add_marker(pytest.mark.skip(reason="flaky"))
        """
    )
    assert played("bootgate.yaml").ret == 0
    result = played("bootgate.yaml", REQUIRE)
    assert result.ret == 1
    assert errors(result) == missing(text)


def test_setup_only_is_no_verdict(gate, played):
    gate(boots=1)
    result = played("bootgate.yaml", REQUIRE, "--setup-only")
    assert result.ret == 1
    assert errors(result) == ["--bootgate-require: nothing was booted: --setup-only runs no test"]


@pytest.mark.parametrize(
    ("args", "text"),
    [
        (
            ["bootgate.yaml::isolated::persona", "bootgate.yaml::main"],
            f"0 of 2 targets were judged; not booted: main; {UNSEEN}: isolated::boot",
        ),
        # main is booted to tell the runner from the gateway; that is no verdict of main.
        (
            ["bootgate.yaml::isolated::boot", "bootgate.yaml::main"],
            f"1 of 2 targets was judged; {UNSEEN}: main::boot",
        ),
    ],
    ids=["at a phase", "at the whole boot"],
)
def test_a_run_that_stops_after_a_failure(gate, played, args, text):
    gate(["engine ready"], targets=["isolated", "main"], timeout="500ms", boots=1)
    result = played(*args, REQUIRE, "-x")
    assert result.ret == 1
    assert errors(result) == missing(text, "(the run ended early)")


def test_a_failed_gate_that_was_judged_as_a_whole_is_only_failed(gate, played):
    gate(["engine ready"], targets=["isolated", "main"], timeout="500ms", boots=1)
    result = played("bootgate.yaml", REQUIRE)
    assert (result.ret, errors(result)) == (1, [])
    result.stdout.fnmatch_lines(["FAIL: 2 targets, 2 fail"])


def test_an_interrupted_run_keeps_its_status_and_says_it(gate, run, pytester):
    gate(targets=THREE, boots=1)
    pytester.makeconftest(
        "import os\n"
        "def pytest_bootgate_event(event):\n"
        "    if event.kind == 'trigger_sent' and event.boot.target == 'main':\n"
        "        os.kill(os.getpid(), 2)\n"
    )
    result = run("bootgate.yaml", REQUIRE)
    assert result.ret == 2
    (text,) = errors(result)
    assert text.startswith("--bootgate-require: bootgate.yaml: 1 of 3 targets was judged;")
    assert "not booted: current" in text
    assert text.endswith("(the run ended early)")


# -- no gate at all --------------------------------------------------------------------------


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "xdist"])
@pytest.mark.parametrize("tests", [True, False], ids=["with tests", "without"])
def test_a_gate_file_that_was_left_alone(gate, played, pytester, workers, tests):
    gate()
    (pytester.path / "sub").mkdir()
    gate(name="sub/web.bootgate.yaml")
    if tests:
        pytester.makepyfile("def test_unit(): pass")
    result = played(REQUIRE, *workers)
    assert result.ret == 1
    found = "bootgate.yaml, sub/web.bootgate.yaml found but not selected"
    assert errors(result) == no_gate(f"{found}: name a gate file, or add --bootgate")


@pytest.mark.parametrize("option", [(), ("--bootgate",)], ids=["plain", "bootgate"])
def test_no_gate_file_anywhere(played, pytester, option):
    pytester.makepyfile("def test_unit(): pass")
    result = played(REQUIRE, *option)
    assert result.ret == 1
    way_out = "name a gate file" if option else "name a gate file, or add --bootgate"
    nothing = "no bootgate.yaml or NAME.bootgate.yaml was found"
    assert errors(result) == no_gate(f"{nothing}: {way_out}")


@pytest.mark.parametrize("quiet", ["-q", "--no-summary"])
def test_it_is_said_in_any_case(gate, played, pytester, quiet):
    gate()
    pytester.makepyfile("def test_unit(): pass")
    (text,) = errors(played(REQUIRE, quiet))
    assert "bootgate.yaml found but not selected" in text


def test_the_ini_file_may_ask_for_it_and_the_command_line_may_not(played, pytester):
    pytester.makeini("[pytest]\nbootgate_require = true\n")
    pytester.makepyfile("def test_unit(): pass")
    assert played().ret == 1
    assert played("-o", "bootgate_require=false").ret == 0


@pytest.mark.parametrize(("args", "status"), [(("--fixtures",), 0), (("nowhere",), 4)])
def test_where_nothing_runs_nothing_is_required(gate, played, pytester, args, status):
    gate()
    pytester.makepyfile("def test_unit(): pass")
    result = played(REQUIRE, "bootgate.yaml", *args)
    assert result.ret == status
    result.stdout.no_fnmatch_line("*bootgate-require*")
    result.stdout.no_fnmatch_line("*not booted*")


def test_a_mistake_in_a_gate_file_stays_a_usage_error(played, pytester):
    (pytester.path / "bootgate.yaml").write_text("targets: 5\n")
    result = played("--bootgate", REQUIRE)
    assert result.ret == 4
    result.stdout.no_fnmatch_line("*bootgate-require*")


# -- what else a gate file asks for ----------------------------------------------------------


def test_what_the_gate_file_leaves_out_is_not_missed(gate, played):
    left_out = '  current: {unsupported: {"1": "release 1 has no current"}}'
    path = gate(targets=["isolated", "main", left_out], boots=1)
    path.write_text(path.read_text().replace("candidate:\n", "candidate:\n    version: '1'\n"))
    assert played("bootgate.yaml", REQUIRE).ret == 0
    result = played("bootgate.yaml", REQUIRE, "-k", "isolated")
    assert errors(result) == missing("1 of 2 targets was judged; not booted: main")


def test_a_gate_file_that_leaves_out_all_it_has(gate, played):
    path = gate(targets=['  current: {unsupported: {"1": "release 1 has no current"}}'])
    path.write_text(path.read_text().replace("candidate:\n", "candidate:\n    version: '1'\n"))
    text = "bootgate.yaml: no target was judged; the gate file leaves out all of them (unsupported)"
    for options, prefix in (((), ""), ((REQUIRE,), "--bootgate-require: ")):
        result = played("bootgate.yaml", *options)
        assert result.ret == 1
        assert errors(result) == [f"{prefix}{text}"]


def test_a_propagation_test(gate, played):
    gate(targets=["isolated", SILENT], boots=1)
    result = played("bootgate.yaml", REQUIRE, "--deselect", "bootgate.yaml::main::propagation")
    assert result.ret == 1
    result.assert_outcomes(passed=8, deselected=1)
    assert errors(result) == missing("2 of 2 targets were judged; not booted: main::propagation")
    result = played("bootgate.yaml", REQUIRE, "-k", "propagation")
    text = "0 of 2 targets were judged; not booted: isolated, main"
    assert errors(result) == missing(text)


# -- the fixtures ----------------------------------------------------------------------------

CHECK = "def test_it(isolated_runner, boot_gate): boot_gate.{what}(isolated_runner)\n"


@pytest.mark.parametrize("what", ["check", "result"])
def test_with_the_fixtures_what_a_test_has_the_result_of_is_judged(gate, played, pytester, what):
    gate(targets=["isolated", "main"], boots=1)
    pytester.makepyfile(CHECK.format(what=what))
    result = played(REQUIRE)
    assert result.ret == 1
    result.assert_outcomes(passed=1)
    assert errors(result) == missing("1 of 2 targets was judged; not booted: main")
    gate(boots=1)
    assert played(REQUIRE).ret == 0
    result = played(REQUIRE, "-k", "nothing")
    assert result.ret == 1
    assert errors(result) == missing("0 of 1 target was judged; not booted: isolated")


def test_an_unused_gate_of_fixtures_is_not_mentioned_without_the_option(gate, played, pytester):
    gate()
    pytester.makepyfile(CHECK.format(what="check"), test_unit="def test_unit(): pass")
    result = played("-k", "unit")
    result.assert_outcomes(passed=1, deselected=1)
    result.stdout.no_fnmatch_line("*not booted*")


def test_workers_add_up(gate, played, pytester):
    gate(targets=["isolated", "main"], boots=1)
    check = "def test_{0}({0}_runner, boot_gate): boot_gate.check({0}_runner)\n"
    pytester.makepyfile(test_a=check.format("isolated"), test_b=check.format("main"))
    result = played(REQUIRE, "-n", "2", "--dist", "loadfile", "--bootgate-json", "out.json")
    assert result.ret == 0
    found = json.loads((pytester.path / "out.json").read_text())
    assert [t["target"] for t in found["targets"]] == ["isolated", "main"]
    assert found["unjudged"] == []
    result.stdout.no_fnmatch_line("*not booted*")


def test_items_and_fixtures_add_up(gate, played, pytester):
    gate(boots=1)
    pytester.makepyfile(CHECK.format(what="check"))
    result = played(".", "--bootgate", REQUIRE, "-k", "test_it or engine")
    assert result.ret == 0
    result.assert_outcomes(passed=2, deselected=3)


# -- workers that die ------------------------------------------------------------------------


def nothing_runs(pytester) -> bool:
    runs = (pytester.path / "runs").read_text().split()
    return not any(labelled(f"BOOTGATE_RUN={one}") for one in runs)


@pytest.mark.parametrize("require", [(), (REQUIRE,)], ids=["plain", "require"])
def test_a_worker_that_dies_takes_its_results_along(gate, played, pytester, require):
    gate(targets=THREE, boots=1, more=NOTIFY)
    pytester.makeconftest(KILLER.format(targets=["main"], always=False))
    result = played("bootgate.yaml", "-n", "2", "--bootgate-json", "out.json", *require)
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        ["*crashed while running 'bootgate.yaml::main::engine'", "no result of: isolated"]
    )
    text = "2 of 3 targets were judged; no result of: isolated"
    prefix = "--bootgate-require: " if require else ""
    assert errors(result) == [f"{prefix}bootgate.yaml: {text} {LOST}"]
    found = json.loads((pytester.path / "out.json").read_text())
    assert found["verdict"] == "error"
    assert [one["target"] for one in found["unjudged"]] == ["isolated"]
    told = json.loads((pytester.path / "told.json").read_text())
    assert told["verdict"] == "error"
    assert text in told["text"]
    assert nothing_runs(pytester)


@pytest.mark.parametrize("restarts", [(), ("--max-worker-restart", "0")], ids=["default", "none"])
def test_workers_that_die_each_time(gate, played, pytester, restarts):
    gate(targets=["isolated", "main"], boots=1, more=NOTIFY)
    pytester.makeconftest(KILLER.format(targets=["isolated", "main"], always=True))
    result = played("bootgate.yaml", "-n", "2", *restarts)
    assert result.ret == 1
    text = f"bootgate.yaml: 0 of 2 targets were judged; no result of: isolated, main {LOST}"
    assert errors(result) == [text]
    assert json.loads((pytester.path / "told.json").read_text())["verdict"] == "error"
    assert nothing_runs(pytester)


def test_a_worker_that_is_replaced_before_it_found_anything(gate, played, pytester):
    gate(targets=["isolated", "main"], boots=1)
    pytester.makeconftest(KILLER.format(targets=["isolated"], always=False))
    result = played("bootgate.yaml", "-n", "2", REQUIRE)
    assert result.ret == 1  # by the crash; the other worker booted all
    assert errors(result) == []
    result.stdout.fnmatch_lines(["PASS: 2 targets, 2 pass"])


def test_a_worker_that_is_interrupted_is_heard_once(gate, played, pytester):
    gate(targets=["isolated", "main"], boots=1)
    pytester.makeconftest(
        "import os\n"
        "def pytest_bootgate_event(event):\n"
        "    if event.kind == 'trigger_sent' and event.boot.target == 'main':\n"
        "        os.kill(os.getpid(), 2)\n"
    )
    result = played("bootgate.yaml", "-n", "1", REQUIRE)
    assert result.ret == 2
    (text,) = errors(result)
    assert "1 of 2 targets was judged" in text
    assert str(result.stdout).count("PASS isolated") == 1


# -- who is told, and what is kept -----------------------------------------------------------


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "xdist"])
@pytest.mark.parametrize(
    ("choice", "text"),
    [
        ("isolated", "1 of 3 targets was judged; not booted: main, current"),
        ("nothing", "0 of 3 targets were judged; not booted: isolated, main, current"),
    ],
)
def test_who_asked_for_it_is_told(gate, played, pytester, workers, choice, text):
    gate(targets=THREE, boots=1, more=NOTIFY)
    assert played("bootgate.yaml", "-k", choice, *workers).ret in (0, 5)
    assert not (pytester.path / "told.json").exists()
    result = played("bootgate.yaml", "-k", choice, REQUIRE, *workers)
    assert result.ret == 1
    result.stdout.fnmatch_lines(["notified on call: error", "ERROR: --bootgate-require: *"])
    told = json.loads((pytester.path / "told.json").read_text())
    assert told["verdict"] == "error"
    assert told["text"].startswith("UNKNOWN ")
    assert text in told["text"]
    names = [one["target"] for one in told["unjudged"]]
    assert names == [name for name in THREE if name != choice]


def test_a_notice_that_fails_beside_a_gate_that_booted_nothing(gate, played):
    gate(more="notify:\n  on call: {command: ['false']}\n")
    result = played("bootgate.yaml", "-k", "nothing", REQUIRE)
    assert result.ret == 1
    assert errors(result)[0] == "on call could not be notified: `false` exited with 1"


def test_result_and_journal_say_it(gate, played, pytester):
    gate(targets=["isolated", "main"], boots=1)
    played("bootgate.yaml", "-k", "isolated", "--bootgate-json", "out.json")
    plain = json.loads((pytester.path / "out.json").read_text())
    left = {"target": "main", "profile": "default", "item": "boot", "booted": False}
    left["kind"] = "boot"
    assert (plain["verdict"], plain["unjudged"], plain["error"]) == ("pass", [left], None)
    played("bootgate.yaml", "-k", "isolated", "--bootgate-json", "out.json", REQUIRE)
    text = (pytester.path / "out.json").read_text()
    result = decode(text)
    assert result.verdict == json.loads(text)["verdict"] == "error"
    assert result.error.startswith("1 of 2 targets was judged; not booted: main")
    assert decode(encode(result)) == result
    for new in ("unjudged", "error"):
        del plain[new]
    old = decode(json.dumps(plain))
    assert (old.unjudged, old.verdict) == ((), "pass")
    with closing(sqlite3.connect(pytester.path / ".bootgate" / "journal.db")) as journal, journal:
        verdicts = journal.execute("SELECT verdict FROM runs ORDER BY began").fetchall()
    assert verdicts == [("pass",), ("error",)]


def test_an_xfail_hides_no_verdict_that_is_required(gate, played, pytester):
    gate(["engine ready"], timeout="500ms", boots=1, targets=["isolated"])
    pytester.makepyfile(
        "import pytest\n"
        "def test_boots(isolated_runner, boot_gate): boot_gate.result(isolated_runner)\n"
        "@pytest.mark.xfail\n"
        "def test_verdict(isolated_runner, boot_gate): boot_gate.check(isolated_runner)\n"
    )
    result = played("test_an_xfail_hides_no_verdict_that_is_required.py", REQUIRE)
    assert result.ret == 1
    assert errors(result) == [
        "--bootgate-require: bootgate.yaml: its verdict is fail, but no test failed"
    ]


def test_a_profile_that_is_named_twice_is_gated_once(gate, played):
    gate(boots=1)
    twice = ("--bootgate-profile", "default") * 2
    played("bootgate.yaml", REQUIRE, *twice).assert_outcomes(passed=4)
