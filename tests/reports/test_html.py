"""The HTML report says what the result says, in its numbers and in its verdicts."""

from __future__ import annotations

import json
import re
from contextlib import nullcontext
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from statistics import median
from urllib.parse import unquote

import pytest

from pytest_bootgate.checks.startup import judge
from pytest_bootgate.errors import BootgateError
from pytest_bootgate.journal.queries import Usage
from pytest_bootgate.records import codec
from pytest_bootgate.records.outcomes import OUTCOMES
from pytest_bootgate.records.result import ReleaseFacts, TargetResult, Unjudged
from pytest_bootgate.records.values import Phase
from pytest_bootgate.records.verdict import Finding, Rules
from pytest_bootgate.reports.amounts import change, duration
from pytest_bootgate.reports.decision import decision
from pytest_bootgate.reports.html.axis import Axis
from pytest_bootgate.reports.html.page import render, write
from pytest_bootgate.reports.numbers import compared

from .pages import RECORDED, Element, boot, drawn, forty, gate, read, recorded, rows, section

RULES = Rules(timeout=60.0, fail_at=0.8, warn_at=0.6, least=1, most=1)
STARTED = {"outcome": "started", "detail": "", "seconds": 2.4, "ended": 2.4, "cpu_seconds": 1.1}
STARTED["phases"] = (
    Phase("accepted", 0.006, 0.006),
    Phase("setup", 2.0, 1.994),
    Phase("task_started", 2.4, 0.4),
)
RESULTS = [pytest.param(recorded(path.stem), id=path.stem) for path in RECORDED]
RESULTS += [pytest.param(drawn(seed), id=f"drawn {seed}") for seed in range(40)]


_PAGES: dict[int, Element] = {}


def page_of(result) -> Element:
    """The page of one of these results, written and read once."""
    if id(result) not in _PAGES:
        _PAGES[id(result)] = read(render([result]))
    return _PAGES[id(result)]


def target(*boots, rules=RULES, **more) -> TargetResult:
    return TargetResult(
        "isolated", "default", "isolated", rules, boots, judge(boots, rules), **more
    )


def boots_of(shown: Element) -> dict[tuple[str, str], dict[str, str]]:
    """The list of boots: what it says of each, by its name and its release."""
    (listed,) = shown.every("pre", **{"data-text": "boots"})
    what, of, *lines = (line.split("\t") for line in "".join(listed.texts).strip("\n").split("\n"))
    found: dict[tuple[str, str], dict[str, str]] = {}
    for name, *cells in lines:
        for kind, release, cell in zip(what[1:], of[1:], cells, strict=True):
            if cell:
                found.setdefault((name, release), {})[kind] = cell
    return found


def figures(shown: Element) -> dict[str, list[list[str]]]:
    """The tables that are text, by their captions."""
    blocks = [b for pre in shown.every("pre", **{"data-text": "figures"}) for b in pre.texts]
    found = {}
    for block in "".join(blocks).split("\n\n"):
        caption, _, body = block.partition(":\n")
        lines = [re.split(r" {2,}", line.rstrip()) for line in body.split("\n")]
        found[re.split(r"[,:]", caption)[0]] = lines[1:]
    return found


def top(page) -> dict[str, str]:
    """The answers on top of the page, by their questions."""
    return {
        pair.every("dt")[0].text: pair.every("dd")[0].text
        for pair in page.every("dl", **{"class": "answers"})[0].inside
    }


# -- numbers -------------------------------------------------------------------------------------


@pytest.mark.parametrize("result", RESULTS)
def test_the_numbers_are_those_of_the_json(result):
    page = page_of(result)
    plain = json.loads(codec.encode(result))
    for found, one in zip(result.targets, plain["targets"], strict=True):
        if not one["boots"]:
            continue
        shown = section(page, result.label(one["target"], one["profile"]))
        _same_boots(boots_of(shown), one["boots"], found.verdict)
        _same_phases(rows(shown, "phases"), found)
        judged, said = one["judgement"] or {}, figures(shown)
        _same_headrooms(said.get("Headroom", []), judged.get("headrooms", ()))
        regression = judged.get("regression")
        compared = dict(said.get("The comparison in figures", []))
        assert bool(compared) == bool(regression)
        if regression:
            assert compared["says"] == regression["verdict"]
            assert compared["candidate over baseline"] == f"{regression['ratio']:.3g}"
            assert compared["95 % interval, from"] == f"{regression['low']:.3g}"
            assert compared["95 % interval, to"] == f"{regression['high']:.3g}"
            assert compared["exact p"] == f"{regression['p']:.3g}"
        grown = [row[2] for row in said.get("Where the time went", []) if row[1] == "phase"]
        attribution = judged.get("attribution") or {"phases": []}
        assert [text.lstrip("+-") for text in grown] == [
            duration(abs(phase["seconds"])) for phase in attribution["phases"]
        ]


