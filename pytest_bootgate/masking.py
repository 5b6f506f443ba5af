"""What must be in no report: secrets, as they are and in the forms that systems print them in."""

from __future__ import annotations

import base64
import html
import json
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from html.entities import codepoint2name
from typing import Any, TypeVar
from urllib.parse import quote, quote_plus

_T = TypeVar("_T")
#: Fields of these types hold words of the gate's own, whatever a secret is.
_WORD = re.compile(r"Outcome|Verdict|Kind|Comparison|Literal")
#: What stands in a secret's place.
HIDDEN = "***"
#: A form of fewer characters than these is in too many texts by chance.
_SHORTEST = 4
#: Texts are cut somewhere: so many characters of a secret at an end are hidden as well.
_BEGINNING = 6
#: What stands where a text was cut.
_MORE = "…"
#: Of so many secrets of so many characters each character may be escaped in its own way.
_MOST, _LONGEST = 200, 128
#: What is before and behind a text that stands alone: no letter and no digit, but of an escape
#: or a colour; a number is no part of another one.
_BEFORE = r"(?:(?<![^\W_])|(?<=\\[nrt])|(?<=%[0-9A-Fa-f]{2})|(?<=[0-9;\[]m))"
_BEHIND = r"(?![^\W_])"
_COLOUR = r"(?:\x1b\[[0-9;]*m)*"


