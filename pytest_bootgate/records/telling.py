"""Which of its last lines says most about why a process ended; nothing is decided by it."""

from __future__ import annotations

import re
from collections.abc import Sequence

_WORDS = re.compile(
    r"error|exception|fatal|panic|emerg|denied|fail|cannot|could not", re.IGNORECASE
)
_WIDTH = 200


def telling(lines: Sequence[str]) -> str:
    """The last line that speaks of a failure, else the last; empty where there is none.

    The frames of a trace are indented and never it, where another line is there.
    """
    said = [line for line in lines if any(map(str.isalnum, line))]
    said = [line for line in said if not line[:1].isspace()] or said
    errors = [line for line in said if _WORDS.search(line)]
    line = (errors or said or [""])[-1].strip()
    return line if len(line) <= _WIDTH else f"{line[: _WIDTH - 1]}…"