def _same_boots(shown, boots, verdict):
    assert len(shown) == len(boots)
    for one in boots:
        number = "warm-up" if one["warm_up"] else str(one["number"])
        again = f", attempt {one['attempt']}" if one.get("attempt", 1) > 1 else ""
        row = shown[number + again + ", recorded" * one.get("recorded", False), one["release"]]
        wall = one["ended"] if one["seconds"] is None else one["seconds"]
        assert float(row["wall"]) == pytest.approx(wall, rel=0.006)
        assert row.get("CPU", "") == (
            "" if one["cpu_seconds"] is None else _plain(one["cpu_seconds"])
        )
        assert row.get("outcome", "started") == one["outcome"]
        for phase in one["phases"] if verdict != "pass" else ():
            took = "never" if phase["seconds"] is None else _plain(phase["seconds"])
            assert row.get(phase["name"]) == took


def _plain(seconds):
    return f"{seconds:.3g}"


def _same_phases(shown, found):
    by_name = {row[0].split(",")[0]: row[1:] for row in shown}
    tried = [r for r in ("baseline", "candidate") if found.of(r)]
    middles = []
    for place, release in enumerate(tried):
        walls = [b.seconds for b in found.of(release) if b.seconds is not None]
        middles.append(median(walls) if walls else None)
        took = [duration(median(walls)), duration(max(walls))] if walls else ["never", "never"]
        assert by_name["whole boot"][2 * place : 2 * place + 2] == took
    if len(tried) == 2:
        known = None not in middles
        assert by_name["whole boot"][4] == (change(*middles) if known else "")


def _same_headrooms(shown, rooms):
    assert len(shown) == len(rooms)
    for row, room in zip(shown, (one["headroom"] for one in rooms), strict=True):
        wanted = [duration(room["limit"]), str(room["boots"])]
        wanted += [duration(room["median"]), duration(room["slowest"])]
        assert row[1:5] == wanted
        assert row[5] == f"{room['slowest'] / room['limit'] * 100:.0f} %"
        bound = room["bound"]
        most = "not established" if bound is None else duration(max(bound, room["slowest"]))
        assert row[6] == most
        assert row[8] == room["level"]


def test_a_boot_says_on_which_machine_it_was_where_there_are_several():
    made = [
        boot(**STARTED, release=release, number=n, node=f"node-{n % 2}")
        for n in (1, 2)
        for release in ("baseline", "candidate")
    ]
    (shown,) = read(render([gate(target(*made))])).every("pre", **{"data-text": "boots"})
    assert "node-1" in "".join(shown.texts)
    alone = [replace(one, node="node-1") for one in made]
    assert "node-1" not in render([gate(target(*alone))])


# -- verdicts ------------------------------------------------------------------------------------


@pytest.mark.parametrize("result", RESULTS)
def test_the_verdicts_are_those_of_the_result(result):
    page = page_of(result)
    (top,) = (s for s in page.every("section") if "top" in s.attributes.get("class", "").split())
    assert f"v-{decision(result).verdict}" in top.attributes["class"].split()
    assert page.every("title")[0].text == f"{decision(result)} - bootgate"
    for found in result.targets:
        name = result.label(found.target, found.profile)
        assert f"{found.verdict} {name}" in [h.text for h in page.every("h2")]
    every = [found.verdict for found in result.checks]
    worst_first = sorted(every, key=["error", "fail", "inconclusive", "warn", "pass"].index)
    checks = [e for e in page.every("*") if "check" in e.attributes.get("class", "").split()]
    assert [one.every("h2")[0].text.split()[0] for one in checks] == worst_first
    assert [one.attributes["data-v"] for one in checks] == worst_first


@pytest.mark.parametrize("result", RESULTS)
def test_every_finding_is_there_worst_first(result):
    page = page_of(result)
    for found in (one for one in result.checks if one.kind != "boot"):
        for finding in found.findings:
            assert finding.text in page.text
    for shown in page.every("ul", **{"aria-label": "Findings"}):
        order = [li.text.split()[0] for li in shown.every("li")]
        assert order == sorted(order, key=["error", "fail", "inconclusive", "warn"].index)


