"""Lines for a terminal: how much is said, how wide, and in which characters."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from pytest_bootgate.reports.clean import clean

#: The colour of each verdict, in the order in which they are counted.
COLOURS = {
    "pass": "green",
    "warn": "yellow",
    "inconclusive": "yellow",
    "fail": "red",
    "error": "red",
}
#: What stands for a character where the output has ASCII only.
_PLAIN = str.maketrans(
    {"█": "#", "·": ".", "│": "|", "…": "~", "→": ">", "\N{EN DASH}": "-", "Δ": "+/-"}
)
_NARROWEST = 40
#: How much is said: from `-qq` on, from `-q` on, usually, with `-v`, with `-vv`.
ALWAYS, QUIET, USUAL, MORE, ALL = -2, -1, 0, 1, 2


@dataclass(frozen=True, slots=True)
class Styled:
    """A line and its colour; `bold` for the lines that one must not miss.

    `level` is pytest's verbosity from which on it is said, `most` the one up to which, unless that
    is `ALL`. A `fixed` line is part of a table or
    quoted, and never broken.
    """

    text: str
    colour: str = ""
    bold: bool = False
    level: int = USUAL
    fixed: bool = False
    most: int = ALL


def laid_out(
    lines: Iterable[Styled], *, verbosity: int, width: int | None, encoding: str | None
) -> Iterator[Styled]:
    """The lines that a verbosity asks for, broken to a width where there is one.

    A log has none (`width` None): a sentence stays in one line, to be searched for. Characters that
    the `encoding` does not have are replaced, and none of them commands the terminal.
    """
    for line in lines:
        if line.level > verbosity or line.most < min(verbosity, ALL):
            continue
        text = encodable(clean(line.text), encoding)
        whole = width is None or line.fixed or len(text) <= width
        for part in [text] if whole else _broken(text, width or 0):
            yield replace(line, text=part)


def encodable(text: str, encoding: str | None) -> str:
    """A text with what an encoding has; nothing changes where it has all."""
    name = encoding or "ascii"
    try:
        text.encode(name)
    except (UnicodeEncodeError, LookupError):
        return text.translate(_PLAIN).encode(name, "replace").decode(name, "replace")
    return text


def _broken(text: str, width: int) -> list[str]:
    indent = len(text) - len(text.lstrip())
    return textwrap.wrap(
        text.lstrip(),
        max(width, _NARROWEST),
        initial_indent=" " * indent,
        subsequent_indent=" " * (indent + 2),
        break_long_words=False,
        break_on_hyphens=False,
    )


def columns(rows: Sequence[Sequence[str]], *, right: bool = False) -> Iterator[str]:
    """A table as lines; with `right` all columns but the first are set to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [
            cell.rjust(width) if right and place else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield "  ".join(cells).rstrip()
