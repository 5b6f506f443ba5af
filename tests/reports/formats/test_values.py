"""Results made by hand: what a real run shows seldom."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from pytest_bootgate.checks.startup import judge
from pytest_bootgate.records.result import PropagationResult, TargetResult, Unjudged, UpgradeResult
from pytest_bootgate.records.values import Phase
from pytest_bootgate.records.verdict import Finding, Limits, worst
from pytest_bootgate.reports import formats
from pytest_bootgate.reports.clean import clean
from pytest_bootgate.reports.formats import cases, github, metrics
from tests.journal.lives import key, measured, result
from tests.reports.formats.readers import NAMES, READERS, SILENT, commands
from tests.reports.test_words import RULES, boot

BASE = Path("/srv")
#: What a name, a log line or a detail may hold.
ODD = "a|b, c:d%\n\x00\x1b[31m]]>&<i>\"'\\`*_\ud800\U0001f4a5"


def target(*boots, name="isolated", phases=(), **more) -> TargetResult:
    rules = replace(RULES, phases=dict.fromkeys(phases, Limits()))
    judgement = judge(boots, rules) if boots else None
    return TargetResult(name, "default", name, rules, tuple(boots), judgement, **more)


STARTED: dict[str, Any] = {
    "outcome": "started",
    "detail": "",
    "seconds": 2.4,
    "ended": 2.4,
    "phases": (Phase("accepted", 0.1, 0.1), Phase("task_started", 2.4, 2.3)),
}


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize("word", ["pass", "fail", "error"])
def test_no_format_chokes_on_odd_texts(tmp_path, name, word):
    more = {"tails": {"gateway.out": (ODD,)}, "notes": (ODD,)}
    told = {
        "pass": target(boot(**STARTED), name=ODD),
        "fail": target(boot(detail=ODD, **more), name=ODD),
        "error": target(name=ODD, phases=[ODD], error=ODD),
    }[word]
    found = result(ODD, told, file=f"/srv/{ODD}.yaml")
    path = NAMES[name]
    formats.parse(f"{name}={tmp_path / path}").write([found], BASE)
    (read,) = READERS[name](tmp_path / path).values()
    assert read == word


@pytest.mark.parametrize("name", READERS)
def test_a_gate_file_that_ran_twice_is_told_apart(tmp_path, name):
    runs = [
        result("first", target(boot(**STARTED))),
        result("second", target(error="the engine went away")),
    ]
    formats.parse(f"{name}={tmp_path / NAMES[name]}").write(runs, BASE)
    found = READERS[name](tmp_path / NAMES[name])
    assert found == {
        "bootgate.yaml (run first)::isolated": "pass",
        "bootgate.yaml (run second)::isolated": "error",
    }


@pytest.mark.parametrize("name", READERS)
def test_no_result_is_no_pass(tmp_path, name):
    formats.parse(f"{name}={tmp_path / NAMES[name]}").write([result("none")], BASE)
    assert READERS[name](tmp_path / NAMES[name]) == {"bootgate.yaml::gate": "error"}


@pytest.mark.parametrize("name", READERS)
def test_what_must_not_pass_is_an_error_beside_good_targets(tmp_path, name):
    missing = (Unjudged("main", "default", "boot"),)
    held = replace(
        result("some", target(boot(**STARTED))), unjudged=missing, error="1 of 2 were judged"
    )
    formats.parse(f"{name}={tmp_path / NAMES[name]}").write([held], BASE)
    found = READERS[name](tmp_path / NAMES[name])
    unjudged = {} if name in SILENT else {"bootgate.yaml::main": "unjudged"}
    good = {"bootgate.yaml::isolated": "pass", "bootgate.yaml::gate": "error"}
    assert found == good | unjudged


VERDICTS = ("pass", "warn", "inconclusive", "fail", "error")


@pytest.mark.parametrize(("about", "propagation"), [*product(VERDICTS, VERDICTS)])
def test_no_case_is_better_than_the_result(about, propagation):
    def held(word) -> dict:
        if word == "error":
            return {"error": "the engine went away"}
        return {"findings": (Finding(word, "jobs", "so it is"),)}

    found_upgrade = UpgradeResult("default", **held(about))
    told = PropagationResult("isolated", "default", **held(propagation))
    found = replace(result("r"), checks=(found_upgrade, told))
    judged = [case.verdict for entry in cases.entries(found) for case in entry.cases]
    assert worst(judged) == found.verdict
    wholes = [entry.whole.verdict for entry in cases.entries(found)]
    assert worst(wholes) == found.verdict


def phase_states(found: TargetResult) -> list[str]:
    entry, *_ = cases.entries(result("r", found))
    return [case.state for case in entry.parts]


def test_a_phase_passes_only_where_it_was_seen():
    names = ["accepted", "setup", "task_started"]
    assert phase_states(target(phases=names, error="no engine")) == ["error"] * 3
    assert phase_states(target(phases=names, left_out="gone")) == ["left out"] * 3
    assert phase_states(target(boot(), phases=names)) == ["pass", "not seen", "not seen"]
    assert phase_states(target(boot(outcome="lost"), phases=names)) == ["error"] * 3
    maybe = (Phase("accepted", 0.1, 0.1), Phase("setup", optional=True), STARTED["phases"][1])
    seen = target(boot(**STARTED | {"phases": maybe}), phases=names)
    assert phase_states(seen) == ["pass", "not seen", "pass"]


def test_a_crash_has_no_share_of_its_timeout():
    crashed = target(boot(outcome="crashed", detail="it exited with 1", ended=0.2))
    found = [result("r", crashed)]
    assert "| crashed | - | setup: crashed |" in github.summary(found, BASE)
    assert "timeout_used" not in metrics.openmetrics(found, BASE)


def test_a_summary_that_would_be_too_long_keeps_its_table(tmp_path):
    words = "x" * 2_000
    tails = {"gateway.out": tuple(f"{n} {words}" for n in range(8))}
    many = [target(boot(tails=tails), name=f"target-{n:03}") for n in range(100)]
    path = tmp_path / "summary.md"
    path.write_text("before\n")
    github.append([result("r", *many)], path, BASE)
    assert path.stat().st_size < github.MOST
    assert "The stories are omitted" in path.read_text()
    assert READERS["github"](path)["bootgate.yaml::target-099"] == "fail"


def test_errors_come_before_warnings():
    late, again = boot(number=1), boot(number=1, attempt=2, **STARTED)
    rules = replace(RULES, retries=1)
    warned = TargetResult("a", "default", "a", rules, (late, again), judge((late, again), rules))
    found = [result("r", warned, target(boot(), name="b"))]
    lines = github.commands(found, BASE)
    levels = [c["level"] for c in commands("\n".join(lines)).values()]
    assert levels == ["error", "error", "warning"]  # the decision first


@pytest.mark.parametrize("first", [True, False])
def test_the_reason_that_counts_comes_first(first):
    held = target(boot(**STARTED))
    both = [Finding("warn", "boot", "near"), Finding("fail", "boot", "slower")]
    told = tuple(both if first else reversed(both))
    held = replace(held, judgement=replace(held.judgement, verdict="fail", findings=told))
    (entry,) = cases.entries(result("r", held))
    assert entry.whole.text == "fail: slower\nwarn: near"


def test_left_alone_signs_stay():
    assert clean("ü → 日本 \U0001f4a5\ttab\nline") == "ü → 日本 \U0001f4a5\ttab\nline"
    assert clean("\r\n\r\x85\ufffe") == "\n\\x0d\\x85\\ufffe"


def test_boots_of_another_run_are_no_spans(tmp_path):
    old = replace(measured(key("old", 1, "baseline")), recorded=True)
    found = result("r", target(old, measured(key("new", 1))))
    path = tmp_path / "t.jsonl"
    formats.parse(f"otel={path}").write([found], BASE)
    from tests.reports.formats.readers import spans

    (trace,) = spans(path)
    assert [s.name for s in trace].count("boot isolated") == 1


def test_annotations_mean_what_they_say():
    held = target(name="a:b, c=%0A", error="50% of %0A, %2C::x\nand more")
    decided, line = github.commands([result("r", held, file="/srv/a,b:c%0A.yaml")], BASE)
    (first,) = commands(decided).values()
    assert (first["file"], first["line"], first["level"]) == ("a,b:c%0A.yaml", "1", "error")
    assert first["text"].startswith(f"{first['title']}: a:b, c=%0A was not measured: 50% of %0A")
    assert commands(line) == {
        "bootgate: ERROR a:b, c=%0A": {
            "title": "bootgate: ERROR a:b, c=%0A",
            "file": "a,b:c%0A.yaml",
            "line": "1",
            "level": "error",
            "text": "error: 50% of %0A, %2C::x\nand more",
        }
    }
