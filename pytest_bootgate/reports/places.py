"""Where a report may be written: where there is nothing, or an earlier report of the same kind."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

from pytest_bootgate.errors import BootgateError
from pytest_bootgate.whole import stream

#: How each of them begins, by which it is known later.
SIGNS = {
    "json": rb'\[?\{\s*"schema": "bootgate-result/',
    "html": rb'\s*<!DOCTYPE html>[^\0]*?<meta name="generator" content="pytest-bootgate',
    "journal": rb"SQLite format 3\0",
}
_MOST = 1 << 16  # bytes that are read to know it


def check(path: Path, kind: str, begins: bytes | None = None) -> None:
    """Raises `BootgateError` where a report of a kind cannot be written, or must not be.

    Nothing is changed. What is there already must be empty or an earlier report of that kind, by
    how it `begins` (for those in `SIGNS` it is known); the standard streams (``/dev/stdout``) take
    any.
    """
    if stream(path) is not None:
        return
    try:
        _check_file(path, kind, SIGNS[kind] if begins is None else begins)
        _check_directory(path.resolve().parent)
    except OSError as error:
        raise BootgateError(
            f"{path} cannot be written: {error.strerror or error}. Name a writable path."
        ) from None


def _check_file(path: Path, kind: str, sign: bytes) -> None:
    if path.is_dir():
        raise BootgateError(f"{path} is a directory. Name a file in it.")
    if path.exists() and not path.is_file():
        raise BootgateError(f"{path} is not a regular file. Name a file, or /dev/stdout.")
    if path.is_file():
        with path.open("rb") as file:
            begins = file.read(_MOST)
        if begins.strip() and not re.match(sign, begins):
            earlier = "a journal" if kind == "journal" else f"an earlier {kind} report"
            raise BootgateError(
                f"{path} already exists and is not {earlier} of pytest-bootgate, so it was not"
                " overwritten. Name another path, or remove it."
            )


def _check_directory(directory: Path) -> None:
    """Raises `OSError` where a directory cannot be made, or no file in it."""
    there = next(above for above in (directory, *directory.parents) if above.exists())
    with tempfile.TemporaryFile(dir=there):
        pass  # permissions alone would not tell of a file system that is read-only
