"""Whether what is wanted of an answer in JSON is in it."""

from __future__ import annotations

import json
from typing import Any

_NAMES = {str: "a text", bool: "a boolean", int: "a number", float: "a number"}


def parsed(body: bytes) -> Any:
    """A body as JSON; what is none contains nothing."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def contains(answer: Any, wanted: Any) -> bool:
    """Whether all that is wanted is in an answer; in a list each wanted item must be somewhere.

    A text stands for a number or a boolean that is written so too: one from a variable is a text.
    """
    if isinstance(wanted, dict):
        return isinstance(answer, dict) and all(
            key in answer and contains(answer[key], value) for key, value in wanted.items()
        )
    if isinstance(wanted, list):
        return isinstance(answer, list) and all(
            any(contains(item, value) for item in answer) for value in wanted
        )
    if isinstance(wanted, str) and isinstance(answer, (bool, int, float)):
        return wanted == json.dumps(answer)
    return isinstance(answer, bool) == isinstance(wanted, bool) and bool(answer == wanted)


def mistyped(answer: Any, wanted: Any, path: str = "") -> str:
    """In words, where an answer has what is wanted as another type; empty where it has not."""
    if isinstance(wanted, dict) and isinstance(answer, dict):
        for key, value in wanted.items():
            below = f"{path}.{key}" if path else key
            if key in answer and (found := mistyped(answer[key], value, below)):
                return found
    here, there = _NAMES.get(type(answer)), _NAMES.get(type(wanted))
    if here is None or there is None or here == there or contains(answer, wanted):
        return ""
    alike = str(answer).lower() == str(wanted).lower()
    return f"{path} is {json.dumps(answer)}, {here}, not {there}" if alike else ""
