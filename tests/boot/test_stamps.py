"""Lines that say when they were written, against when they arrived."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from pytest_bootgate.boot.stamps import Stamps, written

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


@pytest.mark.parametrize(
    "text",
    [
        "ready",
        "in 2026 there was no time",
        "2026-13-45T02:30:01Z",
        f"{'x' * 80}2026-11-25 02:30:01",
    ],
)
def test_a_line_without_a_time(text):
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
