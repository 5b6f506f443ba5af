"""The HTML report in a real browser: nothing is loaded, all is seen, and reached by keyboard."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from urllib.parse import unquote

import pytest

from pytest_bootgate.checks.startup import judge
from pytest_bootgate.records.outcomes import OUTCOMES
from pytest_bootgate.records.result import GateResult, TargetResult
from pytest_bootgate.records.values import Boot
from pytest_bootgate.records.verdict import Rules
from pytest_bootgate.reports.html.page import write

from .pages import boot, drawn, forty, gate, recorded

pytestmark = pytest.mark.browser

SCHEMES = ("light", "dark")
OPEN_ALL = "[...document.querySelectorAll('details')].forEach(d => d.open = true)"
#: Where each element is that can be seen and matches a selector: left, right, height.
BOXES = """selector => [...document.querySelectorAll(selector)]
  .filter(e => !e.closest('.defs') && e.checkVisibility())
  .map(e => e.getBoundingClientRect()).filter(b => b.width && b.height)  // not folded
  .map(b => [b.left, b.right, b.height])"""


def every_outcome() -> GateResult:
    """A target for each way in which a boot ends, with long names."""
    outcomes = [word for word in OUTCOMES if word not in ("started", "timed_out")]
    rules = Rules(60.0, 0.8, 0.6, 1, 1)

    def one(outcome: str) -> TargetResult:
        name = f"session:{outcome}-with-a-name-that-is-far-too-long-for-a-telephone"
        boots: tuple[Boot, ...] = (boot(outcome=outcome, detail="x" * 300, ended=7.0),)
        return TargetResult(name, "low-spec", name, rules, boots, judge(boots, rules))

    return gate(*(one(outcome) for outcome in outcomes))


RESULTS = {
    "red": lambda: [recorded("timed-out")],
    "slower": lambda: [recorded("slower")],
    "propagation": lambda: [recorded("untold")],
    "upgrade": lambda: [recorded("lost-job")],
    "error": lambda: [recorded("broken")],
    "several": lambda: [recorded("near"), recorded("retried")],
    "drawn": lambda: [replace(drawn(n), file=f"/gates/{n}/bootgate.yaml") for n in (3, 11)],
    "outcomes": lambda: [every_outcome()],
    "forty": lambda: [forty()],
    "profiles": lambda: [on_profiles()],
}
#: Elements that Tab stops at: those that can be seen, and one of each group of radio buttons.
TAB_STOPS = """() => {
  const all = [...document.querySelectorAll("a[href], summary, input, [tabindex]")];
  const seen = all.filter(e => e.tabIndex >= 0 && e.checkVisibility());
  return seen.filter(e => e.type != "radio" || e.checked).length
}"""


def on_profiles() -> GateResult:
    """Twenty targets on each of two profiles."""
    of = [
        replace(one, target=f"session:{n // 2}", profile=("low-spec", "staging")[n % 2])
        for n, one in enumerate(forty(pairs=5).targets)
    ]
    return gate(*of, profiles=("low-spec", "staging"))


@pytest.fixture(scope="module")
def chromium():
    """A Chromium without a head; missing, the tests fail: skipped they would show nothing."""
    names = [os.environ.get("BOOTGATE_CHROMIUM", "chromium"), "chromium-browser", "google-chrome"]
    path = next((found for name in names if (found := shutil.which(name))), None)
    if path is None:
        pytest.fail("there is no Chromium; run ci/browser")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Where the page of a result is, which is written once."""
    directory = tmp_path_factory.mktemp("pages")

    def call(name: str):
        path = directory / f"{name}.html"
        if not path.exists():
            write(RESULTS[name](), path)
        return path

    return call


@pytest.fixture
def opened(chromium, written):
    """Open the page of a result; returns it, and the list of what it loaded or complained of."""
    contexts = []

    def call(name: str, width: int = 1280, scheme: str = "light", **more):
        path = written(name)
        context = chromium.new_context(
            viewport={"width": width, "height": 800}, color_scheme=scheme, **more
        )
        contexts.append(context)
        page, heard = context.new_page(), []
        page.on("console", lambda message: heard.append(message.text))
        page.on("pageerror", lambda error: heard.append(str(error)))
        page.on("request", lambda request: heard.append(request.url))
        page.goto(path.as_uri())  # until all that it asks for is there; no script asks later
        assert heard.pop(0) == path.as_uri()
        return page, heard

    yield call
    for context in contexts:
        context.close()


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("name", RESULTS)
def test_it_is_quiet_and_all_of_it_is_on_the_screen(opened, name, scheme):
    page, heard = opened(name, 1280, scheme)
    assert [line for line in heard if not line.startswith("data:")] == []
    assert page.locator("section").count() >= 2
    # What is off the screen is laid out as well.
    page.add_style_tag(content=".check { content-visibility: visible !important }")
    for unfolded in (False, True):
        if unfolded:
            page.evaluate(OPEN_ALL)
        for width in (1280, 768, 390):
            page.set_viewport_size({"width": width, "height": 800})
            sections = page.evaluate(BOXES, "section")
            assert all(left >= 0 and right <= width for left, right, _ in sections), width
            assert all(height > 20 for *_, height in sections), width
            drawn = page.evaluate(BOXES, "svg text, svg use")
            assert all(left >= 0 and right <= width for left, right, _ in drawn), width
            assert page.evaluate("document.documentElement.scrollWidth") == width


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("name", RESULTS)
def test_axe_finds_nothing(opened, name, scheme):
    from axe_playwright_python.sync_playwright import Axe

    page, _ = opened(name, 390, scheme, bypass_csp=True)
    # Forty targets are of a few shapes, and axe takes twenty seconds for all of them.
    page.evaluate(OPEN_ALL.replace(")]", ")].slice(0, 20)"))
    # Schemes differ in their colours only.
    options = {"runOnly": ["color-contrast"]} if scheme == "dark" else None
    found = Axe().run(page, options=options)
    assert found.violations_count == 0, found.generate_report()


