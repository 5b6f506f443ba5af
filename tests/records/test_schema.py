"""The schemas of results and notices: what the gate writes fits, and every key of it is in them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from pytest_bootgate.records import codec
from pytest_bootgate.records.result import SCHEMA, GateResult
from pytest_bootgate.records.schema import Schema, result_schema
from pytest_bootgate.reports.notice import notice, notice_schema
from tests.records.test_codec import RECORDED


def closed(schema: Schema) -> Draft202012Validator:
    """A validator to which every key that the schema does not know is a mistake."""
    Draft202012Validator.check_schema(schema)
    schema = json.loads(json.dumps(schema))
    for record in schema["$defs"].values():
        record["additionalProperties"] = False
    return Draft202012Validator(schema)


RESULTS, NOTICES = closed(result_schema()), closed(notice_schema())


def mistakes(result: GateResult) -> list[str]:
    plain: Any = json.loads(codec.encode(result))
    both = [
        *RESULTS.iter_errors(plain),
        *RESULTS.iter_errors([plain, plain]),
        *NOTICES.iter_errors(json.loads(notice(result))),
    ]
    return [f"{error.json_path}: {error.message}" for one in both for error in one.context or [one]]


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
def test_recorded_results(path) -> None:
    (result,) = codec.read(path)
    assert mistakes(result) == []


def test_what_does_not_fit_is_seen() -> None:
    (result,) = codec.read(RECORDED[0])
    plain = json.loads(codec.encode(result))
    assert not RESULTS.is_valid({**plain, "schema": "bootgate-result/1"})
    assert not RESULTS.is_valid({**plain, "verdict": "green"})
    assert not RESULTS.is_valid({**plain, "more": 1})
    plain["targets"] = [{"target": "x"}]
    assert not RESULTS.is_valid(plain)


def test_they_have_a_name_of_their_version() -> None:
    assert result_schema()["$id"] == f"urn:{SCHEMA.replace('/', ':')}" == "urn:bootgate-result:2"
    assert notice_schema()["$id"] == "urn:bootgate-notice:1"
