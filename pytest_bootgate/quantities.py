"""Amounts as people write them: durations, shares, memory, and how many boots."""

from __future__ import annotations

import re
from typing import ClassVar, NamedTuple

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
# Twelve digits are more than anyone means, and keep every amount finite.
_NUMBER = r"[0-9]{1,12}(?:\.[0-9]{1,12})?"
_DURATION = re.compile(rf"(?:{_NUMBER}(?:ms|s|m|h))+")
_PART = re.compile(rf"({_NUMBER})(ms|s|m|h)")
_SHARE = re.compile(rf"({_NUMBER})\s*%")
_MEMORY = re.compile(rf"({_NUMBER})\s*(k|m|g)(?:i?b)?", re.IGNORECASE)
_BOOTS = re.compile(r"([0-9]{1,6})(?:\.\.([0-9]{1,6}))?")


#: Nothing that boots takes longer: a week, in seconds.
LONGEST = 7 * 24 * 3600.0
#: More boots than these say no more.
MOST_BOOTS = 1000
_SHOWN = 60


def _shown(value: object) -> str:
    """A value in a message, which need not be as long as the value."""
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


class Seconds(float):
    """A duration in seconds, written with its unit: ``60s``, ``1m30s``, ``250ms``."""

    noun: ClassVar = "a duration"
    way_out: ClassVar = "write 60s, 1m30s or 250ms"
    pattern: ClassVar = r"^\s*([0-9]+(\.[0-9]+)?(ms|s|m|h))+\s*$"
    examples: ClassVar = ["60s", "1m30s", "250ms"]

    @classmethod
    def parse(cls, text: object) -> Seconds:
        """Read a duration; raise `ValueError` with the reason where it is none."""
        if isinstance(text, (int, float)) and not isinstance(text, bool):
            number = text if 0 < text <= LONGEST else 60
            raise ValueError(f"{_shown(text)} has no unit: write {number}s, or {number}ms")
        if not isinstance(text, str) or not _DURATION.fullmatch(text.strip()):
            raise ValueError(f"{_shown(text)} is not {cls.noun}: {cls.way_out}")
        seconds = sum(float(n) * _UNITS[unit] for n, unit in _PART.findall(text))
        if seconds > LONGEST:
            raise ValueError(f"{_shown(text)} is longer than a week: write what a boot may take")
        return cls(seconds)


class Share(float):
    """A share of a whole, 0.0 and up, written in per cent: ``80%``."""

    noun: ClassVar = "a share"
    way_out: ClassVar = "write 80%"
    pattern: ClassVar = r"^\s*[0-9]+(\.[0-9]+)?\s*%\s*$"
    examples: ClassVar = ["80%"]

    @classmethod
    def parse(cls, text: object) -> Share:
        """Read a share; raise `ValueError` with the reason where it is none."""
        if isinstance(text, (int, float)) and not isinstance(text, bool):
            percent = text * 100 if 0 < text <= 1 else min(text, 100)
            raise ValueError(f"{_shown(text)} has no unit: write {percent:g}%")
        found = _SHARE.fullmatch(text.strip()) if isinstance(text, str) else None
        if not found:
            raise ValueError(f"{_shown(text)} is not {cls.noun}: {cls.way_out}")
        return cls(float(found[1]) / 100)


class Slowdown(Share):
    """How much longer something may take, in per cent: ``10%``."""

    way_out: ClassVar = "write 10%"
    examples: ClassVar = ["10%"]


class Memory(int):
    """An amount of memory in bytes, written with its unit: ``512m``, ``2g``."""

    noun: ClassVar = "an amount of memory"
    way_out: ClassVar = "write 512m or 2g"
    pattern: ClassVar = r"^\s*[0-9]+(\.[0-9]+)?\s*[kKmMgG]([iI]?[bB])?\s*$"
    examples: ClassVar = ["512m", "2g"]

    @classmethod
    def parse(cls, text: object) -> Memory:
        """Read an amount of memory; raise `ValueError` with the reason where it is none."""
        found = _MEMORY.fullmatch(text.strip()) if isinstance(text, str) else None
        if not found:
            raise ValueError(f"{_shown(text)} is not {cls.noun}: {cls.way_out}")
        return cls(float(found[1]) * 1024 ** (" kmg".index(found[2].lower())))


class _Boots(NamedTuple):
    least: int
    most: int


class Boots(_Boots):
    """How many boots decide: ``5``, or ``5..30`` for at least five and at most thirty."""

    noun: ClassVar = "a number of boots"
    way_out: ClassVar = "write 5 or 5..30"
    pattern: ClassVar = r"^\s*[0-9]+(\.\.[0-9]+)?\s*$"
    examples: ClassVar = ["5..30"]

    __slots__ = ()

    @classmethod
    def parse(cls, text: object) -> Boots:
        """Read a number of boots; raise `ValueError` with the reason where it is none."""
        found = _BOOTS.fullmatch(str(text).strip()) if not isinstance(text, bool) else None
        if not found:
            raise ValueError(f"{_shown(text)} is not {cls.noun}: {cls.way_out}")
        least, most = int(found[1]), int(found[2] or found[1])
        if not 1 <= least <= most:
            raise ValueError(
                f"{_shown(text)} boots: the first number is at least 1, the second no less"
            )
        if most > MOST_BOOTS:
            raise ValueError(f"{_shown(text)} boots are more than {MOST_BOOTS}: write 5..30")
        return cls(least, most)
