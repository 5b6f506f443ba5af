"""A walk over a tree along the model: every key and value that does not fit is a mistake."""

from __future__ import annotations

import contextlib
import difflib
import math
from dataclasses import dataclass, field
from typing import Any, TypeVar

import msgspec
import msgspec.inspect as mi

from pytest_bootgate.gatefile import model
from pytest_bootgate.gatefile.merge import ROOT, fields_of, without_none
from pytest_bootgate.gatefile.quantities import Boots, Memory, Seconds, Share
from pytest_bootgate.gatefile.source import looks_like
from pytest_bootgate.gatefile.tree import (
    Map,
    Mistakes,
    Place,
    Scalar,
    Seq,
    Tree,
    did_you_mean,
    listed,
)
from pytest_bootgate.probes import asked, keys

_T = TypeVar("_T")

_PHRASES: dict[type, str] = {
    model.Probe: "a probe",
    model.PhaseProbe: "a phase",
    model.Signal: "a signal",
    model.StageProbe: "a stages entry",
    model.Trigger: "a trigger",
    model.Propagation: "a propagation test",
    model.Target: "a target",
    # Not "the defaults": a mistake there shows up in every target, and is told once.
    model.TargetDefaults: "a target",
    model.File: "a file",
    model.Release: "a release",
    model.Releases: "the releases",
    model.Gateway: "the gateway",
    model.Needs: "what the gateway needs",
    model.Reply: "the reply",
    model.Stub: "the stub",
    model.Sidecar: "the sidecar",
    model.State: "the state",
    model.Profile: "a profile",
    model.Gate: "the gate",
    model.Notify: "a notification",
    model.GateFile: "a gate file",
}
#: More choices than these are listed only where none is near.
_MANY = 10
_QUANTITIES: dict[type, tuple[str, str]] = {
    Seconds: ("a duration", "write 60s, 1m30s or 250ms"),
    Share: ("a share", "write 80%"),
    Memory: ("an amount of memory", "write 512m or 2g"),
    Boots: ("a number of boots", "write 5 or 5..30"),
}


@dataclass
class Section:
    """A mapping of the gate file as far as it was understood.

    `keys` and `at` tell where each key and its value stand, also of those that were not
    understood and so have nothing in `values`. `place` is where the mapping's own key stands.
    `whole` is false where a key was unknown or unreadable, so that something else may be missing
    only because of that. `cls` is what the model makes of it.
    """

    place: Place
    values: dict[str, Any] = field(default_factory=dict)
    keys: dict[str, Place] = field(default_factory=dict)
    at: dict[str, Place] = field(default_factory=dict)
    whole: bool = True
    cls: type | None = None

    def __contains__(self, key: str) -> bool:
        return key in self.keys

    def get(self, key: str) -> Any:
        """The value, None where there is none or it was not understood."""
        return self.values.get(key)

    def section(self, key: str) -> Section:
        """The mapping under this key, an empty one where there is none."""
        value = self.values.get(key)
        return value if isinstance(value, Section) else Section(self.keys.get(key, self.place))

    def sections(self, key: str) -> dict[str, Section]:
        """The mappings in the mapping under this key, as far as they were understood."""
        return {
            name: value
            for name, value in self.section(key).values.items()
            if isinstance(value, Section)
        }


def plain(value: Any) -> Any:
    """A value with its sections as dicts, as `msgspec.convert` takes it, and kinds of probes."""
    if not isinstance(value, Section):
        return value
    values = {key: plain(item) for key, item in value.values.items()}
    if value.cls is not None and issubclass(value.cls, (model.Probe, model.StageProbe)):
        (kind,) = asked(values)
        own = {key: values.pop(key) for key in keys(kind) if key in values}
        values["kind"] = typed(own, kind)
    return values


def typed(value: Any, kind: type[_T]) -> _T:
    """What `plain` made, as the model has it."""
    # What no JSON has is parsed already; msgspec asks about it all the same.
    return msgspec.convert(value, kind, dec_hook=lambda _, value: value)


def check(root: Map, mistakes: Mistakes) -> Section:
    """Hold a complete tree against the model; what does not fit goes to `mistakes`."""
    section = _Walk(mistakes).value(root, ROOT, "the gate file", root.place)
    assert isinstance(section, Section)
    return section


