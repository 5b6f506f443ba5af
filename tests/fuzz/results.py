"""Results (``--bootgate-json``): recorded ones, then broken in structure and in bytes."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Iterator
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from pytest_bootgate.errors import BootgateError
from pytest_bootgate.gatefile import load
from pytest_bootgate.records.codec import decode
from pytest_bootgate.run.recorded import Recorded
from tests.fuzz.budget import Kind, directory
from tests.fuzz.commands import bootgate

FILES = sorted((Path(__file__).parents[1] / "recorded" / "results").glob("*.json"))
TEXTS = [path.read_text() for path in FILES]
#: What a value may be instead.
ODD: list[Any] = [
    *(None, True, False, -1, 0, 1, 0.0, -0.0, 1e308, -1e308, 1e-320, 1e18, 10**18, 2**63, 2**64),
    10**400,
    *("", "x", "\x00", "\u202e", "\ud800", "x" * 5000, "\n", "\x1b[2J", "::error::x", "##[error]x"),
    "<script>",
    *([], {}, [None], {"a": 1}, [[[[]]]], "2026-13-99T99:99:99", "999999-01-01T00:00:00+00:00"),
    *("2026-11-20", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"),
    "2026-11-20T10:00:00",
    *("candidate", "baseline", "started", "timed_out", "lost", "fail", "error", "inconclusive"),
    "recorded",
    *(float("nan"), float("inf"), float("-inf")),
]  # fmt: skip


def places(value: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to every value, from the top."""
    if above:
        yield above
    items: Any = enumerate(value) if isinstance(value, list) else ()
    for key, inner in value.items() if isinstance(value, dict) else items:
        yield from places(inner, (*above, key))


def _at(value: Any, way: Iterable[Any]) -> Any:
    for key in way:
        value = value[key]
    return value


def _changed(draw: st.DrawFn, result: Any) -> None:
    """Change one value in a result, or all that stand in the same place of several."""
    ways = list(places(result))
    if not ways:
        return
    # First what kind of place, so that the few in the head are met as often as those in boots.
    shapes = sorted({tuple("#" if isinstance(k, int) else k for k in way) for way in ways})
    shape = draw(st.sampled_from(shapes))
    alike = [w for w in ways if tuple("#" if isinstance(k, int) else k for k in w) == shape]
    how = draw(
        st.sampled_from(["odd", "alike", "alike", "gone", "twice", "renamed", "scaled", "all"])
    )
    chosen = alike if how == "all" else [draw(st.sampled_from(alike))]
    value = draw(st.sampled_from(ODD)) if how == "odd" else None
    if how in ("alike", "all"):
        kinds = {type(_at(result, way)) for way in alike}
        value = draw(st.sampled_from([one for one in ODD if type(one) in kinds] or ODD))
    factor = draw(st.sampled_from([-1, 0, 1e-9, 1e9, 1e17])) if how == "scaled" else 1
    for *way, last in chosen:
        holder = _at(result, way)
        if how == "renamed" and isinstance(holder, dict):
            holder[str(draw(st.sampled_from(["x", "baseline", "candidate", ""])))] = holder.pop(
                last
            )
        elif how == "gone":
            del holder[last]
        elif how == "twice" and isinstance(holder, list):
            holder.insert(last, json.loads(json.dumps(holder[last])))
        elif how == "scaled" and isinstance(holder[last], int | float):
            holder[last] *= factor
        else:
            holder[last] = deepcopy(value)  # or a later change would be one of `ODD` itself


@st.composite
def results(draw: st.DrawFn) -> bytes:
    """The bytes of a file with results."""
    result = json.loads(draw(st.sampled_from(TEXTS)))
    for _ in range(draw(st.sampled_from((1, 1, 2, 4)))):
        _changed(draw, result)
    text = json.dumps([result, result] if draw(st.integers(0, 9)) == 9 else result)
    how = draw(st.sampled_from(["as it is"] * 8 + ["cut", "characters", "utf-16", "deep", "bytes"]))
    at = draw(st.integers(0, len(text))) if how in ("cut", "characters", "deep", "bytes") else 0
    if how == "cut":
        text = text[:at]
    elif how == "characters":
        text = text[:at] + draw(st.text(max_size=2)) + text[at + draw(st.integers(0, 3)) :]
    elif how == "deep":
        text = f'{text[:-1]}, "more": {"[" * 5000}'
    data = text.encode("utf-16" if how == "utf-16" else "utf-8", "surrogatepass")
    return data[:at] + draw(st.binary(max_size=3)) + data[at:] if how == "bytes" else data


@cache
def _gate(file: Path) -> Path:
    """A gate file with the targets and phases that a recorded result has, so that it is theirs."""
    recorded = json.loads(file.read_text())
    path = directory("results") / f"{file.stem}.bootgate.yaml"
    lines = ["releases: {candidate: {command: [serve]}}", "targets:"]
    for target in recorded["targets"] or [{"target": "isolated", "rules": {"phases": {"a": 0}}}]:
        phases = ", ".join(f"{name}: {{line: {name}}}" for name in target["rules"]["phases"])
        lines.append(f"  {target['target']}: {{timeout: 60s, phases: {{{phases}}}}}")
    path.write_text("\n".join(dict.fromkeys(lines)) + "\n")
    return path


def attempt(data: bytes) -> str:
    """Every command that reads results, and what a gate does with a recorded baseline."""
    path, other = directory("results") / "result.json", FILES[4]
    path.write_bytes(data)
    shown = bootgate("report", path, "-vv") == 0
    bootgate("compare", path, other)
    bootgate("compare", other, path, "--release", "baseline")
    if not shown:
        return "refused"
    bootgate(
        "report", path, "--html", path.with_suffix(".html"), "--json", path.with_suffix(".2.json")
    )
    assert bootgate("report", path.with_suffix(".2.json"), "-q") == 0, "it is not read back"
    for file in FILES:
        bootgate("calibrate", _gate(file), path, "--all")
        bootgate("calibrate", _gate(file), path, file, "--release", "baseline")
    with contextlib.suppress(BootgateError):
        recorded = Recorded.read(path)
        assert recorded.facts.recorded
        for target in recorded.result.targets:
            with contextlib.suppress(BootgateError):
                now = decode(other.read_bytes())
                recorded.check(now, target.profile, target.target, same_image=False)
    return "shown"


KIND = Kind("results", results(), attempt, usual=25)
for _file in FILES:
    load(_gate(_file), {})
