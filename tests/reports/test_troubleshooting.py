"""What docs/troubleshooting.md quotes is what the plugin says."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import pytest_bootgate
from tests.conftest import ROOT

PAGE = (ROOT / "docs" / "troubleshooting.md").read_text()
#: The tables whose first column is a message.
SAYS = re.findall(r"^\| it says \|.*?\n\n", PAGE, re.DOTALL | re.MULTILINE)
MESSAGES = [
    ticks and message.strip("`")
    for table in SAYS
    for ticks, message in re.findall(r"^\| (`+)(.+?)\1 \|", table, re.MULTILINE)
]


@pytest.fixture(scope="module")
def texts() -> list[str]:
    """Every text in the code, with `…` for what is filled in."""
    found = []
    for path in Path(pytest_bootgate.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.JoinedStr):
                parts = [v.value if isinstance(v, ast.Constant) else "…" for v in node.values]
                found.append("".join(map(str, parts)))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.append(node.value)
    return found


def test_there_are_messages():
    assert len(SAYS) == 4
    assert len(MESSAGES) > 25


@pytest.mark.parametrize("message", MESSAGES)
def test_messages(message, texts):
    parts = [part.strip() for part in message.split("…") if len(part.strip()) > 3]
    assert any(all(part in text for part in parts) for text in texts)
