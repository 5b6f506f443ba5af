"""From a path to a gate file that can be trusted, or to every mistake in it.

One way, in `load`. `source` makes of YAML a `tree` that knows its places. `merge` puts the preset,
the defaults and `extends` together, `environment` fills in variables, `validate` holds the tree
against the model, `rules` hold its keys against each other: each makes of a tree a tree, or looks
at it. Only of one without mistakes `validate.built` makes the model.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pytest_bootgate.errors import GateFileError
from pytest_bootgate.gatefile import variables
from pytest_bootgate.gatefile.environment import filled, unset_variable, with_environment
from pytest_bootgate.gatefile.merge import (
    merged,
    with_config,
    with_gateway,
    with_targets,
    without_removed,
)
from pytest_bootgate.gatefile.model import GateFile, Profile
from pytest_bootgate.gatefile.paths import resolved
from pytest_bootgate.gatefile.rules import check_rules
from pytest_bootgate.gatefile.secrets import names_of, secrets_of, texts_of
from pytest_bootgate.gatefile.source import read
from pytest_bootgate.gatefile.system import beneath
from pytest_bootgate.gatefile.tree import (
    Map,
    Mistakes,
    Place,
    Scalar,
    Seq,
    Tree,
    did_you_mean,
    listed,
    shown,
)
from pytest_bootgate.gatefile.validate import built, validated
from pytest_bootgate.gatefile.vary import idle, variations
from pytest_bootgate.masking import Mask

#: The presets that come with the gate: a directory each, with a `preset.yaml`.
PRESETS = Path(__file__).with_name("presets")


@dataclass(frozen=True)
class Variant:
    """What boots on one profile: the gate file's `base`, at the label of a value of what varies."""

    base: str
    label: str
    profile: Profile
    gate: GateFile


@dataclass(frozen=True)
class Loaded:
    """A gate file without mistakes, and where each of its entries stands.

    `path` is absolute. In `gate` every target is complete: the preset, `target` and `extends` are
    merged in, and its proof is its last phase. `mask` hides its secrets. Where a quantity varies,
    `varied` has the gate file for each of its values, by labels such as ``AGENTS=30``, and `gate`
    is that of the first. `notes` say what is different from the `system` that it names.
    `told` are its secrets that are told by a name, and not only by where a variable stands.
    `environment` are the variables of the environment that it uses and that are set, but for those
    that hold a secret.
    """

    path: Path
    gate: GateFile
    mask: Mask = field(repr=False, compare=False)
    varied: Mapping[str, GateFile] = field(repr=False)
    _tree: Map = field(repr=False, compare=False)
    notes: tuple[str, ...] = ()
    told: frozenset[str] = field(default=frozenset(), repr=False, compare=False)
    environment: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)

    @property
    def profiles(self) -> dict[str, Variant]:
        """The profiles of boots by name, ``default`` without any; each value has its own."""
        found, own = {}, self.gate.profiles
        for base, profile in (own or {"default": Profile()}).items():
            for label, gate in (self.varied or {"": self.gate}).items():
                name = ",".join(part for part in (base if own or not label else "", label) if part)
                found[name] = Variant(base, label, profile, gate)
        return found

    def line(self, *keys: str) -> int:
        """The line (from 1) of an entry in the gate file itself.

        For what came from a preset or a default it is the line of the nearest entry around it.
        """
        return self._nearest(*keys).line

    def where(self, *keys: str) -> str:
        """The position of an entry for a message, ``bootgate.yaml:6:3``; see `line`."""
        return str(self._nearest(*keys))

    def taken(self) -> Iterator[tuple[str, Place]]:
        """What is taken over from the file that `system` names, in words, and where it stands."""
        system, tree = self.gate.system, self._tree
        if system is None:
            return
        keys: list[tuple[str, ...]] = [
            *(("releases", name, "image") for name in tree.section("releases").entries),
            *(("gateway", key) for key in ("command", "env", "files", "container")),
            *(("services", name) for name in tree.section("services").entries),
        ]
        for name, target in tree.sections("targets").items():
            keys += [("targets", name, "timeout")]
            keys += [("targets", name, "phases", one) for one in target.section("phases").entries]
        keys += [("profiles", name) for name in tree.section("profiles").entries]
        file = Path(system.manifest or system.compose or "")
        for way in keys:
            found = tree.below(*way)
            inner = found.entries.values() if isinstance(found, Map) else ()
            place = next((one.place for one in inner if one.place.file == file), None)
            if found is not None and (found.place.file == file or place):
                yield " ".join(way if len(way) < 3 else way[1:]), place or found.place

    def inherited(self, *keys: str) -> set[str]:
        """What stands in the list or mapping below these keys and is not the gate file's own."""
        tree = self._tree.below(*keys)
        if isinstance(tree, Map):
            return {key for key, each in tree.entries.items() if each.key.file != self.path}
        items = tree.items if isinstance(tree, Seq) else ()
        return {
            each.text for each in items if isinstance(each, Scalar) and each.place.file != self.path
        }

    def _nearest(self, *keys: str) -> Place:
        ways = [self._tree.below(*keys[:depth]) for depth in range(len(keys), -1, -1)]
        places = [tree.key for tree in ways if tree is not None and tree.key.file == self.path]
        return places[0] if places else Place(self.path)


