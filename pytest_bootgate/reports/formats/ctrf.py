"""Common Test Report Format: one JSON document, a test for each pytest item.

`warn` and `inconclusive` are ``other``, neither passed nor failed; the verdict itself is the raw
status.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pytest_bootgate import __version__
from pytest_bootgate.records.result import GateResult
from pytest_bootgate.reports.clean import clean
from pytest_bootgate.reports.formats import Format, json_text
from pytest_bootgate.reports.formats.cases import Case, Entry, entries, names, properties

SPECIFICATION = "0.0.0"
_STATUS = {"pass": "passed", "fail": "failed", "error": "failed"}
_STATUS |= dict.fromkeys(("left out", "not seen", "unjudged"), "skipped")
_STATES = ("passed", "failed", "skipped", "pending", "other")


def document(results: Sequence[GateResult], base: Path) -> dict[str, Any]:
    """The whole document."""
    tests = [
        _test(name, entry, case)
        for name, result in zip(names(results, base), results, strict=True)
        for entry in entries(result)
        for case in entry.cases
    ]
    counted = Counter(test["status"] for test in tests)
    ends = [end for result in results for end in _ends(result)]
    shown = zip(names(results, base), results, strict=True)
    return {
        "reportFormat": "CTRF",
        "specVersion": SPECIFICATION,
        "generatedBy": "pytest-bootgate",
        "results": {
            "tool": {"name": "pytest-bootgate", "version": __version__},
            "summary": {
                "tests": len(tests),
                **{state: counted[state] for state in _STATES},
                "suites": len(results),
                "start": min(ends, default=0),
                "stop": max(ends, default=0),
            },
            "tests": tests,
            "extra": {
                "gates": [
                    {"file": clean(name), **{k: clean(v) for k, v in properties(result)}}
                    for name, result in shown
                ]
            },
        },
    }


def _ends(result: GateResult) -> tuple[int, int]:
    """When a run began and when its last boot was over, in Unix milliseconds."""
    began = dt.datetime.fromisoformat(result.at).timestamp()
    boots = [boot for found in result.checks for boot in found.boots if not boot.recorded]
    over = [boot.wall + boot.ended for boot in boots if boot.wall is not None]
    return int(began * 1000), int(max([began, *over]) * 1000)


def _test(file: str, entry: Entry, case: Case) -> dict[str, Any]:
    test = {
        "name": clean(f"{file}::{case.name}"),
        "status": _STATUS.get(case.state, "other"),
        "rawStatus": case.state,
        "duration": round((case.seconds or 0.0) * 1000),
        "suite": [clean(file), clean(entry.label)],
        "filePath": clean(file),
        "line": case.line,
        "type": entry.kind,
    }
    if case.text:
        test["message"] = clean(case.text)
    if case.story and case.story != case.text:
        test["trace"] = clean(case.story)
    return test


FORMAT = Format(
    lambda results, base: json_text(document(results, base)),
    rb'\{\s*"reportFormat": "CTRF",[^\0]*?"generatedBy": "pytest-bootgate"',
)
