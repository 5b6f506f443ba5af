"""A system that is run with Compose, as a tree underneath the gate file that names it.

Compose itself is not asked: its file is read each time the gate file is, by what also serves
``bootgate init --from``, so the two cannot drift apart. What a gate file cannot say is a mistake
at its place in the Compose file, unless the gate file says to `ignore` it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from pytest_bootgate.errors import BootgateError
from pytest_bootgate.gatefile import variables
from pytest_bootgate.gatefile.environment import filled, unset_variable
from pytest_bootgate.gatefile.origin import compose
from pytest_bootgate.gatefile.origin.dotenv import interpolated, whole_environment
from pytest_bootgate.gatefile.origin.found import Found, Part, seconds, target_name
from pytest_bootgate.gatefile.paths import existing
from pytest_bootgate.gatefile.source import MAX_NODES
from pytest_bootgate.gatefile.tree import Map, Mistakes, Place, Scalar, Seq, Tree, did_you_mean

#: The keys of Compose that a key of a gate file comes from, where they are called otherwise.
_FROM: Mapping[str, tuple[str, ...]] = {
    "env": ("environment", "env_file"),
    "ready": ("healthcheck",),
    "ready_timeout": ("healthcheck",),
    "memory": ("mem_limit", "deploy"),
    "cpus": ("cpus", "deploy"),
    "pids": ("pids_limit",),
    "image": ("image", "build"),
    "files": ("secrets", "configs"),
}
#: What a gate file cannot say of a Compose file as a whole.
_ELSEWHERE = ("include", "extends")


def beneath(own: Map, environ: Mapping[str, str], mistakes: Mistakes) -> Map | None:
    """What the `system` of a gate file says, None where there is a mistake in it."""
    system = own.section("system")
    named, service = system.below("compose"), system.below("service")
    if not isinstance(named, Scalar) or not isinstance(service, Scalar):
        return None  # the model tells what is missing
    try:
        named, service = filled(named, environ), filled(service, environ)
    except variables.UnsetError as unset:
        mistakes.add(system.place, *unset_variable(unset))
        return None
    path = Path(existing(named, "'compose'", own.place.file.parent, mistakes))
    if not path.is_file() or (file := _File.read(path, mistakes)) is None:
        return None
    services = compose.services_of(file.root)
    if service.text not in services:
        way_out = did_you_mean(service.text, services, f"there are {', '.join(services)}")
        mistakes.add(service.place, f"{named.text} has no service '{service.text}'", way_out)
        return None
    try:
        needed = compose.needed(service.text, services, path)
        file = file.with_environment(needed, environ, mistakes)
        if file is None:
            return None
        found = compose.read([file.root], path, service.text)
    except BootgateError as error:
        mistakes.add(service.place, str(error).rstrip("."), "correct the Compose file")
        return None
    ignored = system.get("ignore")
    file.tell_lost(found, ignored if isinstance(ignored, list) else [], mistakes)
    return _Beneath(file, found, own).tree(mistakes)


@dataclass(frozen=True)
class _File:
    """A Compose file and where everything in it stands."""

    path: Path
    root: dict[str, Any]
    node: yaml.Node

    @classmethod
    def read(cls, path: Path, mistakes: Mistakes) -> _File | None:
        try:
            loader = compose.Loader(path.read_text(encoding="utf-8"))
            node: yaml.Node | None = loader.get_single_node()
            root: Any = None
            if node is not None and _values(node) > MAX_NODES:
                what = f"the file holds more than {MAX_NODES} values"
                mistakes.add(Place(path), what, "write it shorter, without aliases")
                return None
            if node is not None:
                root = loader.construct_document(node)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            place = Place(path, mark.line + 1, mark.column + 1) if mark else Place(path)
            mistakes.add(place, "this is not YAML", str(error.problem))
            return None
        except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
            mistakes.add(Place(path), "the file cannot be read", str(error))
            return None
        if node is None or not compose.knows([root]):
            mistakes.add(Place(path), "this is no Compose file", "it has no `services`")
            return None
        return cls(path, root, node)

    def at(self, *keys: Any) -> Place:
        """Where a key stands, or the nearest above it."""
        node, mark = self.node, self.node.start_mark
        for key in keys:
            pairs = node.value if isinstance(node, yaml.MappingNode) else ()
            hit = [pair for pair in pairs if str(pair[0].value) == str(key)]
            if not hit:
                break
            mark, node = hit[-1][0].start_mark, hit[-1][1]
        return Place(self.path, mark.line + 1, mark.column + 1)

    def of(self, service: str, key: str) -> Place:
        """Where in a service stands what a key of a gate file comes from."""
        given = self.root["services"].get(service, {})
        name = next((one for one in _FROM.get(key, (key,)) if one in given), key)
        return self.at("services", service, name)

    def with_environment(
        self, names: Iterable[str], environ: Mapping[str, str], mistakes: Mistakes
    ) -> _File | None:
        """The same with what `.env`, `env_file` and variables say in some services.

        None where there is a mistake in it.
        """
        services: dict[str, dict[str, Any]] = dict(self.root["services"])
        good, directory = True, self.path.parent
        for name in names:
            key = "env_file"
            try:
                whole = whole_environment(services[name], directory, environ)
                for key, value in whole.items():
                    whole[key] = interpolated(key, value, directory, environ)
            except variables.UnsetError as unset:
                told = unset_variable(unset)
            except (OSError, ValueError, TypeError, AttributeError) as error:
                told = str(error), "correct that"
            else:
                services[name] = whole
                continue
            mistakes.add(self.at("services", name, key), *told)
            good = False
        return replace(self, root={**self.root, "services": services}) if good else None

    def tell_lost(self, found: Found, ignored: list[Any], mistakes: Mistakes) -> None:
        """What cannot be taken over, and is not to be ignored, is a mistake."""
        lost = [
            (self.at("services", part.key, key), key, words)
            for part in (found.gated, *found.services)
            for key, words in part.lost
        ]
        lost += [
            (self.at(key), key, f"`{key}` is not followed")
            for key in _ELSEWHERE
            if key in self.root
        ]
        for place, key, words in lost:
            if key not in ignored:
                way_out = f"to go without, write `ignore: [{key}]` under `system` in the gate file"
                mistakes.add(place, words, way_out)


class _Beneath:
    """What was found as a tree, as far as the gate file leaves it open."""

    def __init__(self, file: _File, found: Found, own: Map) -> None:
        self._file, self._found, self._own = file, found, own

    def tree(self, mistakes: Mistakes) -> Map:
        gated, found, file = self._found.gated, self._found, self._file
        place = file.at("services", gated.key)
        name = target_name(gated.key)
        gateway = dict(gated.process)
        target: dict[str, Any] = {}
        if gated.ready is not None:
            limit = {} if gated.timeout is None else {"timeout": seconds(gated.timeout)}
            gateway["ready"] = gated.ready
            if gated.timeout is not None:
                gateway["ready_timeout"] = seconds(gated.timeout)
            # What is ready can be triggered; it does not show that a task started.
            target = {} if self._triggered(name) else {**limit, "proof": gated.ready}
        entries: dict[str, Tree] = {"gateway": self._map(gated, gateway)}
        if releases := self._releases(gated, mistakes):
            entries["releases"] = Map(place, place, releases)
        if found.services:
            services = {part.name: self._map(part, part.service) for part in found.services}
            entries["services"] = Map(place, place, services)
        if "targets" not in self._own or name in self._own.section("targets"):
            whole = bool(target) or "targets" in self._own
            if not whole:
                what = f"the service {gated.key} has no health check, so nothing proves its start"
                example = f"targets: {{{name}: {{timeout: 60s, proof: {{healthcheck: true}}}}}}"
                mistakes.add(place, what, f"write a proof into the gate file, such as {example}")
            own = replace(self._map(gated, target), whole=whole)
            entries["targets"] = Map(place, place, {name: own})
        if gated.limits and "profiles" not in self._own:
            profile = self._map(gated, gated.limits)
            entries["profiles"] = Map(place, place, {"production": profile})
        return Map(place, place, entries)

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
        if "image" not in self._file.root["services"][gated.key]:
            what = f"the service {gated.key} is built by Compose, so its file names no image"
            for each in named.values():
                mistakes.add(each.key, what, 'write image: "name:tag"')
            return {}
        production = () if "baseline" in given or not given.whole else ("baseline",)
        return {name: self._map(gated, {"image": gated.image}) for name in (*production, *named)}

    def _map(self, part: Part, made: Mapping[str, Any]) -> Map:
        place = self._file.at("services", part.key)
        entries: dict[str, Tree] = {}
        for key, value in made.items():
            if key == "container":
                entries[key] = self._map(part, value)
            else:
                where = "healthcheck" if key in ("timeout", "proof") else key
                entries[key] = _tree(value, self._file.of(part.key, where))
        return Map(place, place, entries)


def _values(node: yaml.Node) -> int:
    """How many values there are, those of aliases each time; of endlessly many, some."""
    left, found = [node], 0
    while left and found <= MAX_NODES:
        one = left.pop()
        found += 1
        if isinstance(one, yaml.MappingNode):
            left += [each for pair in one.value for each in pair]
        elif isinstance(one, yaml.SequenceNode):
            left += one.value
    return found


def _tree(value: Any, place: Place) -> Tree:
    if isinstance(value, Mapping):
        return Map(place, place, {str(key): _tree(each, place) for key, each in value.items()})
    if isinstance(value, list):
        return Seq(place, place, tuple(_tree(each, place) for each in value))
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return Scalar(place, place, value, text, plain=not isinstance(value, str))
