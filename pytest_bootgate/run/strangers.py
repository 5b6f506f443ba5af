"""A proof must be this boot's own: nobody may be there before it, and nobody else answer after."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

from pytest_bootgate.engines.base import Engine, Place
from pytest_bootgate.errors import BootgateError
from pytest_bootgate.observe.observation import Observation
from pytest_bootgate.observe.spots import END_IT, foreign, ports, spots, taken
from pytest_bootgate.run.link import Link
from pytest_bootgate.run.recipe import Recipe


def nobody_there(
    engine: Engine,
    place: Place,
    link: Link | None,
    recipe: Recipe,
    variables: Mapping[str, str],
    beside: Callable[[Collection[int]], Mapping[int, str]],
) -> None:
    """Ask every spot of a boot before its gateway starts; `beside` says where services listen.

    Raises `BootgateError` where anything is there: whatever it answers, the gate would take it for
    the gateway.
    """
    others = place.strangers(ports(recipe, variables))
    for spot in spots(recipe, variables):
        who = others.get(spot.port, "") if spot.port is not None else ""
        if who or (link is not None and link.look(spot.id, spot.look)):
            port = spot.port
            service = "" if who or port is None else beside([port]).get(port, "")
            alone = engine.traits.own_network or bool(service)
            raise BootgateError(taken(spot, recipe.release_name, who or service, alone=alone))
    for port, who in others.items():  # which the gate file names, though nobody looks there
        raise BootgateError(
            f"Port {port} is already in use by {who}, before the {recipe.release_name} starts"
            f" there. {END_IT}"
        )


def answered_instead(
    place: Place,
    recipe: Recipe,
    variables: Mapping[str, str],
    satisfied: Collection[str],
    beside: Callable[[Collection[int]], Mapping[int, str]] = lambda _: {},
) -> str:
    """Who answered at one of the spots that were `satisfied` (by id), but was none of the boot.

    Empty where nobody did, or nobody knows. `beside` says at which ports somebody beside the
    gateway answers.
    """
    seen = [spot for spot in spots(recipe, variables) if spot.id in satisfied]
    ports_seen = {spot.port for spot in seen if spot.port is not None}
    others = {**place.strangers(ports_seen), **beside(ports_seen)}
    for spot in seen:
        if spot.port is not None and spot.port in others:
            return foreign(spot, others[spot.port])
    return ""


def printed_early(recipe: Recipe, seen: Observation, tails: Mapping[str, Sequence[str]]) -> str:
    """That a line of the proof was there before the trigger, so another's may be taken for it."""
    if not recipe.triggered or recipe.target.start == "warm":
        return ""
    for stream, lines in tails.items():
        if line := seen.early(stream.partition(".")[0], lines):
            return (
                "a line that its proof waits for was printed before the trigger as well"
                f" ({line}): put ${{token}} into trigger and proof"
            )
    return ""
