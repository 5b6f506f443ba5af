"""`bootgate check`: mistakes, or the plan."""

from __future__ import annotations

import json
import re
import sqlite3
from contextlib import closing

import pytest

from pytest_bootgate.cli import main
from pytest_bootgate.gatefile import load
from pytest_bootgate.journal import files
from pytest_bootgate.journal.store import Journal
from pytest_bootgate.run import Gate, Plan
from tests.cli.conftest import edit

UPGRADE = """\
upgrade: in-place
state:
  path: "${dir}/state"
  jobs: {http: ":8080/jobs"}
  run: {http: ":8080/jobs/${job.id}/run"}
releases:
  baseline: {command: [python3, old.py], version: "1.0"}
  candidate: {command: [python3, new.py], version: "2.0"}
gateway:
  ready: {http: ":8080/"}
  version: {line: 'version (?P<version>\\S+)'}
sidecar: {stub: {port: 8099}}
targets:
  daily:
    timeout: 60s
    trigger: {http: ":8080/jobs", json: {text: "${token}"}}
    proof: {line: "running ${token}"}
    propagation: {hold: pause, timeout: 20s}
  warm: {extends: daily, start: warm}
  gone: {extends: daily, unsupported: {"2.": "2.0 has no such target"}}
  new: {extends: daily, unsupported: {"1.": "1.0 has no such target"}}
profiles:
  staging: {}
  poor: {on_request: true}
gate: {boots: 5..15, retries: 1}
"""


def test_the_plan(command, example):
    said = command("check")
    assert (said.status, said.err) == (0, "")
    assert said.lines[0] == "bootgate.yaml: no mistakes"
    rows = dict(re.findall(r"^  (\S+(?: \S+)?) +(\S.*)$", said.out, re.MULTILINE))
    assert rows["engine"] == "process: not every release has an image"
    assert rows["baseline"].startswith("python3 ${here}/example_service.py --release 1.0")
    assert rows["boots"] == "boot: 12 to 26 boots (cold, timeout 3 s)"
    assert rows["in all"].startswith("12 to 26 boots, warm-ups included; ")
    assert max(map(len, said.lines)) <= 80
    assert not (example.parent / ".bootgate").exists()


@pytest.mark.parametrize("words", [["check"], ["check", "-q"], ["doctor"]])
def test_the_same_release_twice(command, example, words):
    edit(example, ('"1.1"', '"1.0"'))
    said = command(*words)
    assert said.status != 0
    assert "The releases baseline and candidate are the same" in " ".join(
        f"{said.out} {said.err}".split()
    )
    edit(example, ("gate:\n", "gate:\n  allow: same-image\n"))
    assert command(*words).status == 0


def test_how_long_the_last_run_took(command, example):
    path = example.parent / files.DEFAULT
    path.parent.mkdir()
    Journal(path).close()
    with closing(sqlite3.connect(path)) as journal:
        runs = (
            (1.0, 16.4, "pass", 12),
            (20.0, 321.0, "fail", 12),  # of which it waited 5 min for another gate
            (40.0, 24.0, "inconclusive", 12),
            (50.0, 0.1, "error", 12),
            (60.0, 0.3, "warn", 2),
        )
        for began, took, verdict, boots in runs:
            journal.execute(
                "INSERT INTO runs (id, gate_file, began, finished, verdict, engine, result)"
                " VALUES (?, ?, ?, ?, ?, 'local processes', ?)",
                (
                    *(verdict, str(example), began, began + took, verdict),
                    json.dumps({"waited": 300.0 if verdict == "fail" else 0.0}),
                ),
            )
            journal.executemany(
                "INSERT INTO boots (id, run, target, release, profile, number, attempt, start,"
                " during, began) VALUES (?, ?, '', '', '', 1, 1, 'cold', 'campaign', 0)",
                [(f"{verdict}{number}", verdict) for number in range(boots)],
            )
        journal.commit()
    said = " ".join(command("check").out.split())
    assert "warm-ups included; expected about 21 s (from 3 runs), at most " in said