def test_the_story_of_ten_seconds():
    page = read(render([recorded("timed-out")]))
    answers = top(page)
    head = page.every("h1")[0].text  # what it says is not asked again
    assert "isolated never started" in head
    assert "in context_engine" in head
    assert not {"Target", "Phase"} & set(answers)
    assert answers["Timeout used"].startswith("the whole timeout of 3 s")
    assert answers["Since"] == "2.0 (candidate); 1.0 (baseline) started in 164 ms at most"
    assert answers["What to do"] == (
        "Keep the old release in production. Find out what it works on in context_engine (2.58 s"
        " of CPU in 3.00 s); start with its last log lines. main starts (53 ms) on the same"
        " host; workaround: bootgate explain timed_out."
    ).replace("2.58 s", duration(recorded("timed-out").targets[0].boots[-1].cpu_seconds))
    assert "bootgate explain timed_out" in [code.text for code in page.every("code")]


@pytest.mark.parametrize(
    ("found", "near", "since", "todo"),
    [
        (
            target(boot(**STARTED)),
            "4 % of the timeout of 60 s",
            "unknown: 2.0 (candidate) was booted without a baseline",
            "Nothing: all rules are met.",
        ),
        (
            target(boot(release="baseline"), boot()),
            "the whole timeout of 60 s",
            "before 2.0 (candidate): 1.0 (baseline) did not start either",
            "Both releases fail in the same way: correct the gate file (probe, *",
        ),
        (
            target(boot(release="baseline", **STARTED), boot(outcome="crashed", ended=0.2)),
            "crashed after 200 ms, timeout of 60 s",
            "2.0 (candidate); 1.0 (baseline) started in 2.40 s at most",
            "Keep the old release in production. Check its exit code and its last log lines.",
        ),
        (
            target(boot(**{**STARTED, "seconds": 50.0, "ended": 50.0})),
            "83 % of the timeout of 60 s",
            "unknown*",
            "Keep the old release in production. Shorten the boot or raise the timeout,*",
        ),
        (
            target(boot(), boot(**STARTED, attempt=2), rules=replace(RULES, retries=1)),
            "1 of 2 boots timed out, and used 4 % of the timeout of 60 s on retry",
            "unknown*",
            "A boot timed out and started on retry*",
        ),
        (
            target(error="the engine went away"),
            "-",
            "-",
            "Fix what stopped the measurement and rerun. This is not a pass.",
        ),
    ],
)
def test_how_near_since_when_and_what_to_do(found, near, since, todo):
    answers = top(read(render([gate(found)])))
    for answer, wanted in (("Timeout used", near), ("Since", since), ("What to do", todo)):
        pattern = re.escape(wanted).replace(r"\*", ".*")
        assert re.match(pattern, answers.get(answer, "-")), answers


def test_a_retried_timeout_fills_the_whole_bar():
    found = target(boot(), boot(**STARTED, attempt=2), rules=replace(RULES, retries=1))
    meter = read(render([gate(found)])).every("svg", **{"class": "meter"})[0]
    (used,) = [r for r in meter.every("path") if "used" in r.attributes["class"].split()]
    assert used.attributes["d"] == "M0 11h1000"


def test_a_run_that_was_not_judged_as_it_should_be_is_an_error_on_top():
    found = gate(target(boot(**STARTED)), error="2 of 3 targets were judged")
    page = read(render([found]))
    assert page.every("h1")[0].text.startswith("UNKNOWN")
    assert "2 of 3 targets were judged" in page.text


def test_what_was_not_judged_and_what_was_left_out_stand_there():
    out = TargetResult("main", "default", "main", RULES, left_out="not in 2.0")
    more = (Unjudged("current", "default", "boot"),)
    page = read(render([gate(target(boot(**STARTED)), out, unjudged=more)]))
    assert "not booted: current" in page.text
    assert "left out by the gate file: not in 2.0" in page.text
    assert "Not everything was judged" in top(page)["What to do"]


def test_several_gate_files_are_on_one_page_each_with_its_verdict():
    good = replace(gate(target(boot(**STARTED))), file="/gates/good.bootgate.yaml")
    page = read(render([good, recorded("timed-out")]))
    assert [h.text.split()[0] for h in page.every("h1")] == ["SHIP", "DO"]
    assert page.every("title")[0].text.startswith("DO NOT SHIP ")


def test_the_command_repeats_the_same():
    page = read(render([recorded("timed-out")]))
    commands = [pre.text for pre in page.every("pre", **{"class": "command"})]
    file, engine = "/gates/timed-out/bootgate.yaml", "--bootgate-engine docker"
    assert commands == [
        f"pytest {file}::isolated::boot {engine} --bootgate-boots 5..15",
        f"pytest {file}::main::boot {engine} --bootgate-boots 5..15",
        f"pytest {file} {engine} --bootgate-boots 5..15",
        f"bootgate log --run {recorded('timed-out').run}",
    ]