def load(path: Path, environ: Mapping[str, str] | None = None) -> Loaded:
    """Read a gate file with its preset; `environ` is this process's environment by default.

    Raises `GateFileError` with all mistakes at once, a line for each.
    """
    path = path.absolute()
    environ = os.environ if environ is None else environ
    mistakes = Mistakes()
    stack = _Stack(environ, mistakes)
    tree = stack.read(path)
    if tree is None:
        own = [secrets_of(each, environ, path.parent, stack.secrets) for each in stack.trees]
        mask = Mask(set().union(*own), {name for each in stack.trees for name in names_of(each)})
    else:
        tree = without_removed(with_targets(tree, stack.targets, environ, mistakes))
        tree = with_config(with_gateway(tree, mistakes), mistakes)
        every = {name: {**environ, **v} for name, v in variations(tree, mistakes).items()}
        own = [secrets_of(tree, one, path.parent, stack.secrets) for one in every.values()]
        mask = Mask(set().union(*own), names_of(tree))
        valid = {}
        for label, values in every.items():
            one = with_environment(tree, values, mistakes)
            valid[label] = validated(one, path.parent, mistakes)
            check_rules(valid[label], mistakes)
        if not mistakes:
            gates = {label: built(one, GateFile) for label, one in valid.items()}
            varied = {} if "" in gates else gates
            if same := idle(varied):
                where = tree.section("vary")
                way_out = "let it reach an env, a command, files, services, the state or a trigger"
                mistakes.add(where.key, same, way_out)
        if not mistakes:
            given = (secrets_of(tree, one, path.parent, told=True) for one in every.values())
            told = frozenset().union(*given)
            first, notes = next(iter(gates.values())), tuple(stack.notes)
            known = {name: environ[name] for name in sorted(stack.asked) if environ.get(name)}
            plain = {name: text for name, text in known.items() if mask.text(text) == text}
            return Loaded(path, first, mask, varied, tree, notes, told, plain)
    raise GateFileError([mask.text(line) for line in mistakes.lines(path)])


def _is_null(tree: Tree) -> bool:
    return isinstance(tree, Scalar) and tree.null


def presets() -> list[str]:
    """The names of the presets that come with the gate."""
    return sorted(found.parent.name for found in PRESETS.glob("*/preset.yaml"))