def test_all_that_a_plan_may_hold(command, tmp_path):
    (tmp_path / "bootgate.yaml").write_text(UPGRADE)
    said = command("check")
    assert said.status == 0, said.err
    words = " ".join(said.out.split())
    assert "daily@staging: 12 to 66 boots (cold, timeout 60 s)" in words
    assert "and 1 held on purpose (pause) beyond 20 s" in words
    assert "warm@staging: 12 to 70 boots (warm, timeout 60 s)" in words
    assert "gone@staging" not in words
    assert "gone: 2.0 has no such target" in words
    assert "new@staging: 5 to 6 boots" in words
    assert "new of the baseline: 1.0 has no such target" in words
    assert "profile poor: on request (--bootgate-profile poor)" in words
    assert "in place, on a copy of the baseline's state: state, jobs, runs, restart" in words
    assert "in all 30 to 143 boots and those of the upgrade" in words


def test_a_target_may_be_called_like_a_kind_of_check(command, tmp_path):
    gate = tmp_path / "bootgate.yaml"
    what = "{timeout: 5s, proof: {line: up}, propagation: {hold: pause}}"
    names = ("one", "boot", "two", "upgrade")
    targets = ", ".join(f"{name}: {what}" for name in names)
    gate.write_text(f"releases: {{candidate: {{command: [run]}}}}\ntargets: {{{targets}}}\n")
    lines = command("check").lines
    shown = [line.strip().removeprefix("boots").strip() for line in lines if "5 to 6" in line]
    assert [line.partition(":")[0] for line in shown] == list(names)
    assert [line.split()[0] for line in lines].count("boots") == 1
    plan = Plan(load(gate))
    assert plan.check("propagation", "default", "boot").name == "boot::propagation"


@pytest.mark.parametrize("boots", ["1", "3", "5", "5..15", "7..40"])
def test_the_number_of_boots_is_the_one_that_is_made(example, boots):
    """By the campaign itself: with boots that all started, or timed out as often as they may."""
    from pytest_bootgate.checks.campaign import campaign

    edit(example, ("boots: 5 ", f"boots: {boots} "))
    gate = Gate(load(example))
    least, most = gate.plan.check("boot", "default", "boot").boots
    rules = gate.plan.rules("default", "boot")

    def made(retries: dict[str, int], far: float) -> int:
        count, asks = 0, campaign(["baseline", "candidate"], rules, warm=False)
        ask = next(asks)
        try:
            while True:
                count += 1
                ask = asks.send(_boot(ask, retries, far, count))
        except StopIteration:
            return count

    assert made({}, 1.0) == least
    # Only a slowdown that stays open to the last look of both campaigns would make all of them.
    assert least < made({"candidate": 1}, 0.0) <= most


def _boot(ask, retries, far, count):
    """A boot as quick as all others (`far` 1), or in no way to be told from noise (0)."""
    from pytest_bootgate.records.values import Boot, Phase

    late = retries.get(ask.release, 0) > 0
    if late:
        retries[ask.release] -= 1
    noise = 0.001 * (count % 3) if far else 0.9 * ((count * 7) % 5) / 5
    seconds = 0.2 + noise
    names = ("configuration", "plugins", "answers")
    phases = [Phase(name, seconds * (n + 1) / 3, seconds / 3) for n, name in enumerate(names)]
    return Boot(
        target="boot",
        release=ask.release,
        profile="default",
        number=ask.number,
        start="cold",
        attempt=ask.attempt,
        warm_up=ask.warm_up,
        outcome="timed_out" if late else "started",
        detail="",
        timeout=3.0,
        ended=3.0 if late else seconds,
        seconds=None if late else seconds,
        cpu_seconds=seconds,
        phases=() if late else tuple(phases),
    )


def test_the_longest_duration_is_the_budget_of_the_gate(command, example):
    minutes = int(re.search(r"at most\s+(\d+)\s+min,", command("check").out)[1])
    budget = Plan(load(example)).budget()
    assert budget <= minutes * 60 < budget + 60


def test_an_engine_that_is_not_there_is_no_mistake(command, tmp_path):
    (tmp_path / "bootgate.yaml").write_text(
        "releases: {candidate: {image: a}}\ntargets: {boot: {timeout: 5s, proof: {line: up}}}\n"
    )
    said = command("check", DOCKER_HOST="tcp://127.0.0.1:1")
    assert said.status == 0
    assert (
        "  engine     none: No Docker engine answers (DOCKER_HOST=tcp://127.0.0.1:1)." in said.out
    )
    assert "  baseline   none, so nothing is compared: headroom only" in said.out


