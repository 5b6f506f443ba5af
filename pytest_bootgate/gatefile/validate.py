"""The one validator: a tree held against the model.

What it returns has the values of the model, and no key that the model does not know.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import msgspec.inspect as mi

from pytest_bootgate.gatefile.model import Probe, StageProbe, TargetDefaults
from pytest_bootgate.gatefile.model.base import Entry
from pytest_bootgate.gatefile.model.fields import (
    ROOT,
    bare,
    fields_of,
    fitting,
    homes,
    noun_of,
    options,
)
from pytest_bootgate.gatefile.paths import existing, files, source, volume
from pytest_bootgate.gatefile.source import looks_like
from pytest_bootgate.gatefile.tree import (
    Map,
    Mistakes,
    Scalar,
    Seq,
    Tree,
    did_you_mean,
    listed,
    value,
)
from pytest_bootgate.probes import asked, keys

_T = TypeVar("_T")

#: More choices than these are listed only where none is near.
MANY = 10
#: So many places are named into which a key goes; one of here is meant where it is so near.
_HOMES, _ALIKE = 3, 0.8
_NOT_EMPTY = "write its value, or leave it out; null removes a preset's value"
#: Keys and words of before 0.2.0, and what they are called now.
RENAMED = {
    "absent": "unsupported",
    "as": "extends",
    "broken": "error",
    "by": "deadline",
    "capabilities": "cap_add",
    "companion": "sidecar",
    "doorbell": "stub",
    "hosts": "profiles",
    "near": "fail_at",
    "needs": "container",
    "says": "means",
    "silence": "propagation",
    "unsure": "inconclusive",
    "upstream": "signals",
    "warn": "warn_at",
}

#: What Compose, Kubernetes and Dockerfiles call it.
_ELSEWHERE = {
    "args": ("command",),
    "cmd": ("command",),
    "environment": ("env",),
    "healthcheck": ("ready", "proof"),
    "readinessProbe": ("ready", "proof"),
    "startupProbe": ("ready", "proof"),
}


def validated(root: Map, here: Path, mistakes: Mistakes) -> Map:
    """A complete tree as the model has it; what does not fit is told, and broken.

    `here` is the directory of the gate file, for ``${here}`` in what is read before any boot.
    """
    tree = _Walk(here, mistakes).tree(root, ROOT, "the gate file")
    assert isinstance(tree, Map)
    return tree


def built(tree: Tree, cls: type[_T]) -> _T:
    """The value of the model that a valid tree is."""
    # What no JSON has is parsed already; msgspec asks about it all the same.
    return msgspec.convert(_plain(tree), cls, dec_hook=lambda _, value: value)


def _plain(tree: Tree) -> Any:
    if isinstance(tree, Seq):
        return [_plain(item) for item in tree.items]
    if isinstance(tree, Scalar):
        return tree.value
    if tree.cls is not None and issubclass(tree.cls, (Probe, StageProbe)):
        (kind,) = asked(tree.entries)
        own = {key: each for key, each in tree.entries.items() if key in keys(kind)}
        rest = {key: _plain(each) for key, each in tree.entries.items() if key not in own}
        return {**rest, "kind": built(replace(tree, entries=own, cls=None), kind)}
    return {key: _plain(each) for key, each in tree.entries.items()}


class _Walk:
    def __init__(self, here: Path, mistakes: Mistakes) -> None:
        self._here, self._mistakes = here, mistakes

    def tree(self, tree: Tree, kind: mi.Type, name: str) -> Tree:
        """The tree as the model wants it."""
        if _is_broken(tree):
            return _broken(tree)
        kinds = options(kind)
        if isinstance(tree, Scalar) and tree.empty:
            return self._mistake(tree, f"{name} is empty", _NOT_EMPTY)
        kind = self._choice(tree, kinds) if len(kinds) > 1 else kinds[0]
        told = (kind.extra or {}) if isinstance(kind, mi.Metadata) else {}
        if isinstance(bare(kind), mi.StrType):
            result: Tree = self._text(tree, name, told.get("written", "{}"))
        else:
            result = self._typed(tree, bare(kind), name)
        if isinstance(kind, mi.Metadata) and kind.extra and not _is_broken(result):
            return self._demanded(result, kind.extra, name)
        return result

    def _typed(self, tree: Tree, kind: mi.Type, name: str) -> Tree:
        match kind:
            case mi.AnyType():
                return self._data(tree)
            case mi.StructType() | mi.DictType():
                return self._map(tree, kind, name)
            case mi.ListType(item_type=item):
                return self._list(tree, item, name)
            case mi.CustomType(cls=cls) | mi.NamedTupleType(cls=cls):
                return self._quantity(tree, cls, name)
            case _:
                return self._scalar(tree, kind, name)

    def _mistake(self, tree: Tree, what: str, way_out: str = "") -> Scalar:
        self._mistakes.add(tree.place, what, way_out)
        return _broken(tree)

    def _choice(self, tree: Tree, kinds: tuple[mi.Type, ...]) -> mi.Type:
        """Of several types, the one that the value already has; else a text."""
        wanted = {bool: mi.BoolType, int: mi.IntType}.get(type(_read(tree)), mi.StrType)
        for each in (mi.ListType if isinstance(tree, Seq) else wanted, mi.StrType):
            if found := [kind for kind in kinds if isinstance(bare(kind), each)]:
                return found[0]
        return kinds[0]

    def _map(self, tree: Tree, kind: mi.StructType | mi.DictType, name: str) -> Tree:
        if isinstance(tree, Scalar) and tree.value is None:
            tree = Map(tree.key, tree.place)
        if not isinstance(tree, Map):
            lone = getattr(kind.cls, "lone", "") if isinstance(kind, mi.StructType) else ""
            way_out = "write key: value"
            if lone and isinstance(tree, Scalar):
                way_out = f'write {{{lone}: "{tree.text}"}}'
            return self._mistake(tree, f"{name} must be a mapping, not {_got(tree)}", way_out)
        if isinstance(kind, mi.StructType):
            return self._struct(tree, kind)
        item = kind.value_type
        entries = {key: self.tree(each, item, f"'{key}'") for key, each in tree.entries.items()}
        return replace(tree, entries=entries)

    def _struct(self, tree: Map, kind: mi.StructType) -> Map:
        fields = fields_of(kind)
        assert issubclass(kind.cls, Entry)
        noun = noun_of(kind.cls)
        entries: dict[str, Tree] = {}
        meant: set[str] = set()
        whole, renamed = tree.whole, False
        for name, each in tree.entries.items():
            if name in fields:
                if not (isinstance(each, Scalar) and each.null):
                    entries[name] = self.tree(each, fields[name].type, f"'{name}'")
                continue
            whole = False
            if (now := RENAMED.get(name)) in fields:
                self._mistakes.add(each.key, f"'{name}' is called '{now}' now")
                renamed = True
            else:
                way_out = _where(name, fitting(kind, tree.entries))
                if kind.cls is TargetDefaults and isinstance(each, Map):
                    way_out = f"a target of its own stands below 'targets': targets: {{{name}: …}}"
                self._mistakes.add(each.key, f"unknown key '{name}' in {noun}", way_out)
                meant.update(difflib.get_close_matches(name, fields, n=1))
        if tree.whole and not renamed:
            for name, wanted in fields.items():
                if wanted.required and name not in entries and name not in meant:
                    self._mistakes.add(tree.key, f"missing key '{name}' in {noun}")
        return replace(tree, entries=entries, whole=whole, cls=kind.cls)

    def _list(self, tree: Tree, item: mi.Type, name: str) -> Tree:
        if not isinstance(tree, Seq):
            words = tree.text.split() if isinstance(tree, Scalar) else []
            way_out = f"write [{', '.join(words or ['one', 'two'])}]"
            return self._mistake(tree, f"{name} must be a list, not {_got(tree)}", way_out)
        return _seq(tree, [self.tree(each, item, f"an item of {name}") for each in tree.items])

    def _data(self, tree: Tree) -> Tree:
        """Free data, as JSON has it."""
        if isinstance(tree, Map):
            entries = {key: self._data(each) for key, each in tree.entries.items()}
            broken = any(map(_is_broken, entries.values()))
            return _broken(tree) if broken else replace(tree, entries=entries)
        if isinstance(tree, Seq):
            return _seq(tree, [self._data(item) for item in tree.items])
        if isinstance(tree.value, float) and not math.isfinite(tree.value):
            return self._mistake(tree, f"JSON has no {tree.text}", "write it in quotes")
        return tree

    def _quantity(self, tree: Tree, cls: Any, name: str) -> Scalar:
        if not isinstance(tree, Scalar) or tree.value is None:
            return self._mistake(tree, f"{name} must be {cls.noun}, not {_got(tree)}", cls.way_out)
        value = tree.value
        if isinstance(value, bool) or (isinstance(value, float) and not math.isfinite(value)):
            value = tree.text
        try:
            return replace(tree, value=cls.parse(value))
        except ValueError as error:
            what, _, way_out = str(error).rpartition(": ")
            return self._mistake(tree, what, way_out)

    def _scalar(self, tree: Tree, kind: mi.Type, name: str) -> Scalar:
        types: set[type]
        match kind:
            case mi.LiteralType(values=values):
                return self._literal(tree, [str(value) for value in values], name)
            case mi.BoolType():
                wanted, types = "true or false", {bool}
            case mi.IntType():
                wanted, types = "a whole number", {int}
            case _:
                wanted, types = "a number", {int, float}
        value = _read(tree)
        if isinstance(tree, Scalar) and type(value) in types:
            return replace(tree, value=value)
        quoted = isinstance(tree, Scalar) and not tree.plain
        way_out = "take the quotes away" if quoted and type(looks_like(str(value))) in types else ""
        return self._mistake(tree, f"{name} must be {wanted}, not {_got(tree)}", way_out)

    def _text(self, tree: Tree, name: str, written: str) -> Scalar:
        if not isinstance(tree, Scalar) or tree.value is None:
            return self._mistake(tree, f"{name} must be a text, not {_got(tree)}")
        if isinstance(tree.value, str) or tree.filled:
            return replace(tree, value=tree.text)
        kind = "a boolean" if isinstance(tree.value, bool) else "a number"
        what = f"{name} must be a text, and {tree.text} is {kind}"
        quotes = "write" if written != "{}" else "write it in quotes,"
        return self._mistake(tree, what, f'{quotes} "{written.format(tree.text)}"')

    def _literal(self, tree: Tree, values: list[str], name: str) -> Scalar:
        if isinstance(tree, Scalar) and tree.text in values:
            return replace(tree, value=tree.text)
        text = tree.text if isinstance(tree, Scalar) else ""
        if (now := RENAMED.get(text)) in values:
            return self._mistake(tree, f"'{text}' is called '{now}' now")
        if len(values) > MANY:
            way_out = did_you_mean(text, values, f"there are {listed(values)}")
            return self._mistake(tree, f"{name} cannot be {_got(tree)}", way_out)
        what = f"{name} must be {listed(values, 'or')}, not {_got(tree)}"
        return self._mistake(tree, what, did_you_mean(text, values, ""))

    def _demanded(self, tree: Tree, demands: Mapping[str, Any], name: str) -> Tree:
        """The tree, held against what its key demands besides the type."""
        found = value(tree)
        for rule in demands.get("rules", ()):
            if told := rule.told(found, name):
                self._mistakes.add(tree.place, *told)
        if "file" in demands and isinstance(tree, Scalar):
            return replace(tree, value=existing(tree, name, self._here, self._mistakes))
        if "files" in demands and isinstance(tree, Scalar):
            return replace(tree, value=files(tree, name, self._here, self._mistakes))
        if "volume" in demands and isinstance(tree, Scalar):
            return replace(tree, value=volume(tree, self._here, self._mistakes))
        if "source" in demands and isinstance(tree, Scalar):
            return replace(tree, value=source(tree, self._here, self._mistakes))
        return tree


def _where(name: str, known: list[str]) -> str:
    """The way out of an unknown key: the key that was meant, or where this one goes."""
    if here := [one for one in _ELSEWHERE.get(name, ()) if one in known]:
        return f"did you mean '{here[0]}'?"
    now = RENAMED.get(name, name)
    called = f"it is called '{now}' now and goes" if now != name else "it goes"
    there = homes().get(now, [])[:_HOMES]
    otherwise = f"{called} into {listed(there, 'or')}" if there else f"there are {listed(known)}"
    if there and not difflib.get_close_matches(name, known, n=1, cutoff=_ALIKE):
        return otherwise
    return did_you_mean(name, known, otherwise)


def _seq(tree: Seq, items: list[Tree]) -> Tree:
    broken = any(map(_is_broken, items))
    return _broken(tree) if broken else replace(tree, items=tuple(items))


def _broken(tree: Tree) -> Scalar:
    return Scalar(tree.key, tree.place, None, "", broken=True)


def _is_broken(tree: Tree) -> bool:
    return isinstance(tree, Scalar) and tree.broken


def _read(tree: Tree) -> Any:
    """The value of a scalar, of one from the environment as it looks; None for all else."""
    if not isinstance(tree, Scalar):
        return None
    return looks_like(tree.text) if tree.filled else tree.value


def _got(tree: Tree) -> str:
    if isinstance(tree, Map):
        return "a mapping"
    if isinstance(tree, Seq):
        return "a list"
    return "nothing" if tree.value is None else f"'{tree.text}'"
