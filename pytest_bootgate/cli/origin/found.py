"""What was found of a system, and the gate file that says the same."""

from __future__ import annotations

import os
import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

_WIDTH = 96
_DEFAULT = re.compile(r"\$\{(\w+):?-([^}]*)\}")
_DEMANDED = re.compile(r"\$\{(\w+):?[?+][^}]*\}")
_BARE = re.compile(r"\$([A-Za-z_]\w*)")


#: A proof that nobody can find in what a system is run with.
UNKNOWN = {"line": "FILL IN: what it prints when ready"}


def megabytes(size: float) -> str:
    """An amount of memory as a gate file writes it."""
    return f"{max(1, round(size / (1 << 20)))}m"


@dataclass
class Part:
    """A container: `ready` is a probe as a gate file has it, `timeout` in seconds.

    `notes` are what a gate file cannot say, or says otherwise.
    """

    name: str
    image: str
    command: list[str] | None = None
    env: dict[str, str] = field(default_factory=dict)
    container: dict[str, Any] = field(default_factory=dict)
    ready: dict[str, Any] | None = None
    timeout: float | None = None
    cpus: float | None = None
    memory: str | None = None
    notes: list[str] = field(default_factory=list)


@dataclass
class Found:
    """The gated part, and those that it needs, in the order in which they start."""

    gated: Part
    services: list[Part] = field(default_factory=list)


def variables(text: str) -> str:
    """A text with the variables of shells and Compose as a gate file writes them."""
    text = _DEFAULT.sub(r"${\1:-\2}", text)
    text = _DEMANDED.sub(r"${\1}", text)
    return _BARE.sub(r"${\1}", text)


def written(found: Found, origin: str, directory: Path) -> str:
    """The gate file, with comments."""
    return "\n".join(_lines(found, origin, directory)) + "\n"


def _lines(found: Found, origin: str, directory: Path) -> Iterator[str]:
    gated = found.gated
    yield f"# A gate for {gated.name}, made by `bootgate init` from {origin}."
    yield "#"
    yield "#   bootgate check          show the plan, without booting"
    yield "#   pytest bootgate.yaml    run the gate"
    notes = [f"{part.name}: {note}" for part in (gated, *found.services) for note in part.notes]
    if notes:
        yield "#"
        yield "# What is different from there:"
        for note in notes:
            yield from textwrap.wrap(note, _WIDTH, initial_indent="# - ", subsequent_indent="#   ")
    yield ""
    yield "# FILL IN: `candidate` is the release to try, `baseline` what production runs. With"
    yield "# both, the gate compares them."
    yield "releases:"
    yield f"  # baseline: {_flow({'image': gated.image})}"
    yield f"  candidate: {_flow({'image': gated.image})}"
    yield ""
    gateway = _part(gated, directory)
    if gateway:
        yield from _block({"gateway": gateway})
        yield ""
    if found.services:
        yield "# What it needs beside it: each boot has its own, empty unless a volume is copied."
        services = {
            part.name: {
                "image": part.image,
                **_part(part, directory),
                **({"memory": part.memory} if part.memory else {}),
                **({"ready": part.ready} if part.ready else {}),
            }
            for part in found.services
        }
        yield from _block({"services": services})
        yield ""
    yield "# What shows that it started, and how long that may take. Name phases in their order to"
    yield "# learn which of them got slower: a line of its output ends each."
    target: dict[str, Any] = {"timeout": _duration(gated.timeout or 60)}
    yield from _block({"targets": {_target(gated.name): {**target, "proof": gated.ready or {}}}})
    if gated.cpus or gated.memory:
        yield ""
        yield "# The resources that production has."
        limits: dict[str, Any] = {"cpus": gated.cpus} if gated.cpus else {}
        limits |= {"memory": gated.memory} if gated.memory else {}
        yield from _block({"profiles": {"production": limits}})


def _part(part: Part, directory: Path) -> dict[str, Any]:
    made: dict[str, Any] = {}
    if part.command is not None:
        made["command"] = part.command
    if part.env:
        made["env"] = part.env
    if part.container:
        container = dict(part.container)
        if "volumes" in container:
            container["volumes"] = [_relative(one, directory) for one in container["volumes"]]
        made["container"] = container
    return made


def _relative(volume: str, directory: Path) -> str:
    source, colon, rest = volume.partition(":")
    if not colon or not source.startswith("/"):
        return volume
    try:
        below = os.path.relpath(source, directory.resolve())
    except ValueError:  # another drive
        return volume
    return f"./{below}:{rest}" if not below.startswith("..") else volume


def _target(name: str) -> str:
    return "boot" if name in ("boot", "upgrade", "propagation") else name


def _block(value: dict[str, Any]) -> list[str]:
    text = yaml.safe_dump(value, sort_keys=False, width=_WIDTH, allow_unicode=True)
    return text.rstrip().split("\n")


def _flow(value: dict[str, Any]) -> str:
    text: str = yaml.safe_dump(value, default_flow_style=True, width=10_000, allow_unicode=True)
    return text.strip()


def _duration(seconds: float) -> str:
    return f"{seconds:g}s"
