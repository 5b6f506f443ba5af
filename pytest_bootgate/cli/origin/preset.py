"""A preset's gate file for a system that somebody runs already, from its own directory."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from pytest_bootgate.errors import BootgateError
from pytest_bootgate.gatefile.proposal import PROPOSALS, Proposal

_WIDTH = 96


def gate_file(template: str, preset: str, origin: str, directory: Path) -> str:
    """The template of a preset with the targets of a system, its configuration and its state.

    Paths are relative to `directory`, where the gate file will be. Raises `BootgateError` for a
    directory that holds no state.
    """
    source = Path(origin).expanduser()
    try:
        found = PROPOSALS[preset](source)
    except (OSError, ValueError) as error:
        raise BootgateError(
            f"No targets can be proposed: {error}. Name the directory in which it keeps its state."
        ) from None
    if not found.targets:
        raise BootgateError(
            f"{source} holds no enabled job that starts a session, so there is no target to"
            f" propose. Leave --from out: bootgate init --preset {preset}."
        )
    head, _, rest = template.partition("# The session targets")
    _, _, tail = rest.partition("\n\n")
    return "\n".join([head.rstrip("\n"), "", *_own(found, source, directory), "", tail])


def _own(found: Proposal, source: Path, directory: Path) -> Iterator[str]:
    yield f"# Proposed by `bootgate init` from {source}."
    if found.config is not None:
        yield "# Adapted to the gate by an overlay: `bootgate check` lists the changes."
        yield from _block({"config": _named(found.config, directory)})
    yield "# Every boot starts on a copy of it. Nobody may write to it meanwhile: stop the gateway,"
    yield "# or name a backup (a directory, or a .tar)."
    yield from _block({"state": {"from": _named(source, directory)}})
    yield ""
    yield "# A target for each kind of job; its task is a short one of the gate's own."
    yield "targets:"
    for name, target in found.targets.items():
        jobs = ", ".join(found.jobs[name])
        yield from textwrap.wrap(jobs, _WIDTH, initial_indent="  # ", subsequent_indent="  #   ")
        yield from (f"  {line}" for line in _block({name: target}))
    for why in found.left_out:
        yield from textwrap.wrap(
            f"Left out: {why}", _WIDTH, initial_indent="  # ", subsequent_indent="  #   "
        )


def _named(path: Path, directory: Path) -> str:
    below = os.path.relpath(path.resolve(), directory.resolve())
    return str(path.resolve()) if below.startswith("..") else f"./{below}"


def _block(value: Mapping[str, Any]) -> list[str]:
    text = yaml.safe_dump(value, sort_keys=False, width=_WIDTH, allow_unicode=True)
    # A dollar of somebody else's is none of a variable.
    return text.rstrip().replace("${", "$${").split("\n")
