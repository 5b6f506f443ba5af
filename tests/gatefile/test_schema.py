import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from pytest_bootgate.gatefile import json_schema

HERE = Path(__file__).parent
GOOD = sorted((HERE / "good").glob("*.yaml"))
SMALLEST = (HERE / "good/smallest.yaml").read_text()
VALIDATOR = Draft202012Validator(json_schema())


def errors(text: str) -> list[tuple[Any, ...]]:
    return sorted(
        tuple(error.absolute_path) for error in VALIDATOR.iter_errors(yaml.safe_load(text))
    )


def test_the_schema_is_a_schema() -> None:
    Draft202012Validator.check_schema(json_schema())
    assert json.loads(json.dumps(json_schema())) == json_schema()


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
def test_good_files(path: Path) -> None:
    assert errors(path.read_text()) == []


@pytest.mark.parametrize(
    ("text", "places"),
    [
        (SMALLEST.replace("timeout", "timout"), [("targets", "boot")]),
        (SMALLEST.replace("60s", "60"), [("targets", "boot", "timeout")]),
        (SMALLEST.replace("candidate", "candidat"), [("releases",), ("releases",)]),
        (SMALLEST + "gate: {fail_at: 0.8}\n", [("gate", "fail_at")]),
        ('releases: {candidate: {image: "api:1"}}\n', [()]),
        ("preset: tiny\n", [()]),
    ],
)
def test_broken_files(text: str, places: list[tuple[Any, ...]]) -> None:
    assert [
        place[: len(wanted)] for place, wanted in zip(errors(text), places, strict=True)
    ] == places


def test_editors_find_words_and_defaults() -> None:
    definitions = json_schema()["$defs"]
    assert definitions["PhaseProbe"]["properties"]["limit"]["description"].startswith("`limit` is ")
    assert definitions["PhaseProbe"]["properties"]["http"]["description"].startswith("`http` is ")
    assert definitions["Gate"]["properties"]["fail_at"]["default"] == "80%"
    assert definitions["Gate"]["properties"]["boots"]["default"] == "5..30"
    assert definitions["Target"]["properties"]["listen"]["default"] == "10s"
    assert definitions["Target"]["properties"]["start"]["default"] == "cold"
    assert "from" in definitions["PhaseProbe"]["properties"]


def test_every_key_has_its_sentence_with_an_example() -> None:
    schema = json_schema()
    for name, one in {"GateFile": schema, **schema["$defs"]}.items():
        for key, said in one.get("properties", {}).items():
            words = said.get("description", "")
            assert words.startswith(f"`{key}` "), f"{name}.{key}"
            assert words.endswith((".", ").")), f"{name}.{key}"
            for example in (examples := re.findall(r"``(.*?: .*?)``", words)):
                if example.startswith(f"{key}:"):
                    value = yaml.safe_load(example)[key]
                    where = f"{name}.{key}: {example}"
                    problems = Draft202012Validator({**said, "$defs": schema["$defs"]})
                    assert [one.message for one in problems.iter_errors(value)] == [], where
            assert examples, f"{name}.{key}: no example"


def test_every_broken_yaml_that_only_misspells_is_found() -> None:
    text = (HERE / "broken/unknown_keys.yaml").read_text()
    assert errors(text)
