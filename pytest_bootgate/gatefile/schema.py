"""A JSON Schema of the gate file, made from the model, for editors.

Its mistakes have the words of ``bootgate check``, with "this" for a value that no schema can name.
yaml-language-server shows `errorMessage`, and `markdownDescription`; validators ignore both.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable
from typing import Any

import msgspec.inspect as mi
import yaml

from pytest_bootgate.demands import Rule
from pytest_bootgate.gatefile.model import Releases
from pytest_bootgate.gatefile.model.fields import (
    ROOT,
    bare,
    fields_of,
    kinds_of,
    noun_of,
    options,
    structs,
)
from pytest_bootgate.gatefile.tree import listed
from pytest_bootgate.gatefile.validate import MANY, RENAMED
from pytest_bootgate.quantities import Boots, Memory, Seconds, Share, Slowdown

Schema = dict[str, Any]

ID = "urn:bootgate-gate-file:1"
#: The file beside a gate file in which editors find the schema, and the first line that says so.
BESIDE = ".bootgate.schema.json"
MODELINE = f"# yaml-language-server: $schema={BESIDE}\n"

#: Where a line of a docstring begins to describe a key, and where it shows how one is written.
_KEY = re.compile(r"^(?=`\w+` )", re.MULTILINE)
_EXAMPLE = re.compile(r"``(\w+: .*?)``")
#: A variable may stand for any single value.
_VARIABLE = r"\$\{"
_NULL: Schema = {"type": "null"}
_MAPPING = "must be a mapping: write key: value"
_NOTHING = "a gate file is a mapping: write keys such as releases: and targets:"


def json_schema() -> Schema:
    """The schema (2020-12) of a gate file as its user writes it.

    A preset may supply everything but the releases, so nothing else is required where there is
    one; a null removes what the preset says.
    """
    definitions: dict[str, Schema] = {
        cls.__name__: _quantity(cls) for cls in (Seconds, Share, Slowdown, Memory, Boots)
    }
    _schema(ROOT, definitions, "")
    root = definitions.pop("GateFile")
    begun = "there are no targets: name at least one, a preset, or the system to gate"
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": ID,
        "title": "pytest-bootgate gate file",
        **root,
        "allOf": [{"type": "object", "errorMessage": _NOTHING},
                  _required("releases", "a gate file")],
        "anyOf": [
            {"required": [key], "errorMessage": begun} for key in ("targets", "preset", "system")
        ],
        "$defs": dict(sorted(definitions.items())),
    }  # fmt: skip


def described() -> dict[str, dict[str, str]]:
    """What each key means, by what has it, as messages call that: a phase, a target."""
    definitions: dict[str, Schema] = {}
    _schema(ROOT, definitions, "")
    found: dict[str, dict[str, str]] = {}
    for struct in structs():
        for key, schema in definitions[struct.cls.__name__]["properties"].items():
            if text := schema.get("description"):
                found.setdefault(key, {})[noun_of(struct.cls)] = text
    return found


def _schema(kind: mi.Type, definitions: dict[str, Schema], name: str) -> Schema:
    """What a value may be that messages call `name`.

    Several types are one schema, as each keyword is about values of one type only: where none of
    several schemas fits, an editor shows the mistakes of one of them, in words of its own.
    """
    whole: Schema = {}
    demands: list[Schema] = []
    for each in options(kind):
        extra = (each.extra if isinstance(each, mi.Metadata) else None) or {}
        one = _one(bare(each), definitions, name, extra.get("written"))
        if "$ref" in one:
            return one
        if whole:
            one["type"] = list(dict.fromkeys([*whole["type"], *one["type"]]))
            first = whole["errorMessage"].partition(":")[0]
            other = one["errorMessage"].removeprefix(f"{name} must be").partition(":")[0]
            one["errorMessage"] = f"{first} or{other}"
            if isinstance(bare(each), mi.StrType):  # what is not just a variable
                whole.pop("pattern", None)
        whole |= one
        demands += [_demand(rule, name) for rule in extra.get("rules", ()) if rule.schema]
    if "type" in whole:
        whole["type"].append("null")
    return whole | ({"allOf": demands} if demands else {})


def _one(
    kind: mi.Type, definitions: dict[str, Schema], name: str, written: str | None = None
) -> Schema:
    match kind:
        case mi.StructType(cls=cls) as struct:
            if cls.__name__ not in definitions:
                definitions[cls.__name__] = _object(struct, definitions)
            return {"$ref": f"#/$defs/{cls.__name__}"}
        case mi.CustomType(cls=cls) | mi.NamedTupleType(cls=cls):
            return {"$ref": f"#/$defs/{cls.__name__}"}
        case mi.DictType(value_type=item):
            items = _schema(item, definitions, "this")
            return _typed(f"{name} {_MAPPING}", "object") | {"additionalProperties": items}
        case mi.ListType(item_type=item):
            items = _schema(item, definitions, f"an item of {name}")
            return _typed(f"{name} must be a list: write [one, two]", "array") | {"items": items}
        case mi.LiteralType(values=values):
            words = [str(value) for value in values]
            said = f"{name} must be {listed(words, 'or')}"
            if len(words) > MANY:
                said = f"{name} cannot be this: there are {listed(words)}"
            # Described: an editor takes two that are called alike for one, under two titles.
            variable = {"type": "string", "pattern": _VARIABLE, "description": "a variable"}
            return {"anyOf": [{"enum": [*values, None], "errorMessage": said}, variable]}
        case mi.StrType():
            quoted = f'write "{written.format(8080)}"' if written else "write it in quotes"
            return _typed(f"{name} must be a text: {quoted}", "string")
        case mi.BoolType():
            return _or_variable(f"{name} must be true or false", "boolean")
        case mi.IntType():
            return _or_variable(f"{name} must be a whole number", "integer")
        case mi.FloatType():
            return _or_variable(f"{name} must be a number", "number")
    return {}


def _typed(said: str, *types: str) -> Schema:
    """A value of one of these types, and what is said of others."""
    return {"type": [*types], "errorMessage": said}


def _or_variable(said: str, kind: str) -> Schema:
    return _typed(said, kind, "string") | {"pattern": _VARIABLE}


def _demand(rule: Rule, name: str) -> Schema:
    """What must hold for a value besides its type, and what is said where it does not."""
    said = re.sub(r"'?\{value[^}]*\}'?", "this", rule.what).replace(", not this", "")
    fits = dict(rule.schema)
    if "pattern" in fits:
        fits["pattern"] += f"|{_VARIABLE}"
    return {"if": fits, "else": _never(f"{said.format(name=name)}: {rule.way_out}")}


def _never(said: str) -> Schema:
    """No value at all; `doNotSuggest` keeps a key out of an editor's completions."""
    return {"type": "null", "not": _NULL, "errorMessage": said, "doNotSuggest": True}


