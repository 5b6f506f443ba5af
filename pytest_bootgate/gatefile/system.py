"""A system that is run with something else, as a tree underneath the gate file that names it.

What a gate file cannot say is a mistake at its place in the other file, unless the gate file says
to `ignore` it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from pytest_bootgate.gatefile import applied, composed, variables
from pytest_bootgate.gatefile.environment import filled, unset_variable
from pytest_bootgate.gatefile.origin.found import Origin, Part, seconds, target_name
from pytest_bootgate.gatefile.paths import existing
from pytest_bootgate.gatefile.tree import Map, Mistakes, Scalar, Tree, planted
from pytest_bootgate.quantities import Seconds

#: The files that a system is run with, and what of them is under gate.
WAYS = {"compose": "service", "manifest": "container"}


def beneath(
    own: Map,
    environ: Mapping[str, str],
    varied: Collection[str],
    mistakes: Mistakes,
    secrets: set[str],
    notes: list[str],
) -> Map | None:
    """What the `system` of a gate file says, None where there is a mistake in it.

    Variables that are `varied` are left for the gate file. What is secret of its variables
    and files comes to `secrets`, mistake or not; what is different from there to `notes`.
    """
    system = own.section("system")
    if (way := _way(system, mistakes)) is None:
        return None
    named, wanted = system.below(way), system.below(WAYS[way])
    if not isinstance(named, Scalar) or not isinstance(wanted, Scalar):
        return None  # the model tells what is wrong
    try:
        named, wanted = filled(named, environ), filled(wanted, environ)
    except variables.UnsetError as unset:
        mistakes.add(system.place, *unset_variable(unset))
        return None
    path = Path(existing(named, f"'{way}'", own.place.file.parent, mistakes))
    if not path.is_file():
        return None
    if way == "compose":
        origin = composed.service(path, wanted, environ, varied, mistakes, secrets)
    else:
        origin = applied.container(path, wanted, own, mistakes, secrets)
    if origin is None:
        return None
    parts = (origin.found.gated, *origin.found.services)
    notes += [f"{part.key}: {note}" for part in parts for note in part.notes]
    ignored = system.get("ignore")
    _tell_lost(origin, ignored if isinstance(ignored, list) else [], mistakes)
    return _Beneath(origin, own).tree(mistakes)


def _way(system: Map, mistakes: Mistakes) -> str | None:
    """By which file the system is known; None where that is not clear."""
    given = [way for way in WAYS if way in system]
    lone = [way for way, what in WAYS.items() if what in system and way not in system]
    if len(given) > 1:
        what = "a system is known by 'compose' or 'manifest', not by both"
        mistakes.add(system.keys[given[1]], what, "keep one of them")
    elif not system.entries.keys() <= {*WAYS, *WAYS.values(), "ignore"}:
        pass  # the model tells what is meant
    elif not given:
        way = lone[0] if lone else "compose"
        mistakes.add(system.key, f"missing key '{way}' in the system")
    elif lone:
        what, way_out = WAYS[lone[0]], f"with '{given[0]}' there is '{WAYS[given[0]]}'"
        mistakes.add(system.keys[what], f"'{what}' goes with '{lone[0]}'", way_out)
    elif WAYS[given[0]] not in system:
        mistakes.add(system.key, f"missing key '{WAYS[given[0]]}' in the system")
    else:
        return given[0]
    return None


def _tell_lost(origin: Origin, ignored: list[Any], mistakes: Mistakes) -> None:
    """What cannot be taken over, and is not to be ignored, is a mistake."""
    lost = [
        (one.place or origin.at(part, one.key), one)
        for part in (origin.found.gated, *origin.found.services)
        for one in part.lost
    ]
    lost += [(one.place, one) for one in origin.beside if one.place is not None]
    for place, one in lost:
        if one.key not in ignored:
            way_out = f"to go without, write `ignore: [{one.key}]` under `system` in the gate file"
            mistakes.add(place, one.words, one.way_out or way_out)


class _Beneath:
    """What was found as a tree, as far as the gate file leaves it open."""

    def __init__(self, origin: Origin, own: Map) -> None:
        self._origin, self._own = origin, own

    def tree(self, mistakes: Mistakes) -> Map:
        gated, services = self._origin.found.gated, self._origin.found.services
        place = self._origin.at(gated, "key")
        name = target_name(gated.key)
        gateway = dict(gated.process)
        if gated.ports:
            gateway["published"] = gated.ports
        target: dict[str, Any] = {}
        if gated.ready is not None:
            gateway["ready"] = gated.ready
            if gated.timeout is not None:
                gateway["ready_timeout"] = seconds(gated.timeout)
            # What is ready can be triggered; it does not show that a task started.
            if not self._triggered(name):
                target = gated.target(gated.ready, self._timeout(name))
        entries: dict[str, Tree] = {"gateway": self._map(gated, gateway)}
        if releases := self._releases(gated, mistakes):
            named = self._own.section("system").key  # what is missing, is so in the gate file
            entries["releases"] = Map(named, named, releases)
        if services:
            made: dict[str, Tree] = {}
            if self._origin.outside:
                names = [part.name for part in services]
                more = self._own.section("services").entries
                made = {key: each for key, each in more.items() if key not in names}
            made |= {part.name: self._map(part, part.service) for part in services}
            entries["services"] = Map(place, place, made)
        if "targets" not in self._own or name in self._own.section("targets"):
            whole = bool(target) or "targets" in self._own
            if not whole:
                noun, proof = self._origin.noun, self._origin.proof
                what = f"the {noun} {gated.key} has no health check, so nothing proves its start"
                example = f"targets: {{{name}: {{timeout: 60s, proof: {proof}}}}}"
                mistakes.add(place, what, f"write a proof into the gate file, such as {example}")
            elif target and gated.timeout is None and not self._says_timeout(name):
                probes = "no startupProbe, no livenessProbe that can fail"
                what = f"nothing limits the start of {gated.key}: {probes}"
                way_out = f"write targets: {{{name}: {{timeout: 60s}}}} into the gate file"
                mistakes.add(place, what, way_out)
                whole = False
            own = replace(self._with_phases(name, self._map(gated, target)), whole=whole)
            entries["targets"] = Map(place, place, {name: own})
        if gated.limits and "profiles" not in self._own:
            profile = self._map(gated, gated.limits)
            entries["profiles"] = Map(place, place, {"production": profile})
        return Map(place, place, entries)

    def _with_phases(self, name: str, target: Map) -> Map:
        """The target with the gate file's phases before its own ones, which are not lost so."""
        own, phases = self._own.below("targets", name, "phases"), target.below("phases")
        if not isinstance(own, Map) or not isinstance(phases, Map):
            return target
        phases = replace(phases, entries={**own.entries, **phases.entries})
        return replace(target, entries={**target.entries, "phases": phases})

    def _says_timeout(self, name: str) -> bool:
        ways = (("targets", name, "timeout"), ("target", "timeout"))
        return any(self._own.below(*way) is not None for way in ways)

    def _timeout(self, name: str) -> float:
        """The timeout that the gate file gives a target, 0 for none."""
        given = self._own.below("targets", name, "timeout")
        try:
            return float(Seconds.parse(given.value)) if isinstance(given, Scalar) else 0.0
        except ValueError:  # a mistake that is told elsewhere
            return 0.0

    def _triggered(self, name: str) -> bool:
        ways = (("targets", name, "trigger"), ("target", "trigger"))
        given = [self._own.below(*way) for way in ways]
        return any(each is not None and not isinstance(each, Scalar) for each in given)

    def _releases(self, gated: Part, mistakes: Mistakes) -> dict[str, Tree]:
        """The image that production has, for each release that names none."""
        given = self._own.section("releases")
        named = {
            name: each
            for name, each in given.entries.items()
            if isinstance(each, Map) and not {"image", "recorded"} & each.entries.keys()
        }
        if gated.built:
            words = ("the", self._origin.noun, gated.key, self._origin.imageless, "names no image")
            what = " ".join(filter(None, words))
            for each in named.values():
                mistakes.add(each.key, what, 'write image: "name:tag"')
            return {}
        production = () if "baseline" in given or not given.whole else ("baseline",)
        return {name: self._map(gated, {"image": gated.image}) for name in (*production, *named)}

    def _map(self, part: Part, made: Mapping[str, Any]) -> Map:
        place = self._origin.at(part, "key")
        entries: dict[str, Tree] = {}
        for key, value in made.items():
            if key == "container":
                entries[key] = self._map(part, value)
            else:
                entries[key] = planted(value, self._origin.at(part, key))
        return Map(place, place, entries)
