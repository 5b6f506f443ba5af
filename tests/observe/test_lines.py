"""Bytes become lines: with every line end, without orders to a terminal, and without an end."""

from __future__ import annotations

import pytest

from pytest_bootgate.engines.base import Chunk
from pytest_bootgate.observe.lines import UNENDED, LineSplitter


def split(*pieces: bytes | None) -> list[str | None]:
    """The lines of one stream that comes in pieces; its end is None."""
    splitter, lines = LineSplitter(), []
    for number, piece in enumerate(pieces):
        lines += [line.text for line in splitter.lines(Chunk("gateway.out", number, piece))]
    return lines


@pytest.mark.parametrize("pieces", [(b"a\r\nb\r\nc\n",), (b"a\r", b"\nb", b"\r\n", b"c\n")])
def test_all_line_ends_are_one(pieces):
    assert [line for line in split(*pieces) if line] == ["a", "b", "c"]


def test_a_progress_bar():
    bar = (b"\rloading 0%", b"\rloading 50%", b"\rloading 100%", b"\r\nready f\xfcr you\r\n")
    assert [line for line in split(*bar) if line] == [
        "loading 0%",
        "loading 50%",
        "loading 100%",
        "ready f\ufffdr you",
    ]


def test_a_line_that_returns_is_there_at_once():
    splitter = LineSplitter()
    (line,) = splitter.lines(Chunk("gateway.out", 1.0, b"50%\r"))
    assert (line.text, line.at) == ("50%", 1.0)
    assert not [*splitter.lines(Chunk("gateway.out", 2.0, b"\n"))]
    assert [line.text for line in splitter.lines(Chunk("gateway.out", 3.0, b"\n"))] == [""]


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (b"\x1b[32mINFO\x1b[0m server \x1b[1;38;5;208mready\x1b[m", "INFO server ready"),
        (b"\x1b]0;title\x07ready", "ready"),
        (b"\x1b]8;;http://x/\x1b\\link\x1b]8;;\x1b\\", "link"),
        (b"\x1b[2K\x1b[1Gready\x1b(B", "ready"),
        (b"\x1b[?25lready", "ready"),
        (b"5 \x1b", "5 \x1b"),
    ],
)
def test_orders_to_a_terminal(written, read):
    assert split(written + b"\n") == [read]


def test_what_has_no_line_end():
    splitter = LineSplitter()
    assert not [*splitter.lines(Chunk("gateway.out", 1.0, b"box login: "))]
    assert not [*splitter.unended(1.0 + UNENDED / 2)]
    (line,) = splitter.unended(1.0 + UNENDED)
    assert (line.text, line.at, line.unended) == ("box login: ", 1.0, True)
    assert not [*splitter.unended(9.0)]
    (line,) = splitter.lines(Chunk("gateway.out", 10.0, b"root\n"))
    assert (line.text, line.at, line.unended) == ("box login: root", 10.0, False)
    assert not [*splitter.unended(20.0)]
    assert not [*splitter.lines(Chunk("gateway.out", 21.0, b"bye"))]
    assert [line.text for line in splitter.lines(Chunk("gateway.out", 22.0, None))] == ["bye", None]
    assert not [*splitter.unended(30.0)]
