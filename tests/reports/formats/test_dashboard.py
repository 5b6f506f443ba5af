"""The dashboard in ci/templates asks for what the reports write, and for all of it."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

from pytest_bootgate.records.codec import read
from pytest_bootgate.records.result import Unjudged
from pytest_bootgate.reports.formats import metrics
from tests.conftest import ROOT

BOARD = json.loads((ROOT / "ci" / "templates" / "grafana-dashboard.json").read_text())
RECORDED = ROOT / "tests" / "recorded" / "results"
VARIABLES = {one["name"] for one in BOARD["templating"]["list"]}
#: What a metric is measured in, in Grafana's words.
UNITS = {"seconds": "s", "ratio": "percentunit", "": "none short"}


def written() -> dict[str, tuple[str, set[str]]]:
    """The unit and the labels of each metric, from recorded results."""
    results = [result for path in RECORDED.glob("*.json") for result in read(path)]
    rest = (Unjudged("main", "default", "boot"),)
    one = next(result for result in results if result.targets)
    (first, *_) = one.targets
    waited = replace(first, boots=tuple(replace(boot, run_delay=0.1) for boot in first.boots))
    whole = replace(one, checks=(waited,), unjudged=rest)
    found: dict[str, tuple[str, set[str]]] = {}
    for family in metrics.families([*results, whole], Path("/")):
        labels = {label for known, _ in family.samples for label in known}
        found[family.name] = (family.unit, labels)
    return found


def queries() -> dict[str, list[str]]:
    """All queries, by the panel or variable that has them."""
    found = defaultdict(list)
    for panel in BOARD["panels"]:
        found[panel["title"]] = [target["expr"] for target in panel["targets"]]
    for one in BOARD["templating"]["list"]:
        if one["type"] == "query":
            found[one["label"]].append(one["definition"])
    return found


def test_each_metric_is_one_that_is_written_and_none_is_left_out():
    asked = {name for every in queries().values() for q in every for name in metric(q)}
    assert asked == set(written())


def metric(query: str) -> list[str]:
    return re.findall(r"\bbootgate_\w+", query)


def test_each_label_is_one_of_its_metric():
    known = written()
    for title, every in queries().items():
        for query in every:
            names = metric(query)
            used = {
                one for group in re.findall(r"by \((.*?)\)", query) for one in group.split(", ")
            }
            used |= set(re.findall(r"[{,](\w+)=", query))
            used |= set(re.findall(r"label_values\(.*, (\w+)\)", query))
            assert used <= set.intersection(*(known[name][1] for name in names)), title
            assert set(re.findall(r"\$(\w+)", query)) <= VARIABLES
    for panel in BOARD["panels"]:
        for target in panel["targets"]:
            shown = set(re.findall(r"{{(\w+)}}", target["legendFormat"]))
            assert shown <= set.union(*(known[name][1] for name in metric(target["expr"])))


def test_each_panel_has_a_title_a_unit_and_a_place_of_its_own():
    known, taken = written(), set[tuple[int, int]]()
    for panel in BOARD["panels"]:
        assert panel["title"]
        assert panel["description"]
        units = {known[name][0] for t in panel["targets"] for name in metric(t["expr"])}
        (unit,) = units
        assert panel["fieldConfig"]["defaults"]["unit"] in UNITS[unit].split()
        x, y, w, h = (panel["gridPos"][one] for one in "xywh")
        place = {(column, row) for column in range(x, x + w) for row in range(y, y + h)}
        assert not place & taken
        assert x + w <= 24
        taken |= place
    assert len({panel["title"] for panel in BOARD["panels"]}) == len(BOARD["panels"])
