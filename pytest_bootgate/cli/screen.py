"""Lines on a terminal: in colour where it is one that shows colours, and nobody said no."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_bootgate.reports.layout import Styled

_CODES = {"green": 32, "yellow": 33, "red": 31}


def coloured() -> bool:
    """Whether stdout takes colours: a terminal, neither dumb nor told otherwise (NO_COLOR)."""
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return sys.stdout.isatty() and os.environ.get("TERM", "") not in ("", "dumb")


def painted(text: str, colour: str = "", *, bold: bool = False) -> str:
    """A text with its colour, or bare where colours are not shown."""
    codes = [*(["1"] if bold else []), *([str(_CODES[colour])] if colour in _CODES else [])]
    return f"\x1b[{';'.join(codes)}m{text}\x1b[0m" if codes and coloured() else text


def show(lines: Iterable[Styled], verbosity: int = 0) -> None:
    """Print lines of a report, broken to the width of a terminal; a log keeps them whole."""
    from pytest_bootgate.reports.layout import laid_out

    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    encoding = sys.stdout.encoding
    for line in laid_out(lines, verbosity=verbosity, width=width, encoding=encoding):
        print(painted(line.text, line.colour, bold=line.bold))
