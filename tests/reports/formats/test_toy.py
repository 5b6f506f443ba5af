"""A format of somebody else: a package with an entry point, and nothing else, makes it one."""

from __future__ import annotations

import re

import pytest

from tests.reports.formats.conftest import fail, green, run_pytest

TOY = """\
from pytest_bootgate.reports.formats import Format

def text(results, base):
    return "toy\\n" + "".join(f"{result.verdict}\\n" for result in results)

FORMAT = Format(text, b"toy\\n")
NO_FORMAT = text
LAZY = Format(lambda results, base: missing, b"toy")
"""
POINTS = """\
[pytest_bootgate.reports]
toy = toy:FORMAT
toy-less = toy:NO_FORMAT
toy-error = no_such_module:FORMAT
toy-extra = no_such_module:FORMAT [more]
toy-lazy = toy:LAZY
"""


@pytest.fixture
def run(tmp_path):
    """Run pytest where the toy is installed; what came of it."""
    installed, here = tmp_path / "site", tmp_path / "here"
    about = installed / "toy-1.0.dist-info"
    about.mkdir(parents=True)
    here.mkdir()
    (installed / "toy.py").write_text(TOY)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: toy\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(POINTS)

    def call(*args):
        return here, run_pytest(here, *args, PYTHONPATH=str(installed))

    green(here)
    return call


def test_it_is_written_and_replaced(run):
    here, done = run("bootgate.yaml", "--bootgate-report=toy=toy.txt")
    assert done.status == 0, done.output
    assert (here / "toy.txt").read_text() == "toy\npass\n"
    fail(here)
    _, done = run("bootgate.yaml", "--bootgate-report=toy=toy.txt")
    assert done.status == 1
    assert (here / "toy.txt").read_text() == "toy\nfail\n"


def test_its_place_is_checked(run):
    here, _ = run("--version")
    (here / "mine.txt").write_text("mine")
    _, done = run("bootgate.yaml", "--bootgate-report=toy=mine.txt")
    assert done.status == 4
    assert "and is not an earlier toy report" in " ".join(done.output.split())
    assert (here / "mine.txt").read_text() == "mine"
    _, done = run("bootgate.yaml", "--bootgate-report=toy=x", "--bootgate-report=junit=x")
    assert done.status == 4
    assert "two reports cannot both be x" in done.output


def test_it_is_listed(run):
    _, done = run("--help")
    assert {"toy", "toy-error"} <= set(re.findall(r"[\w-]+", done.output))
    _, done = run("bootgate.yaml", "--bootgate-report=tyo=x")
    assert done.status == 4
    assert "there is no format 'tyo'; the formats are" in " ".join(done.output.split())
    assert {"toy", "toy-error"} <= set(re.findall(r"[\w-]+", done.output))


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("toy-less", "toy-less (toy:NO_FORMAT) is not a pytest_bootgate.reports.formats.Format"),
        ("toy-error", "cannot be loaded: No module named 'no_such_module'"),
        ("toy-extra", "toy-extra needs an extra: pip install 'toy[more]'"),
    ],
)
def test_what_is_no_format_is_a_mistake_before_anything_boots(run, name, said):
    _, done = run("bootgate.yaml", f"--bootgate-report={name}=x")
    assert done.status == 4
    assert said in " ".join(done.output.split())
    assert "Traceback" not in done.output


def test_its_own_mistake_makes_the_run_red_and_costs_no_other(run):
    here, done = run("bootgate.yaml", "--bootgate-report=toy-lazy=a", "--bootgate-report=toy=b")
    assert done.status == 1
    assert "The report toy-lazy could not be made: NameError" in " ".join(done.output.split())
    assert "This is a bug in toy;" in " ".join(done.output.split())
    assert (here / "b").read_text() == "toy\npass\n"
