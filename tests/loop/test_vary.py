"""A gate over a quantity that grows, on the engine in memory."""

from __future__ import annotations

import pytest

from pytest_bootgate.engines.memory import Process
from pytest_bootgate.errors import BootgateError, GateFileError
from pytest_bootgate.run.plan import Plan

VARY = "vary: {AGENTS: [1, 10, 100]}"
ENV = 'env: {AGENTS: "${AGENTS}"}'


def loads(each: float, *, most: float = 1e9):
    """A system that loads so many seconds for each agent, and hangs with too many."""

    def start(me: Process):
        agents = float(me.env["AGENTS"])
        me.cpu += 0.1
        yield 0.5 + each * agents
        me.out(f"set up {agents:g}")
        if agents <= most:
            yield 0.5
            me.out("started")
        yield 3600.0

    return start


@pytest.fixture
def grow(play):
    """A gate over agents: seconds for each in the candidate, and in the baseline."""

    def make(new: float, old: float | None = 0.0, *, most: float = 1e9, **parts):
        given = {
            "more": VARY,
            "trigger": "null",
            "target": 'phases: {setup: {line: "^set up ${AGENTS}$"}, start: {line: ^started}}',
            "boots": "5..5",
            "releases": f"{{candidate: {{image: new, {ENV}}}}}",
        }
        if old is None:
            return play(loads(new, most=most), **{**given, **parts})
        both = f"{{baseline: {{image: old, {ENV}}}, candidate: {{image: new, {ENV}}}}}"
        return play(loads(new, most=most), loads(old), **{**given, "releases": both, **parts})

    return make


def growth(played, profile="AGENTS"):
    check = played.gate.plan.check("growth", profile, "main")
    try:
        return played.gate.check(check)
    finally:
        played.close()


def test_every_value_is_gated(grow):
    played = grow(0.0)
    growth(played)
    rows = played.gate.outcome().targets
    assert [row.profile for row in rows] == ["AGENTS=1", "AGENTS=10", "AGENTS=100"]
    assert [row.verdict for row in rows] == ["pass"] * 3
    assert {b.release for row in rows for b in row.boots} == {"baseline", "candidate"}


def test_without_growth_it_passes(grow):
    found = growth(grow(0.0))
    assert (found.verdict, found.says) == (
        "pass",
        "constant in the baseline; constant in the candidate",
    )


def test_a_candidate_that_grows(grow):
    found = growth(grow(0.02))
    assert found.verdict == "fail"
    (why,) = found.findings
    assert (why.kind, why.subject) == ("grows", "growth")
    assert why.text == (
        "the candidate grows faster with AGENTS than the baseline: from 1 to 100 by +1.98 s"
        " (baseline +0.0 ms), in setup"
    )
    assert found.says == (
        "constant in the baseline; +20 ms per AGENTS in the candidate; 80 % of the timeout is"
        " reached at about 350 AGENTS (350 to 350)"
    )
    (table,) = found.tables
    texts = [[getattr(cell, "text", cell) for cell in row] for row in table.rows]
    assert texts[3] == [
        *("setup", "candidate", "520 ms", "700 ms", "2.50 s", "+20 ms", "linear"),
    ]


def test_a_growth_that_the_baseline_has_too(grow):
    assert growth(grow(0.02, 0.02)).verdict == "pass"


def test_a_baseline_that_grows_more(grow):
    assert growth(grow(0.0, 0.02)).verdict == "pass"


def test_without_a_baseline_the_growth_is_shown(grow):
    found = growth(grow(0.02, None))
    assert (found.verdict, found.says[:31]) == ("pass", "+20 ms per AGENTS in the candid")


def test_a_value_at_which_nothing_started_is_no_pass(grow):
    found = growth(grow(0.0, most=50))
    assert (found.verdict, [f.text for f in found.findings]) == (
        "inconclusive",
        ["nothing was measured at 100, so the growth beyond is unknown"],
    )


def test_too_few_values_is_an_error(grow):
    found = growth(grow(0.0, most=5))
    assert (found.verdict, [f.text for f in found.findings]) == (
        "error",
        ["nothing was measured at 10, 100, so no growth can be seen"],
    )


@pytest.mark.parametrize(("strict", "verdict"), [("warn", "inconclusive"), ("fail", "fail")])
def test_too_few_boots(grow, strict, verdict):
    rules = f"retries: 0, inconclusive: {strict}"
    found = growth(grow(0.02, boots="1", rules=rules))
    assert (found.verdict, [f.text for f in found.findings]) == (
        verdict,
        ["too few boots to see growth: raise gate: {boots: ...} to at least 3"],
    )


def test_one_value_alone_has_no_growth(grow):
    played = grow(0.0)
    plan = Plan(played.gate.plan.loaded, profiles=["AGENTS=10"])
    assert [(c.kind, c.profile) for c in plan.checks] == [("boot", "AGENTS=10")]
    with pytest.raises(
        BootgateError, match="has no profile 'AGENTS=7'; it has AGENTS=1, AGENTS=10"
    ):
        Plan(played.gate.plan.loaded, profiles=["AGENTS=7"])


