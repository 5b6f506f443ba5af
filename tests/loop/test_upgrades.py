"""An upgrade in place: the candidate takes over what the baseline left; jobs survive, or do not."""

from __future__ import annotations

import json

import pytest

from pytest_bootgate.engines.base import Exit
from pytest_bootgate.records.upgrade import JOBS, RESTART, ROLLBACK, RUNS
from tests.loop.keepers import (
    Changes,
    Deaf,
    Dirty,
    DropsHistory,
    Empty,
    Forgets,
    Keeper,
    Loses,
    LosesAndSays,
    NeedsRepair,
    NeverReady,
    OneWay,
    Refuses,
    Renames,
    Silent,
)

STATE = "/memory/state/jobs.json"
MORE = """\
upgrade: in-place
state:
  path: "${{dir}}/state"
  jobs: {jobs}
  run: {run}
  stop: 5s
  {state}
"""
TARGET = """phases: {start: {line: "^task ${token} started"}}"""
TRIGGER = '{http: ":8080/run", body: "${target} ${token}"}'


def repair(me):
    me.log("/memory/state/repaired", "yes")
    me.out("repaired")
    yield 2
    return 0


@pytest.fixture
def upgrade(play):
    """Play an upgrade from one keeper to another."""

    def call(new, old=None, **parts):
        state = parts.pop("state", "")
        more = MORE.format(
            jobs=parts.pop("jobs", '{http: ":8080/jobs"}'),
            run=parts.pop("run", '{http: ":8080/jobs/${job.id}/run"}'),
            state=state,
        )
        parts = {"trigger": TRIGGER, "target": TARGET, "targets": "{daily: {}, main: {}}", **parts}
        played = play(new, old or Keeper(), more=more, **parts)
        try:
            return played, played.check("upgrade", "upgrade")
        finally:
            played.close()

    return call


def about(found, subject) -> str:
    return " | ".join(f"{f.verdict}: {f.text}" for f in found.about(subject))


def test_everything_is_kept(upgrade):
    played, found = upgrade(Keeper())
    assert (found.verdict, found.findings, found.error) == ("pass", (), None)
    seen = found.upgrade
    assert [job.name for job in seen.jobs] == ["daily", "main"]
    assert [run.boot.outcome for run in seen.first.runs] == ["started", "started"]
    assert [run.boot.outcome for run in seen.second.runs] == ["started", "started"]
    assert (seen.first.ready, seen.first.stop.code) == (pytest.approx(0.2), 0)
    assert set(seen.same) == {"id", "name", "text", "enabled", "schedule"}
    assert played.engine.made == 3
    assert played.all_boots_ended()
    (verdict,) = [event for event in played.events if event.kind == "verdict_given"]
    assert (verdict.target, verdict.verdict) == ("upgrade", "pass")


def test_a_job_is_lost(upgrade):
    played, found = upgrade(Loses())
    assert found.verdict == "fail"
    assert about(found, JOBS) == (
        "fail: 1 of 2 jobs survived; lost: main | fail: not reported: it was ready after 0.2 s, it"
        " stopped with exit code 0, and no line of its output mentions it"
    )
    assert "1 of 2 jobs could not be run: main" in about(found, RUNS)
    (verdict,) = [event for event in played.events if event.kind == "verdict_given"]
    assert verdict.verdict == "fail"


def test_a_lost_job_that_is_told(upgrade):
    _, found = upgrade(LosesAndSays())
    assert "its output may mention it: '1 legacy job was dropped'" in about(found, JOBS)


def test_a_job_is_changed(upgrade):
    _, found = upgrade(Changes())
    assert "job daily changed: schedule.everyMs was 60000, is 5" in about(found, JOBS)


def test_a_history_is_shorter(upgrade):
    _, found = upgrade(DropsHistory())
    assert "job main: its run history is shorter, 0 of 1" in about(found, JOBS)


def test_a_job_may_have_another_id(upgrade):
    _, found = upgrade(Renames(), state="same: [name, text, schedule]")
    assert (found.verdict, found.findings) == ("pass", ())


def test_the_state_is_refused(upgrade):
    _, found = upgrade(Refuses())
    assert about(found, JOBS) == (
        "fail: the candidate failed on the old state: the gateway exited with 78 before it was"
        " ready; it printed: this state is too old: upgrade by way of 2.0"
    )
    assert about(found, RUNS) == "fail: none of 2 jobs ran"
    assert about(found, RESTART) == "fail: no second start: the first one failed"


