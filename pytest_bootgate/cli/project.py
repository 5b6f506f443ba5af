"""What a project has set once, in the ini file of its pytest, for commands that are not pytest."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pytest_bootgate.gatefile import Loaded
    from pytest_bootgate.run import Gate

#: Where pytest looks, upwards from what it is to run.
_FILES = (
    *("pytest.toml", ".pytest.toml", "pytest.ini", ".pytest.ini"),
    *("pyproject.toml", "tox.ini", "setup.cfg"),
)


def settings(start: Path) -> dict[str, Any]:
    """The settings for a gate file, or a directory, by their names without ``bootgate_``.

    Each is as the option of its name would have it. Raises `BootgateError` for what is no value.
    """
    here = start.absolute()
    every = [directory / name for directory in (here, *here.parents) for name in _FILES]
    if not any(_may_set(path) for path in every):
        return {}  # most have none, and need not wait until pytest is imported
    from pytest_bootgate.pytest_plugin.ini import read

    return read(start)


def journal_of(start: Path) -> Path | None:
    """The journal that the ini file names. Raises `BootgateError` as `settings` does."""
    found: Path | None = settings(start).get("journal")
    return found


def gate_for(loaded: Loaded) -> Gate:
    """The gate of a gate file, as pytest would run it here. Raises `BootgateError`."""
    from pytest_bootgate.run import Gate

    found = settings(loaded.path)
    engine, machines = where(found)
    return Gate(
        loaded,
        wanted_engine=engine,
        hosts=machines,
        boots=found.get("boots"),
        profiles=found.get("profile", ()),
    )


def where(found: dict[str, Any]) -> tuple[str, list[str]]:
    """The engine that settings name, and the Docker hosts."""
    from pytest_bootgate.engines.docker_address import hosts

    if "hosts" in found:
        return "docker", hosts(found["hosts"])
    return found.get("engine", "auto"), []


def _may_set(path: Path) -> bool:
    try:
        return path.is_file() and b"bootgate_" in path.read_bytes()
    except OSError:
        return False