def test_the_verdict_is_on_the_first_screen_of_a_telephone(opened):
    page, _ = opened("red", 390)
    page.set_viewport_size({"width": 390, "height": 844})
    box = page.locator("section.top").bounding_box()
    assert box["y"] + box["height"] <= 844


def test_the_keyboard_reaches_and_opens_everything_that_is_folded(opened):
    page, _ = opened("red")
    closed = page.locator("details:not([open])").count()
    assert closed >= 4
    reached = 0
    for _ in range(400):
        page.keyboard.press("Tab")
        tag = page.evaluate("document.activeElement.tagName")
        if tag == "BODY":
            break
        if tag == "SUMMARY" and not page.evaluate("document.activeElement.parentNode.open"):
            page.keyboard.press("Enter")
            reached += 1
    assert reached == closed
    assert page.locator("details:not([open])").count() == 0


def test_what_is_focused_can_be_seen(opened):
    page, _ = opened("red")
    for _ in range(6):
        page.keyboard.press("Tab")
        style = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert style == "solid"


def test_light_and_dark_differ(opened):
    colours = set()
    for scheme in SCHEMES:
        page, _ = opened("red", 390, scheme)
        colours.add(page.evaluate("getComputedStyle(document.body).backgroundColor"))
    assert len(colours) == 2


def test_the_timeout_is_right_of_every_boot_that_was_in_time(opened):
    page, _ = opened("slower", 390)
    drawing = page.locator("svg.chart").first
    line = drawing.locator("path.timeout").bounding_box()["x"]
    boots = drawing.locator("path.dot, path.phase")
    assert boots.count() == 6  # of each release: the warm-up, the others, the phases
    for number in range(boots.count()):
        box = boots.nth(number).bounding_box()
        assert box["x"] + box["width"] < line


def test_a_boot_that_ran_out_of_time_ends_at_the_timeout(opened):
    page, _ = opened("red", 1280)
    drawing = page.locator("svg.chart").first
    line = drawing.locator("path.timeout").bounding_box()["x"]
    bar = drawing.locator("rect.ended").bounding_box()
    assert abs(bar["x"] + bar["width"] - line) < 4


# -- forty targets -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["red", "forty", "profiles", "outcomes"])
def test_there_are_few_tab_stops_before_anything_is_opened(opened, name):
    page, _ = opened(name)
    assert page.evaluate(TAB_STOPS) <= 60


def test_a_link_of_the_matrix_opens_what_it_leads_to(opened):
    page, _ = opened("forty")
    assert not page.locator("[id='session:5']").is_visible()
    page.locator("table.matrix a", has_text="pass").nth(20).click()
    mark = unquote(page.evaluate("location.hash")[1:])
    shown = page.locator(f"[id='{mark}']")
    assert shown.is_visible()
    bar = page.locator("nav.bar").bounding_box()
    assert shown.bounding_box()["y"] >= bar["y"] + bar["height"]
    assert shown.bounding_box()["y"] < 800


def test_the_headings_of_the_matrix_stand_above_their_cells(opened):
    page, _ = opened("forty")
    ((left, *_),) = page.evaluate(BOXES, ".matrix .head .verdict")
    assert {round(left - cell[0]) for cell in page.evaluate(BOXES, ".matrix a .verdict")} == {0}
    for part in ("near", "times", "change"):  # these are flush right
        ((_, right, _),) = page.evaluate(BOXES, f".matrix .head .{part}")
        cells = page.evaluate(BOXES, f".matrix a .{part}")
        assert max(abs(right - cell[1]) for cell in cells) < 2, part


def test_the_filters_work_without_a_script(opened):
    page, _ = opened("profiles", java_script_enabled=False)
    lines = page.locator("table.matrix tbody tr:visible")
    assert lines.count() == 20
    page.get_by_role("radio", name="fail 1").check()
    assert lines.count() == 1
    assert page.locator(".check:visible, .group:visible").count() == 1
    page.get_by_role("radio", name="all", exact=True).check()
    page.get_by_role("radio", name="staging").check()
    assert lines.count() == 20
    assert page.locator("table.matrix tbody td:visible").count() == 20


def test_the_first_printed_page_is_the_decision(opened):
    page, _ = opened("forty")
    page.emulate_media(media="print")
    assert page.locator("section.top").is_visible()
    assert not page.locator("nav.bar").is_visible()
    before = page.locator(".checks").evaluate("e => getComputedStyle(e).breakBefore")
    assert before == "page"
    page.set_viewport_size({"width": 700, "height": 1000})  # A4 within its margins
    assert page.evaluate("document.documentElement.scrollWidth") == 700


def test_script_in_a_log_does_not_run(opened, monkeypatch):
    evil = "<script>document.title = 'owned'</script><img src=x onerror=\"document.title='owned'\">"

    def result():
        (found, *_) = recorded("timed-out").targets
        boots = tuple(replace(b, tails={evil: (evil,)}, detail=evil) for b in found.boots)
        return [gate(replace(found, boots=boots, target=evil, judgement=judge(boots, found.rules)))]

    monkeypatch.setitem(RESULTS, "evil", result)
    page, heard = opened("evil")
    assert [line for line in heard if not line.startswith("data:")] == []
    assert page.title() != "owned"
    assert evil in page.locator("pre[data-text=last]").first.inner_text()
