"""The example of a test of the loop in CONTRIBUTING.md passes as it stands there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from pytest_bootgate.engines.base import Exit
from pytest_bootgate.errors import BootgateError
from pytest_bootgate.run.check import KINDS
from tests.loop.played import serves

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "CONTRIBUTING.md").read_text()
CODE = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)


def test_the_example(play):
    (code,) = (one for one in CODE if "play" in one)
    names: dict[str, Any] = {}
    exec(code, names)
    (test,) = (one for name, one in names.items() if name.startswith("test_"))
    test(play)


def test_the_check(play):
    (code,) = (one for one in CODE if "(PlainCheck)" in one)
    before = dict(KINDS)
    try:
        exec(code, {})
        played = play(serves(by_boot={2: (Exit(3),)}))
        restart = played.check("restart")
        assert [(f.verdict, f.text) for f in restart.findings] == [("fail", "boot 2 crashed")]
        played.close()
        name = "phases: {restart: {line: ^set up}}"
        with pytest.raises(BootgateError, match="'restart' of main stands for the check restart"):
            assert play(serves(), target=name).gate.plan.checks
    finally:
        KINDS.clear()
        KINDS.update(before)


def test_the_files_that_it_names():
    named = re.findall(r"`((?:ci|docs|examples|pytest_bootgate|tests)/[\w./-]+)[^`\n]*`", TEXT)
    gone = {one for one in named if not (ROOT / one).exists()}
    assert gone == {
        "pytest_bootgate/reports/formats/verdicts.py",
        "tests/gatefile/broken/NAME.yaml",
    }
