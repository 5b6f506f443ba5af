"""A result that somebody damaged is shown or refused, and never ends in a traceback."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pytest_bootgate.cli import main
from pytest_bootgate.errors import BootgateError
from pytest_bootgate.reports.jsonfile import decode

RESULTS = Path(__file__).parents[1] / "recorded" / "results"
WHOLE = [json.loads(path.read_text()) for path in sorted(RESULTS.glob("*.json"))]
#: What a value may be instead.
ODD: list[Any] = [
    *(None, True, -1, 0, 0.0, 1e308, -1e308, 1e-320, 10**18, "", "x", "\x00", "\u202e", "x" * 5000),
    *([], {}, [None], {"a": 1}, "2026-13-99T99:99:99", "999999-01-01T00:00:00+00:00"),
]


def places(value: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to every value in a result, from the top."""
    if above:
        yield above
    items: Any = enumerate(value) if isinstance(value, list) else ()
    for key, inner in value.items() if isinstance(value, dict) else items:
        yield from places(inner, (*above, key))


def damaged(chance: random.Random) -> Any:
    """A recorded result of which a few values are gone, doubled, or something else."""
    result = copy.deepcopy(chance.choice(WHOLE))
    for _ in range(chance.choice((1, 1, 2, 4))):
        *way, last = chance.choice(list(places(result)))
        holder = result
        for key in way:
            holder = holder[key]
        how = chance.random()
        if how < 0.15:
            del holder[last]
        elif how < 0.3 and isinstance(holder, list):
            holder.insert(last, copy.deepcopy(holder[last]))
        else:
            alike = [one for one in ODD if type(one) is type(holder[last])]
            holder[last] = chance.choice(alike if alike and how < 0.8 else ODD)
    return result


@pytest.mark.parametrize("seed", range(10))
def test_no_damage_ends_in_a_traceback(tmp_path, capsys, seed):
    chance = random.Random(seed)
    path, whole = tmp_path / "result.json", RESULTS / "slower.json"
    for number in range(15):
        path.write_text(json.dumps(damaged(chance)))
        for command in (
            ["report", str(path), "-vv"],
            ["compare", str(path), str(whole)],
            ["report", str(path), "--html", str(tmp_path / f"{number}.html")],
        ):
            assert main(command) in (0, 4)
    assert "Traceback" not in capsys.readouterr().err


def test_a_number_that_nobody_measured_is_refused():
    result = json.loads((RESULTS / "slower.json").read_text())
    result["targets"][0]["boots"][0]["load"] = 1e308
    with pytest.raises(BootgateError, match=r"it holds the number 1e\+308, which nobody"):
        decode(json.dumps(result))


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 100_000, "", "[]x", "\x00", "\ufeff{}"])
def test_what_is_no_result_at_all(tmp_path, capsys, text):
    path = tmp_path / "result.json"
    path.write_text(text)
    assert main(["report", str(path)]) == 4
    assert capsys.readouterr().err.startswith(str(path))