# -- strangers' text -----------------------------------------------------------------------------

EVIL = (
    "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>&amp;\x1b[31m\x00\u202egnp.exe\ud800"
)


def test_text_of_strangers_is_shown_and_never_obeyed(tmp_path):
    late = boot(
        target=EVIL,
        detail=EVIL,
        notes=(EVIL,),
        phases=(Phase(EVIL),),
        tails={EVIL: (EVIL, "last")},
        version=EVIL,
    )
    judged = judge([late], RULES)
    judged = replace(judged, findings=(*judged.findings, Finding("fail", EVIL, EVIL)))
    found = TargetResult(EVIL, EVIL, EVIL, RULES, (late,), judged, notes=(EVIL,))
    facts = ReleaseFacts(EVIL, EVIL, EVIL)
    result = gate(found, file=f"/{EVIL}", engine=EVIL, releases={"candidate": facts})
    write([result], tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]", text)
    page = read(text)
    assert not page.every("script")
    assert not page.every("img")
    attributes = {name for element in page.every("*") for name in element.attributes}
    assert not {name for name in attributes if name.startswith("on")}
    log = page.every("pre", **{"data-text": "last"})[0].text
    assert "<script>alert(1)</script>\"'><img src=x" in log
    assert "&amp;\\x00\\u202egnp.exe\\ud800" in log


# -- the page itself -----------------------------------------------------------------------------


@pytest.mark.parametrize("result", RESULTS)
def test_headings_ids_and_references_are_in_order(result):
    page = read(render([result, result]))
    levels = [int(e.tag[1]) for e in page.every("*") if re.fullmatch("h[1-6]", e.tag)]
    assert levels[0] == 1
    assert all(b <= a + 1 for a, b in pairwise(levels))
    ids = [e.attributes["id"] for e in page.every("*") if "id" in e.attributes]
    assert len(ids) == len(set(ids))
    for element in page.every("*"):
        wanted = element.attributes.get("aria-labelledby", "").split()
        reference = element.attributes.get("href", "")
        wanted += [unquote(reference[1:])] if reference.startswith("#") else []
        assert set(wanted) <= set(ids)
        assert not any(re.search(r"\s", one) for one in ids)
    for drawing in page.every("svg", role="img"):
        assert drawing.attributes["aria-label"]


def test_nothing_is_loaded():
    text = render([recorded("timed-out")])
    for element in read(text).every("*"):
        for name in ("src", "href", "srcset", "action", "data"):
            value = element.attributes.get(name, "#")
            assert value.startswith(("#", "data:image/svg+xml,")), value
    assert "@import" not in text
    assert re.findall(r"url\((.*?)\)", text) == ["#ended"]


def test_the_picture_of_the_tab_is_the_verdict():
    icons = set()
    for name in ("timed-out", "near", "broken"):
        (icon,) = read(render([recorded(name)])).every("link", rel="icon")
        icons.add(icon.attributes["href"])
    assert len(icons) == 3


# -- forty targets -------------------------------------------------------------------------------


def test_forty_targets_with_thirty_boots_are_no_large_page(monkeypatch):
    """With a trend of the last weeks for each of them, as the default journal gives it."""
    days = [Usage(1.79e9 + n * 43200, 0.5 + n % 3 / 100, "started") for n in range(60)]
    monkeypatch.setattr("pytest_bootgate.reports.html.past.usage", lambda *_: days)
    monkeypatch.setattr("pytest_bootgate.reports.html.past.files.reading", nullcontext)
    text = render([forty()], journal=Path("journal.db"))
    assert text.count("no rise over 30 days (60 boots)") == 41  # one is drawn
    assert len(text.encode()) < 400_000
    assert len(read(text).every("*")) < 12_000


def test_the_matrix_leads_to_every_check_by_its_stable_mark():
    found = [replace(one, profile=p) for one in forty().targets[:2] for p in ("small", "large")]
    page = read(render([gate(*found, profiles=("small", "large"))]))
    (matrix,) = (t for t in page.every("table") if "matrix" in t.attributes.get("class", ""))
    assert [h.text.split()[0] for h in matrix.every("th", scope="col")[1:]] == ["small", "large"]
    links = {unquote(a.attributes["href"]): a.text for a in matrix.every("a")}
    names = [f"session:{n}@{profile}" for n in (1, 2) for profile in ("small", "large")]
    assert sorted(links) == sorted(f"#{name}" for name in names)
    (one,) = page.every("section", id="session:1@large")
    assert [a.text for a in one.every("a")] == ["#session:1@large"]
    (old, net), (new, _) = (compared(found[1], r) for r in ("baseline", "candidate"))
    said = f"{duration(median(old))} → {duration(median(new))}{net}"
    said += change(median(old), median(new))
    assert links["#session:1@large"].endswith(said)


