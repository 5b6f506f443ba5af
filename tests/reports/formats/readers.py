"""What others read out of each report: the verdict of every target, by the real consumer or schema.

A reader looks at what the format itself calls passed or failed, and only then at the gate's word.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from html.parser import HTMLParser
from pathlib import Path

import cmarkgfm
import junitparser
import xmlschema
from google.protobuf.json_format import ParseDict
from jsonschema import Draft7Validator
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from prometheus_client import parser as prometheus_parser
from prometheus_client.openmetrics import parser as openmetrics_parser

SCHEMAS = Path(__file__).with_name("schemas")
XSD = xmlschema.XMLSchema10(SCHEMAS / "junit-10.xsd")
CTRF = Draft7Validator(json.loads((SCHEMAS / "ctrf-schema-0.0.json").read_text()))
WORDS = ["pass", "warn", "inconclusive", "fail", "error"]
NAMES = {
    "bencher": "bencher.json",
    "benchmark-action": "benchmark.json",
    "ctrf": "ctrf.json",
    "github": "summary.md",
    "gitlab": "gitlab",
    "junit": "junit.xml",
    "openmetrics": "metrics.txt",
    "otel": "spans.jsonl",
    "prometheus": "bootgate.prom",
}
Verdicts = dict[str, str]


def cases(path: Path) -> dict[str, str]:
    """Every case of a JUnit file by its suite, class and name, as JUnit sees it."""
    XSD.validate(path)
    found = {}
    for suite in junitparser.JUnitXml.fromfile(str(path)):
        held = list(suite)
        assert suite.tests == len(held)
        for what, count in (("Failure", suite.failures), ("Error", suite.errors)):
            assert sum(type(r).__name__ == what for c in held for r in c.result) == count
        for case in held:
            (said,) = case.result or [None]
            word = "pass" if said is None else said.message.partition(":")[0]
            kinds = {"fail": "Failure", "error": "Error", "pass": "NoneType"}
            assert type(said).__name__ == kinds.get(word, "Skipped")
            assert case.system_out.splitlines()[0] == f"verdict: {word}"
            found[f"{suite.name}::{case.classname.rpartition('.')[2]}::{case.name}"] = word
    return found


def junit(path: Path) -> Verdicts:
    return {_gate(name): word for name, word in _wholes(cases(path)).items()}


def _wholes(found: Verdicts) -> Verdicts:
    """What was judged as a whole; an upgrade in place is as good as the worst of its items."""
    wholes = {}
    for name, word in found.items():
        if name.endswith(("::boot", "::propagation", "::gate")):
            wholes[name.removesuffix("::boot")] = word
        elif "::upgrade::" in name:
            whole = name.rpartition("::")[0]
            wholes[whole] = max(word, wholes.get(whole, "pass"), key=WORDS.index)
    return wholes


def _gate(name: str) -> str:
    return name.partition("::")[0] + "::gate" if name.endswith("::gate") else name


def github(path: Path) -> Verdicts:
    rows, found = Table.rows(cmarkgfm.github_flavored_markdown_to_html(path.read_text())), {}
    for row in rows:
        if len(row) == 1:
            file = row[0].split(": ")[1]
        elif row[0] != "target":
            found[f"{file}::{row[0]}"] = row[1].partition(" ")[2]
    return found


class Table(HTMLParser):
    """The headings of a page as rows of one cell, and the rows of its tables."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[list[str]] = []
        self.open = False

    @classmethod
    def rows(cls, page: str) -> list[list[str]]:
        reader = cls()
        reader.feed(page)
        return reader.found

    def handle_starttag(self, tag, attrs):
        if tag in ("h2", "tr"):
            self.found.append([""] if tag == "h2" else [])
        elif tag in ("td", "th"):
            self.found[-1].append("")
        self.open = tag in ("h2", "td", "th") or (self.open and tag in ("a", "em", "code"))

    def handle_endtag(self, tag):
        self.open = self.open and tag not in ("h2", "td", "th")

    def handle_data(self, data):
        if self.open:
            self.found[-1][-1] += data


def commands(output: str) -> dict[str, dict[str, str]]:
    """GitHub's workflow commands in an output, by title, read as its runner reads them."""
    found = {}
    for line in output.splitlines():
        if match := re.fullmatch(r"::(error|warning|notice) ([^:]*)::(.*)", line):
            pairs = [part.split("=", 1) for part in match[2].split(",")]
            values = {key: _unescaped(value, ":,") for key, value in pairs}
            values |= {"level": match[1], "text": _unescaped(match[3], "")}
            found[values["title"]] = values
    return found


def _unescaped(text: str, more: str) -> str:
    for sign in ("\r", "\n", *more, "%"):
        text = text.replace(f"%{ord(sign):02X}", sign)
    return text


def gitlab(path: Path) -> Verdicts:
    found = junit(path / "junit.xml")
    assert openmetrics(path / "metrics.txt") == {
        name: word for name, word in found.items() if word in WORDS
    }
    return found