def test_the_state_was_redacted(upgrade, tmp_path):
    """What the baseline started on: nobody must blame the candidate for it."""
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / "key").write_text("secret")
    _, found = upgrade(Refuses(), state=f"from: {tmp_path}/s\n  redact: {{key: secret}}")
    (note,) = found.upgrade.notes
    assert note.startswith("the state was redacted in 1 place (key: 1): a failure may be due to")


def test_it_is_never_ready_on_the_state(upgrade):
    _, found = upgrade(NeverReady())
    assert "the gateway was not ready after 10 s" in about(found, JOBS)


def test_jobs_are_there_and_do_not_run(upgrade):
    _, found = upgrade(Silent())
    assert about(found, JOBS) == ""
    assert "job main did not start: timed_out, no proof within 10 s" in about(found, RUNS)
    assert found.upgrade.control is not None
    assert found.upgrade.failed


def test_jobs_are_lost_at_the_second_start(upgrade):
    _, found = upgrade(Forgets())
    assert (about(found, JOBS), about(found, RUNS)) == ("", "")
    assert "second start: 1 of 2 jobs survived; lost: main" in about(found, RESTART)


def test_it_does_not_stop_cleanly(upgrade):
    _, found = upgrade(Dirty())
    assert "the candidate did not stop cleanly: it exited with 1 after 0.3 s" in (
        about(found, RESTART)
    )


def test_an_exit_code_that_is_clean_by_the_gate_file(upgrade):
    _, found = upgrade(Dirty(), state="stop_exit: [0, 1]")
    assert found.verdict == "pass"


def test_it_must_be_killed(upgrade):
    _, found = upgrade(Deaf())
    assert "was killed because it did not stop within 5 s" in about(found, RESTART)


def test_a_rollback(upgrade):
    _, found = upgrade(Keeper(), Keeper(), state="rollback: true")
    assert (found.verdict, about(found, ROLLBACK)) == ("pass", "")
    assert found.upgrade.rollback is not None
    _, found = upgrade(OneWay(), Keeper(), state="rollback: true")
    assert found.verdict == "warn"
    assert about(found, ROLLBACK).startswith("warn: rollback does not work")


def test_a_repair_that_helps(upgrade):
    _, found = upgrade(NeedsRepair(), state="repair: [fix]", programs={"fix": repair})
    assert "needs repair: `fix` (2.0 s, exit 0) first, then 2 of 2 jobs are there" in (
        about(found, JOBS)
    )


def test_a_repair_that_fails(upgrade):
    def fails(me):
        yield 1
        return 3

    _, found = upgrade(NeedsRepair(), state="repair: [fix]", programs={"fix": fails})
    assert "the repair command `fix` (1.0 s, exit 3) failed" in about(found, JOBS)


def test_jobs_that_a_command_lists_and_runs(upgrade):
    def ls(me):
        me.out(json.dumps(json.loads(me.world.files[STATE])["jobs"], indent=1))
        return 0
        yield

    def run(me):
        me.call(8080, f"/jobs/{me.command[1]}/run")
        return 0
        yield

    _, found = upgrade(
        Keeper(),
        jobs="{exec: [ls]}",
        run='{exec: [run, "${job.id}"]}',
        programs={"ls": ls, "run": run},
    )
    assert (found.verdict, found.error) == ("pass", None)


def test_a_command_that_cannot_list(upgrade):
    def ls(me):
        me.err("no such database")
        return 2
        yield

    _, found = upgrade(Keeper(), jobs="{exec: [ls]}", programs={"ls": ls})
    assert found.verdict == "error"
    assert (
        "The baseline's list of jobs could not be read: the command exited with 2: no such database"
        in (found.error)
    )


def test_a_state_that_is_aged(upgrade):
    def seed(me):
        kept = json.loads(me.world.files[STATE])
        kept["jobs"].append({"id": "old", "name": "old one", "enabled": False, "runs": 7})
        me.world.files[STATE] = json.dumps(kept).encode()
        return 0
        yield

    _, found = upgrade(Keeper(), state="seed: [seed]", programs={"seed": seed})
    assert found.verdict == "pass"
    assert [job.name for job in found.upgrade.jobs] == ["daily", "main", "old one"]


def test_a_stop_by_command(upgrade):
    keeper, before = Keeper(), Keeper()

    def stop(me):
        for one in (keeper, before):
            if hasattr(one, "me") and one.me.exit is None:
                one.me.end(Exit(0))
        return 0
        yield

    _, found = upgrade(keeper, before, state="stop_command: [stop]", programs={"stop": stop})
    assert found.verdict == "pass"


