"""A system that is run with Compose, as a tree underneath the gate file that names it.

Compose itself is not asked: its file is read each time the gate file is, by what also serves
``bootgate init --from``, so the two cannot drift apart. What a gate file cannot say is a mistake
at its place in the Compose file, unless the gate file says to `ignore` it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from pytest_bootgate.errors import BootgateError
from pytest_bootgate.gatefile import variables
from pytest_bootgate.gatefile.environment import filled, unset_variable
from pytest_bootgate.gatefile.origin import compose, shape
from pytest_bootgate.gatefile.origin.amounts import MisreadError, why
from pytest_bootgate.gatefile.origin.dotenv import NotThere, QuoteError, Variables
from pytest_bootgate.gatefile.origin.found import Found, Part, seconds, target_name
from pytest_bootgate.gatefile.origin.loader import DuplicateError, Loader, values_of
from pytest_bootgate.gatefile.paths import existing
from pytest_bootgate.gatefile.secrets import of_variable, secrets_of
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
        known = Variables.beside(path.parent, environ, varied)
    except variables.UnsetError as unset:
        mistakes.add(Place(path.parent / ".env"), *unset_variable(unset))
        return None
    except QuoteError as error:
        place = Place(path.parent / ".env", error.line)
        mistakes.add(place, f"the quote of {error.key} has no end", f"end it with {error.quote}")
        return None
    except (OSError, ValueError, RecursionError) as error:
        mistakes.add(Place(path.parent / ".env"), "the file cannot be read", why(error))
        return None
    try:
        needed = compose.needed(service.text, services)
        file, good = file.filled(needed, known, mistakes)
        secrets |= file.secrets(needed, known, environ)
        if not good:
            return None
        found = compose.read([file.root], path, service.text)
    except MisreadError as error:
        place = file.at("services", *error.keys)
        mistakes.add(place, str(error).rstrip("."), "correct the Compose file")
        return None
    except BootgateError as error:
        mistakes.add(service.place, str(error).rstrip("."), "correct the Compose file")
        return None
    ignored = system.get("ignore")
    parts = (found.gated, *found.services)
    notes += [f"{part.key}: {note}" for part in parts for note in part.notes]
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
            loader = Loader(path.read_text(encoding="utf-8"))
            node: yaml.Node | None = loader.get_single_node()
            root: Any = None
            if node is not None and values_of(node) > MAX_NODES:
                what = f"the file holds more than {MAX_NODES} values"
                mistakes.add(Place(path), what, "write it shorter, without aliases")
                return None
            if node is not None:
                root = loader.construct_document(node)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            place = Place(path, mark.line + 1, mark.column + 1) if mark else Place(path)
            if isinstance(error, DuplicateError):
                mistakes.add(place, str(error.problem), "leave one out")
            else:
                mistakes.add(place, "this is not YAML", str(error.problem))
            return None
        except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
            mistakes.add(Place(path), "the file cannot be read", why(error))
            return None
        if node is None or not compose.knows([root]):
            mistakes.add(Place(path), "this is no Compose file", "it has no `services`")
            return None
        file = cls(path, root, node)
        wrong = [*shape.wrong(root)]
        for keys, what in wrong:
            mistakes.add(file.at(*keys), what, "correct the Compose file")
        return None if wrong else file

    def at(self, *keys: Any) -> Place:
        """Where a key stands, or the nearest above it."""
        node, mark = self.node, self.node.start_mark
        for key in keys:
            if isinstance(node, yaml.SequenceNode) and isinstance(key, int):
                node = node.value[key]
                mark = node.start_mark
                continue
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

    def filled(
        self, names: Iterable[str], known: Variables, mistakes: Mistakes
    ) -> tuple[_File, bool]:
        """The same with its variables filled in, and whether that is without a mistake."""
        told, directory = _Told(self, mistakes), self.path.parent
        root = {**self.root, "services": dict(self.root["services"])}
        for name in names:
            whole = root["services"][name] = dict(root["services"][name])
            for key, value in self.root["services"][name].items():
                with told.at("services", name, key):
                    whole[key] = known.service(key, value)
            with told.at("services", name, "env_file"):
                files = known.of_files(whole.get("env_file") or [], directory)
                whole["env_file"] = files if isinstance(files, NotThere) else None
                if not isinstance(files, NotThere):
                    whole["environment"] = {**files, **(whole.get("environment") or {})}
        for kind in ("secrets", "configs"):
            root[kind] = dict(root.get(kind) or {})
            for one in {one for name in names for one in _sources(root["services"][name], kind)}:
                with told.at(kind, one):
                    root[kind][one] = known.file(root[kind].get(one))
        return replace(self, root=root), told.good

    def secrets(
        self, names: Iterable[str], known: Variables, environ: Mapping[str, str]
    ) -> set[str]:
        """What is secret in it, whether or not it can be understood."""
        place, found = Place(self.path), set[str]()
        for name, value, placed in known.used:
            found.update(of_variable(name, value, placed=placed))
        for name in names:
            service = self.root["services"][name]
            files = [self.root["secrets"].get(one) for one in _sources(service, "secrets")]
            secret = [
                {kept: one[key], "secret": True}
                for one in files
                for key, kept in (("content", "text"), ("file", "path"))
                if isinstance(one, dict) and one.get(key)
            ]
            made = {
                **service,
                "env": service.get("environment"),
                "files": {str(number): one for number, one in enumerate(secret)},
            }
            tree = _tree(made, place)
            assert isinstance(tree, Map)
            found |= secrets_of(tree, environ, self.path.parent)
        return found

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


class _Told:
    """Tells what is wrong with variables; `good` as long as nothing is."""

    def __init__(self, file: _File, mistakes: Mistakes) -> None:
        self.good = True
        self._file, self._mistakes = file, mistakes

    @contextmanager
    def at(self, *keys: str) -> Iterator[None]:
        """What is wrong within is a mistake at this key."""
        try:
            yield
        except variables.UnsetError as unset:
            told = unset_variable(unset)
        except (OSError, ValueError, RecursionError) as error:
            told = why(error), "correct that"
        else:
            return
        self._mistakes.add(self._file.at(*keys), *told)
        self.good = False


def _sources(service: Mapping[str, Any], kind: str) -> list[str]:
    """The names of the secrets or configs that a service has."""
    given = service.get(kind)
    each = given if isinstance(given, list) else []
    return [str(one.get("source") if isinstance(one, dict) else one) for one in each]


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
            named = self._own.section("system").key  # what is missing, is so in the gate file
            entries["releases"] = Map(named, named, releases)
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


def _tree(value: Any, place: Place) -> Tree:
    if isinstance(value, Mapping):
        return Map(place, place, {str(key): _tree(each, place) for key, each in value.items()})
    if isinstance(value, list):
        return Seq(place, place, tuple(_tree(each, place) for each in value))
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return Scalar(place, place, value, text, plain=not isinstance(value, str))