def openmetrics(path: Path) -> Verdicts:
    return _metrics(openmetrics_parser.text_string_to_metric_families(path.read_text()))


def prometheus(path: Path) -> Verdicts:
    return _metrics(prometheus_parser.text_string_to_metric_families(path.read_text()))


def _metrics(families) -> Verdicts:
    found, series = {}, []
    for family in families:
        assert family.type == "gauge"
        for sample in family.samples:
            series.append((sample.name, *sorted(sample.labels.items())))
            labels = sample.labels
            if sample.name == "bootgate_verdict" and sample.value == 1:
                profile = "" if labels["profile"] == "default" else f"@{labels['profile']}"
                kind = "::propagation" if labels["kind"] == "propagation" else ""
                name = f"{labels['gate_file']}::{labels['target']}{profile}{kind}"
                assert name not in found
                found[name] = labels["verdict"]
            if sample.name == "bootgate_gate_verdict" and sample.value == 1:
                found[f"{labels['gate_file']}::gate"] = labels["verdict"]
    assert len(series) == len(set(series))
    for name in [name for name in found if name.endswith("::gate")]:
        file = name.removesuffix("gate")
        targets = [word for one, word in found.items() if one.startswith(file) and one != name]
        worst = max(targets, key=WORDS.index, default="")
        assert WORDS.index(found[name]) >= WORDS.index(worst or "pass")
        if found[name] == worst:  # then it follows from theirs
            del found[name]
    return found


def bencher(path: Path) -> Verdicts:
    document = json.loads(path.read_text())
    for measures in document.values():
        for metric in measures.values():
            assert set(metric) <= {"value", "lower_value", "upper_value"}
            assert all(type(number) in (int, float) for number in metric.values())
            assert metric.get("lower_value", 0) <= metric["value"]
            assert metric["value"] <= metric.get("upper_value", metric["value"])
    return {n: WORDS[m["verdict"]["value"]] for n, m in document.items() if "verdict" in m}


def benchmark_action(path: Path) -> Verdicts:
    found = {}
    for entry in json.loads(path.read_text()):
        assert set(entry) <= {"name", "unit", "value", "range", "extra"}
        assert isinstance(entry["name"], str)
        assert isinstance(entry["unit"], str)
        assert type(entry["value"]) in (int, float)
        if entry["name"].endswith(" [verdict]"):
            word = WORDS[entry["value"]]
            assert entry["extra"].startswith(word)
            found[entry["name"].removesuffix(" [verdict]")] = word
    return found


def ctrf(path: Path) -> Verdicts:
    document = json.loads(path.read_text())
    CTRF.validate(document)
    found, results = {}, document["results"]
    assert len({test["name"] for test in results["tests"]}) == len(results["tests"])
    states = {"pass": "passed", "warn": "other", "inconclusive": "other"}
    states |= {"fail": "failed", "error": "failed"}
    for test in results["tests"]:
        assert test["status"] == states.get(test["rawStatus"], "skipped")
        found[test["name"]] = test["rawStatus"]
    for state in ("passed", "failed", "skipped", "other"):
        assert results["summary"][state] == sum(t["status"] == state for t in results["tests"])
    return _wholes(found)


def otel(path: Path) -> Verdicts:
    found, codes = {}, {"pass": 1, "fail": 2, "error": 2}
    for resource in spans(path):
        (top,) = [span for span in resource if not span.parent_span_id]
        file = top.name.removeprefix("gate ")
        for span in resource:
            about = {one.key: one.value.string_value for one in span.attributes}
            if span.parent_span_id == top.span_id:
                word = about["bootgate.verdict"]
                assert span.status.code == codes.get(word, 0)
                found[f"{file}::{span.name.partition(' ')[2]}"] = word
        about = {one.key: one.value.string_value for one in top.attributes}
        assert top.status.code == codes.get(about["bootgate.verdict"], 0)
    return found


def spans(path: Path) -> list:
    """The spans of a file, those of each gate by themselves."""
    found: list[list] = []
    for line in path.read_text().splitlines():
        document = json.loads(line)
        for resource in document["resourceSpans"]:
            for span in resource["scopeSpans"][0]["spans"]:
                for key in ("traceId", "spanId", "parentSpanId"):
                    if key in span:
                        assert len(span[key]) == (32 if key == "traceId" else 16)
                        span[key] = b64encode(bytes.fromhex(span[key])).decode()
        request = ParseDict(document, ExportTraceServiceRequest())
        for resource in request.resource_spans:
            of_trace: dict[bytes, list] = {}
            for span in resource.scope_spans[0].spans:
                of_trace.setdefault(span.trace_id, []).append(span)
            found += of_trace.values()
    return found


READERS = {
    "junit": junit,
    "github": github,
    "gitlab": gitlab,
    "openmetrics": openmetrics,
    "prometheus": prometheus,
    "bencher": bencher,
    "benchmark-action": benchmark_action,
    "ctrf": ctrf,
    "otel": otel,
}
#: Formats that say nothing of what has no verdict.
SILENT = ("openmetrics", "prometheus", "bencher", "benchmark-action")