def _required(key: str, noun: str) -> Schema:
    return {"required": [key], "errorMessage": f"missing key '{key}' in {noun}"}


def _object(struct: mi.StructType, definitions: dict[str, Schema]) -> Schema:
    properties: dict[str, Schema] = {}
    docs = [each for each in struct.cls.__mro__[:-1] if each.__doc__]
    kinds = [
        each
        for field in struct.fields
        for kind in kinds_of(field.type)
        for each in kind.__mro__[:-1]
    ]
    fields = fields_of(struct)
    for name, field in fields.items():
        schema = _schema(field.type, definitions, f"'{name}'") | _default(field.default)
        about = _about([*docs, *kinds], name)
        if (shown := schema.get("default")) in (examples := about.get("examples", [])):
            examples.remove(shown)  # an editor proposes it once
        properties[name] = {**about, **schema}
    for old, new in RENAMED.items():
        if new in fields and old not in fields:
            properties[old] = _never(f"'{old}' is called '{new}' now")
    noun = noun_of(struct.cls)
    required = [_required("candidate", noun)] if struct.cls is Releases else []
    return {
        **_described(_words(struct.cls)),
        # The one message of a schema is said of unknown keys: its other demands stand below.
        "allOf": [_typed(f"{noun} {_MAPPING}", "object", "null"), *required],
        "properties": properties,
        "additionalProperties": False,
        "errorMessage": f"unknown key in {noun}: there are {listed(list(fields))}",
    }


def _quantity(cls: type[Seconds | Share | Memory | Boots]) -> Schema:
    said = f"this is not {cls.noun}: {cls.way_out}"
    types = ["string", *(["integer"] if cls is Boots else []), "null"]
    plain: Schema = {}
    if issubclass(
        cls, (Seconds, Share)
    ):  # people write numbers, as if the unit went without saying
        types.append("number")
        no_unit = f"this has no unit: {cls.way_out}"
        plain = {"if": {"type": "number"}, "then": _never(no_unit)}
    return {
        **_described(_words(cls)),
        "type": types,
        "pattern": f"{cls.pattern}|{_VARIABLE}",
        **({"minimum": 1} if cls is Boots else {}),
        **plain,
        "errorMessage": said,
        "examples": cls.examples,
    }


def _default(value: Any) -> Schema:
    match value:
        case Seconds():
            return {"default": f"{value:g}s"}
        case Share():
            return {"default": f"{value:.0%}"}
        case Boots(least=least, most=most):
            return {"default": f"{least}..{most}"}
        case bool() | int() | float() | str() if value != "":
            return {"default": value}
    return {}


def _described(text: str) -> Schema:
    """A docstring as plain text and, with the same words, as Markdown."""
    text = text.replace("``", "`")
    return {"description": text, "markdownDescription": text}


def _words(cls: type) -> str:
    """What a docstring says of the class as a whole: all before the lines about its keys."""
    return " ".join(_KEY.split(inspect.getdoc(cls) or "")[0].split())


def _about(documented: Iterable[type], name: str) -> Schema:
    """What the docstring of one of these classes says about a key, and its examples of it."""
    for each in documented:
        for entry in _KEY.split(inspect.cleandoc(each.__doc__ or ""))[1:]:
            if entry.startswith(f"`{name}` "):
                text = " ".join(entry.split())
                shown = [yaml.safe_load(one) for one in _EXAMPLE.findall(text)]
                return {
                    **_described(text),
                    "examples": [one[name] for one in shown if [*one] == [name]],
                }
    return {}
