"""Where a report may be written: where there is nothing, or an earlier report of the same kind."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

from pytest_bootgate.errors import BootgateError
from pytest_bootgate.whole import stream

#: What every report of a kind begins with, by which it is known later.
_TEXT = rb'"(?:[^"\\]|\\.)*'
SIGNS = {
    "json": rb'\[?\{\s*"schema": "bootgate-result/',
    "html": rb'\s*<!DOCTYPE html>[^\0]*?<meta name="generator" content="pytest-bootgate',
    "junit": rb'<\?xml [^>]*>\s*<testsuites name="pytest-bootgate"',
    "github": rb"## \S+ bootgate: ",
    "openmetrics": rb"# TYPE bootgate_",
    "prometheus": rb"# HELP bootgate_",
    "bencher": rb"\{\s*(\}|" + _TEXT + rb'": \{\s*"verdict": \{\s*"value": )',
    "benchmark-action": rb'\[\s*(\]|\{\s*"name": ' + _TEXT + rb' \[verdict\]",)',
    "ctrf": rb'\{\s*"reportFormat": "CTRF",[^\0]*?"generatedBy": "pytest-bootgate"',
    "otel": rb'\{"resourceSpans": [^\0]*?"scope": \{"name": "pytest-bootgate"',
    "journal": rb"SQLite format 3\0",
}
_MOST = 1 << 16  # bytes that are read to know it


def check(path: Path, kind: str) -> None:
    """Raises `BootgateError` where a report of a kind cannot be written, or must not be.

    Nothing is changed. What is there already must be empty or an earlier report of that kind; the
    standard streams (``/dev/stdout``) take any.
    """
    if stream(path) is not None:
        return
    try:
        _check_file(path, kind)
        _check_directory(path.resolve().parent)
    except OSError as error:
        raise BootgateError(
            f"{path} cannot be written: {error.strerror or error}. Name a path that can be."
        ) from None


def _check_file(path: Path, kind: str) -> None:
    if path.is_dir():
        raise BootgateError(f"{path} is a directory. Name a file in it.")
    if path.exists() and not path.is_file():
        raise BootgateError(f"{path} is not a regular file. Name a file, or /dev/stdout.")
    if path.is_file():
        with path.open("rb") as file:
            begins = file.read(_MOST)
        if begins.strip() and not re.match(SIGNS[kind], begins):
            earlier = "a journal" if kind == "journal" else f"an earlier {kind} report"
            raise BootgateError(
                f"{path} is there already, and it is not {earlier} of pytest-bootgate, so it was"
                " left as it is. Name another path, or remove it."
            )


def _check_directory(directory: Path) -> None:
    """Raises `OSError` where a directory cannot be made, or no file in it."""
    there = next(above for above in (directory, *directory.parents) if above.exists())
    with tempfile.TemporaryFile(dir=there):
        pass  # permissions alone would not tell of a file system that is read-only
