"""Text of strangers, fit to be shown: log lines, names, whatever a container said."""

from __future__ import annotations

import re

#: How programs colour what they say; it means nothing in a report.
_COLOURS = re.compile("\x1b\\[[0-9;]*m")
#: What terminals take for commands, what pages and XML may not hold, and what makes text look other
#: than it is: control characters, lone surrogates, non-characters, and those that turn the
#: direction of writing.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff"
    "\ud800-\udfff\ufffe\uffff]"
)
#: What commands CI services: GitHub's ``::error::`` begins a line; GitHub's ``##[error]``, Azure's
#: ``##vso[task.complete]`` and ``##teamcity[buildStop]`` may stand anywhere in it.
_AT_THE_BEGINNING = re.compile(r"^(?=[ \t]*::)", re.MULTILINE)
_ANYWHERE = re.compile(r"##(?=\w*\[)")


def clean(text: str) -> str:
    r"""A text without colours, in which what cannot be seen is written out, ``\x07`` for one.

    What a CI service would take for a command in it is no command any more.
    """
    seen = _UNSEEN.sub(_written, _COLOURS.sub("", text.replace("\r\n", "\n")))
    return _ANYWHERE.sub("## ", _AT_THE_BEGINNING.sub("> ", seen))


def one_line(text: str) -> str:
    """A clean text in one line."""
    return " ".join(clean(text).split())


def _written(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
