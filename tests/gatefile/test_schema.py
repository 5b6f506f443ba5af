import contextlib
import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator, ValidationError

from pytest_bootgate.gatefile import json_schema
from pytest_bootgate.gatefile.model import fields
from pytest_bootgate.gatefile.model.fields import fields_of
from pytest_bootgate.pytest_plugin.session import is_gate_file
from tests.conftest import ROOT

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
    structs = {kind.cls.__name__: fields_of(kind) for kind in fields.structs()}
    assert {*structs} == {"GateFile", *schema["$defs"]} - {
        "Boots",
        "Memory",
        "Seconds",
        "Share",
        "Slowdown",
    }
    for name, one in {**schema["$defs"], "GateFile": schema}.items():
        asked = structs.get(name, {})
        assert [*one.get("properties", {})][: len(asked)] == [*asked], name
        for key in asked:
            said, where = one["properties"][key], f"{name}.{key}"
            words = said["markdownDescription"]
            assert words == said["description"]
            assert words.startswith(f"`{key}` "), where
            assert words.endswith((".", ").")), where
            assert re.search(r"`[\w-]+: [^`]+`", words), f"{where}: no example"
            here = Draft202012Validator({**said, "$defs": schema["$defs"]})
            for value in [*said["examples"], *([said["default"]] if "default" in said else [])]:
                assert [one.message for one in here.iter_errors(value)] == [], (where, value)


def words(error: ValidationError) -> str:
    """What an editor shows."""
    assert isinstance(error.schema, dict)
    return words(error.context[0]) if error.context else error.schema["errorMessage"]


def general(said: str) -> str:
    """A mistake without what a schema cannot know: the value, often its name, and the way out."""
    said = re.sub(r", (not|and) .*", "", re.sub(r"^\d+:\d+: ", "", said).partition(": ")[0])
    said = re.sub(r"^('.*'|-?[\d.]+) (has|is) (no|not) ", r"this \2 \3 ", said)
    said = re.sub(r"^unknown key '\w+' in", "unknown key in", said)
    said = re.sub(r".* must be (a duration|a share)$", r"this is not \1", said)
    return re.sub(r"^.* (must be .*|cannot be) ?.*", r"this \1", said)


#: Where ``bootgate check`` stops earlier, or knows more.
OTHERS = {
    *("alias_bomb", "aliases_of_targets", "comment", "deep", "empty", "empty_preset", "loop"),
    *("nested", "no_preset_name", "old_words", "too_much", "yaml_1_1"),
}


def test_it_says_of_a_mistake_what_check_says() -> None:
    compared = 0
    for path in {*(HERE / "broken").glob("*.yaml")} - {HERE / f"broken/{o}.yaml" for o in OTHERS}:
        told = {general(line) for line in path.with_suffix(".txt").read_text().splitlines()}
        with contextlib.suppress(yaml.YAMLError):
            found = [*VALIDATOR.iter_errors(yaml.safe_load(path.read_bytes()))]
            assert {general(words(error)) for error in found} <= told, path.stem
            compared += bool(found)
    assert compared > 20


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("gate: {fail_at: 0.8}", "this has no unit: write 80%"),
        ("gate: {slower: 0.2}", "this has no unit: write 10%"),
        ("gate: {near: 0.8}", "'near' is called 'fail_at' now"),
        ("gate: {boots: many}", "this is not a number of boots: write 5 or 5..30"),
        ("ports: {web: 70000}", "this is not a port: write 1 to 65535"),
        ("gate: {inconclusive: stop}", "'inconclusive' must be fail or warn"),
        ("gateway: {container: {volumes: [data]}}", "this is no volume: write ./data:/data,"),
        ("target: {proof: {http: ':80', status: 99}}", "this is not an HTTP status: write 100"),
        ("target: {proof: {http: ':80', status: []}}", "'status' is empty: write [200, 204]"),
        ("target: {proof: {http: ':80', status: [99]}}", "this is not an HTTP status: write 100"),
        ("target: {proof: {http: ':80', status: ok}}", "'status' must be a whole number or a list"),
        ("target: {proof: {http: ':80', verify: ca.pem}}", ""),
        ("target: {proof: {http: ':80', verify: 5}}", "'verify' must be true or false or a text"),
        ("profiles: {low: {cpus: 0}}", "'cpus' must be more than 0: write 0.25"),
        ("upgrade: null", ""),
        ('profiles: {low: {cpus: "${CPUS}"}}', ""),
        ('gateway: {container: {volumes: ["${DATA}"]}}', ""),
    ],
)
def test_what_an_editor_shows(line: str, message: str) -> None:
    shown = [words(one) for one in VALIDATOR.iter_errors(yaml.safe_load(f"{SMALLEST}{line}\n"))]
    assert "".join(shown).startswith(message)
    assert bool(shown) == bool(message)


def test_every_broken_yaml_that_only_misspells_is_found() -> None:
    text = (HERE / "broken/unknown_keys.yaml").read_text()
    assert errors(text)


#: What SchemaStore's catalog (src/api/json/catalog.json) takes for an entry.
ENTRY = {
    "type": "object",
    "required": ["name", "description", "url"],
    "additionalProperties": False,
    "properties": {
        "name": {"type": "string", "not": {"pattern": "(?i)schema"}},
        "description": {"type": "string", "not": {"pattern": r"(?i)schema|\n|\.$"}},
        "fileMatch": {
            "type": "array",
            "uniqueItems": True,
            "items": {"pattern": r"^[^/]*\w\.ya?ml$|\*\.ya?ml$"},
        },
        "url": {"type": "string", "pattern": r"^https://www\.schemastore\.org/[a-z-]+\.json$"},
        "versions": {"type": "object"},
    },
}


def test_the_entry_for_schemastore() -> None:
    entry = json.loads((ROOT / "ci" / "templates" / "schemastore.json").read_text())
    Draft202012Validator(ENTRY).validate(entry)
    names = ("bootgate", "staging.bootgate", "bootgate.staging", "a", "a.bootgate.b", "mybootgate")
    for name in (f"{name}{end}" for name in names for end in (".yaml", ".yml", ".json")):
        matches = any(Path(name).match(pattern) for pattern in entry["fileMatch"])
        assert matches == is_gate_file(Path(name)), name
