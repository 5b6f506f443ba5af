r"""JSON that somebody else wrote: it is read, or it is none. Nothing in it breaks what comes after.

What Python takes and neither UTF-8, a database nor another reader of JSON can hold never comes in:
half a character (``\ud800``), numbers without end, values inside each other beyond all measure.
"""

from __future__ import annotations

import json
import math
import re
from typing import Any, NoReturn

#: So many values may lie inside each other.
_DEEPEST = 100
_HALF = re.compile("[\ud800-\udfff]")


def read_json(text: str) -> Any:
    """The value of a text; half a character becomes U+FFFD. Raises `ValueError` for no JSON."""
    try:
        value = json.loads(text, parse_constant=_no_number, parse_float=_number)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    # Both are seen in the text, so that of thousands of values hardly one is looked at again.
    if "\\ud" in text or "\\uD" in text or text.count("[") + text.count("{") > _DEEPEST:
        return _fit(value, 0)
    return value


def _fit(value: Any, depth: int) -> Any:
    if depth > _DEEPEST:
        raise ValueError("it is nested too deeply")
    if isinstance(value, str):
        return _HALF.sub("\ufffd", value)
    if isinstance(value, list):
        return [_fit(item, depth + 1) for item in value]
    if isinstance(value, dict):
        return {_fit(key, depth): _fit(item, depth + 1) for key, item in value.items()}
    return value


def _number(text: str) -> float:
    value = float(text)
    return value if math.isfinite(value) else _no_number(text)


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text[:20]} is no number")
