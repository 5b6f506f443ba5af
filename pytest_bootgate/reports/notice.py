"""What those are told who asked to be told of a verdict: short, and complete without the logs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec

from pytest_bootgate.records.result import RESULTS, GateResult
from pytest_bootgate.reports.decision import decision
from pytest_bootgate.reports.views import views

#: Raised whenever a field changes its meaning or goes away.
SCHEMA = "bootgate-notice/1"


def notice(result: GateResult) -> bytes:
    """A verdict as JSON. `text` is a sentence or two, as chats show it."""
    plain: dict[str, Any] = {
        "schema": SCHEMA,
        "text": sentence(result),
        "verdict": result.verdict,
        "file": result.file,
        "run": result.run,
        "error": result.error,
        "unjudged": msgspec.to_builtins(result.unjudged),
        "at": result.at,
        "engine": result.engine,
        "releases": {n: msgspec.to_builtins(r) for n, r in result.releases.items()},
        **{kind.listed: [] for kind in RESULTS},
    }
    for one in views(result):
        found = one.found
        plain[found.listed].append(
            {
                "kind": found.kind,
                "target": found.target,
                "profile": found.profile,
                "verdict": found.verdict,
                "findings": [msgspec.to_builtins(finding) for finding in found.findings],
                "story": "\n".join(one.told),
            }
        )
    return json.dumps(plain).encode()


def sentence(result: GateResult) -> str:
    """The decision, and where it was made."""
    return f"{decision(result)} · {Path(result.file).name}, run {result.run}"
