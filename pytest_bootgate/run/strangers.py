"""A proof must be this boot's own: nobody may be there before it, and nobody else answer after."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from pytest_bootgate.engines.base import Engine, Place
from pytest_bootgate.errors import BootgateError
from pytest_bootgate.gatefile.commands import ports_asked, ports_named, vain
from pytest_bootgate.gatefile.variables import fill, names
from pytest_bootgate.observe.observation import Observation
from pytest_bootgate.observe.spots import (
    END_IT,
    Spot,
    command_spots,
    foreign,
    here,
    ports,
    proves_nothing,
    spots,
    taken,
)
from pytest_bootgate.run.link import Link
from pytest_bootgate.run.recipe import Recipe


@dataclass(frozen=True, slots=True)
class Asking:
    """The command of a proof that runs in the gateway, and the `spots` that it asks.

    They are one place together: a command that succeeds is taken to have found them all.
    `named` are at all ports that it may ask besides, as far as these may be a service's.
    `patience` is how many seconds it may take, None for no end.
    """

    command: Sequence[str] = ()
    patience: float | None = None
    spots: Sequence[Spot] = ()
    named: Sequence[Spot] = ()


@dataclass(frozen=True, slots=True)
class Alone:
    """Whether a command fails without the gateway, None where nobody knows; if not, `why`."""

    fails: bool | None
    why: str = ""


def asked_by_proof(
    recipe: Recipe, variables: Mapping[str, str], health: Callable[[], Sequence[str]]
) -> Asking:
    """Where the command of a proof asks; nowhere for one that asks for this boot's own token.

    `health` gives the command of the image's health check. Raises `BootgateError` for one whose
    success proves nothing.
    """
    kind = [*recipe.target.phases.values()][-1].kind
    if kind.unit or (kind.watch() or {}).get("exec"):
        return Asking()  # asked beside the gateway on purpose, such as through a proxy
    order = kind.ask() or kind.watch() or {}
    if "healthcheck" in order:
        command = [*health()]
        if how := vain(command):
            raise BootgateError(
                f"The health check of {recipe.release.image} is the proof of"
                f" {recipe.target_name}, but its command {how}: {shlex.join(command)}. Give the"
                " target another proof."
            )
    else:
        written: Sequence[str] = order.get("exec") or ()
        if any("token" in names(word) for word in written):
            return Asking()
        command = [fill(word, variables) for word in written]
    asked, named = ports_asked(command, here(recipe)), sorted(ports_named(command))
    both = (command_spots(recipe, variables, each) for each in (asked, named))
    return Asking(command, order.get("patience"), *both)


def nobody_there(
    engine: Engine,
    place: Place,
    link: Link | None,
    recipe: Recipe,
    variables: Mapping[str, str],
    asking: Asking,
    beside: Callable[[Collection[int | str]], Mapping[int | str, str]],
    alone: Callable[[Asking, Collection[int]], Alone],
) -> Asking:
    """Ask every spot of a boot before its gateway starts, and those that its proof asks.

    `beside` says where services listen, `alone` how a command ends by those at these ports alone:
    it is tried where it names one, and before a start that itself is the trigger (before another,
    the gate tries it in the gateway). Returns the proof without the spots at which services may
    answer, since it fails all the same.

    Raises `BootgateError` where anything is there: whatever it answers, the gate would take it for
    the gateway.
    """
    known, asked = ports(recipe, variables), asking.spots
    theirs = beside([spot.port for spot in asking.named if spot.port is not None])
    tried = Alone(None)
    if asking.command and (theirs or not recipe.triggered):
        tried = alone(asking, [port for port in theirs if isinstance(port, int)])
    others = place.strangers(known | {spot.port for spot in asked if spot.port is not None})

    def there(spot: Spot) -> bool:
        at = spot.port is not None and spot.port in others
        return at or (link is not None and link.look(spot.id, spot.look))

    for each in _together(recipe, variables, asked):
        first, why = each[0], ""
        if first.id == "trigger" and first.port is not None and beside([first.port]):
            continue  # a service may take the job: what it answers is no proof
        if all(map(there, each)):
            places = {spot.port for spot in asked if spot.port is not None}
            if each is asked and beside(places).keys() == places:
                if tried.fails:
                    continue
                why = tried.why
            who, services = "", bool(recipe.gate.services)
            if first.port is not None:
                who = others.get(first.port) or beside([first.port]).get(first.port, "")
            lone = engine.traits.own_network or (services and who not in others.values())
            raise BootgateError(
                taken(first, recipe.release_name, who, alone=lone, services=services, why=why)
            )
    for port, who in others.items():  # which the gate file names, though nobody looks there
        if port in known:
            raise BootgateError(
                f"Port {port} is already in use by {who}, before the {recipe.release_name} starts"
                f" there. {END_IT}"
            )
    if tried.fails is False:
        raise BootgateError(proves_nothing(recipe))
    if not tried.fails:
        return asking
    free = [spot for spot in asking.named if spot.port in theirs]
    named = [spot for spot in asking.named if spot not in free]
    return replace(asking, spots=() if {*asked} <= {*free} else asked, named=named)


def answered_instead(
    place: Place,
    recipe: Recipe,
    variables: Mapping[str, str],
    satisfied: Collection[str],
    beside: Callable[[Collection[int | str]], Mapping[int | str, str]] = lambda _: {},
    asking: Asking | None = None,
    own: Callable[[Collection[int | str]], Collection[int | str]] = lambda _: (),
) -> str:
    """Who answered at one of the spots that were `satisfied` (by id), but was none of the boot.

    Empty where nobody did, or nobody knows. `beside` says at which ports and sockets somebody
    beside the gateway answers, `own` at which the gateway does, `asking` where the proof's command
    asks: of the ports that it may ask besides, a service's count where none is the gateway's.
    """
    asking = asking or Asking()
    asked = asking.spots
    seen = [one for one in _together(recipe, variables, asked) if one[0].id in satisfied]
    places = {spot.listened for one in seen for spot in one if spot.listened is not None}
    theirs = beside(places)
    strangers = place.strangers({at for at in places if isinstance(at, int)})
    others: dict[int | str, str] = {**theirs, **dict(strangers.items())}
    for one in seen:
        who = [others[spot.listened] for spot in one if spot.listened in others]
        if one[0].id == "trigger" and one[0].listened in theirs:
            continue
        if len(who) == len(one):
            return foreign(one[0], who[0], beside=one[0].listened in theirs)
    named = {spot.port: spot for spot in asking.named if spot.port and spot.id in satisfied}
    theirs = beside([*named])
    if theirs and not own([*named]):
        port = next(port for port in named if port in theirs)
        return foreign(named[port], theirs[port], beside=True)
    return ""


def _together(
    recipe: Recipe, variables: Mapping[str, str], asked: Sequence[Spot]
) -> Iterator[Sequence[Spot]]:
    """Spots by what asks there; those of one command are all asked."""
    yield from ([spot] for spot in spots(recipe, variables))
    if asked:
        yield asked


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
