"""What comes faster than it can be looked at is counted; nobody waits, and deadlines hold."""

from __future__ import annotations

import time

import pytest

from pytest_bootgate.engines.base import Chunk
from pytest_bootgate.errors import BootgateError
from pytest_bootgate.observe.lines import LeftOut, LineSplitter
from pytest_bootgate.observe.observation import MATCHED
from pytest_bootgate.run.backlog import Backlog
from pytest_bootgate.run.listener import Listener

MIB = 1 << 20


def chunk(data: bytes | None, at: float = 1.0, stream: str = "gateway.out") -> Chunk:
    return Chunk(stream, at, data)


def listening(see=lambda _: None) -> Listener:
    return Listener(see, lambda _: None)


def drained(backlog: Backlog) -> list[Chunk]:
    found = []
    while (one := backlog.get(0)) is not None:
        found.append(one)
    return found


def test_what_is_too_much_is_left_out_and_counted():
    backlog = Backlog()
    for number in range(80):
        backlog.put(chunk(b"x\n" * (MIB // 2), at=float(number)))
    found = drained(backlog)
    kept = len(found)
    assert 60 <= kept < 64
    missing = (80 - kept) * MIB
    assert backlog.left_out == {"gateway.out": LeftOut(float(kept), missing, missing // 2)}


@pytest.mark.slow
def test_a_flood_of_tiny_writes_takes_no_more_memory():
    backlog = Backlog()
    for _ in range(400_000):
        backlog.put(chunk(b"y\n"))
    assert backlog.left_out["gateway.out"].bytes > 200_000


def test_a_sidecar_is_heard_beside_a_flood():
    backlog = Backlog()
    for _ in range(70):
        backlog.put(chunk(bytes(MIB)))
    backlog.put(chunk(b"{}\n", stream="sidecar.out"))
    backlog.put(chunk(None))
    found = drained(backlog)
    assert [found[0].stream, found[-1].data] == ["sidecar.out", None]
    assert list(backlog.left_out) == ["gateway.out"]


def test_what_follows_a_gap_is_no_half_line():
    backlog, splitter = Backlog(), LineSplitter()
    backlog.put(chunk(b"one\ntw"))
    for _ in range(70):
        backlog.put(chunk(bytes(MIB)))
    first = drained(backlog)
    backlog.put(chunk(b"ready\nthree\n"))  # the end of a line of which nobody knows the begin
    found = [line.text for c in [first[0], *drained(backlog)] for line in splitter.lines(c)]
    assert found == ["one", "three"]


@pytest.mark.slow
def test_the_deadline_holds_although_lines_never_stop():
    """Lines that arrive after it are for the next wait; those before it are still taken in."""
    seen: list[str] = []
    listener = Listener(lambda sight: seen.append(sight.text), lambda _: None)
    deadline = time.monotonic() + 0.1
    for number in range(1000):
        listener.put(chunk(b"before\n", at=deadline - 1))
        listener.put(chunk(b"after\n", at=deadline + 1 + number))
    listener.wait(deadline, lambda: False, lambda _: None)
    assert seen == ["before"]
    listener.wait(deadline + 1.5, lambda: False, lambda _: None)
    assert seen == ["before", "after", "before"]


@pytest.mark.slow
def test_a_deadline_is_looked_at_beside_a_flood_and_the_clock_as_well():
    """What waits longer than ten more seconds is left out: before, this never ended."""
    looks: list[float] = []
    listener, began = listening(), time.monotonic()
    for _ in range(640):
        listener.put(chunk(b"y\n" * (MIB // 32), at=began - 1))
    listener.wait(time.monotonic() + 0.5, lambda: False, looks.append)
    assert time.monotonic() - began < 20  # 20 million lines take a minute, and 10 s are given
    assert looks
    assert listener.left_out["gateway.out"].lines > 1_000_000


def test_patterns_are_held_against_the_beginning_of_a_line():
    seen: list[str] = []
    listener = Listener(lambda sight: seen.append(sight.text), lambda _: None)
    listener.put(chunk(b"x" * 60_000 + b"\n"))
    listener.wait(2.0, lambda: False, lambda _: None)
    assert (len(seen[0]), listener.cut) == (MATCHED, 1)


def test_followed_lines_are_not_kept_as_events():
    listener = listening()
    listener.put(chunk(b'{"event":"line","file":"/log","text":"x"}\n', stream="sidecar.out"))
    listener.put(chunk(b'{"event":"armed"}\n', stream="sidecar.out"))
    listener.wait(2.0, lambda: False, lambda _: None)
    assert [event["event"] for event in listener.events] == ["armed"]


@pytest.mark.slow
def test_a_pattern_that_takes_for_ever_ends_with_its_name():
    from pytest_bootgate.gatefile.model import Probe
    from pytest_bootgate.observe.sighting import Pattern
    from pytest_bootgate.probes.line import Line

    slow = Pattern("phase:p", Probe(Line("^(a+)+$")), {}, token=False)
    listener = listening(slow.match)
    listener.put(chunk(b"a" * 60 + b"!\n"))
    with pytest.raises(BootgateError, match=r"pattern `\^\(a\+\)\+\$` took more than 1 s.*aaa"):
        listener.wait(2.0, lambda: False, lambda _: None)