def test_quiet_says_mistakes_only(command, example):
    assert command("check", "-q", DOCKER_HOST="nonsense") == command("check", "--quiet")
    said = command("check", "--quiet")
    assert (said.status, said.out, said.err) == (0, "", "")
    edit(example, ("limit: 2s", "limit: 2"))
    said = command("check", "--quiet")
    assert (said.status, said.out) == (4, "")
    lines = example.read_text().splitlines()
    (place,) = [(n, text.index("2}")) for n, text in enumerate(lines, 1) if "limit: 2}" in text]
    assert said.err.startswith(f"bootgate.yaml:{place[0]}:{place[1] + 1}: 2 has no unit")


def test_of_several_files_each_is_looked_at(command, example, tmp_path):
    (tmp_path / "bad.yaml").write_text("releases: [")
    said = command("check", "bad.yaml", "bootgate.yaml", "none.yaml", ".")
    assert said.status == 4
    assert said.out.count(": no mistakes") == 2
    assert "bad.yaml:1:" in said.err
    assert "none.yaml" in said.err


def test_without_a_gate_file(command):
    for words in (["check"], ["check", "."]):
        said = command(*words)
        assert said.status == 4
        assert said.err == (
            "There is no bootgate.yaml in this directory: run `bootgate init` to write one, or name"
            " a gate file.\n"
        )


def test_what_only_containers_have(tmp_path, capsys):
    path = tmp_path / "bootgate.yaml"
    path.write_text(
        "releases: {candidate: {command: [x]}}\n"
        "gateway: {container: {user: app}}\n"
        "services: {db: {command: [y], memory: 1g}}\n"
        "targets: {app: {timeout: 5s, proof: {healthcheck: true}}}\n"
        "profiles: {small: {cpus: 0.5}}\n"
    )
    assert main(["check", str(path)]) != 0
    said = capsys.readouterr().err
    assert f"{path}:5:12: only containers have `cpus` and `memory`; " in said
    assert f"{path}:2:11: only containers have `container`; " in said
    assert f"{path}:3:12: only containers have `container`, `cpus` and `memory`; " in said
    assert f"{path}:4:" in said
    assert said.endswith("use --bootgate-engine docker, or leave that out.\n")


def test_releases_that_differ_in_their_files_and_environment(tmp_path, capsys):
    path = tmp_path / "bootgate.yaml"
    path.write_text(
        "releases:\n"
        "  baseline: {command: [x], files: {'${dir}/conf': {text: a}}, env: {LEVEL: a}}\n"
        "  candidate: {command: [x], files: {'${dir}/conf': {text: b}}, env: {LEVEL: b}}\n"
        "targets: {app: {timeout: 5s, proof: {line: up}}}\n"
    )
    assert main(["check", str(path)]) == 0
    assert "x, files ${dir}/conf, env LEVEL" in capsys.readouterr().out


def test_services_are_named_in_full(command, tmp_path):
    (tmp_path / "bootgate.yaml").write_text(
        "releases: {candidate: {command: [x]}}\n"
        "services:\n"
        "  orders-database: {command: [y, z]}\n"
        "  orders-migration: {command: [w], once: true}\n"
        "targets: {boot: {timeout: 9s, proof: {line: up}}}\n"
    )
    said = command("check", str(tmp_path / "bootgate.yaml"))
    assert [line.split(maxsplit=1)[1] for line in said.lines if line.startswith("  service")] == [
        "orders-database: y z",
        "orders-migration: w, runs once",
    ]


def test_a_system_of_a_manifest(command, tmp_path):
    """The plan shows where the values come from, and whose timeout it is."""
    (tmp_path / "pod.yaml").write_text(
        "kind: Pod\nspec:\n  containers:\n  - name: api\n    image: api:1\n"
        "    startupProbe: {tcpSocket: {port: 80}}\n"
    )
    (tmp_path / "bootgate.yaml").write_text(
        "system: {manifest: pod.yaml, container: api}\nreleases: {candidate: {image: 'api:2'}}\n"
    )
    said = command("check", str(tmp_path / "bootgate.yaml"))
    text = " ".join(" ".join(said.lines).split())
    assert said.status == 0
    assert "system container api of " in text
    assert "pod.yaml:6:5 " in text.partition("api timeout: ")[2]
    assert "timeout 30 s (startupProbe)" in text


