"""OpenTelemetry: a span for each boot, below it one for each phase. Needs the extra ``otel``."""

from __future__ import annotations

import datetime as dt
import json
import logging
import os
from base64 import b64decode
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from google.protobuf.json_format import MessageToDict
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import (
    Span,
    Status,
    StatusCode,
    Tracer,
    get_current_span,
    set_span_in_context,
)
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from pytest_bootgate import __version__
from pytest_bootgate.errors import BootgateError
from pytest_bootgate.records.result import GateResult
from pytest_bootgate.records.values import Boot
from pytest_bootgate.records.verdict import Verdict
from pytest_bootgate.reports.clean import clean
from pytest_bootgate.reports.formats import Format
from pytest_bootgate.reports.formats.cases import Entry, entries, names, properties
from pytest_bootgate.reports.formats.semantic import case, pipeline, suite
from pytest_bootgate.whole import write_text

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
#: Where a process finds the span of the one that started it.
_PARENT = "TRACEPARENT"
_IDS = ("traceId", "spanId", "parentSpanId")
_URLS = ("http://", "https://")
_NANO = 1_000_000_000


class _Spans(Format):
    """A file, or a collector's URL."""

    def files(self, path: str, base: Path) -> list[tuple[Path, bytes]]:
        return [] if path.startswith(_URLS) else super().files(path, base)

    def write(self, results: Sequence[GateResult], path: str, base: Path) -> None:
        """Send the spans to a URL, or write a line of OTLP JSON.

        With a file they are sent as well where the environment names an OTLP endpoint. Raises
        `OSError`, and `BootgateError` where nobody took them.
        """
        found = _spans(results, base)
        if path.startswith(_URLS):
            _send(found, f"{path.rstrip('/')}/v1/traces")
            return
        write_text(base / path, _text(found))
        if any(os.environ.get(name) for name in _ENDPOINTS):
            _send(found, None)

    def remarks(self) -> list[str]:
        """That the parent which the environment names is none."""
        given = os.environ.get(_PARENT, "")
        if not given or _above() is not None:
            return []
        text = f"{_PARENT} is ignored, so the spans have no parent: {clean(given)[:80]!r} is not"
        return [f"{text} 00-TRACE_ID-SPAN_ID-FLAGS in lower-case hex (W3C Trace Context)."]


def _above() -> Context | None:
    """The span of the environment below which all others are to be; None without one."""
    given = {name.lower(): os.environ.get(name, "").strip() for name in (_PARENT, "TRACESTATE")}
    found = TraceContextTextMapPropagator().extract(given, Context())
    return found if get_current_span(found).get_span_context().is_valid else None


def _spans(results: Sequence[GateResult], base: Path) -> Sequence[ReadableSpan]:
    memory = InMemorySpanExporter()
    record(results, base, memory)
    found = memory.get_finished_spans()
    if not found:
        raise BootgateError(
            "The report otel has no spans: is OTEL_SDK_DISABLED set? Unset it, or leave the report"
            " out."
        )
    return found


def _text(found: Sequence[ReadableSpan]) -> str:
    return f"{json.dumps(_json(found))}\n"


def _json(found: Sequence[ReadableSpan]) -> Any:
    """Spans as OTLP JSON, in which ids are hexadecimal and enums are numbers."""
    document = MessageToDict(encode_spans(found), use_integers_for_enums=True)
    for resource in document["resourceSpans"]:
        for scope in resource["scopeSpans"]:
            for span in scope["spans"]:
                span.update({key: b64decode(span[key]).hex() for key in _IDS if key in span})
    return document


def _send(found: Sequence[ReadableSpan], endpoint: str | None) -> None:
    """Send spans over OTLP/HTTP. Raises `BootgateError` where they were not taken."""
    said = _Said()
    log = logging.getLogger("opentelemetry.exporter.otlp.proto.http")
    passed_on, log.propagate = log.propagate, False
    log.addHandler(said)
    exporter = OTLPSpanExporter(endpoint=endpoint)
    try:
        taken = exporter.export(found) is SpanExportResult.SUCCESS
    finally:
        exporter.shutdown()  # type: ignore[no-untyped-call]
        log.removeHandler(said)
        log.propagate = passed_on
    if not taken:
        where = endpoint or next(os.environ[n] for n in _ENDPOINTS if os.environ.get(n))
        raise BootgateError(
            f"{where} did not accept the report otel: {said.last or 'no reason given'}. Check the"
            " endpoint, and whether a collector listens there for OTLP over HTTP."
        )


class _Said(logging.Handler):
    """Keeps what the exporter says, so that it is told in a sentence instead of a traceback."""

    last = ""

    def emit(self, record: logging.LogRecord) -> None:
        self.last = record.getMessage().partition("\n")[0][:300]


def record(results: Sequence[GateResult], base: Path, exporter: SpanExporter) -> None:
    """Hand all spans of some results to an exporter.

    They are a trace for each result, or part of the one that the environment names.
    """
    about = {
        "service.name": "pytest-bootgate",
        "service.version": __version__,
        **pipeline(os.environ),
    }
    resource = Resource.create(about).merge(OTELResourceDetector().detect())
    above = _above()
    for name, result in zip(names(results, base), results, strict=True):
        provider = TracerProvider(sampler=ALWAYS_ON, resource=resource, shutdown_on_exit=False)
        provider.add_span_processor(SimpleSpanProcessor(exporter))
        _Trace(provider.get_tracer("pytest-bootgate", __version__), result, above).tell(name)