#: Keys and words of before 0.2.0, and what they are called now.
_RENAMED = {
    "absent": "unsupported",
    "as": "extends",
    "broken": "error",
    "by": "deadline",
    "companion": "sidecar",
    "doorbell": "stub",
    "hosts": "profiles",
    "near": "fail_at",
    "says": "means",
    "silence": "propagation",
    "unsure": "inconclusive",
    "upstream": "signals",
    "warn": "warn_at",
}


class _BrokenError(Exception):
    """A value does not fit, and the mistake is told."""


class _Walk:
    def __init__(self, mistakes: Mistakes) -> None:
        self._mistakes = mistakes

    def value(self, tree: Tree, kind: mi.Type, name: str, key: Place) -> Any:
        """The value as the model wants it; raises `_BrokenError` where it does not fit."""
        if isinstance(tree, Scalar) and tree.broken:
            raise _BrokenError
        kinds = without_none(kind)
        kind = self._choice(tree, kinds) if len(kinds) > 1 else kinds[0]
        match kind:
            case mi.AnyType():
                return self._data(tree)
            case mi.StructType():
                return self._struct(self._map(tree, name, key), kind, key)
            case mi.DictType(value_type=item):
                return self._dict(self._map(tree, name, key), item, key)
            case mi.ListType(item_type=item):
                return self._list(tree, item, name, key)
            case mi.CustomType(cls=cls) | mi.NamedTupleType(cls=cls):
                return self._quantity(tree, cls, name)
            case _:
                return self._scalar(tree, kind, name)

    def _mistake(self, place: Place, what: str, way_out: str = "") -> _BrokenError:
        self._mistakes.add(place, what, way_out)
        return _BrokenError()

    def _choice(self, tree: Tree, kinds: tuple[mi.Type, ...]) -> mi.Type:
        """Of several types, the one that the value already has; else a text."""
        value = tree.value if isinstance(tree, Scalar) else None
        if isinstance(tree, Scalar) and tree.filled:
            value = looks_like(tree.text)
        for wanted, kind in ((bool, mi.BoolType), (int, mi.IntType)):
            for each in kinds:
                if type(value) is wanted and isinstance(each, kind):
                    return each
        return next(each for each in kinds if isinstance(each, mi.StrType))

    def _map(self, tree: Tree, name: str, key: Place) -> Map:
        if isinstance(tree, Map):
            return tree
        if isinstance(tree, Scalar) and tree.value is None:
            return Map(key)
        raise self._mistake(
            tree.place, f"{name} must be a mapping, not {_got(tree)}", "write key: value"
        )

    def _struct(self, tree: Map, kind: mi.StructType, key: Place) -> Section:
        section = Section(key, whole=tree.whole, cls=kind.cls)
        fields = fields_of(kind)
        phrase = _PHRASES[kind.cls]
        meant: set[str] = set()
        renamed = False
        for name, entry in tree.entries.items():
            if (now := _RENAMED.get(name)) in fields and name not in fields:
                self._mistakes.add(entry.place, f"'{name}' is called '{now}' now")
                section.whole, renamed = False, True
            elif name not in fields:
                way_out = did_you_mean(name, fields, f"there are {listed(fields)}")
                self._mistakes.add(entry.place, f"unknown key '{name}' in {phrase}", way_out)
                section.whole = False
                meant.update(difflib.get_close_matches(name, fields, n=1))
            elif not (isinstance(entry.value, Scalar) and entry.value.value is None):
                self._keep(section, name, entry.place, entry.value, fields[name].type)
        if tree.whole and not renamed:
            for name, wanted in fields.items():
                if wanted.required and name not in section and name not in meant:
                    self._mistakes.add(key, f"missing key '{name}' in {phrase}")
        return section

    def _dict(self, tree: Map, item: mi.Type, key: Place) -> Section:
        section = Section(key, whole=tree.whole)
        for name, entry in tree.entries.items():
            self._keep(section, name, entry.place, entry.value, item)
        return section

    def _keep(self, section: Section, name: str, key: Place, tree: Tree, kind: mi.Type) -> None:
        section.keys[name] = key
        section.at[name] = tree.place
        with contextlib.suppress(_BrokenError):
            section.values[name] = self.value(tree, kind, f"'{name}'", key)

    def _list(self, tree: Tree, item: mi.Type, name: str, key: Place) -> list[Any]:
        if not isinstance(tree, Seq):
            words = tree.text.split() if isinstance(tree, Scalar) else []
            way_out = f"write [{', '.join(words or ['one', 'two'])}]"
            raise self._mistake(tree.place, f"{name} must be a list, not {_got(tree)}", way_out)
        values, broken = [], False
        for each in tree.items:
            try:
                values.append(self.value(each, item, f"an item of {name}", key))
            except _BrokenError:
                broken = True
        if broken:
            raise _BrokenError
        return values

    def _data(self, tree: Tree) -> Any:
        """Free data, as JSON has it."""
        if isinstance(tree, Map):
            return {key: self._data(entry.value) for key, entry in tree.entries.items()}
        if isinstance(tree, Seq):
            return [self._data(item) for item in tree.items]
        if tree.broken:
            raise _BrokenError
        if isinstance(tree.value, float) and not math.isfinite(tree.value):
            raise self._mistake(tree.place, f"JSON has no {tree.text}", "write it in quotes")
        return tree.value

    def _quantity(self, tree: Tree, cls: Any, name: str) -> Any:
        noun, example = _QUANTITIES[cls]
        if not isinstance(tree, Scalar) or tree.value is None:
            raise self._mistake(tree.place, f"{name} must be {noun}, not {_got(tree)}", example)
        value = tree.value
        if isinstance(value, bool) or (isinstance(value, float) and not math.isfinite(value)):
            value = tree.text
        try:
            return cls.parse(value)
        except ValueError as error:
            what, _, way_out = str(error).rpartition(": ")
            raise self._mistake(tree.place, what, way_out) from None

    def _scalar(self, tree: Tree, kind: mi.Type, name: str) -> str | int | float | bool:
        wanted: str
        types: tuple[type, ...]
        match kind:
            case mi.StrType():
                return self._text(tree, name)
            case mi.LiteralType(values=values):
                return self._literal(tree, [str(value) for value in values], name)
            case mi.BoolType():
                wanted, types = "true or false", (bool,)
            case mi.IntType():
                wanted, types = "a whole number", (int,)
            case _:
                wanted, types = "a number", (int, float)
        value = tree.value if isinstance(tree, Scalar) else None
        if isinstance(tree, Scalar) and tree.filled:
            value = looks_like(tree.text)
        if value is not None and type(value) in types:
            return value
        quoted = isinstance(tree, Scalar) and not tree.plain
        unquoted = looks_like(str(value)) if quoted else None
        way_out = "take the quotes away" if type(unquoted) in types else ""
        raise self._mistake(tree.place, f"{name} must be {wanted}, not {_got(tree)}", way_out)

    def _text(self, tree: Tree, name: str) -> str:
        if not isinstance(tree, Scalar) or tree.value is None:
            raise self._mistake(tree.place, f"{name} must be a text, not {_got(tree)}")
        if isinstance(tree.value, str) or tree.filled:
            return tree.text
        kind = "a boolean" if isinstance(tree.value, bool) else "a number"
        raise self._mistake(
            tree.place,
            f"{name} must be a text, and {tree.text} is {kind}",
            f'write it in quotes, "{tree.text}"',
        )

    def _literal(self, tree: Tree, values: list[str], name: str) -> str:
        if isinstance(tree, Scalar) and tree.text in values:
            return tree.text
        text = tree.text if isinstance(tree, Scalar) else ""
        if (now := _RENAMED.get(text)) in values:
            raise self._mistake(tree.place, f"'{text}' is called '{now}' now")
        what = f"{name} must be {listed(values, 'or')}, not {_got(tree)}"
        if len(values) > _MANY:
            what = f"{name} cannot be {_got(tree)}"
            raise self._mistake(
                tree.place, what, did_you_mean(text, values, f"there are {listed(values)}")
            )
        raise self._mistake(tree.place, what, did_you_mean(text, values, ""))


def _got(tree: Tree) -> str:
    if isinstance(tree, Map):
        return "a mapping"
    if isinstance(tree, Seq):
        return "a list"
    return "nothing" if tree.value is None else f"'{tree.text}'"