class Crashes(Keeper):
    def run(self, number):
        self.me.end(Exit(1))


@pytest.mark.parametrize(
    ("old", "words"),
    [
        (Refuses, "The baseline wrote no state: the gateway exited with 78 before it was ready."),
        (Crashes, "The baseline ended while it booted daily, so it wrote no state."),
        (Dirty, "The baseline did not stop cleanly: it exited with 1 after 0.3 s."),
        (Empty, "The baseline has no jobs after its targets were booted"),
    ],
)
def test_a_baseline_that_proves_nothing(upgrade, old, words):
    _, found = upgrade(Keeper(), old())
    assert found.verdict == "error"
    assert words in found.error


class Once(Keeper):
    """Runs what is asked for, and never again."""

    def run(self, number):
        if not next(job for job in self.jobs if job["id"] == number)["runs"]:
            super().run(number)


def test_a_baseline_that_runs_no_job_again(upgrade):
    _, found = upgrade(Keeper(), Once())
    assert found.verdict == "error"
    assert "The baseline does not run the job of daily again" in found.error


def test_a_candidate_that_ends_while_it_runs_jobs(upgrade):
    _, found = upgrade(Crashes())
    assert found.verdict == "fail"
    assert "job daily did not start: crashed" in about(found, RUNS)
    assert "1 of 2 jobs could not be run: main" in about(found, RUNS)


def test_an_engine_that_disappears(play, upgrade):
    class Down(Keeper):
        def migrate(self):
            box[0].engine.down = "No engine answers."

    box = []
    more = MORE.format(
        jobs='{http: ":8080/jobs"}', run='{http: ":8080/jobs/${job.id}/run"}', state=""
    )
    played = play(Down(), Keeper(), more=more, trigger=TRIGGER, target=TARGET)
    box.append(played)
    found = played.check("upgrade", "upgrade")
    played.close()
    assert (found.verdict, found.error) == ("error", "No engine answers.")


def test_an_interruption(play):
    def interrupt(event):
        if event.kind == "phase_reached" and event.boot.release == "candidate":
            raise KeyboardInterrupt

    more = MORE.format(
        jobs='{http: ":8080/jobs"}', run='{http: ":8080/jobs/${job.id}/run"}', state=""
    )
    played = play(Keeper(), Keeper(), more=more, trigger=TRIGGER, target=TARGET, on_event=interrupt)
    with pytest.raises(KeyboardInterrupt):
        played.check("upgrade", "upgrade")
    played.close()
    (found,) = played.gate.outcome().checks
    assert found.verdict == "error"
    assert found.error == (
        "Interrupted in the 3rd boot of the upgrade in place, so it was not judged."
    )


def test_boots_start_on_what_the_baseline_left(play):
    """The boots of a target, too, begin with the state of the baseline."""
    more = MORE.format(
        jobs='{http: ":8080/jobs"}', run='{http: ":8080/jobs/${job.id}/run"}', state=""
    )
    seen = []

    class Looks(Keeper):
        def migrate(self):
            seen.append(len(self.jobs))

    played = play(Looks(), Keeper(), more=more, trigger=TRIGGER, target=TARGET, boots="5")
    result = played.result()
    assert result.verdict == "pass"
    assert set(seen) == {1}


def test_a_migration_that_comes_with_the_candidate_fails(upgrade):
    """The candidate does not start on the state, and its repair cannot be tried."""

    def migrate(me):
        yield 0.1
        me.out("no such column")
        return 3 if me.image == "new" else 0

    _, found = upgrade(
        Keeper(),
        state="repair: [repair]\nservices: {migrate: {image: release, command: [m], once: true}}",
        programs={"m": migrate, "repair": repair},
    )
    why = "the service migrate runs once and must exit with 0, but exited with 3"
    assert found.verdict == "fail"
    assert f"fail: the candidate failed on the old state: {why}" in about(found, JOBS)
    assert "failed, so nothing was started on its result" in about(found, JOBS)


def test_what_is_lost_on_the_way_is_done_anew_and_told(upgrade, losing):
    more = {"state": "repair: [fix]", "programs": {"fix": repair}}
    _, before = upgrade(NeedsRepair(), **more)
    losing("the baseline's", "", "the first", "", "", "the repair's")
    _, found = upgrade(NeedsRepair(), **more)
    assert (found.verdict, found.findings, found.error) == (before.verdict, before.findings, None)
    lost = ["the baseline's", "the first", "the repair's"]
    assert list(found.upgrade.notes)[-3:] == [f"a boot was lost and repeated: {w}" for w in lost]
