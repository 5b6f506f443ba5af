"""A Compose file under a gate file: filled in as Compose does, each value at its place.

Compose itself is not asked: its file is read each time the gate file is, by what also serves
``bootgate init --from``, so the two cannot drift apart.
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
from pytest_bootgate.gatefile.environment import unset_variable
from pytest_bootgate.gatefile.origin import compose, shape
from pytest_bootgate.gatefile.origin.amounts import MisreadError, why
from pytest_bootgate.gatefile.origin.dotenv import NotThere, QuoteError, Variables
from pytest_bootgate.gatefile.origin.found import Lost, Origin, Part
from pytest_bootgate.gatefile.origin.loader import DuplicateError, Loader, values_of
from pytest_bootgate.gatefile.secrets import of_variable, secrets_of
from pytest_bootgate.gatefile.source import MAX_NODES
from pytest_bootgate.gatefile.tree import Map, Mistakes, Place, Scalar, did_you_mean, planted

#: The keys of Compose that a key of a gate file comes from, where they are called otherwise.
_FROM: Mapping[str, tuple[str, ...]] = {
    "env": ("environment", "env_file"),
    "ready": ("healthcheck",),
    "ready_timeout": ("healthcheck",),
    "timeout": ("healthcheck",),
    "proof": ("healthcheck",),
    "memory": ("mem_limit", "deploy"),
    "cpus": ("cpus", "deploy"),
    "pids": ("pids_limit",),
    "image": ("image", "build"),
    "files": ("secrets", "configs"),
}
#: What a gate file cannot say of a Compose file as a whole.
_ELSEWHERE = ("include", "extends")
_PROOF = "{http: ':8080/'}"


def service(
    path: Path,
    wanted: Scalar | None,
    environ: Mapping[str, str],
    varied: Collection[str],
    mistakes: Mistakes,
    secrets: set[str],
    *,
    copied: bool = False,
) -> Origin | None:
    """A service of a Compose file, and what it needs; None where there is a mistake.

    Without a name it is the one that no other needs. What is `copied` into a gate file, see
    `Variables`, keeps some variables for that.
    """
    if (file := _File.read(path, mistakes)) is None:
        return None
    services = compose.services_of(file.root)
    if wanted is None:
        (name, place) = compose.top(services), Place(path)
        wanted = Scalar(place, place, name, name)
    if wanted.text not in services:
        way_out = did_you_mean(wanted.text, services, f"there are {', '.join(services)}")
        what = f"{path.name} has no service '{wanted.text}'"
        mistakes.add(wanted.place, what, way_out)
        return None
    try:
        known = Variables.beside(path.parent, environ, varied, copied=copied)
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
        needed = compose.needed(wanted.text, services)
        file, good = file.filled(needed, known, mistakes)
        secrets |= file.secrets(needed, known, environ)
        if not good:
            return None
        found = compose.read([file.root], path, wanted.text)
        found.gated.notes += [
            f"{name} of `.env` is not copied: set it where the gate runs"
            for name in sorted(known.hidden)
        ]
    except MisreadError as error:
        place = file.at("services", *error.keys)
        mistakes.add(place, str(error).rstrip("."), "correct the Compose file")
        return None
    except BootgateError as error:
        mistakes.add(wanted.place, str(error).rstrip("."), "correct the Compose file")
        return None
    beside = [
        Lost(key, f"`{key}` is not followed", file.at(key))
        for key in _ELSEWHERE
        if key in file.root
    ]
    return Origin(found, file.of, "service", _PROOF, "is built by Compose, so its file", beside)


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

    def of(self, part: Part, key: str) -> Place:
        """Where in a service stands what a key of a gate file comes from."""
        given = self.root["services"].get(part.key, {})
        name = next((one for one in _FROM.get(key, (key,)) if one in given), key)
        return self.at("services", part.key, name)

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
            if known.copied:
                continue  # it is read below, where it is told what of it is not copied
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
            tree = planted(made, place)
            assert isinstance(tree, Map)
            found |= secrets_of(tree, environ, self.path.parent)
        return found


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
