"""Upgrades in place through pytest itself: a small gateway whose versions treat old state ill."""

from __future__ import annotations

import json
import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from pytest_bootgate.records.codec import decode, encode

KEEPER = Path(__file__).with_name("keeper.py")
GATE = """\
upgrade: in-place
releases:
  baseline: {{image: "{image}", env: {{HOW: {before}, JOBS: {jobs}}}}}
  candidate: {{image: "{image}", env: {{HOW: {how}, X: new}}}}
gateway:
  command: [python3, "${{dir}}/keeper.py"]
  files: {{"${{dir}}/keeper.py": {{path: "{keeper}"}}}}
  env:
    STATE: "{path}"
    PORT: "${{port.gateway}}"
    STUB: "http://127.0.0.1:${{port.bell}}/"
  ready: {{http: ":${{port.gateway}}/jobs"}}
  ready_timeout: 5s
  health: {{http: ":${{port.gateway}}/healthz"}}
  stages: {{start: {{line: 'stages='}}}}
sidecar: {{stub: {{port: "${{port.bell}}"}}}}
ports: {{gateway: 8080, bell: 8099}}
state:
  path: "{path}"
  jobs: {list}
  run: {run}
  stop: 5s
{more}
target:
  timeout: 3s
  listen: 200ms
  trigger: {{http: ":${{port.gateway}}/run", body: "${{target}} ${{token}}"}}
  proof: {{stub: true}}
targets: {{isolated: {{}}, again: {{extends: isolated, start: warm}}, daily: {{}}, main: {{}}}}
gate: {{boots: 1}}
"""


@pytest.fixture
def upgrade(pytester, here, played):
    """Run the upgrade of a gate whose candidate does as told; returns pytester's result."""

    def call(how: str, *args: str, before="keep", jobs="some", engine="memory", **state):
        text = GATE.format(
            keeper=KEEPER,
            how=how,
            before=before,
            jobs=jobs,
            image=os.environ.get("BOOTGATE_PYTHON_IMAGE", "python:3.13-alpine"),
            path="/var/keeper/state" if engine == "docker" else "${dir}/state",
            list=state.pop("list", '{http: ":${port.gateway}/jobs"}'),
            run=state.pop("run", '{http: ":${port.gateway}/jobs/${job.id}/run"}'),
            more="\n".join(f"  {key}: {value}" for key, value in state.items()),
        )
        (pytester.path / "bootgate.yaml").write_text(text)
        options = ["bootgate.yaml", "--bootgate-json", "out.json", *(args or ("-k", "upgrade"))]
        if engine == "memory":
            return played(*options)
        return here(*options, "--bootgate-engine", engine)

    return call


def found() -> dict:
    (upgrade,) = json.loads(Path("out.json").read_text())["upgrades"]
    return upgrade


ENGINES = ["process", pytest.param("docker", marks=pytest.mark.docker)]


@pytest.mark.parametrize("engine", ["memory", "process"])
def test_a_candidate_that_keeps_everything(upgrade, engine):
    result = upgrade("keep", "-v", "-k", "upgrade", engine=engine)
    assert result.ret == 0
    result.stdout.fnmatch_lines(
        [
            "bootgate.yaml::upgrade::state PASSED*",
            "bootgate.yaml::upgrade::jobs PASSED*",
            "bootgate.yaml::upgrade::runs PASSED*",
            "bootgate.yaml::upgrade::restart PASSED*",
            "PASS upgrade in place: 3 of 3 jobs survived, 3 of 3 ran",
            "*job *session target *there *equal *history *ran *second start",
            "*isolated *isolated *yes *yes *2 *s *s",
            "*daily *daily *yes *yes *1 *s *s",
            "*main *main *yes *yes *1 *s *s",
            "*note: first start on the old state *s (* CPU-s), the second *s (* CPU-s)*",
            "*note: /healthz was green after *s (informational, not a proof)",
            "*note: fields compared: id, name, enabled, text, schedule",
            "PASS: 1 upgrade, 1 pass",
        ]
    )
    assert [run["boot"]["target"] for run in found()["upgrade"]["first"]["runs"]] == [
        "isolated",
        "daily",
        "main",
    ]
    written = Path("out.json").read_text()
    assert json.loads(encode(decode(written))) == json.loads(written)


