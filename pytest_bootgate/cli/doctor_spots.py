"""Whether anybody is already where the boots of a gate file are looked for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_bootgate.cli.found import Finding
from pytest_bootgate.engines.base import Engine
from pytest_bootgate.observe.spots import Spot, spots, taken

if TYPE_CHECKING:
    from pytest_bootgate.run import Gate


def probes(gate: Gate, engine: Engine | None) -> Iterator[Finding]:
    """Ports and files that are the same for every boot, where a boot has none of its own."""
    if engine is None or engine.name != "process":
        return
    from pytest_bootgate.engines.listeners import strangers

    fixed = _fixed(gate)
    listening = strangers({spot.port for spot in fixed if spot.port is not None})
    there = [s for s in fixed if (Path(s.where).exists() if s.is_file else s.port in listening)]
    for spot in there:
        who = listening.get(spot.port or 0, "")
        yield Finding("FAIL", "probes", taken(spot, "candidate", who, alone=False))
    if fixed and not there:
        where = ", ".join(spot.where for spot in fixed)
        yield Finding("ok", "probes", f"nothing is there before a boot: {where}")


def _fixed(gate: Gate) -> list[Spot]:
    """Each spot that is the same for every boot, once."""
    found: dict[str, Spot] = {}
    for profile, target in gate.plan.pairs:
        recipe = gate.plan.recipe(profile, target, "candidate")
        variables = recipe.variables("${dir}", dict.fromkeys(recipe.gate.ports, 0))
        for spot in spots(recipe, variables):
            if spot.fixed:
                found.setdefault(spot.where, spot)
    return list(found.values())
