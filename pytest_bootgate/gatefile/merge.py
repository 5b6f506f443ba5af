"""One tree over another: the user's file over its preset, a target over the defaults."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import msgspec.inspect as mi

from pytest_bootgate.gatefile.model import GateFile, PhaseProbe, Probe, StageProbe, Target, Trigger
from pytest_bootgate.gatefile.tree import Entry, Map, Scalar, Seq, Tree
from pytest_bootgate.probes import KINDS, Kind

ROOT = mi.type_info(GateFile)
TARGET = mi.type_info(Target)

_TRIGGER_PLACES = frozenset({"exec", "http", "send"})


def without_none(kind: mi.Type) -> tuple[mi.Type, ...]:
    """The types a value may have, apart from null."""
    kinds = kind.types if isinstance(kind, mi.UnionType) else (kind,)
    return tuple(each for each in kinds if not isinstance(each, mi.NoneType))


def kinds_of(kind: mi.Type) -> list[type[Kind]]:
    """The kinds of probe whose keys stand beside those of the probe itself, where it has a kind."""
    if isinstance(kind, mi.CustomType) and kind.cls is Kind:
        return [*KINDS.values()]
    if isinstance(kind, mi.StructType) and issubclass(kind.cls, Kind):
        return [kind.cls]
    return []


def fields_of(struct: mi.StructType) -> dict[str, mi.Field]:
    """The keys of a mapping; those of a probe are also those of its kinds."""
    found: dict[str, mi.Field] = {}
    for field in struct.fields:
        kinds = kinds_of(field.type)
        for kind in map(mi.type_info, kinds):
            assert isinstance(kind, mi.StructType)
            for one in kind.fields:
                required = one.required and len(kinds) == 1
                found.setdefault(one.encode_name, msgspec.structs.replace(one, required=required))
        if not kinds:
            found[field.encode_name] = field
    return found


def merged(under: Tree, over: Tree, kind: mi.Type = ROOT) -> Tree:
    """`over` on top of `under`; `kind` is what the model wants here.

    Mappings merge entry by entry, everything else replaces, null removes. A probe or trigger
    that names its own place replaces one of another place. Phases keep their order, or are
    replaced altogether where a new one has no place in it.
    """
    kind = without_none(kind)[0]
    if isinstance(over, Scalar) and over.value is None:
        # `main:` with nothing after it, in the list of targets, means main as the preset has it.
        return under if _struct(kind) is Target else replace(over, removes=True)
    if not isinstance(under, Map) or not isinstance(over, Map) or _replaces(under, over, kind):
        return over
    entries = dict(under.entries)
    for key, entry in over.entries.items():
        if key in entries:
            value = merged(entries[key].value, entry.value, _inner(kind, key))
            entry = Entry(entry.place, value)
        entries[key] = entry
    return Map(over.place, entries, under.whole and over.whole)


def without_removed(tree: Map) -> Map:
    """The mapping without the entries that a null took away."""
    entries = {
        key: Entry(entry.place, _without_removed(entry.value))
        for key, entry in tree.entries.items()
        if not (isinstance(entry.value, Scalar) and entry.value.removes)
    }
    return replace(tree, entries=entries)


def _without_removed(tree: Tree) -> Tree:
    if isinstance(tree, Map):
        return without_removed(tree)
    if isinstance(tree, Seq):
        return Seq(tree.place, tuple(_without_removed(item) for item in tree.items))
    return tree


def _struct(kind: mi.Type) -> type | None:
    return kind.cls if isinstance(kind, mi.StructType) else None


def _inner(kind: mi.Type, key: str) -> mi.Type:
    if isinstance(kind, mi.DictType):
        return kind.value_type
    if isinstance(kind, mi.StructType) and (field := fields_of(kind).get(key)) is not None:
        return field.type
    return mi.AnyType()


def _replaces(under: Map, over: Map, kind: mi.Type) -> bool:
    struct = _struct(kind)
    if isinstance(kind, mi.DictType) and _struct(kind.value_type) is PhaseProbe:
        return not over.entries or not over.entries.keys() <= under.entries.keys()
    if struct is None or not issubclass(struct, (Probe, StageProbe, Trigger)):
        return False
    places = _TRIGGER_PLACES if struct is Trigger else KINDS.keys()
    named = places & over.entries.keys()
    return bool(named) and named != places & under.entries.keys()
