"""An import only ever points down, and the pure middle has no effects."""

from __future__ import annotations

import ast
import functools
import re
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "pytest_bootgate"
#: From the bottom up, each on a floor of its own: a room may import what is below it, and itself.
ROOMS = [
    "errors",
    "masking",
    "quantities",
    "demands",
    "patience",
    "untrusted",
    "whole",
    "stats",
    "probes",
    "gatefile",
    "records",
    "engines",
    "observe",
    "checks",
    "sidecar",
    "journal",
    "reports",
    "run",
    "pytest_plugin",
    "plugin",
    "cli",
    "__main__",
]
FLOOR = {room: number for number, room in enumerate(ROOMS)}
PURE = ["probes", "records", "observe", "stats", "checks"]
#: What waits, or asks for the time, asks its engine's clock: so it can be played in memory.
BY_THE_CLOCK = [
    f"run/{name}.py"
    for name in (
        "aftermath",
        "backlog",
        "conduct",
        "gate",
        "heartbeat",
        "hold",
        "inplace",
        "link",
        "listener",
        "machinery",
        "opened",
        "pair",
        "plan",
        "recorded",
        "upgrade",
        "bench",
        "check",
        "kinds/propagation",
        "kinds/startup",
        "kinds/upgrade",
    )
]
EFFECTS = {"docker", "pytest", "subprocess", "socket", "sqlite3", "time", "threading", "psutil"}


@functools.cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


@functools.cache
def imports(path: Path) -> tuple[tuple[str, int], ...]:
    """Every absolute import of a file outside ``if TYPE_CHECKING``, with its line."""
    return tuple(_imports(parsed(path)))


def _imports(node: ast.AST):
    for part in ast.iter_child_nodes(node):
        if isinstance(part, ast.Import):
            yield from ((alias.name, part.lineno) for alias in part.names)
        elif isinstance(part, ast.ImportFrom):
            yield from [(part.module, part.lineno)] if part.module else []
        elif isinstance(part, ast.If) and ast.unparse(part.test) == "TYPE_CHECKING":
            continue
        elif isinstance(part, ast.stmt):
            yield from _imports(part)


@pytest.mark.parametrize("room", ROOMS)
def test_imports_point_down(room):
    files = [*(PACKAGE / room).rglob("*.py"), *PACKAGE.glob(f"{room}.py")]
    assert files
    for path in files:
        for module, line in imports(path):
            parts = module.split(".")
            if parts[0] == "pytest_bootgate" and len(parts) > 1:
                above = f"{path}:{line} imports {module}, which is above"
                assert FLOOR[parts[1]] <= FLOOR[room], above


def test_every_room_has_a_floor():
    found = {path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or path.is_dir()}
    assert found - {"__init__", "__pycache__", "py"} == {*ROOMS}


@pytest.mark.parametrize("place", BY_THE_CLOCK)
def test_the_loop_asks_its_engine_for_the_time(place):
    file = PACKAGE / place
    assert "time" not in {module for module, _ in imports(file)}, file


@pytest.mark.parametrize("room", PURE)
def test_the_middle_is_pure(room):
    for file in (PACKAGE / room).rglob("*.py"):
        for module, line in imports(file):
            assert module.split(".")[0] not in EFFECTS, f"{file}:{line} imports {module}"


def test_a_probe_is_asked_and_not_its_kind():
    """But for stages, which are lines, and the trigger, whose endpoint is a probe's as well."""
    found = {
        (path.relative_to(PACKAGE).as_posix(), module.rpartition(".")[2])
        for path in PACKAGE.rglob("*.py")
        if path.parent.name != "probes"
        for module, _ in imports(path)
        if module.startswith("pytest_bootgate.probes.") and module != "pytest_bootgate.probes.kind"
    }
    assert found == {
        ("gatefile/model/probe.py", "line"),
        ("gatefile/probe_rules.py", "line"),
        ("observe/spots.py", "http"),
    }


def test_a_check_is_asked_and_not_its_kind():
    """What reports, formats, items and commands say of a check goes through its interface."""
    own = {"UpgradeResult", "PropagationResult", "UPGRADE", "PROPAGATION"}
    found = {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.ImportFrom) and own & {alias.name for alias in node.names}
    }
    assert found == {
        "records/result.py",
        "checks/propagation.py",
        "reports/advice.py",
        "reports/propagation.py",
        "reports/upgrade.py",
        "reports/views.py",
        "run/bench.py",
        "run/kinds/propagation.py",
        "run/kinds/upgrade.py",
    }


def test_the_sidecar_runs_alone():
    for file in (PACKAGE / "sidecar").rglob("*.py"):
        for module, line in imports(file):
            own = module.startswith("pytest_bootgate.sidecar.")
            assert own or module.split(".")[0] in sys.stdlib_module_names, (
                f"{file}:{line} imports {module}"
            )


def test_every_room_says_what_lives_there():
    rooms = {path.parent for path in PACKAGE.rglob("*.py")} - {PACKAGE}
    assert {room.relative_to(PACKAGE).parts[0] for room in rooms} <= FLOOR.keys()
    for room in ROOMS:
        if (PACKAGE / room).is_dir():
            text = ast.get_docstring(ast.parse((PACKAGE / room / "__init__.py").read_text()))
            assert text, f"{room} does not say what lives there"
            assert len(re.findall(r"\.(?:\s|$)", text)) >= 2, f"{room} says too little of itself"
