"""JSON Schemas of what the gate writes, made from the records, for whoever reads it."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from typing import Any

import msgspec

from pytest_bootgate.records.result import RESULTS, SCHEMA, GateResult
from pytest_bootgate.records.verdict import Verdict

Schema = dict[str, Any]

_REFERENCE = "#/$defs/{name}"
#: Where a sentence of a docstring begins that is about one field.
_FIELD = re.compile(r"(?:^|(?<=[.;] ))(?=`\w+` )")
_NUMBER: Schema = {"anyOf": [{"type": "number"}, {"type": "null"}]}


def result_schema() -> Schema:
    """The schema of what ``--bootgate-json`` writes: a result or, of several gate files, a list."""
    lists = {kind.listed: kind for kind in RESULTS}
    schema = schema_of(SCHEMA, GateResult, lists)
    definitions = schema["$defs"]
    verdict = "The verdict that follows from all of it; null where the gate file leaves it out."
    judged = {"description": verdict, **_of(Verdict | None, definitions)}
    for kind in (*RESULTS, GateResult):
        _add(definitions[kind.__name__], {"verdict": judged}, required=True)
    digest = "Of all other keys: whether the file is as the gate wrote it."
    _add(definitions["GateResult"], {"digest": {"type": "string", "description": digest}})
    net = "The `seconds` of a boot without those in which others had its CPU."
    _add(definitions["Boot"], {"net_seconds": {"description": net, **_NUMBER}})
    one = schema.pop("$ref")
    return {
        **schema,
        "description": "What --bootgate-json writes: a result, or a list of several.",
        "anyOf": [{"$ref": one}, {"type": "array", "items": {"$ref": one}}],
    }


def schema_of(name: str, whole: type, lists: Mapping[str, type]) -> Schema:
    """The schema (2020-12) of a record with the name of its schema (``bootgate-result/2``).

    `lists` are further properties of it, each a list of records of a class.
    """
    given = [whole, *lists.values()]
    (top, *items), definitions = msgspec.json.schema_components(
        given, schema_hook=lambda _: {"type": "object"}, ref_template=_REFERENCE
    )
    for each in definitions.values():
        _describe(each)
    listed = {key: {"type": "array", "items": item} for key, item in zip(lists, items, strict=True)}
    own = definitions[whole.__name__]
    own["properties"]["schema"] = {"const": name}
    _add(own, listed)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:{name.replace('/', ':')}",
        "title": name,
        **top,
        "$defs": dict(sorted(definitions.items())),
    }


def _of(kind: Any, definitions: Schema) -> Schema:
    (found,), more = msgspec.json.schema_components([kind], ref_template=_REFERENCE)
    definitions |= more
    return found


def _add(record: Schema, properties: Mapping[str, Schema], *, required: bool = False) -> None:
    record["properties"] |= properties
    if required:
        record["required"] = [*record.get("required", ()), *properties]


def _describe(record: Schema) -> None:
    """Give the fields of a record what its docstring says about each."""
    text = " ".join(inspect.cleandoc(record.get("description", "")).replace("``", "`").split())
    whole, *about = _FIELD.split(text)
    record["description"] = whole.strip() or text
    for sentence in about:
        name = sentence.partition("`")[2].partition("`")[0]
        if (found := record.get("properties", {}).get(name)) is not None:
            record["properties"][name] = {"description": sentence.strip(" ;"), **found}
