"""Variables of gate files that the command line gives, each of which must reach the gate file."""

from __future__ import annotations

import argparse
import os
import re
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pytest_bootgate.gatefile import Loaded

OPTION = "--bootgate-set"
_GIVEN = re.compile(r"[A-Za-z_]\w*=.*", re.ASCII | re.DOTALL)


def variable(text: str) -> str:
    """``NAME=VALUE``. Raises `argparse.ArgumentTypeError` for anything else."""
    if not _GIVEN.fullmatch(text):
        raise argparse.ArgumentTypeError("this is not NAME=VALUE: write CANDIDATE=1.9")
    if text.endswith("=") and "=" not in text[:-1]:  # as of a pipeline's variable that is not set
        raise argparse.ArgumentTypeError(
            f"{text[:-1]} is empty, so a default would be gated: give it a value, or leave it out"
        )
    return text


def into_environment(config: pytest.Config) -> None:
    """Set what is given for as long as this run of pytest, whatever the environment had."""
    patch = pytest.MonkeyPatch()
    config.add_cleanup(patch.undo)
    for name, value in _given(config).items():
        patch.setenv(name, value)


def engine_for(config: pytest.Config, loaded: Loaded, wanted: str) -> str:
    """The engine to ask for: one with images, where what is given only changes an image.

    Raises `BootgateError` for a variable with which the gate file boots nothing else: who gives a
    release that it does not boot would see a verdict about another one.
    """
    from pytest_bootgate.errors import BootgateError, GateFileError
    from pytest_bootgate.gatefile import load

    releases = (loaded.gate.releases.baseline, loaded.gate.releases.candidate)
    images = wanted != "process" and all(one is None or one.image is not None for one in releases)
    engine = "docker" if images and wanted == "auto" else wanted
    for name, value in _given(config).items():
        try:
            other = load(loaded.path, {**os.environ, name: f"{value}1"})
        except GateFileError:  # it is used where not every value goes
            continue
        both = (loaded, other)
        if images and _differ(config, *both, engine):
            # Without Docker, ``auto`` would boot the commands, which are the same.
            wanted = wanted if _differ(config, *both, "process") else engine
        elif not _differ(config, *both, "process" if wanted == "auto" else wanted):
            raise BootgateError(
                f"{OPTION} {name}=... has no effect: nothing that {loaded.path.name} boots depends"
                f" on ${{{name}}}, so another release would be gated. Write it where it belongs,"
                f' such as image: "my-api:${{{name}}}". What only rules or notify use comes from'
                " the environment."
            )
    return wanted


def _differ(config: pytest.Config, loaded: Loaded, other: Loaded, engine: str) -> bool:
    return _booted(config, loaded, engine) != _booted(config, other, engine)


def _booted(config: pytest.Config, loaded: Loaded, engine: str) -> object:
    """What is booted, without how it is judged, and what the engine or the options leave out."""
    import msgspec

    from pytest_bootgate.gatefile.digest import measures

    gates, asked = [loaded.gate, *loaded.varied.values()], config.getoption("bootgate_profile")
    both: list[Any] = [(gate.releases.baseline, gate.releases.candidate) for gate in gates]
    if engine == "process":
        both = [
            tuple(one and msgspec.structs.replace(one, image=None) for one in pair) for pair in both
        ]
    profiles = [
        (name, one)
        for gate in gates
        for name, one in gate.profiles.items()
        if (name in asked if asked else not one.on_request)
    ]
    left = {"profiles", *({"kubernetes"} if engine != "kubernetes" else ())}
    sections = {k: v for k, v in measures(loaded).parts.items() if k not in left}
    return sections, both, profiles


def _given(config: pytest.Config) -> dict[str, str]:
    every: list[str] = config.getoption("bootgate_set") or []
    return dict(one.split("=", 1) for one in every)
