"""Variables of gate files that the command line gives, each of which must reach the gate file."""

from __future__ import annotations

import argparse
import os
import re
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pytest_bootgate.gatefile import Loaded

OPTION = "--bootgate-set"
_GIVEN = re.compile(r"[A-Za-z_]\w*=.*", re.ASCII | re.DOTALL)


def variable(text: str) -> str:
    """``NAME=VALUE``. Raises `argparse.ArgumentTypeError` for anything else."""
    if not _GIVEN.fullmatch(text):
        raise argparse.ArgumentTypeError(f"this is not NAME=VALUE: write CANDIDATE=1.9, not {text}")
    return text


def into_environment(config: pytest.Config) -> None:
    """Set what is given for as long as this run of pytest, whatever the environment had."""
    patch = pytest.MonkeyPatch()
    config.add_cleanup(patch.undo)
    for name, value in _given(config).items():
        patch.setenv(name, value)


def refuse_unused(config: pytest.Config, loaded: Loaded) -> None:
    """Raises `BootgateError` for a variable with which the gate file is no other.

    Who gives a release that the gate file does not boot would see a verdict about another one.
    """
    from pytest_bootgate.errors import BootgateError, GateFileError
    from pytest_bootgate.gatefile import load

    for name, value in _given(config).items():
        try:
            other = load(loaded.path, {**os.environ, name: f"{value}-"})
        except GateFileError:  # it is used where not every text goes
            continue
        if (other.gate, other.varied) == (loaded.gate, loaded.varied):
            raise BootgateError(
                f"{OPTION} {name}={loaded.mask.text(value)} has no effect: nothing in"
                f" {loaded.path.name} depends on ${{{name}}}, so something else would be booted."
                f' Write it where it belongs, such as image: "my-api:${{{name}}}".'
            )


def _given(config: pytest.Config) -> dict[str, str]:
    every: list[str] = config.getoption("bootgate_set") or []
    return dict(one.split("=", 1) for one in every)
