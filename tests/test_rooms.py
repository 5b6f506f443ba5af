"""An import only ever points down, and the pure middle has no effects."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "pytest_bootgate"
#: From the bottom up; a room may import those below it, and its own neighbours.
FLOORS = [
    {"errors", "masking", "patience", "untrusted"},
    {"gatefile"},
    {"engines"},
    {"boot"},
    {"gate"},
    {"result"},
    {"events"},
    {"reports", "journal"},
    {"calibrate", "drive"},
    {"door"},
    {"plugin"},
    {"cli", "command", "__main__"},
]
FLOOR = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
PURE = [
    "gate",
    "boot/values.py",
    "boot/lines.py",
    "boot/machine.py",
    "boot/nearest.py",
    "boot/observe.py",
    "boot/outcome.py",
    "boot/signals.py",
    "boot/spots.py",
    "boot/stall.py",
    "boot/stamps.py",
    "boot/timeouts.py",
    "boot/witness.py",
    "result.py",
]
#: What waits, or asks for the time, asks its engine's clock: so it can be played in memory.
BY_THE_CLOCK = [
    "drive",
    *(
        f"boot/{name}.py"
        for name in (
            "aftermath",
            "backlog",
            "heartbeat",
            "hold",
            "inplace",
            "link",
            "listener",
            "opened",
            "pair",
        )
    ),
]
EFFECTS = {"docker", "pytest", "subprocess", "socket", "sqlite3", "time", "threading", "psutil"}


def imports(path: Path):
    """Every absolute import of a file outside ``if TYPE_CHECKING``, with its line."""
    tree = ast.parse(path.read_text())
    typing_only = {
        id(node)
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and "TYPE_CHECKING" in ast.dump(block.test)
        for node in ast.walk(block)
    }
    for node in ast.walk(tree):
        if id(node) in typing_only:
            continue
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module, node.lineno


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda p: p.name)
def test_imports_point_down(path):
    room = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    if room == "__init__":
        return
    for module, line in imports(path):
        parts = module.split(".")
        if parts[0] == "pytest_bootgate" and len(parts) > 1:
            assert FLOOR[parts[1]] <= FLOOR[room], f"{path}:{line} imports {module}, which is above"


@pytest.mark.parametrize("place", BY_THE_CLOCK)
def test_the_loop_asks_its_engine_for_the_time(place):
    path = PACKAGE / place
    for file in path.rglob("*.py") if path.is_dir() else [path]:
        assert "time" not in {module for module, _ in imports(file)}, file


@pytest.mark.parametrize("place", PURE)
def test_the_middle_is_pure(place):
    path = PACKAGE / place
    for file in path.rglob("*.py") if path.is_dir() else [path]:
        for module, line in imports(file):
            assert module.split(".")[0] not in EFFECTS, f"{file}:{line} imports {module}"
