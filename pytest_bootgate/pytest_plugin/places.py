"""Where a run writes: checked before anything boots, and made free of what earlier runs left."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import pytest

from pytest_bootgate.errors import BootgateError
from pytest_bootgate.gatefile.paths import EARLIER
from pytest_bootgate.pytest_plugin.ini import spelled
from pytest_bootgate.pytest_plugin.session import is_gate_file
from pytest_bootgate.reports import formats, places
from pytest_bootgate.whole import stream


@dataclass(frozen=True, slots=True)
class Place:
    """A file that a run is to write, the option that asks for it, and what it will be."""

    option: str
    path: Path
    kind: str
    begins: bytes | None = None


def wanted(config: pytest.Config) -> list[formats.Wanted]:
    """What ``--bootgate-report`` asks for."""
    return [formats.parse(text) for text in config.getoption("bootgate_report") or ()]


def asked_for(config: pytest.Config) -> list[Place]:
    """The reports that a run writes to files."""
    base = config.invocation_params.dir
    found = [
        Place(spelled(config, kind), base / path, kind)
        for kind in ("json", "html")
        if (path := config.getoption(f"bootgate_{kind}")) is not None
    ]
    return found + [
        Place(spelled(config, "report"), path, one.name, begins)
        for one in wanted(config)
        for path, begins in one.format.files(one.path, base)
    ]


def check(config: pytest.Config) -> None:
    """Raises `pytest.UsageError` for a path that a report or the journal cannot have."""
    base = config.invocation_params.dir
    asked = asked_for(config)
    if (journal := config.getoption("bootgate_journal")) is not None:
        asked.append(Place(spelled(config, "journal"), base / journal, "journal"))
    taken = _written_by_others(config)
    for place in asked:
        shown = os.path.relpath(place.path, base)
        if text := _mistaken(place, shown):
            raise pytest.UsageError(f"{place.option}: {text}")
        real = place.path.resolve()
        if real in taken and stream(place.path) is None:
            both = f"{taken[real]} and {place.option}"
            raise pytest.UsageError(f"bootgate: two reports cannot both be {shown} ({both})")
        taken[real] = place.option
        try:
            places.check(place.path, place.kind, place.begins)
        except BootgateError as error:
            raise pytest.UsageError(f"{place.option}: {error}") from None


def _written_by_others(config: pytest.Config) -> dict[Path, str]:
    """What pytest and pytest-benchmark are asked to write."""
    base, option = config.invocation_params.dir, config.getoption
    given = {
        "--junitxml": option("xmlpath", None),
        "--benchmark-json": option("benchmark_json", None),
    }
    return {
        (base / (path if isinstance(path, str | Path) else path.name)).resolve(): name
        for name, path in given.items()
        if path  # pytest-benchmark 4 has it open already
    }


def _mistaken(place: Place, shown: str) -> str | None:
    """What is wrong with a path that looks like an argument of pytest: its own was forgotten."""
    named = Path(shown.partition("::")[0])
    what = "a gate file" if is_gate_file(named) else "a test file" if named.suffix == ".py" else ""
    if not what:
        return None
    return f"{named} is {what}, not an output path. Give {place.option} another path."


def clear(config: pytest.Config) -> None:
    """Move aside what earlier runs left where this one writes: it is not this one's result.

    Raises `pytest.UsageError` for what cannot be moved: it could not be written either.
    """
    for place in asked_for(config):
        try:
            if place.path.is_file() and stream(place.path) is None:
                place.path.resolve().replace(_aside(place.path))
        except OSError as error:
            raise pytest.UsageError(
                f"{place.option}: {place.path} is from an earlier run and cannot be moved aside:"
                f" {error.strerror or error}. Name another path, or remove it."
            ) from None


def forget(config: pytest.Config) -> None:
    """Remove what `clear` moved aside, where this run has written its own."""
    for place in asked_for(config):
        aside = _aside(place.path)
        if place.path.is_file() and aside.is_file() and stream(place.path) is None:
            aside.unlink()


def _aside(path: Path) -> Path:
    real = path.resolve()
    return real.with_name(f"{real.name}{EARLIER}")
