"""Spans: their instants, their durations, and that a collector takes them."""

from __future__ import annotations

import json
import re
import sqlite3
import threading
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.semconv._incubating.attributes import cicd_attributes as cicd
from opentelemetry.semconv._incubating.attributes import test_attributes as tested
from opentelemetry.trace import StatusCode

from pytest_bootgate.records.codec import decode
from pytest_bootgate.reports.formats import metrics
from pytest_bootgate.reports.formats.otel import FORMAT, record
from tests.reports.formats.conftest import green, run_pytest
from tests.reports.formats.readers import spans


class Collector(ThreadingHTTPServer):
    """Takes OTLP over HTTP and decodes it."""

    def __init__(self, status: int = 200) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.status = status
        self.paths: list[str] = []
        self.taken: list[ExportTraceServiceRequest] = []
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.paths.append(self.path)
        self.server.taken.append(ExportTraceServiceRequest.FromString(body))
        self.send_response(self.server.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def collector():
    found: list[Collector] = []

    def start(status: int = 200) -> Collector:
        found.append(Collector(status))
        return found[-1]

    yield start
    for one in found:
        one.shutdown()
        one.server_close()


@pytest.fixture
def here(tmp_path):
    path = tmp_path / "here"
    path.mkdir()
    green(path)
    return path


def names(request) -> list[str]:
    return sorted(s.name for s in request.resource_spans[0].scope_spans[0].spans)


ALL = sorted(
    ["gate bootgate.yaml", "target isolated", "boot isolated", "engine", "persona", "task_started"]
)


def test_a_url_gets_the_spans(here, collector):
    to = collector()
    done = run_pytest(here, "bootgate.yaml", f"--bootgate-report=otel={to.url}")
    assert done.status == 0
    assert to.paths == ["/v1/traces"]
    assert names(to.taken[0]) == ALL
    held = {a.key: a.value.string_value for a in to.taken[0].resource_spans[0].resource.attributes}
    assert held["service.name"] == "pytest-bootgate"


def test_so_does_the_endpoint_of_the_environment(here, collector):
    to = collector()
    environ = {"OTEL_EXPORTER_OTLP_ENDPOINT": to.url, "OTEL_TRACES_SAMPLER": "always_off"}
    done = run_pytest(here, "bootgate.yaml", "--bootgate-report=otel=t.jsonl", **environ)
    assert done.status == 0
    assert names(to.taken[0]) == ALL
    (written,) = spans(here / "t.jsonl")
    taken = to.taken[0].resource_spans[0].scope_spans[0].spans
    assert sorted(map(str, written)) == sorted(map(str, taken))


def test_a_collector_that_takes_nothing_makes_the_run_red(here, collector):
    to = collector(status=400)
    done = run_pytest(here, "bootgate.yaml", f"--bootgate-report=otel={to.url}")
    assert done.status == 1
    assert f"{to.url}/v1/traces did not accept the report otel: " in done.output
    assert "Traceback" not in done.output


def test_so_does_one_that_is_not_there(here):
    done = run_pytest(
        here,
        "bootgate.yaml",
        "--bootgate-report=otel=http://127.0.0.1:9",
        OTEL_EXPORTER_OTLP_TIMEOUT="1",
    )
    assert done.status == 1
    assert "http://127.0.0.1:9/v1/traces did not accept the report otel: " in done.output
    assert "Traceback" not in done.output


def test_an_sdk_that_is_switched_off_makes_the_run_red(here):
    done = run_pytest(
        here, "bootgate.yaml", "--bootgate-report=otel=t.jsonl", OTEL_SDK_DISABLED="true"
    )
    assert done.status == 1
    assert "The report otel has no spans: is OTEL_SDK_DISABLED set?" in done.output


def recorded(done):
    memory = InMemorySpanExporter()
    results = [decode(json.dumps(result)) for result in done.results]
    record(results, done.path, memory)
    return results, memory.get_finished_spans()


def test_instants_and_durations_are_those_of_the_boots(ran):
    done = ran("inconclusive")
    (result,), found = recorded(done)
    by_boot = {s.attributes["bootgate.boot"]: s for s in found if s.name.startswith("boot ")}
    boots = result.targets[0].boots
    assert len(by_boot) == len(boots) == 4
    for boot in boots:
        span = by_boot[boot.id]
        assert boot.wall is not None
        assert span.start_time == round(boot.wall * 1e9)
        assert span.end_time - span.start_time == round(boot.ended * 1e9)
        below = [s for s in found if s.parent and s.parent.span_id == span.context.span_id]
        assert [s.name for s in below] == [p.name for p in boot.phases]
        for child, phase in zip(below, boot.phases, strict=True):
            assert child.end_time - span.start_time == round(phase.at * 1e9)
            assert (child.end_time - child.start_time) / 1e9 == pytest.approx(
                phase.seconds, abs=2e-9
            )
            assert span.start_time <= child.start_time <= child.end_time <= span.end_time
    order = [boot.wall + boot.ended for boot in boots]
    assert order == sorted(order)


def test_wall_is_the_instant_of_the_trigger(ran):
    """The journal notes when a trigger was sent by the same clock, in its own words."""
    done = ran("green")
    (boot,) = done.results[0]["targets"][0]["boots"]
    with closing(sqlite3.connect(done.path / ".bootgate" / "journal.db")) as journal:
        (sent,) = journal.execute("SELECT wall FROM events WHERE kind = 'trigger_sent'").fetchone()
    assert sent - 0.25 < boot["wall"] <= sent  # noted right after it was sent


def test_how_a_boot_ended_is_the_status(ran):
    _, found = recorded(ran("warn"))
    boots = [s for s in found if s.name == "boot isolated"]
    assert [s.status.status_code for s in boots] == [StatusCode.ERROR, StatusCode.OK]
    assert boots[0].status.description.startswith("timed_out: no proof within 0.7 s")
    assert [s.attributes["bootgate.attempt"] for s in boots] == [1, 2]
    below = [s for s in found if s.parent and s.parent.span_id == boots[0].context.span_id]
    codes = [(s.name, s.status.status_code) for s in below]
    assert codes == [("engine", StatusCode.OK), ("persona", StatusCode.ERROR)]
    assert below[1].end_time == boots[0].end_time
    (target,) = [s for s in found if s.name == "target isolated"]
    assert target.status.status_code is StatusCode.UNSET
    assert target.attributes["bootgate.verdict"] == "warn"


def test_results_of_old_know_no_instant_and_their_spans_say_so(ran):
    done = ran("green")
    (boot,) = done.results[0]["targets"][0]["boots"]
    old = {k: v for k, v in boot.items() if k != "wall"}
    done.results[0]["targets"][0]["boots"][0] = old
    try:
        _, found = recorded(done)
    finally:
        done.results[0]["targets"][0]["boots"][0] = boot
    (span,) = [s for s in found if s.name == "boot isolated"]
    assert span.attributes["bootgate.instant_unknown"] is True
    assert not [s for s in found if s.name == "engine"]


TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


def test_the_span_of_the_environment_is_their_parent(ran, monkeypatch):
    monkeypatch.setenv("TRACEPARENT", f"00-{TRACE}-{SPAN}-00")
    monkeypatch.setenv("TRACESTATE", "vendor=1")
    _, found = recorded(ran("green"))
    assert {f"{span.context.trace_id:032x}" for span in found} == {TRACE}
    (top,) = [span for span in found if span.name.startswith("gate ")]
    assert f"{top.parent.span_id:016x}" == SPAN
    assert top.context.trace_state["vendor"] == "1"
    assert FORMAT.remarks() == []


@pytest.mark.parametrize(
    "text", ["nonsense", f"00-{TRACE}-{SPAN}", f"00-{'0' * 32}-{SPAN}-01", f"ff-{TRACE}-{SPAN}-01"]
)
def test_one_that_is_none_is_ignored(ran, monkeypatch, text):
    monkeypatch.setenv("TRACEPARENT", text)
    _, found = recorded(ran("green"))
    assert [span.name for span in found if span.parent is None] == ["gate bootgate.yaml"]
    (said,) = FORMAT.remarks()
    assert said.startswith(f"TRACEPARENT is ignored, so the spans have no parent: {text!r} is not ")


def test_and_the_user_is_told(here):
    options = ("bootgate.yaml", "--bootgate-report=otel=t.jsonl")
    done = run_pytest(here, *options, TRACEPARENT="00-\x1b[31m")
    assert done.status == 0
    assert "WARNING: report otel: TRACEPARENT is ignored, so the spans have no" in done.output
    assert "\x1b[31m is not" not in done.output


GITHUB = {
    "GITHUB_ACTIONS": "true",
    "GITHUB_WORKFLOW": "gate",
    "GITHUB_RUN_ID": "42",
    "GITHUB_JOB": "boot",
    "GITHUB_SERVER_URL": "https://github.com",
    "GITHUB_REPOSITORY": "me/app",
}
GITLAB = {
    "GITLAB_CI": "true",
    "CI_PROJECT_PATH": "me/app",
    "CI_PIPELINE_ID": "42",
    "CI_JOB_ID": "7",
    "CI_JOB_NAME": "boot",
    "CI_PIPELINE_URL": "https://gitlab.com/me/app/-/pipelines/42",
    "CI_JOB_URL": "https://gitlab.com/me/app/-/jobs/7",
}
JENKINS = {"JENKINS_URL": "http://j/", "JOB_NAME": "gate", "BUILD_ID": "42", "STAGE_NAME": "boot"}


@pytest.mark.parametrize("environ", [GITHUB, GITLAB, JENKINS], ids=["GitHub", "GitLab", "Jenkins"])
def test_pipeline_suite_and_cases_have_the_names_of_opentelemetry(ran, monkeypatch, environ):
    for name in (*GITHUB, *GITLAB, *JENKINS):
        monkeypatch.delenv(name, raising=False)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "cicd.pipeline.task.name=mine")
    done = ran("warn")
    _, found = recorded(done)
    held = found[0].resource.attributes
    assert held["cicd.pipeline.name"] == environ.get("CI_PROJECT_PATH", "gate")
    assert (held["cicd.pipeline.run.id"], held["cicd.pipeline.task.type"]) == ("42", "test")
    assert held["cicd.pipeline.task.name"] == "mine"  # who says so by hand knows better
    if environ is not JENKINS:
        assert held["cicd.pipeline.run.url.full"].endswith("42")
    about = {span.name: span.attributes for span in found}
    top, target = about["gate bootgate.yaml"], about["target isolated"]
    assert (top["test.suite.name"], top["test.suite.run.status"]) == ("bootgate.yaml", "warn")
    assert target["test.case.name"] == "bootgate.yaml::isolated::boot"
    assert target["test.case.result.status"] == "warn"
    failed = [span for span in found if span.attributes.get("bootgate.attempt") == 1]
    assert [span.attributes["error.type"] for span in failed] == ["timed_out"]
    known = {
        getattr(module, name) for module in (cicd, tested) for name in dir(module) if name.isupper()
    }
    used = {*held, *(name for one in found for name in one.attributes)}
    assert {name for name in used if name.startswith(("cicd.", "test."))} <= known
    results = [decode(json.dumps(one)) for one in done.results]
    text = metrics.openmetrics(results, done.path)
    assert re.search(
        r'^bootgate_run_info{.*test_suite_name="bootgate.yaml".*} 1.0$', text, re.MULTILINE
    )
    assert re.search(r'^bootgate_run_info{.*cicd_pipeline_run_id="42".*} 1.0$', text, re.MULTILINE)
    assert 'test_case_name="bootgate.yaml::isolated::boot",verdict="warn"} 1.0' in text