def test_a_lost_job_is_red_with_its_name(upgrade):
    result = upgrade("lose")
    assert result.ret == 1
    result.assert_outcomes(passed=1, failed=3)
    result.stdout.fnmatch_lines(
        [
            "bootgate.yaml:1: fail: 2 of 3 jobs survived; lost: daily",
            (
                "fail: not reported: it was ready after *, /healthz was green after *, it stopped"
                " with exit code 0, and no line of its output mentions it"
            ),
            "the last 1 line of the candidate:",
            "    keeper lose is here",
            "bootgate.yaml:1: fail: 1 of 3 jobs could not be run: daily",
            "bootgate.yaml:1: fail: *",
            "FAIL upgrade in place: 2 of 3 jobs survived, 2 of 3 ran",
            "*daily *daily *LOST*",
        ]
    )


@pytest.mark.parametrize(
    ("how", "text"),
    [
        ("change", "job isolated changed: schedule.everyMs was 60000, is 5"),
        ("rename", "job isolated changed: id was 'j1', is 'new-1'"),
        ("drop", "job isolated: its run history is shorter, 0 of 2"),
    ],
)
def test_a_job_that_is_not_what_it_was(upgrade, how, text):
    result = upgrade(how)
    assert result.ret == 1
    result.assert_outcomes(passed=2, failed=2)
    result.stdout.fnmatch_lines([f"bootgate.yaml:1: fail: {text}"])


def test_a_refusal_in_its_own_words(upgrade):
    result = upgrade("refuse")
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        [
            (
                "bootgate.yaml:1: fail: the candidate failed on the old state: the gateway exited"
                " with 78 before it was ready*"
            ),
            "the last * of the candidate:",
            "    this state is too old: upgrade by way of 2.0",
            "FAIL upgrade in place: the candidate failed on the old state",
        ]
    )


def test_what_only_needs_a_repair(upgrade):
    result = upgrade("repair", repair='[python3, "${dir}/keeper.py", repair]')
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        [
            "bootgate.yaml:1: fail: 0 of 3 jobs survived; lost: *isolated*",
            (
                "fail: needs repair: `python3 *keeper.py repair` (* s, exit 0) first, then 3 of 3"
                " jobs are there and 3 of 3 ran"
            ),
            "    repaired 3 jobs",
        ]
    )


def test_a_repair_that_does_not_help(upgrade):
    result = upgrade("lose", repair="[python3, -c, 'raise SystemExit(7)']")
    result.stdout.fnmatch_lines(["fail: the repair command * exit 7) failed, so nothing was *"])


def test_a_candidate_that_does_not_stop_cleanly(upgrade):
    result = upgrade("dirty", rollback="true")
    assert result.ret == 1
    result.assert_outcomes(passed=4, failed=1, warnings=1)
    result.stdout.fnmatch_lines(
        [
            "*fail: the candidate did not stop cleanly: it exited with 1 after * s",
            "*warn: rollback: rollback was not tested: the candidate did not stop cleanly",
        ]
    )


@pytest.mark.parametrize("engine", ENGINES)
def test_a_stop_that_ends_with_the_signal_is_clean_where_the_gate_file_says_so(upgrade, engine):
    result = upgrade('"143"')
    assert result.ret == 1
    text = (
        "*the candidate did not stop cleanly: it exited with 143 after * {stop_exit: [[]0, 143]})"
    )
    result.stdout.fnmatch_lines([text])
    result = upgrade('"143"', before='"143"', engine=engine, stop_exit="[0, 143]")
    assert result.ret == 0


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    "state", [{"stop_signal": "SIGINT"}, {"stop_command": '[python3, "${dir}/keeper.py", stop]'}]
)
def test_a_gateway_may_be_asked_to_stop_in_its_own_way(upgrade, engine, state):
    result = upgrade("deaf", before="deaf", engine=engine, **state)
    assert result.ret == 0


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("state", [{}, {"stop_command": "[python3, -c, pass]"}])
def test_a_gateway_that_does_not_stop_is_killed(upgrade, engine, state):
    result = upgrade("deaf", before="deaf", engine=engine, **state)
    assert result.ret == 1
    text = "*baseline did not stop cleanly: it was killed because it did not stop within * s. So *"
    result.stdout.fnmatch_lines([text])


def test_jobs_that_are_there_but_do_not_run(upgrade):
    result = upgrade("silent")
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        [
            "bootgate.yaml:1: fail: job isolated did not start: timed_out, no proof within 3 s",
            "bootgate.yaml:1: fail: the second start was no better than the first",
        ]
    )


