"""Text of strangers for a page: log lines, names, whatever a container said."""

from __future__ import annotations

import re

#: What a page may not hold, or what makes text look other than it is: control characters,
#: lone surrogates, non-characters, and those that turn the direction of writing.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff"
    "\ud800-\udfff\ufffe\uffff]"
)


def clean(text: str) -> str:
    """A text in which what cannot be seen is written out, as Python would escape it."""
    return _UNSEEN.sub(_written, text)


def _written(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
