"""Whether anybody is already where the boots of a gate file are looked for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_bootgate.cli.found import Wrong
from pytest_bootgate.observe.spots import Spot, spots, taken

if TYPE_CHECKING:
    from pytest_bootgate.run import Gate


def probes(gate: Gate) -> Iterator[Wrong]:
    """Ports and files that are the same for every boot, where a boot has none of its own."""
    from pytest_bootgate.engines.listeners import strangers

    fixed = _fixed(gate)
    listening = strangers({spot.port for spot in fixed if spot.port is not None})
    for spot in fixed:
        if Path(spot.where).exists() if spot.is_file else spot.port in listening:
            who = listening.get(spot.port or 0, "")
            yield "FAIL", taken(spot, "candidate", who, alone=False)


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