class Mask:
    """Hides `secrets` in texts, and in values made of dataclasses, mappings and sequences.

    `names` are shown where they stand alone, whatever is in them, but not where a longer secret
    does: without those of targets and phases no report could be read, and two could become one.
    """

    def __init__(self, secrets: Iterable[str] = (), names: Iterable[str] = ()) -> None:
        known = sorted({s for s in secrets if len(s) >= _SHORTEST}, key=lambda s: (-len(s), s))
        found = {form for secret in known for form in _forms(secret) if len(form) >= _SHORTEST}
        self._forms = sorted(found, key=lambda form: (-len(form), form))
        escaped = [(len(s), _alone(s, _escaped(s))) for s in known if len(s) <= _LONGEST][:_MOST]
        plain = [(len(form), _alone(form, re.escape(form))) for form in self._forms]
        # Longest first: the beginning of a secret may be another one.
        every = [pattern for _, pattern in sorted(escaped + plain, key=lambda one: -one[0])]
        self._pattern = re.compile("|".join(every)) if found else None
        kept = [name for name in names if any(form in name for form in self._forms)]
        kept.sort(key=lambda name: (-len(name), name))
        words = "|".join(map(re.escape, kept))
        self._kept = re.compile(rf"(?<![\w-])(?:{words})(?![\w-])") if kept else None
        self._starts = {form[:_BEGINNING] for form in self._forms if len(form) > _BEGINNING}

    @property
    def longest(self) -> int:
        """The length of the longest form of a secret, in characters."""
        return max(len(self._forms[0]), 6 * _LONGEST) if self._forms else 0

    def text(self, text: str) -> str:
        """The text without secrets, also without one that is cut, at its end or before a `…`."""
        if self._pattern is None:
            return text
        text = self._hidden(text, self._pattern)
        if _MORE in text:
            return _MORE.join(map(self._uncut, text.split(_MORE)))
        return self._uncut(text)

    def _hidden(self, text: str, pattern: re.Pattern[str]) -> str:
        """The text without whole secrets, but for what is part of a kept name and no longer."""
        if not (names := self._names(text)):
            return pattern.sub(HIDDEN, text)
        parts, done, at = list[str](), 0, 0
        while found := pattern.search(text, at):
            begin, end = found.span()
            if any(first <= begin and end <= last for first, last in names):
                at = begin + 1
            else:
                parts += [text[done:begin], HIDDEN]
                done = at = end
        return "".join([*parts, text[done:]])

    def _names(self, text: str) -> list[tuple[int, int]]:
        return [found.span() for found in self._kept.finditer(text)] if self._kept else []

    def _uncut(self, text: str) -> str:
        end = self._cut(text)
        return text if end is None else text[:end] + HIDDEN

    def _cut(self, text: str) -> int | None:
        """Where a secret begins whose end is cut off."""
        end = text[-self.longest :]
        before = len(text) - len(end)
        starts = sorted(m.start() for s in self._starts for m in re.finditer(re.escape(s), end))
        names = self._names(end)
        for at in starts:
            # A colon behind a name is no part of a secret yet.
            if any(a <= at < b and not re.search(r"[^\W_]", end[b:]) for a, b in names):
                continue
            if any(form.startswith(end[at:]) for form in self._forms):
                return before + at
        return None

    def value(self, value: _T) -> _T:
        """The same value without secrets in any of its texts."""
        return value if self._pattern is None else self._value(value)

    def _value(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.text(value)
        if is_dataclass(value) and not isinstance(value, type):
            changed = {}
            for one in fields(value):
                if _WORD.match(str(one.type)):
                    continue
                before = getattr(value, one.name)
                if (after := self._value(before)) is not before and one.init:
                    changed[one.name] = after
            return replace(value, **changed) if changed else value
        if isinstance(value, Mapping):
            pairs = {self._value(key): self._value(item) for key, item in value.items()}
            return value if _same(value.items(), pairs.items()) else pairs
        if isinstance(value, (tuple, list)):
            items = [self._value(item) for item in value]
            return value if _same(value, items) else type(value)(items)
        return value


def shortened(text: str, most: int) -> str:
    """The beginning of a text, with a … where it was cut, by which `Mask` knows."""
    return text if len(text) <= most else f"{text[:most]}{_MORE}"


def _same(before: Iterable[Any], after: Iterable[Any]) -> bool:
    return all(one == other for one, other in zip(before, after, strict=True))


def _alone(form: str, pattern: str) -> str:
    """A pattern for a form: a short one, or a number, is a secret only where it stands alone."""
    if form.isdecimal():
        return rf"{_BEFORE}(?<!\d\.)(?:{pattern}){_BEHIND}(?!\.\d)"
    return f"{_BEFORE}(?:{pattern}){_BEHIND}" if len(form) < _BEGINNING else pattern


def _escaped(secret: str) -> str:
    """A pattern for a secret of which any character may be escaped, or coloured."""
    return _COLOUR.join(f"(?:{'|'.join(_escapes(sign))})" for sign in secret)


def _escapes(sign: str) -> Iterator[str]:
    """Patterns for a character: as it is, and escaped for JSON, a language, XML, HTML or URLs."""
    code = ord(sign)
    yield re.escape(sign)
    yield rf"\\u(?i:{code:04x})"
    yield rf"\\x(?i:{code:02x})"
    yield rf"&\#0*{code};"
    yield rf"&\#[xX]0*(?i:{code:x});"
    yield "".join(f"%(?i:{byte:02x})" for byte in sign.encode(errors="replace"))
    if not sign.isalnum():
        yield rf"\\{re.escape(sign)}"
        if name := codepoint2name.get(code):
            yield f"&{name};"
        if sign == " ":
            yield r"\+"


def _forms(secret: str) -> Iterator[str]:
    """A secret as systems print it: escaped for JSON, HTML, URLs and shells, in hex and base64."""
    yield secret
    for ascii_only in (True, False):
        yield json.dumps(secret, ensure_ascii=ascii_only)[1:-1]
    yield repr(secret)[1:-1]
    yield shlex.quote(secret)
    yield html.escape(secret)
    yield html.escape(secret, quote=False)
    for form in (quote(secret), quote(secret, safe=""), quote_plus(secret)):
        yield form
        yield re.sub("%[0-9A-F]{2}", lambda found: found[0].lower(), form)
    data = secret.encode("utf-8", "surrogateescape")
    yield data.hex()
    yield data.hex().upper()
    for skipped in range(3):  # it may stand anywhere in what is encoded, as in `user:password`
        text = base64.b64encode(b"\0" * skipped + data).decode().rstrip("=")
        whole = (skipped + len(data)) * 8 // 6
        inner = text[-(-skipped * 8 // 6) : whole]
        if len(inner) > _BEGINNING:
            yield inner
            yield inner.replace("+", "-").replace("/", "_")