class _Asked(dict[str, str]):
    """An environment that keeps in mind which of its variables were asked for."""

    def __init__(self, environ: Mapping[str, str], asked: set[str]) -> None:
        super().__init__(environ)
        self._asked = asked

    def __contains__(self, name: object) -> bool:
        self._asked.add(str(name))
        return super().__contains__(name)

    def __getitem__(self, name: str) -> str:
        self._asked.add(name)
        return super().__getitem__(name)

    def get(self, name: str, default: Any = None) -> Any:
        """As a dictionary has it."""
        self._asked.add(name)
        return super().get(name, default)


class _Stack:
    """A gate file on its preset, and that on its own; `targets` are the ones that count.

    `trees` are the files as they were read, `secrets` are those of files beside them,
    `notes` what is different from a `system`, `asked` the variables that a file used so far.
    """

    def __init__(self, environ: Mapping[str, str], mistakes: Mistakes) -> None:
        self.targets: Collection[str] | None = None
        self.trees: list[Map] = []
        self.secrets: set[str] = set()
        self.notes: list[str] = []
        self.asked: set[str] = set()
        self._environ = _Asked(environ, self.asked)
        self._mistakes = mistakes
        self._paths: list[Path] = []

    def read(self, path: Path) -> Map | None:
        self._paths.append(path)
        own = read(path, self._mistakes)
        if own is None:
            return None
        self.trees.append(own)
        self.asked |= {
            name.partition(":-")[0]
            for text in texts_of(own)
            for name in variables.names(text)
            if variables.from_environment(name)
        }
        targets = own.below("targets")
        named = targets.entries if isinstance(targets, Map) else {}
        preset = own.below("preset")
        alone = preset is None or _is_null(preset)
        if isinstance(own.below("system"), Map):
            varied = {name for each in self.trees for name in each.section("vary").entries}
            system = beneath(own, self._environ, varied, self._mistakes, self.secrets, self.notes)
            if system is None:  # all else would be held against what lacks it
                self._validate(own, "system", path)
                return None
            whole = merged(system, own)
            assert isinstance(whole, Map)
            own = whole
        # With a preset null removes; a file that only removes targets wants the others.
        wanted = [name for name in named if alone or not _is_null(named[name])]
        if self.targets is None and (wanted or (isinstance(targets, Map) and not named)):
            self.targets = wanted
        if preset is None or alone:
            return own
        if not isinstance(preset, Scalar) or preset.empty or preset.broken:
            # All else would be held against a file that may lack what the preset has.
            self._validate(own, "preset", path)
            return None
        found = self._find(preset, path)
        if not isinstance(found, Path):
            self._mistakes.add(preset.place, *found)
            return None
        under = self.read(found)
        if under is None:
            return None
        for name, each in named.items():
            if _is_null(each) and under.below("targets", name) is None:
                what = f"the preset has no target '{name}' that null could remove"
                self._mistakes.add(each.key, what, f"write '{name}:' to add one")
        result = merged(under, own)
        assert isinstance(result, Map)
        return result

    def _validate(self, own: Map, key: str, path: Path) -> None:
        alone = Map(own.key, own.place, {key: own.entries[key]}, whole=False)
        validated(alone, path.parent, self._mistakes)

    def _find(self, preset: Scalar, named_in: Path) -> Path | tuple[str, str]:
        """The file of a preset, or the mistake and the way out."""
        try:
            name = filled(preset, self._environ).text
        except variables.UnsetError as unset:
            return unset_variable(unset)
        if "/" in name or name.endswith(".yaml"):
            try:
                path = resolved(named_in.parent, name)
            except OSError as error:
                return f"'preset' is no path: {error.strerror}", "name a file"
            if not path.is_file():
                return f"there is no preset '{name}'", f"looked for {shown(path)}"
        elif name in presets():
            path = PRESETS / name / "preset.yaml"
        else:
            there = f"there are {listed(presets())}, or write a path such as ./preset.yaml"
            way_out = did_you_mean(name, presets(), "")
            return f"unknown preset '{name}'", f"{way_out} {there}".strip()
        if path in self._paths:
            return f"the preset '{name}' rests on itself", "cut the circle"
        return path