class _Trace:
    """The spans of one result: gate, targets, boots, phases. Instants are Unix seconds."""

    def __init__(self, tracer: Tracer, result: GateResult, above: Context | None) -> None:
        self._tracer, self._result, self._above = tracer, result, above
        self._began = dt.datetime.fromisoformat(result.at).timestamp()

    def tell(self, name: str) -> None:
        found = entries(self._result)
        began, over = self._stretch([boot for entry in found for boot in _made(entry)])
        began = min(began, self._began)
        about = {f"bootgate.{key}": value for key, value in properties(self._result)}
        about |= {"bootgate.gate_file": name, **suite(name, self._result.verdict)}
        top = self._open(f"gate {name}", began, None, about)
        for entry in found:
            self._entry(entry, _made(entry), top, name)
        _judge(top, self._result.verdict, f"the verdict is {self._result.verdict}")
        _close(top, over)

    def _entry(self, entry: Entry, boots: Sequence[Boot], top: Span, file: str) -> None:
        began, over = self._stretch(boots)
        about = {
            "bootgate.kind": entry.kind,
            "bootgate.target": entry.target,
            "bootgate.profile": entry.profile,
            "bootgate.verdict": entry.whole.state,
            "bootgate.why": entry.whole.text,
            **case(file, entry.whole.name),
            "test.case.result.status": entry.whole.state,
        }
        kind = "target" if entry.kind == "boot" else entry.kind
        span = self._open(f"{kind} {entry.label}", began, top, about)
        for boot in boots:
            self._boot(boot, span)
        _judge(span, entry.whole.verdict, entry.whole.text)
        _close(span, over)

    def _stretch(self, boots: Sequence[Boot]) -> tuple[float, float]:
        """From the first trigger to the last end; the run's start where nothing is known."""
        known = [(boot.wall, boot.ended) for boot in boots if boot.wall is not None]
        began = min((wall for wall, _ in known), default=self._began)
        return began, max((wall + ended for wall, ended in known), default=began)

    def _boot(self, boot: Boot, parent: Span) -> None:
        wall = self._began if boot.wall is None else boot.wall
        span = self._open(f"boot {boot.target}", wall, parent, _about(boot))
        if boot.wall is not None:
            self._phases(boot, wall, span)
            for told in boot.signals:
                if told.at is not None:
                    about = {"signal": told.name, "means": told.means, "text": clean(told.text)}
                    span.add_event("signal", about, timestamp=_nano(wall, told.at))
        if boot.started:
            span.set_status(Status(StatusCode.OK))
        elif not boot.held:  # one that was held on purpose is judged by who was told of it
            span.set_status(Status(StatusCode.ERROR, clean(f"{boot.outcome}: {boot.detail}")))
        _close(span, wall, boot.ended)

    def _phases(self, boot: Boot, wall: float, parent: Span) -> None:
        last = 0.0
        for phase in boot.phases:
            about = {"bootgate.phase": phase.name}
            if phase.at is not None:
                began = phase.at - (phase.seconds or 0.0)
                span = self._open(phase.name, wall, parent, about, began)
                span.set_status(Status(StatusCode.OK))
                _close(span, wall, phase.at)
                last = phase.at
            elif phase.name == boot.ended_in:
                span = self._open(phase.name, wall, parent, about, last)
                why = f"the boot ended in this phase: {boot.outcome}"
                span.set_status(Status(StatusCode.ERROR, why))
                _close(span, wall, max(last, boot.ended))

    def _open(
        self,
        name: str,
        wall: float,
        parent: Span | None,
        about: dict[str, Any],
        after: float = 0.0,
    ) -> Span:
        context = self._above if parent is None else set_span_in_context(parent)
        values = {k: clean(v) if isinstance(v, str) else v for k, v in about.items()}
        return self._tracer.start_span(
            clean(name), context=context, attributes=values, start_time=_nano(wall, after)
        )


def _made(entry: Entry) -> list[Boot]:
    """The boots of an entry that were made in this run."""
    return [boot for boot in entry.boots if not boot.recorded]


def _about(boot: Boot) -> dict[str, Any]:
    known = {
        "target": boot.target,
        "profile": boot.profile,
        "release": boot.release,
        "version": boot.version,
        "boot": boot.id,
        "number": boot.number,
        "attempt": boot.attempt,
        "start": boot.start,
        "warm_up": boot.warm_up,
        "held": boot.held or None,
        "outcome": boot.outcome,
        "detail": boot.detail or None,
        "timeout_seconds": boot.timeout,
        "cpu_seconds": boot.cpu_seconds,
        "run_delay_seconds": boot.run_delay,
        "net_seconds": boot.net_seconds,
        "ready_seconds": boot.ready,
        "instant_unknown": True if boot.wall is None else None,
    }
    found = {f"bootgate.{key}": value for key, value in known.items() if value is not None}
    return found if boot.started or boot.held else found | {"error.type": boot.outcome}


def _judge(span: Span, verdict: Verdict | None, why: str) -> None:
    """Only `pass` is ok; `warn` and `inconclusive` stay unset, with the verdict as an attribute."""
    if verdict == "pass":
        span.set_status(Status(StatusCode.OK))
    elif verdict in ("fail", "error"):
        span.set_status(Status(StatusCode.ERROR, clean(why)))


def _close(span: Span, wall: float, after: float = 0.0) -> None:
    span.end(end_time=_nano(wall, after))


def _nano(wall: float, after: float = 0.0) -> int:
    """An instant in Unix nanoseconds, added up as integers: a duration keeps its last digits."""
    return round(wall * _NANO) + round(after * _NANO)


FORMAT = _Spans(
    lambda results, base: _text(_spans(results, base)),
    rb'\{"resourceSpans": [^\0]*?"scope": \{"name": "pytest-bootgate"',
)
