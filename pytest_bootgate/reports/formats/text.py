"""Texts and files of reports: what no format chokes on, and files that are whole or not there."""

from __future__ import annotations

import os
import re
from pathlib import Path

#: What XML 1.0 has no way to write, and what terminals and viewers take for commands.
_CONTROL = re.compile("[^\t\n\x20-\x7e\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def plain(text: str) -> str:
    r"""A text whose control characters and lone surrogates are spelled out, ``\x1b`` for one."""
    return _CONTROL.sub(_spelled, text.replace("\r\n", "\n"))


def one_line(text: str) -> str:
    """A text in one line, its control characters spelled out."""
    return " ".join(plain(text).split())


def _spelled(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def write_text(path: Path, text: str) -> None:
    """Write a file by rename, so that nobody ever reads half of it. Raises `OSError`.

    What is no regular file (``/dev/stderr``, a pipe) is written as it is.
    """
    path = path.resolve()
    path.parent.mkdir(parents=True, exist_ok=True)
    data = text.encode()
    if path.exists() and not path.is_file():
        path.write_bytes(data)
        return
    aside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        aside.write_bytes(data)
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)