def test_what_the_second_start_loses(upgrade):
    result = upgrade("forget")
    assert result.ret == 1
    result.assert_outcomes(passed=3, failed=1)
    result.stdout.fnmatch_lines(["*fail: second start: 2 of 3 jobs survived; lost: main"])


def test_a_rollback_that_works_and_one_that_does_not(upgrade):
    result = upgrade("change", rollback="true")
    result.stdout.fnmatch_lines(["*rollback does not work*schedule.everyMs was 60000, is 5*"])
    result = upgrade("keep", rollback="true")
    assert result.ret == 0
    result.assert_outcomes(passed=5)
    result.stdout.fnmatch_lines(["*note: rollback works: the baseline was ready in *"])


def test_a_way_of_no_return_warns_behind_a_green_health(upgrade):
    result = upgrade("one-way", rollback="true")
    assert result.ret == 0
    result.assert_outcomes(passed=5, warnings=1)
    result.stdout.fnmatch_lines(
        [
            "WARN upgrade in place: 3 of 3 jobs survived, 3 of 3 ran",
            (
                "*warn: rollback: rollback does not work (although /healthz was green after *): the"
                " baseline failed on the old state: *500 Internal Server Error: uses newer format"
                " 2, this version knows 1"
            ),
            "*note: the candidate added 1 job of its own: its own",
        ]
    )


def test_how_long_the_migration_took(upgrade):
    result = upgrade("slow")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["*old state *; longer on the first: migrate 500 ms"])


def test_jobs_are_listed_and_run_by_commands(upgrade):
    keeper = '[python3, "${dir}/keeper.py", '
    commands = {
        "list": f"{{exec: {keeper} list]}}",
        "run": f'{{exec: {keeper} run, "${{job.id}}"]}}',
    }
    result = upgrade("lose", **commands)
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        [
            "FAIL upgrade in place: 2 of 3 jobs survived, 2 of 3 ran",
            "*isolated *isolated *yes *yes *2 *s *",
        ]
    )
    result = upgrade("keep", **commands | {"list": "{exec: [python3, -c, 'exit(\"no list\")']}"})
    result.assert_outcomes(errors=4)
    result.stdout.fnmatch_lines(
        ["*The baseline's list of jobs could not be read: the command exited with 1: no list.*"]
    )


def test_a_run_that_the_baseline_does_not_do_is_no_fault_of_the_candidate(upgrade):
    result = upgrade("keep", run="{exec: [python3, -c, pass]}")
    result.assert_outcomes(errors=4)
    result.stdout.fnmatch_lines(
        ["*The baseline does not run the job of isolated again (timed_out*"]
    )


def test_files_of_the_gate_in_the_state_are_put_when_a_release_is_deployed(upgrade, pytester, here):
    upgrade("keep", "--collect-only", rollback="true")
    gate = pytester.path / "bootgate.yaml"
    text = gate.read_text()
    for name in ("baseline", "candidate"):
        files = f'files: {{"${{dir}}/state/who": {{text: {name}}}}}'
        text = text.replace(f"  {name}: {{", f"  {name}: {{{files}, ")
    gate.write_text(text)
    options = ["bootgate.yaml", "--bootgate-json", "out.json", "-k", "upgrade"]
    result = here(*options, "--bootgate-engine", "process")
    assert result.ret == 0
    seen = found()["upgrade"]
    said = [seen[start]["last"][0] for start in ("baseline", "first", "second", "rollback")]
    assert said == [
        "configured by baseline",
        "configured by candidate",
        "configured by candidate+",
        "configured by baseline",
    ]


def test_a_seed_ages_the_state_and_disabled_jobs_are_kept(upgrade):
    result = upgrade("keep", seed='[python3, "${dir}/keeper.py", seed]')
    assert result.ret == 0
    result.stdout.fnmatch_lines(["*old one *- *yes *yes *7 *disabled *there"])


