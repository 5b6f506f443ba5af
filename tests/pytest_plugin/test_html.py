"""--bootgate-html: the page of a run, through pytest itself."""

from __future__ import annotations

import json
import sqlite3
import time
from contextlib import closing

from tests.pytest_plugin.conftest import GOOD, add_baseline
from tests.reports.pages import read, rows, section

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
    assert [row[2] for row in rows(found, "boots")] == [b["seconds"] for b in target["boots"]]
    assert [row[3] for row in rows(found, "boots")] == [b["cpu_seconds"] for b in target["boots"]]
    assert dict(rows(found, "comparison"))["exact p"] == target["judgement"]["regression"]["p"]
    assert rows(found, "attribution")[0][2] == target["judgement"]["attribution"]["seconds"]
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
    assert [p.text for p in shown.every("span", **{"class": "path"})] == [
        file.rpartition("/")[2] for file in files
    ]


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
    shares = [row[1] for row in rows(found, "trend")]
    assert shares[:10] == [(5 * (0.4 + 0.02 * i)) / 5 for i in range(10)]
    (boot,) = (b for b in plain(pytester)["targets"][0]["boots"] if not b["warm_up"])
    assert shares[10:] == [boot["seconds"] / 0.08]
    assert "of its timeout over 10 days (11 boots)" in found.text
