"""JUnit XML: a suite for each gate file, a case for each pytest item.

JUnit has no word between passed and failed. `skipped` is the only one that viewers show without
failing a build, so it stands for `warn` and `inconclusive`, with the verdict first in its message.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePath
from xml.etree import ElementTree as ET

from pytest_bootgate.records.result import GateResult
from pytest_bootgate.reports.clean import clean
from pytest_bootgate.reports.formats.cases import Case, entries, names, properties
from pytest_bootgate.whole import write_text

_ELEMENTS = {"fail": "failure", "error": "error", "pass": None}


def write(results: Sequence[GateResult], path: str, base: Path) -> None:
    """Write one file for all results. Raises `OSError`."""
    write_text(base / path, document(results, base))


def document(results: Sequence[GateResult], base: Path) -> str:
    """The whole XML document."""
    root = ET.Element("testsuites", name="pytest-bootgate")
    for name, result in zip(names(results, base), results, strict=True):
        root.append(_suite(name, result))
    for total in ("tests", "failures", "errors"):
        root.set(total, str(sum(int(suite.get(total, "0")) for suite in root)))
    ET.indent(root)
    body = ET.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="utf-8"?>\n{body}\n'


def _suite(name: str, result: GateResult) -> ET.Element:
    suite = ET.Element("testsuite", name=clean(name), timestamp=result.at, file=clean(name))
    held = ET.SubElement(suite, "properties")
    for key, value in properties(result):
        ET.SubElement(held, "property", name=clean(key), value=clean(value))
    cases = [case for entry in entries(result) for case in entry.cases]
    for case in cases:
        suite.append(_case(name, case))
    count = {tag: len(suite.findall(f"testcase/{tag}")) for tag in ("failure", "error", "skipped")}
    suite.set("tests", str(len(cases)))
    suite.set("failures", str(count["failure"]))
    suite.set("errors", str(count["error"]))
    suite.set("skipped", str(count["skipped"]))
    return suite


def _case(file: str, case: Case) -> ET.Element:
    owner, _, name = case.name.rpartition("::")
    parts = [*PurePath(file).with_suffix("").parts, *([owner] if owner else [])]
    found = ET.Element("testcase", classname=clean(".".join(parts).lstrip("/.")), name=clean(name))
    if case.seconds is not None:
        found.set("time", f"{case.seconds:.3f}")
    tag = _ELEMENTS.get(case.state, "skipped")
    if tag is not None:
        lines = case.text.splitlines() or [case.state]
        message = lines[0] if lines[0].startswith(case.state) else f"{case.state}: {lines[0]}"
        said = ET.SubElement(found, tag, type=case.state, message=clean(message))
        said.text = clean(case.story or case.text)
    out = ET.SubElement(found, "system-out")
    lines = [f"verdict: {case.state}", *(case.text.splitlines() if tag is None else ())]
    out.text = clean("\n".join(lines))
    return found
