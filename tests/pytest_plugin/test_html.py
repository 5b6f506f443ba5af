"""--bootgate-html: the page of a run, through pytest itself."""

from __future__ import annotations

import json
import re
import sqlite3
import time
from contextlib import closing

import pytest

from tests.pytest_plugin.conftest import GOOD, add_baseline
from tests.reports.pages import read, section
from tests.reports.test_html import boots_of, figures

SLOW = [0.3, "engine ready", 0.02, "persona loaded", 0.02, "ring"]
BOTH = ("--bootgate-html", "out.html", "--bootgate-json", "out.json")
DAY = 86400.0


def page(pytester):
    return read((pytester.path / "out.html").read_text())


def plain(pytester):
    return json.loads((pytester.path / "out.json").read_text())


def compared(gate, new=SLOW):
    """A gate with a baseline that does well."""
    path = gate(new, boots="5")
    add_baseline(path, json.dumps(new), json.dumps(GOOD))
    path.write_text(path.read_text().replace("env: {PLAN", "env: {RELEASE: old, PLAN", 1))


def test_the_page_shows_the_numbers_of_the_json_of_the_same_run(gate, played, pytester):
    compared(gate)
    assert played("bootgate.yaml", *BOTH).ret == 1
    (target,) = plain(pytester)["targets"]
    shown = page(pytester)
    assert shown.every("h1")[0].text.startswith("DO NOT SHIP ")
    assert "isolated takes " in shown.every("h1")[0].text
    found = section(shown, "isolated")
    listed = boots_of(found)
    for boot in target["boots"]:
        number = "warm-up" if boot["warm_up"] else str(boot["number"])
        cells = listed[number, boot["release"]]
        assert float(cells["wall"]) == pytest.approx(boot["seconds"], rel=0.01)
        assert float(cells["CPU"]) == pytest.approx(boot["cpu_seconds"], rel=0.01)
    shown_p = dict(row[:2] for row in figures(found)["The comparison in figures"])["exact p"]
    p = target["judgement"]["regression"]["p"]
    assert float(shown_p.split()[0].strip(",")) == pytest.approx(p, rel=0.1)
    commands = [pre.text for pre in found.every("pre", **{"class": "command"})]
    assert commands == ["pytest bootgate.yaml::isolated::boot --bootgate-boots 5"]


def test_the_command_on_the_page_runs(gate, here, pytester):
    gate()
    assert here("bootgate.yaml", *BOTH).ret == 0
    (command,) = section(page(pytester), "isolated").every("pre", **{"class": "command"})
    what = "pytest bootgate.yaml::isolated::boot --bootgate-engine process --bootgate-boots 2"
    assert command.text == what
    again = here(*command.text.split()[1:])
    again.assert_outcomes(passed=1)


def test_the_command_names_the_release_that_was_gated(gate, played, pytester):
    """Without its variables it booted the default, and shipped that."""
    path = gate([*GOOD[:-1], "STEP"], env={"VERSION": "${CANDIDATE:-1}", "API_TOKEN": "${HIDDEN}"})
    path.write_text(path.read_text().replace("STEP", "${HOW:-exit:3}"))
    given = [f"--bootgate-set={one}" for one in ("HOW=ring", "CANDIDATE=2", "HIDDEN=Zx9-secret")]
    played("bootgate.yaml", *given, *BOTH)
    commands = [one.text for one in page(pytester).every("pre", **{"class": "command"})]
    begins = "CANDIDATE=2 HOW=ring pytest bootgate.yaml"
    assert [one.startswith(begins) for one in commands] == [True, True, False]
    assert "Zx9-secret" not in (pytester.path / "out.json").read_text()


def test_a_green_page_of_a_green_run(gate, played, pytester):
    gate()
    assert played("bootgate.yaml", *BOTH).ret == 0
    assert page(pytester).every("title")[0].text.startswith("SHIP ")


def test_what_a_gateway_says_is_no_markup(gate, played, pytester):
    gate(["<script>alert(1)</script>\\u0007", "exit:1"])
    assert played("bootgate.yaml", *BOTH).ret == 1
    shown = page(pytester)
    assert not shown.every("script")
    logs = section(shown, "isolated").every("pre")
    assert any("<script>alert(1)</script>" in log.text for log in logs)


def test_under_xdist_the_controller_writes(gate, played, pytester):
    gate(targets=("isolated", "main"))
    gate(name="other.bootgate.yaml")
    assert played("bootgate.yaml", "other.bootgate.yaml", "-n2", *BOTH).ret == 0
    shown = page(pytester)
    assert [h.text.split()[0] for h in shown.every("h1")] == ["SHIP", "SHIP"]
    files = [result["file"] for result in plain(pytester)]
    told = [value.text for value in shown.every("dd")]
    assert all(file.rpartition("/")[2] in told for file in files)


def test_a_page_that_cannot_be_written_makes_the_run_red(gate, played, pytester):
    gate()
    pytester.makeconftest("def pytest_runtest_logfinish(): open('file', 'w').close()")
    result = played("bootgate.yaml", "--bootgate-html", "file/out.html")
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        ["ERROR: The HTML report could not be written to *file/out.html: *. Name a writable path*"]
    )
    assert "Traceback" not in result.stdout.str() + result.stderr.str()


def test_a_run_that_must_judge_more_is_an_error_on_its_page(gate, played, pytester):
    gate(targets=("isolated", "main"))
    result = played("bootgate.yaml::isolated", "--bootgate-require", *BOTH)
    assert result.ret == 1
    assert page(pytester).every("h1")[0].text.startswith("UNKNOWN")


def test_the_trend_is_the_journals(gate, played, pytester):
    gate(boots="10")
    assert played("bootgate.yaml").ret == 0
    with closing(sqlite3.connect(pytester.path / ".bootgate" / "journal.db")) as journal, journal:
        boots = journal.execute("SELECT id FROM boots WHERE number > 0 ORDER BY began").fetchall()
        for i, (boot,) in enumerate(boots):
            journal.execute(
                "UPDATE boots SET began = ?, seconds = ? WHERE id = ?",
                (time.time() - (10 - i) * DAY, 5 * (0.4 + 0.02 * i), boot),
            )
    gate(boots="1", timeout="80ms")  # which warns: a trend is shown where there is something to see
    assert played("bootgate.yaml", *BOTH).ret == 0
    found = section(page(pytester), "isolated")
    (listed,) = found.every("pre", **{"data-text": "trend"})
    shares = [float(share) / 100 for share in re.findall(r"(\d+) %", "".join(listed.texts))]
    assert shares[:10] == pytest.approx([0.4 + 0.02 * i for i in range(10)])
    (boot,) = (b for b in plain(pytester)["targets"][0]["boots"] if not b["warm_up"])
    assert shares[10:] == pytest.approx([boot["seconds"] / 0.08], abs=0.01)
    assert "of its timeout over 10 days (11 boots)" in found.text
