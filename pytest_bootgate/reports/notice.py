"""What those are told who asked to be told of a verdict: short, and complete without the logs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from pytest_bootgate.records.result import RESULTS, GateResult, ReleaseFacts, Unjudged
from pytest_bootgate.records.schema import Schema, schema_of
from pytest_bootgate.records.verdict import Finding, Verdict
from pytest_bootgate.reports.decision import decision
from pytest_bootgate.reports.views import views

#: Raised whenever a field changes its meaning or goes away.
SCHEMA = "bootgate-notice/1"


@dataclass(frozen=True)
class Told:
    """What is told of one check.

    `verdict` is null where the gate file leaves it out. `story` is what happened, in lines, empty
    where there is nothing to tell.
    """

    kind: str
    target: str
    profile: str
    verdict: Verdict | None
    findings: tuple[Finding, ...]
    story: str


@dataclass(frozen=True)
class Notice:
    """What a verdict's receivers get, beside a list of `Told` for each kind of check.

    `text` is a sentence or two, as chats show it. `file` is the path of the gate file, `run` the id
    of the run. `error` is the paragraph that says why it must not pass with what it left
    `unjudged`. `at` is the wall-clock start in ISO 8601, UTC. `engine` is the engine in words.
    """

    schema: str
    text: str
    verdict: Verdict
    file: str
    run: str
    error: str | None
    unjudged: tuple[Unjudged, ...]
    at: str
    engine: str
    releases: Mapping[str, ReleaseFacts]


def notice(result: GateResult) -> bytes:
    """A verdict as JSON: a `Notice`."""
    whole = Notice(
        schema=SCHEMA,
        text=sentence(result),
        verdict=result.verdict,
        file=result.file,
        run=result.run,
        error=result.error,
        unjudged=result.unjudged,
        at=result.at,
        engine=result.engine,
        releases=result.releases,
    )
    plain: dict[str, Any] = msgspec.to_builtins(whole) | {kind.listed: [] for kind in RESULTS}
    for one in views(result):
        found = one.found
        told = Told(
            kind=found.kind,
            target=found.target,
            profile=found.profile,
            verdict=found.verdict,
            findings=found.findings,
            story="\n".join(one.told),
        )
        plain[found.listed].append(msgspec.to_builtins(told))
    return json.dumps(plain).encode()


def notice_schema() -> Schema:
    """The schema of what a command of ``notify`` reads, and a webhook gets."""
    return schema_of(SCHEMA, Notice, {kind.listed: Told for kind in RESULTS})


def sentence(result: GateResult) -> str:
    """The decision, and where it was made."""
    return f"{decision(result)} · {Path(result.file).name}, run {result.run}"