def test_each_profile_grows_by_itself(grow):
    more = f"{VARY}\nprofiles: {{big: {{cpus: 4}}, small: {{cpus: 1, on_request: true}}}}"
    played = grow(0.02, more=more)
    assert [c.profile for c in played.gate.plan.checks if c.kind == "growth"] == ["big,AGENTS"]
    plan = Plan(played.gate.plan.loaded, profiles=["small"])
    assert [c.profile for c in plan.checks] == [
        *("small,AGENTS=1", "small,AGENTS=10", "small,AGENTS=100", "small,AGENTS"),
    ]
    assert growth(played, "big,AGENTS").verdict == "fail"


def test_a_state_for_each_value(grow, tmp_path):
    for value in (1, 10, 100):
        (tmp_path / f"state-{value}").mkdir()
    state = 'state: {path: /state, from: "./state-${AGENTS}"}'
    plan = grow(0.0, more=f"{VARY}\n{state}").gate.plan
    names = [plan.of(profile).state.from_ for profile in plan.profile_names]
    assert names == [str(tmp_path / f"state-{value}") for value in (1, 10, 100)]


def ticking(each: float):
    """A system that waits for a tick of its own before it loads."""
    boots = 0

    def start(me: Process):
        nonlocal boots
        boots += 1
        yield 0.5 + boots * 7 % 3
        me.out("picked")
        yield 0.2 + each * float(me.env["AGENTS"])
        me.out("started")
        yield 3600.0

    return start


def test_what_is_before_the_clock_of_the_comparison_is_no_part_of_the_growth(play):
    both = f"{{baseline: {{image: old, {ENV}}}, candidate: {{image: new, {ENV}}}}}"
    played = play(
        ticking(0.005),
        ticking(0.0),
        more=VARY,
        trigger="null",
        target="from: picked\n  phases: {picked: {line: ^picked}, start: {line: ^started}}",
        boots="5..5",
        releases=both,
    )
    found = growth(played)
    assert (found.verdict, found.findings[0].kind) == ("fail", "grows")


def jittery(middle: float, far: float):
    """A system whose boots with many agents take now a little, now much longer."""
    boots = 0

    def start(me: Process):
        nonlocal boots
        boots += 1
        many = float(me.env["AGENTS"]) > 50
        yield middle + (far * (boots * 5 % 7) / 7 if many else 0.0)
        me.out("set up " + me.env["AGENTS"])
        me.out("started")
        yield 3600.0

    return start


def test_a_growth_that_cannot_be_told_is_no_pass(play, grow):
    played = grow(0.0)
    played.engine.programs.update(new=jittery(0.3, 2.0), old=jittery(0.3, 1.5))
    found = growth(played)
    assert found.verdict == "inconclusive"
    assert found.findings[0].text.startswith(
        "whether the candidate grows faster with AGENTS than the baseline cannot be told: from the"
    )


def test_what_grows_faster_from_less_is_not_slower_yet(grow):
    played = grow(0.0)

    def faster(me: Process):
        yield 0.25 + 0.0025 * float(me.env["AGENTS"])
        me.out("set up " + me.env["AGENTS"])
        yield 0.5
        me.out("started")
        yield 3600.0

    played.engine.programs.update(new=faster)
    found = growth(played)
    assert found.verdict == "warn"
    assert found.findings[0].text.endswith("in setup; there it is not slower yet")


def test_where_nothing_was_measured_it_is_an_error(grow):
    found = growth(grow(0.0, most=-1))
    assert (found.verdict, [f.text for f in found.findings]) == (
        "error",
        ["nothing was measured at 1, 10, 100, so no growth can be seen"],
    )


@pytest.mark.parametrize(
    ("releases", "told"),
    [
        (f"{{candidate: {{image: new, {ENV}}}, baseline: {{image: old}}}}", "baseline"),
        ("{candidate: {image: new}}", "candidate"),
    ],
)
def test_a_release_that_no_value_reaches(grow, releases, told):
    with pytest.raises(GateFileError) as caught:
        grow(0.0, releases=releases)
    (mistake,) = caught.value.mistakes
    assert f"the {told} boots the same with AGENTS=1 and AGENTS=10: let it reach" in mistake


def test_values_are_shown_as_they_are_written(grow):
    """Also those that a computer would write otherwise, or take for a number only in YAML."""
    more = "vary: {AGENTS: [1234567, 0x10, 0.30]}"
    played = grow(0.0, more=more)
    check = played.gate.plan.check("growth", "AGENTS", "main")
    assert [text for _, text in check.planned()] == [
        "main: with AGENTS (0.30, 0x10, 1234567), from these boots"
    ]
    assert list(check._profiles) == [0.3, 16.0, 1234567.0]


def test_unclear_growth_says_how_much(play, grow):
    played = grow(0.0)
    played.engine.programs.update(new=jittery(0.3, 2.0), old=jittery(0.3, 1.5))
    said = growth(played).says
    assert "unclear growth (+" in said
    assert "no clear growth" not in said
