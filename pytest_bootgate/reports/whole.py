"""Files that are whole, or not there."""

from __future__ import annotations

import os
from pathlib import Path


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
