"""The model as a walk along it sees it: which keys there are, and what each of them wants."""

from __future__ import annotations

from collections.abc import Collection
from functools import cache

import msgspec
import msgspec.inspect as mi

from pytest_bootgate.gatefile.model.file import GateFile
from pytest_bootgate.gatefile.model.target import Target
from pytest_bootgate.probes import KINDS, Kind, asked, keys

ROOT = mi.type_info(GateFile)
TARGET = mi.type_info(Target)


def options(kind: mi.Type) -> tuple[mi.Type, ...]:
    """The types a value may have, apart from null."""
    if isinstance(kind, mi.UnionType):
        return tuple(each for one in kind.types for each in options(one))
    if isinstance(kind, mi.Metadata) and isinstance(kind.type, mi.UnionType):
        return tuple(msgspec.structs.replace(kind, type=each) for each in options(kind.type))
    return () if isinstance(kind, mi.NoneType) else (kind,)


def bare(kind: mi.Type) -> mi.Type:
    """A type without what else a key demands (`model.base.Rule`)."""
    return kind.type if isinstance(kind, mi.Metadata) else kind


def without_none(kind: mi.Type) -> tuple[mi.Type, ...]:
    """The types a value may have, apart from null and bare."""
    return tuple(map(bare, options(kind)))


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
        for kind in kinds:
            for one in _fields_of_kind(kind):  # type: ignore[arg-type]  # it is hashable
                required = one.required and len(kinds) == 1
                found.setdefault(one.encode_name, msgspec.structs.replace(one, required=required))
        if not kinds:
            found[field.encode_name] = field
    return found


def noun_of(cls: type) -> str:
    """What messages call a mapping of the model."""
    return getattr(cls, "noun", "") or f"a {cls.__name__.lower()}"


def fitting(struct: mi.StructType, given: Collection[str]) -> list[str]:
    """The keys that a mapping may have beside those given; those of a probe are of one kind."""
    every = fields_of(struct)
    chosen = asked(given) if any(kinds_of(field.type) for field in struct.fields) else []
    if len(chosen) != 1:
        return list(every)
    others = {key for kind in KINDS.values() for key in keys(kind)} - {*keys(chosen[0])}
    return [key for key in every if key not in others]


@cache
def structs() -> tuple[mi.StructType, ...]:
    """All mappings of a gate file, each once."""
    found: dict[type, mi.StructType] = {}
    waiting = [ROOT]
    while waiting:
        kind = bare(waiting.pop())
        if isinstance(kind, mi.UnionType):
            waiting += kind.types
        elif isinstance(kind, mi.DictType):
            waiting.append(kind.value_type)
        elif isinstance(kind, mi.ListType):
            waiting.append(kind.item_type)
        elif isinstance(kind, mi.StructType) and kind.cls not in found:
            found[kind.cls] = kind
            waiting += [field.type for field in fields_of(kind).values()]
    return tuple(found.values())


@cache
def homes() -> dict[str, list[str]]:
    """For each key what has it, as messages call that: a phase, a target."""
    found: dict[str, list[str]] = {}
    for struct in structs():
        for key in fields_of(struct):
            found.setdefault(key, []).append(noun_of(struct.cls))
    return {key: list(dict.fromkeys(nouns)) for key, nouns in found.items()}


@cache  # a walk asks for them at every probe
def _fields_of_kind(kind: type[Kind]) -> tuple[mi.Field, ...]:
    info = mi.type_info(kind)
    assert isinstance(info, mi.StructType)
    return info.fields
