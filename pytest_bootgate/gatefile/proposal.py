"""What a preset proposes for a system that somebody runs already: read off its own directory."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pytest_bootgate.gatefile.presets.openclaw import jobs as openclaw


@dataclass(frozen=True)
class Proposal:
    """Targets by name as a gate file has them, and for each of them the jobs that it stands for.

    `config` is the system's own configuration, where there is one; `left_out` are jobs of which no
    target can be made, with the reason.
    """

    targets: Mapping[str, Mapping[str, Any]]
    jobs: Mapping[str, list[str]]
    config: Path | None = None
    left_out: list[str] = field(default_factory=list)


def openclaw_proposal(directory: Path) -> Proposal:
    """A target for each kind of job. Raises `ValueError` and `OSError` for what is no state."""
    kinds, left_out = openclaw.kinds(directory)
    config = directory / openclaw.CONFIG
    targets = {name: kind.target for name, kind in kinds.items()}
    names = {name: kind.jobs for name, kind in kinds.items()}
    return Proposal(targets, names, config if config.is_file() else None, left_out)


#: Those of presets, by their names.
PROPOSALS: Mapping[str, Callable[[Path], Proposal]] = {"openclaw": openclaw_proposal}
