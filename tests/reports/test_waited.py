"""Waiting for a CPU is shown beside wall and CPU time, where it was noticeable."""

from __future__ import annotations

import pytest

from pytest_bootgate.checks.startup import judge
from pytest_bootgate.records import codec
from pytest_bootgate.records.result import TargetResult
from pytest_bootgate.records.values import Phase
from pytest_bootgate.records.verdict import Rules
from pytest_bootgate.reports import boots
from pytest_bootgate.reports.html.page import render
from pytest_bootgate.reports.terminal import summary

from .pages import boot, gate, read, rows, section

RULES = Rules(timeout=60.0, fail_at=0.8, warn_at=0.6, least=1, most=1)
STARTED = {
    "outcome": "started",
    "detail": "",
    "seconds": 0.8,
    "ended": 0.8,
    "cpu_seconds": 0.3,
    "throttled": 0.0,
    "others_cpu": 1.2,
    "phases": (Phase("accepted", 0.006, 0.006), Phase("task_started", 0.8, 0.794)),
}


def result(waited):
    made = tuple(
        boot(release=release, number=n, warm_up=n == 0, run_delay=waited, **STARTED)
        for n in range(3)
        for release in ("baseline", "candidate")
    )
    return gate(TargetResult("isolated", "default", "isolated", RULES, made, judge(made, RULES)))


def said(found) -> list[str]:
    return [line.text for line in summary(found)]


@pytest.mark.parametrize("waited", [None, 0.0, 0.007])
def test_a_boot_that_hardly_waited_has_no_row_for_it(waited):
    found = result(waited)
    assert not any("waited" in text for text in said(found))
    assert "waited" not in next(boots.rows(found.targets[0].boots))


def test_one_that_waited_has():
    found = result(0.5)
    table = [text.strip() for text in said(found)]
    titles = ["whole boot", "cpu time", "waited for a CPU", "net of neighbours"]
    begin = next(n for n, text in enumerate(table) if text.startswith(f"{titles[0]}  "))
    for title, text in zip(titles, table[begin:], strict=False):
        assert text.startswith(f"{title}  ")
        assert len(text) <= 76  # it is indented
    net = next(text.split() for text in table if "net of" in text)
    assert net[3:] == [*("300", "ms") * 4, "+0.0", "ms", "+0", "%"]
    head, *every = boots.rows(found.targets[0].boots)
    assert head.split()[3:6] == ["after", "cpu", "waited"]
    assert all("500 ms" in text for text in every)
    assert max(map(len, every)) <= 80


def test_the_page_and_the_json_have_it():
    found = result(0.5)
    shown = section(read(render([found])), "isolated")
    by_name = {row[0]: row[1:5] for row in rows(shown, "phases")}
    assert by_name["waited for a CPU"] == ["500 ms"] * 4
    assert by_name["net of neighbours"] == ["300 ms"] * 4
    assert "\twaited for CPU\t" in render([found])
    assert b'"net_seconds": 0.3' in codec.encode(found)
    assert codec.decode(codec.encode(found)) == found
