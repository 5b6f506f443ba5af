"""Amounts of a Compose file: durations, memory, whole numbers."""

from __future__ import annotations

import re
from typing import Any

from pytest_bootgate.errors import BootgateError
from pytest_bootgate.gatefile.origin.found import default_of, megabytes

_UNITS = {
    "ns": 1e-9,
    "us": 1e-6,
    "µs": 1e-6,
    "ms": 1e-3,
    "s": 1.0,
    "m": 60.0,
    "h": 3600.0,
    "d": 86400.0,
    "w": 604800.0,
}
#: Nothing that is meant has more digits.
_DIGITS = 40
_SECONDS = re.compile(r"(\d+(?:\.\d*)?)(ns|us|µs|ms|s|m|h|d|w)")


class MisreadError(BootgateError):
    """What is not as Compose has it; `keys` are where it stands below `services`."""

    def __init__(self, text: str, *keys: str) -> None:
        super().__init__(text)
        self.keys = keys


def why(error: Exception) -> str:
    """Why a file or a value in it cannot be read, in words of ours."""
    if isinstance(error, UnicodeDecodeError):
        return "it is not UTF-8 text"
    if isinstance(error, RecursionError):
        return "it is nested too deep"
    if isinstance(error, OSError):
        return error.strerror or "it cannot be opened"
    return str(error)


def seconds(value: Any, default: float, *keys: str) -> float:
    """A duration such as ``1m30s``, in seconds. Raises `MisreadError`."""
    text = default_of(str("" if value is None else value)).strip()
    parts = _SECONDS.findall(text)
    whole = "".join(map("".join, parts)) == text or text == "0"
    if not whole or len(text) > _DIGITS:
        raise MisreadError(f"{_shown(value)} is no duration such as 30s.", *keys)
    return sum(float(n) * _UNITS[unit] for n, unit in parts) if text else default


def size(value: Any, *keys: str) -> str:
    """An amount of memory as a gate file writes it: whole mebibytes at least."""
    text = default_of(str(value)).strip()
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kmgt]?)i?b?", text.lower())
    if found is None or len(found[1]) > _DIGITS:
        raise MisreadError(f"{_shown(value)} is no amount of memory.", *keys)
    return megabytes(float(found[1]) * 1024 ** " kmgt".index(found[2] or " "))


def number(value: Any, *keys: str) -> float:
    """A number, be it a text. Raises `MisreadError`."""
    text = default_of(str(value)).strip()
    if not re.fullmatch(r"-?(\d+(\.\d*)?|\.\d+)", text) or len(text) > _DIGITS:
        raise MisreadError(f"{_shown(value)} is no number.", *keys)
    return float(text)


def _shown(value: Any) -> str:
    """A value as it is written, and not too much of it."""
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return f"'{text[:40]}…'" if len(text) > 40 else f"'{text}'"