@pytest.mark.parametrize(
    ("more", "text"),
    [
        ({"jobs": "none"}, "*The baseline has no jobs after its targets were booted*"),
        ({"before": "dirty"}, "*The baseline did not stop cleanly: it exited with 1 after *"),
        ({"before": '"143"'}, "*it exited with 143 after * state: {stop_exit: [[]0, 143]}). So *"),
        ({"before": "no list"}, "*The baseline wrote no state: the gateway was not ready*"),
        ({"seed": "[python3, -c, 'raise SystemExit(3)']"}, "*exited with 3*Correct state: seed."),
    ],
)
def test_a_baseline_that_proves_nothing_is_an_error(upgrade, more, text):
    result = upgrade("keep", **more)
    assert result.ret == 1
    result.assert_outcomes(errors=4)
    result.stdout.fnmatch_lines([text])
    result.stdout.no_fnmatch_line("*Traceback*")


def test_every_target_is_booted_on_the_old_state(upgrade):
    result = upgrade("refuse", "-k", "isolated or again")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*this state is too old: upgrade by way of 2.0*"])
    targets = json.loads(Path("out.json").read_text())["targets"]
    assert {t["boots"][-1]["exit_code"] for t in targets} == {78}
    result = upgrade("keep", "-k", "isolated or again")
    assert result.ret == 0
    assert not list(Path(result.outlines[0]).parent.glob("bootgate-*-state-*"))


@pytest.mark.docker
def test_in_containers(upgrade):
    repair = '[python3, "${dir}/keeper.py", repair]'
    result = upgrade("repair", engine="docker", repair=repair, rollback="true")
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        [
            "*engine docker*",
            "bootgate.yaml:1: fail: 0 of 3 jobs survived; lost: *isolated*",
            "fail: needs repair: *exit 0) first, then 3 of 3 jobs are there and 3 of 3 ran",
        ]
    )
    result = upgrade("one-way", "-k", "upgrade or daily", engine="docker", rollback="true")
    assert result.ret == 0
    result.stdout.fnmatch_lines(
        [
            "WARN upgrade in place: 3 of 3 jobs survived, 3 of 3 ran",
            "*warn: rollback: rollback does not work*uses newer format 2*",
            "*isolated *isolated *yes *yes *2 *s *s",
            "INCONCLUSIVE daily, cold: 1 started (baseline: 1 started)",
        ]
    )


def test_the_journal_tells_the_boots_of_the_upgrade_from_those_of_the_campaign(upgrade, pytester):
    upgrade("keep", "-k", "upgrade or (main and boot)")
    with closing(sqlite3.connect(pytester.path / ".bootgate" / "journal.db")) as journal, journal:
        counts = dict(journal.execute("SELECT during, count(*) FROM boots GROUP BY during"))
        given = "SELECT target, verdict FROM verdicts ORDER BY target"
        assert journal.execute(given).fetchall()[-1] == ("upgrade", "pass")
    assert counts["upgrade"] > 4
    assert counts["campaign"] == 2


def test_an_upgrade_that_cannot_be_kept_is_an_error(upgrade, pytester):
    (pytester.path / "conftest.py").write_text(
        "import shutil\n"
        "def pytest_bootgate_event(event):\n"
        "    if event.kind == 'boot_began': shutil.rmtree('.bootgate', ignore_errors=True)\n"
    )
    result = upgrade("keep")
    result.stdout.fnmatch_lines(["*journal.db was removed or replaced while it was being*"])
    assert "Traceback" not in result.stdout.str()
    assert result.ret == 1
    assert json.loads(Path("out.json").read_text())["upgrades"][0]["verdict"] == "error"


def test_an_upgrade_of_which_a_part_was_not_asked_for_is_not_judged(upgrade):
    # What the state item passes, the jobs item fails.
    result = upgrade("lose", "-k", "upgrade and state")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["ERROR: bootgate.yaml: failed, but *: upgrade::jobs, *"])
    result = upgrade("keep", "-k", "upgrade and state")
    assert result.ret == 0
    left = "upgrade::jobs, upgrade::runs, upgrade::restart"
    unseen = f"booted, but the item that gives the verdict did not run: {left}"
    result.stdout.fnmatch_lines([f"not booted: isolated, again, daily, main; {unseen}"])
    result = upgrade("lose", "-k", "upgrade and state", "--bootgate-require")
    assert result.ret == 1
    result.stdout.fnmatch_lines([f"ERROR: --bootgate-require: *; {unseen} (*"])
    result = upgrade("keep", "-k", "main", "--bootgate-require")
    result.stdout.fnmatch_lines(["*: 1 of 4 targets was judged; not booted: upgrade, isolated, *"])