def test_globs_of_the_state_that_match_nothing(command, tmp_path):
    (tmp_path / "s").mkdir()
    (tmp_path / "bootgate.yaml").write_text(
        "releases: {candidate: {command: [x]}}\n"
        "state: {path: /state, from: ./s, exclude: [cahce]}\n"
        "targets: {boot: {timeout: 9s, proof: {line: up}}}\n"
    )
    text = command("check", str(tmp_path / "bootgate.yaml")).out
    assert "`cahce` of state: exclude matched no file" in " ".join(text.split())


def test_a_system_that_runs_with_compose(command, tmp_path):
    (tmp_path / "compose.yml").write_text(
        "services: {api: {image: api, healthcheck: {test: [CMD, up]}, depends_on: [db],"
        " platform: a/b},"
        " db: {image: db, cpus: 0.5}}"
    )
    (tmp_path / "bootgate.yaml").write_text(
        "system: {compose: compose.yml, service: api}\nreleases: {candidate: {image: 'api:2'}}\n"
    )
    said = command("check", str(tmp_path / "bootgate.yaml"))
    assert said.status == 0
    rows = dict(line.split(maxsplit=1) for line in said.lines if re.match("  [a-z]", line))
    assert rows["system"].startswith("service api of ")
    assert rows["baseline"] == "image api"
    assert rows["service"] == "db: image db"
    assert "different: api: `platform: a/b` is not asked for" in " ".join(said.out.split())


def test_a_trigger_in_the_service_that_proves(command, tmp_path):
    """It may be the trigger itself that leaves what the proof finds."""
    (tmp_path / "bootgate.yaml").write_text(
        "releases: {candidate: {command: [x]}}\n"
        "services: {db: {command: [y]}, mq: {command: [z]}}\n"
        "target: {timeout: 9s, proof: {line: 'job ${token}', from: db}}\n"
        "targets:\n"
        "  one: {trigger: {exec: [add, '${token}'], in: db}}\n"
        "  two: {trigger: {exec: [add, '${token}'], in: mq}}\n"
    )
    said = command("check", str(tmp_path / "bootgate.yaml"))
    notes = [line for line in said.lines if line.startswith("  note")]
    assert [line.split(maxsplit=1)[1] for line in notes] == [
        "one: trigger and proof are both in db, so the proof must be what"
    ]


def test_a_proof_that_an_access_log_would_satisfy(command, tmp_path):
    """It may echo the trigger, whatever becomes of it."""
    (tmp_path / "bootgate.yaml").write_text(
        "releases: {candidate: {command: [x]}}\n"
        "target: {timeout: 9s, trigger: {http: ':80/jobs?name=${token}'}}\n"
        "targets:\n"
        "  bare: {proof: {line: '${token}'}}\n"
        "  hardly: {proof: {line: '^.*[a-z]+(?P<job>\\S*)\\b ${token}$', from: gateway}}\n"
        "  good: {proof: {line: 'started ${token}'}}\n"
        "  answer: {proof: {line: '${token}', from: trigger}}\n"
    )
    said = command("check", str(tmp_path / "bootgate.yaml"))
    text = "proof is any line with the token, so an access log"
    words = " ".join(said.out.split())
    assert [f"{name}: the {text}" in words for name in ("bare", "hardly")] == [True, True]
    assert words.count(text) == 2


def test_a_schema_that_editors_look_for_in_vain(command, tmp_path):
    """An editor that does not find it shows no other mistake."""
    assert "editor" not in (command("init"), command("check"))[1].out
    schema = tmp_path / ".bootgate.schema.json"
    schema.write_text(schema.read_text().replace("gate file", "old gate file"))
    renew = "bootgate schema > .bootgate.schema.json"
    said = " ".join(command("check").out.split())
    assert f"editor .bootgate.schema.json is the schema of another version: {renew}" in said
    schema.unlink()
    said = command("check")
    assert said.status == 0
    assert f"the schema that it names for editors is missing: {renew}" in " ".join(said.out.split())
    assert command("check", "--quiet").out == ""
    gate = tmp_path / "bootgate.yaml"
    for elsewhere in ("none", "https://www.schemastore.org/bootgate.json"):
        gate.write_text(re.sub(r"(?<=schema=)\S+", elsewhere, gate.read_text(), count=1))
        assert "editor" not in command("check").out
