"""The table of the docs and the tests tell the same lies."""

from __future__ import annotations

import ast
from pathlib import Path

from tests.lies.conftest import rows
from tests.lies.test_plans import LIES


def _marked() -> set[str]:
    """The lies that tests of this directory are marked with."""
    found = set()
    for file in Path(__file__).parent.glob("test_*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.lie":
                found |= {str(arg.value) for arg in node.args if isinstance(arg, ast.Constant)}
    return found


def test_every_row_has_its_test_and_every_test_its_row():
    assert set(rows()) == {*LIES, *_marked()}
