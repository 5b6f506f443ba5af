"""A JSON Schema of the gate file, made from the model, for editors."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable
from typing import Any

import msgspec.inspect as mi

from pytest_bootgate.gatefile.model import Releases
from pytest_bootgate.gatefile.model.fields import (
    ROOT,
    fields_of,
    kinds_of,
    noun_of,
    structs,
    without_none,
)
from pytest_bootgate.quantities import Boots, Memory, Seconds, Share

Schema = dict[str, Any]

#: Where a line of a docstring begins to describe a key.
_KEY = re.compile(r"^(?=`\w+` )", re.MULTILINE)
_VARIABLE: Schema = {"type": "string", "pattern": r"\$\{"}
_NULL: Schema = {"type": "null"}


def json_schema() -> Schema:
    """The schema (2020-12) of a gate file as its user writes it.

    A preset may supply everything but the releases, so nothing else is required where there is
    one; a null removes what the preset says. Variables may stand for any single value.
    """
    definitions: dict[str, Schema] = {
        cls.__name__: _quantity(cls) for cls in (Seconds, Share, Memory, Boots)
    }
    _schema(ROOT, definitions)
    root = definitions.pop("GateFile")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "pytest-bootgate gate file",
        **root,
        "type": "object",
        "required": ["releases"],
        "anyOf": [{"required": [key]} for key in ("targets", "preset", "system")],
        "$defs": dict(sorted(definitions.items())),
    }


def described() -> dict[str, dict[str, str]]:
    """What each key means, by what has it, as messages call that: a phase, a target."""
    definitions: dict[str, Schema] = {}
    _schema(ROOT, definitions)
    found: dict[str, dict[str, str]] = {}
    for struct in structs():
        for key, schema in definitions[struct.cls.__name__]["properties"].items():
            if text := schema.get("description"):
                found.setdefault(key, {})[noun_of(struct.cls)] = text.replace("``", "`")
    return found


def _schema(kind: mi.Type, definitions: dict[str, Schema]) -> Schema:
    kinds = without_none(kind)
    if len(kinds) > 1:
        return {"anyOf": [_schema(each, definitions) for each in kinds]}
    match kinds[0]:
        case mi.StructType(cls=cls) as struct:
            if cls.__name__ not in definitions:
                definitions[cls.__name__] = _object(struct, definitions)
            return {"$ref": f"#/$defs/{cls.__name__}"}
        case mi.CustomType(cls=cls) | mi.NamedTupleType(cls=cls):
            return {"$ref": f"#/$defs/{cls.__name__}"}
        case mi.DictType(value_type=item):
            return {"type": "object", "additionalProperties": _or_null(_schema(item, definitions))}
        case mi.ListType(item_type=item):
            return {"type": "array", "items": _schema(item, definitions)}
        case mi.LiteralType(values=values):
            return {"anyOf": [{"enum": list(values)}, _VARIABLE]}
        case mi.StrType():
            return {"type": "string"}
        case mi.BoolType():
            return {"anyOf": [{"type": "boolean"}, _VARIABLE]}
        case mi.IntType():
            return {"anyOf": [{"type": "integer"}, _VARIABLE]}
        case mi.FloatType():
            return {"anyOf": [{"type": "number"}, _VARIABLE]}
    return {}


def _object(struct: mi.StructType, definitions: dict[str, Schema]) -> Schema:
    properties: dict[str, Schema] = {}
    docs = [each for each in struct.cls.__mro__[:-1] if each.__doc__]
    kinds = [
        each
        for field in struct.fields
        for kind in kinds_of(field.type)
        for each in kind.__mro__[:-1]
    ]
    for name, field in fields_of(struct).items():
        schema = _or_null(_schema(field.type, definitions))
        described = {"description": text} if (text := _about([*docs, *kinds], name)) else {}
        properties[name] = {**described, **schema, **_default(field.default)}
    required = {"required": ["candidate"]} if struct.cls is Releases else {}
    return {
        "description": _words(struct.cls),
        "type": ["object", "null"],
        "properties": properties,
        "additionalProperties": False,
        **required,
    }


def _quantity(cls: type[Seconds | Share | Memory | Boots]) -> Schema:
    written: Schema = {"type": "string", "pattern": cls.pattern, "examples": cls.examples}
    forms = [written, _VARIABLE, *([{"type": "integer", "minimum": 1}] if cls is Boots else [])]
    return {"description": _words(cls), "anyOf": [*forms, _NULL]}


def _or_null(schema: Schema) -> Schema:
    match schema:
        case {"type": str(kind)}:
            return {**schema, "type": [kind, "null"]}
        case {"anyOf": forms}:
            return {**schema, "anyOf": [*forms, _NULL]}
    return schema


def _default(value: Any) -> Schema:
    match value:
        case Seconds():
            return {"default": f"{value:g}s"}
        case Share():
            return {"default": f"{value:.0%}"}
        case Boots(least=least, most=most):
            return {"default": f"{least}..{most}"}
        case bool() | int() | float() | str():
            return {"default": value}
    return {}


def _words(cls: type) -> str:
    """What a docstring says of the class as a whole: all before the lines about its keys."""
    return " ".join(_KEY.split(inspect.getdoc(cls) or "")[0].split())


def _about(documented: Iterable[type], name: str) -> str | None:
    """What the docstring of one of these classes says about a key."""
    for each in documented:
        for entry in _KEY.split(inspect.cleandoc(each.__doc__ or ""))[1:]:
            if entry.startswith(f"`{name}` "):
                return " ".join(entry.split())
    return None
