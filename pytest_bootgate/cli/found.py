"""What ``bootgate doctor`` finds, and what all say that look for a gate file."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Level = Literal["ok", "warn", "FAIL"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: what was looked at, what was seen, and what to do about it."""

    level: Level
    about: str
    text: str


#: What is wrong: its level, and a sentence with what to do.
Wrong = tuple[Level, str]


#: So many gate files are named where there is none.
_NEAR = 5


def none_in(directory: Path) -> str:
    """That a directory has no gate file, and what to do."""
    here = directory == Path()
    below = sorted(directory.glob("*/bootgate.yaml"))[:_NEAR]
    name = f"name one ({', '.join(map(str, below))})" if below else "name a gate file"
    begin = "bootgate init" if here else f"bootgate init {directory}"
    where = "this directory" if here else str(directory)
    return f"There is no bootgate.yaml in {where}: run `{begin}` to write one, or {name}."


def add_hosts(parser: argparse.ArgumentParser, what: str) -> None:
    """The option that names Docker hosts, as a list."""
    parser.add_argument("--hosts", type=_hosts, metavar="HOST,...", help=f"{what}, as pytest takes")


def _hosts(text: str) -> list[str]:
    from pytest_bootgate.engines.docker_address import hosts

    try:
        return hosts(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
