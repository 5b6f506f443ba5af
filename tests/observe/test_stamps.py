"""Lines that say when they were written, against when they arrived."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from pytest_bootgate.observe.stamps import Stamps, written

ZERO = datetime(2026, 11, 25, 2, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "after", "exact"),
    [
        ("2026-11-25T02:30:01.250Z ready", 1.25, 0.001),
        ("2026-11-25T03:30:01.250+01:00 ready", 1.25, 0.001),
        ("2026-11-25 02:30:01,25 INFO ready", 1.25, 0.01),
        ('{"level":"info","time":"2026-11-25T02:30:01.000000Z","msg":"ready"}', 1.0, 1e-6),
        ("[2026-11-25 02:30:01] ready", 1.0, 1.0),
    ],
)
def test_the_time_of_a_line(text, after, exact):
    moment, exactly = written(text)
    assert moment - ZERO.timestamp() == pytest.approx(after)
    assert exactly == pytest.approx(exact)


#: What loggers print at 02:30:01.250 (or .25, or the whole second).
FORMATS = {
    "Python logging": "2026-11-25 02:30:01,250 - app - INFO - ready",
    "Python logging, level first": "INFO:2026-11-25 02:30:01,250:ready",
    "gunicorn": "[2026-11-25 02:30:01 +0000] [7] [INFO] Booting worker with pid: 7",
    "celery": "[2026-11-25 02:30:01,250: INFO/MainProcess] celery@host ready.",
    "log4j, Spring": "2026-11-25 02:30:01.250  INFO 1 --- [           main] app : Started",
    "logback, level first": "INFO  [2026-11-25 02:30:01,250] com.example.App: ready",
    "logback, thread first": "[main] WARN 2026-11-25 02:30:01,250 com.example.App - ready",
    "Kafka": "[2026-11-25 02:30:01,250] INFO [KafkaServer id=0] started (kafka.server)",
    "Elasticsearch": "[2026-11-25T02:30:01,250][INFO ][o.e.n.Node] [node-1] started",
    "PostgreSQL": "2026-11-25 02:30:01.250 UTC [1] LOG:  database system is ready",
    "MySQL": "2026-11-25T02:30:01.250000Z 0 [System] [MY-010931] [Server] ready for connections",
    "Ruby": "I, [2026-11-25T02:30:01.250000 #1]  INFO -- : ready",
    "Rust env_logger": "[2026-11-25T02:30:01Z INFO  app] ready",
    "Rust tracing, coloured": "\x1b[2m2026-11-25T02:30:01.250Z\x1b[0m \x1b[32m INFO\x1b[0m ready",
    ".NET": "2026-11-25 02:30:01.250 +00:00 [INF] Now listening on: http://[::]:8080",
    "syslog, RFC 5424": "<165>1 2026-11-25T02:30:01.250Z host app 1 - - ready",
    "syslog, ISO": "2026-11-25T02:30:01.250000+00:00 host app[1]: ready",
    "docker logs --timestamps": "2026-11-25T02:30:01.250000000Z ready",
    "docker compose": "app-1  | 2026-11-25T02:30:01.250Z ready",
    "zap, console": "2026-11-25T02:30:01.250Z\tINFO\tapp/main.go:7\tready",
    "zap, JSON": '{"level":"info","ts":1795573801.25,"caller":"app/main.go:7","msg":"ready"}',
    "pino": '{"level":30,"time":1795573801250,"pid":1,"hostname":"host","msg":"ready"}',
    "bunyan": '{"name":"app","level":30,"msg":"ready","time":"2026-11-25T02:30:01.250Z","v":0}',
    "zerolog": '{"level":"info","time":1795573801,"message":"ready"}',
    "winston": '{"level":"info","message":"ready","timestamp":"2026-11-25T02:30:01.250Z"}',
    "logstash, ECS": '{"@timestamp":"2026-11-25T02:30:01.250Z","message":"ready"}',
    "Serilog": '{"@t":"2026-11-25T02:30:01.2500000Z","@mt":"ready"}',
    "slog, logrus": 'time="2026-11-25T02:30:01Z" level=info msg=ready',
    "go-kit": "level=info ts=2026-11-25T02:30:01.250Z caller=main.go:7 msg=ready",
    "OpenClaw": "2026-11-25T02:30:01.250Z [gateway] ready",
}


@pytest.mark.parametrize("name", FORMATS)
def test_the_time_that_a_logger_prints(name):
    moment, exactly = written(FORMATS[name])
    assert moment - ZERO.timestamp() == pytest.approx(1.25 if exactly < 1 else 1.0)


@pytest.mark.parametrize(
    "text",
    [
        "ready",
        "in 2026 there was no time",
        "2026-13-45T02:30:01Z",
        f"{'x' * 80}2026-11-25 02:30:01",
        # a run, by the time at which it was asked for
        "queued manual__2026-11-25T02:30:01.250000+00:00",
        "manual__2026-11-25T02:30:01.250000+00:00 is queued",
        "[manual__2026-11-25T02:30:01+00:00] queued",
        "run=2026-11-25T02:30:01Z level=info msg=queued",
        '{"level":"info","msg":"queued","run_id":"2026-11-25T02:30:01Z"}',
        '{"level":"info","msg":"queued","job":{"time":"2026-11-25T02:30:01Z"}}',
        "backup-2026-11-25T02:30:01Z.tar is ready",
        # a job, by the time at which it is due
        "INFO:apscheduler.executors.default:Running job (scheduled at 2026-11-25 02:30:01+00:00)",
        'Running job "run (trigger: date[2026-11-25 02:30:01 UTC], next run at: 2026-11-25 02:30)"',
        "next run time: 2026-11-25T02:30:01Z",
        "level=info msg=queued scheduled_time=2026-11-25T02:30:01Z",
        # no year first, or no time of the day
        "2026/11/25 02:30:01 [notice] 1#1: start worker processes",
        "1:M 25 Nov 2026 02:30:01.250 * Ready to accept connections",
        "2026-11-25 ready",
        '{"level":"info","msg":"ready","ts":',
        '{"time": 3.5, "msg": "ready"}',
        "INFO " * 40,
        "[i]" * 200,
    ],
)
def test_a_line_without_a_time_of_its_own(text):
    assert written(text) is None


def stamps(*marks: tuple[float, float], form: str = "milliseconds") -> Stamps:
    """Marks by when they were written and when they arrived, both after the trigger."""
    found = Stamps()
    for number, (wrote, arrived) in enumerate(marks):
        stamp = (ZERO + timedelta(seconds=wrote)).isoformat(timespec=form)
        found.see(f"phase{number}", "gateway", arrived, f"{stamp} ready")
    return found


def test_lines_that_arrive_when_they_are_written():
    assert stamps((0.1, 0.1), (2.0, 2.01), (5.0, 5.2)).late() is None


def test_a_burst():
    name, late = stamps((0.5, 3.0), (2.0, 3.0), (3.0, 3.0)).late()
    assert (name, round(late, 3)) == ("phase0", 2.5)


def test_a_clock_that_is_wrong_all_the_time_does_not_matter():
    assert stamps((3600.1, 0.1), (3602.0, 2.0)).late() is None


def test_a_clock_that_jumped_is_no_late_line():
    assert stamps((0.1, 0.1), (-3598.0, 2.0)).late() is None
    assert stamps((0.1, 0.1), (3602.0, 2.0)).late() is None


def test_a_long_boot_may_have_lines_that_are_a_little_late():
    assert stamps((50.0, 52.0), (60.0, 60.0)).late() is None
    assert stamps((50.0, 54.0), (60.0, 60.0)).late() is not None


def test_whole_seconds_say_less():
    assert stamps((1.0, 2.2), (2.0, 2.2), form="seconds").late() is None
    assert stamps((1.0, 4.2), (4.0, 4.2), form="seconds").late() is not None


def test_one_line_alone_says_nothing_and_sources_are_not_compared():
    assert stamps((0.1, 9.0)).late() is None
    found = stamps((0.1, 9.0))
    found.see("other", "file:/log", 1.0, ZERO.isoformat())
    assert found.late() is None


def test_a_time_that_lines_repeat_is_not_when_they_were_written():
    """Of a run, say, which each of its lines begins with."""
    assert stamps((0.0, 0.1), (0.0, 0.7), (0.0, 1.9)).late() is None
    run, own = stamps((0.0, 0.1), (0.0, 0.7)), stamps((0.5, 3.0), (0.5, 3.0), (3.0, 3.0))
    assert run.late() is None
    assert own.late() is not None
