"""`bootgate merge`: what pytest is called with. What comes of it is in `pytest_plugin`."""

from __future__ import annotations

import sys

import pytest

from pytest_bootgate.cli.merge import command
from pytest_bootgate.cli.run import DECIDES
from pytest_bootgate.errors import BootgateError


@pytest.mark.parametrize(
    ("asked", "called"),
    [
        ("a.json", "--bootgate-merge=a.json"),
        ("a.json b/c.json -q", "--bootgate-merge=a.json --bootgate-merge=b/c.json -q"),
        (
            "a.json --bootgate-json out.json --junitxml=x.xml",
            "--bootgate-merge=a.json --bootgate-json out.json --junitxml=x.xml",
        ),
    ],
)
def test_what_pytest_is_called_with(asked, called):
    assert command(asked.split()) == [sys.executable, "-m", "pytest", DECIDES, *called.split()]


@pytest.mark.parametrize("asked", ["", "-q", "--bootgate-json out.json a.json"])
def test_the_results_come_first(asked):
    with pytest.raises(BootgateError, match=r"Name the results of all shards, before any option"):
        command(asked.split())
