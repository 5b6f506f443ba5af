"""What those are told who asked to be told of a verdict: short, and complete without the logs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from pytest_bootgate.records.result import GateResult, TargetResult
from pytest_bootgate.records.verdict import Finding, Verdict
from pytest_bootgate.reports import propagation, upgrade
from pytest_bootgate.reports.failure import failure

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
        "targets": [
            {
                "target": found.target,
                "profile": found.profile,
                "verdict": found.verdict,
                "findings": _findings(found),
                "story": failure(found, result.beside(found)) if _bad(found.verdict) else "",
            }
            for found in result.targets
        ],
        "upgrades": [
            {
                "profile": found.profile,
                "verdict": found.verdict,
                "findings": [msgspec.to_builtins(finding) for finding in found.findings],
                "story": "\n".join(upgrade.story(found)) if found.upgrade else found.error,
            }
            for found in result.upgrades
        ],
        "propagations": [
            {
                "target": found.target,
                "profile": found.profile,
                "verdict": found.verdict,
                "findings": [msgspec.to_builtins(finding) for finding in found.findings],
                "story": "\n".join([propagation.heading(found), *propagation.details(found)]),
            }
            for found in result.propagations
        ],
    }
    return json.dumps(plain).encode()


def sentence(result: GateResult) -> str:
    """The verdict of a run, and the first reason of each target that is not well."""
    reasons = list(_reasons(result))
    more = f" ({len(reasons) - 3} more)" if len(reasons) > 3 else ""
    why = "; ".join(reasons[:3]) or "nothing was measured"
    return f"bootgate {result.verdict}: {Path(result.file).name}: {why}{more}"


def _reasons(result: GateResult) -> Iterator[str]:
    if result.error is not None:
        yield result.error
    for one in result.upgrades:
        if one.verdict != "pass":
            first = _first(one.findings, one.verdict)
            yield f"upgrade in place: {one.error or first}"
    for found in result.targets:
        if found.verdict not in (None, "pass"):
            given = found.judgement.findings if found.judgement is not None else ()
            yield f"{found.target}: {found.error or _first(given, found.verdict)}"
    for held in result.propagations:
        if held.verdict != "pass":
            yield f"{held.target}: {held.error or _first(held.findings, held.verdict)}"


def _first(findings: tuple[Finding, ...], verdict: Verdict | None) -> str:
    return next((f.text for f in findings if f.verdict == verdict), str(verdict))


def _findings(found: TargetResult) -> list[Any]:
    given = found.judgement.findings if found.judgement is not None else ()
    return [msgspec.to_builtins(finding) for finding in given]


def _bad(verdict: Verdict | None) -> bool:
    return verdict in ("fail", "error")