def test_marks_of_several_gate_files_are_the_names_of_pytest_and_unlike():
    one = gate(target(boot(**STARTED)))
    page = read(render([one, replace(one, file="/gates/b.bootgate.yaml"), one]))
    marks = [
        s.attributes["id"] for s in page.every("section") if "::" in s.attributes.get("id", "")
    ]
    names = [f"/gates/{name}::isolated" for name in ("bootgate.yaml", "b.bootgate.yaml")]
    assert marks == [*names, f"~{names[0]}"]


def test_a_mark_is_none_of_the_page_itself():
    odd = [
        replace(target(boot(**STARTED)), target=name) for name in ("main", "g1", "a b", "o-lost")
    ]
    page = read(render([gate(*odd)]))
    marks = {unquote(a.attributes["href"]) for a in page.every("a", **{"class": "mark"})}
    assert marks == {"#main", "#~g1", "#a_b", "#~o-lost"}


def test_the_difference_is_that_of_what_was_compared():
    """Net of neighbours where the verdict is, as the decision says it."""
    judged = recorded("slower").targets[0]
    assert judged.judgement is not None
    assert judged.judgement.regression is not None
    boots = tuple(
        replace(b, run_delay=1.0, others_cpu=9.0, throttled=0.0, cpu_seconds=0.1)
        for b in judged.boots
    )
    net = replace(judged.judgement, regression=replace(judged.judgement.regression, net=True))
    page = read(render([gate(replace(judged, boots=boots, judgement=net))]))
    middles = [
        median(b.net_seconds or 0 for b in boots if b.release == r and not b.warm_up)
        for r in ("baseline", "candidate")
    ]
    said = f"{duration(middles[0])} → {duration(middles[1])} net of neighbours"
    assert said in page.every("a", href="#isolated")[0].text
    assert f"medians {said}, {change(*middles)}" in page.text


def test_what_passed_is_folded_and_much_of_it_once_more():
    page = read(render([forty()]))
    (group,) = page.every("details", **{"class": "group"})
    assert group.every("summary")[0].text == "pass 39 of 40"
    assert len(group.every("details", **{"class": "card check"})) == 39
    few = read(render([recorded("timed-out")]))
    assert not few.every("details", **{"class": "group"})
    assert len(few.every("details", **{"class": "card check"})) == 1


def test_what_all_targets_have_is_said_once():
    found = [replace(one, notes=("the disk is slow",)) for one in forty().targets[:3]]
    assert read(render([gate(*found)])).text.count("the disk is slow") == 1


def test_a_page_that_cannot_be_written_is_a_sentence(tmp_path):
    (tmp_path / "page").mkdir()
    with pytest.raises(BootgateError, match=r"could not be written to .*: Is a directory. Name a"):
        write([recorded("slower")], tmp_path / "page")


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_every_outcome_has_a_shape_of_its_own(outcome):
    page = render([gate(target(boot(outcome=outcome)))])
    shapes = dict(re.findall(r' id="o-(\w+)" (.*?)/>', page))
    assert [word for word, shape in shapes.items() if shape == shapes[outcome]] == [outcome]


# -- the axis ------------------------------------------------------------------------------------


@pytest.mark.parametrize("longest", [0.0, 0.001, 0.9, 20.0, 35.9, 36.1, 59.0, 60.0, 90.0])
def test_later_is_never_further_left_and_zones_are_in_their_order(longest):
    axis = Axis.of([longest / 2, longest], RULES)
    instants = [0, longest / 3, longest, axis.warn_at, axis.fail_at, axis.timeout]
    places = [axis.at(seconds) for seconds in sorted(instants)]
    assert places == sorted(places)
    assert places[0] == 0
    assert places[-1] <= 100
    assert axis.at(axis.warn_at) < axis.at(axis.fail_at) < axis.at(axis.timeout)
    assert axis.cut == (0 < longest < 21)
    assert all(tick.at <= (axis.cut_at[0] if axis.cut else 100) for tick in axis.ticks)
    assert 1 <= len(axis.ticks) <= 6


def test_a_cut_axis_keeps_its_proportions_left_of_the_cut():
    axis = Axis.of([1.0], RULES)
    assert axis.at(1.0) == pytest.approx(2 * axis.at(0.5), abs=0.02)
