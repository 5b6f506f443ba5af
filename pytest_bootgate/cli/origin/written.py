"""The gate file that says the same as what was found of a system."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from pytest_bootgate.gatefile.commands import vain
from pytest_bootgate.gatefile.environment import TO_FILL_IN
from pytest_bootgate.gatefile.origin.found import Found, seconds, target_name

_WIDTH = 96
#: A proof that nobody can find in what a system is run with.
_UNKNOWN = {"line": f"{TO_FILL_IN}: what it prints when ready"}


def written(found: Found, origin: str, directory: Path, instead: str = "") -> str:
    """The gate file, with comments; `instead` is what would do without a copy of its origin."""
    return "\n".join(_lines(found, origin, directory, instead)) + "\n"


def _lines(found: Found, origin: str, directory: Path, instead: str) -> Iterator[str]:
    gated = found.gated
    ready = gated.ready
    if ready is not None and (how := vain(ready.get("exec", ()))):
        gated.notes.append(f"its health check is no proof of a start: the command {how}")
        ready = None
    yield f"# A gate for {gated.name}, made by `bootgate init` from {origin}."
    yield "#"
    yield "#   bootgate check          show the plan, without booting"
    yield "#   pytest bootgate.yaml    run the gate"
    if instead:
        yield "#"
        yield "# To read that file each time, instead of the copy of it here:"
        yield f"#   {instead}"
    notes = [
        f"{part.name}: {note}"
        for part in (gated, *found.services)
        for note in (*part.notes, *(one.words for one in part.lost))
    ]
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
    if gateway := _nearby(gated.process, directory):
        yield from _block({"gateway": gateway})
        yield ""
    if found.services:
        yield "# What it needs beside it: each boot has its own, empty unless a volume is copied."
        services = {part.name: _nearby(part.service, directory) for part in found.services}
        yield from _block({"services": services})
        yield ""
    yield "# What shows that it started, and how long that may take. Name phases in their order to"
    yield "# learn which of them got slower: a line of its output ends each."
    proof = ready or ({"tcp": f":{gated.ports[0]}"} if gated.ports else _UNKNOWN)
    target = {"timeout": seconds(60), **gated.target(proof)}
    yield from _block({"targets": {target_name(gated.name): target}})
    if gated.limits:
        yield ""
        yield "# The resources that production has."
        yield from _block({"profiles": {"production": gated.limits}})


def _nearby(made: dict[str, Any], directory: Path) -> dict[str, Any]:
    """The same, with paths as one writes them in that directory."""
    made, here = dict(made), directory.resolve()
    container = dict(made.get("container", {}))
    if "volumes" in container:
        container["volumes"] = [_volume(one, here) for one in container["volumes"]]
        made["container"] = container
    if "files" in made:
        made["files"] = {
            name: {**file, "path": _relative(file["path"], here)} if "path" in file else file
            for name, file in made["files"].items()
        }
    return made


def _volume(volume: str, here: Path) -> str:
    source, colon, rest = volume.partition(":")
    is_path = colon and source.startswith("/") and rest != "rw"
    return f"{_relative(source, here)}:{rest}" if is_path else volume


def _relative(path: str, here: Path) -> str:
    """A path of the same tree from here on: people copy a project as a whole."""
    if os.path.commonpath([path, here]) == os.sep:
        return path
    below = os.path.relpath(path, here)
    return below if below.startswith("..") else f"./{below}"


class _Dumper(yaml.SafeDumper):
    """With lists of numbers in a line."""

    def represent_sequence(
        self, tag: str, sequence: Any, flow_style: bool | None = None
    ) -> yaml.SequenceNode:
        numbers = all(isinstance(one, int) for one in sequence)
        return super().represent_sequence(tag, sequence, flow_style=numbers or flow_style)


def _block(value: dict[str, Any]) -> list[str]:
    text: str = yaml.dump(value, Dumper=_Dumper, sort_keys=False, width=_WIDTH, allow_unicode=True)
    return text.rstrip().split("\n")


def _flow(value: dict[str, Any]) -> str:
    text: str = yaml.safe_dump(value, default_flow_style=True, width=10_000, allow_unicode=True)
    return text.strip()
