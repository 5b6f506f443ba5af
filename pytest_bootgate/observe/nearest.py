"""Which lines of a boot come nearest to a pattern that none of them matched. Pure.

Most patterns that never match are wrong in a small way: another case, another blank, a word that
the new release spells differently, or another stream than the one the probe looks at.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches

from pytest_bootgate.observe.sighting import Pattern

#: How many lines are shown for a pattern.
MOST = 3
#: The share of a pattern's words, by their number and letters, that a line must have to be near.
_SHARE = 0.55
#: How alike two words must be to be taken for the same one.
_ALIKE = 0.75
_ANSI = re.compile(r"\x1b\[[\d;?]*[A-Za-z]")
_ANCHOR = re.compile(r"\\[bBAZ]|(?<!\\)[$^](?![^\[]*\])")
_BLANK = re.compile(r"(?:\\?[ \t]|\\s)[+*]?")
#: What of a pattern is no text: the names of groups, classes, escapes, counts.
_SYNTAX = re.compile(r"\(\?P?<?[\w=!:-]*>?|(?<!\\)\[[^\]]*\]|\\[A-Za-z]|\{[\d,]+\}")
_WORD = re.compile(r"[^\W\d_]{2,}")


def nearest(
    pattern: Pattern, streams: Mapping[str, Sequence[str]], token: str = ""
) -> tuple[str, ...]:
    """Up to `MOST` lines, the nearest first; those of another stream have its name before them.

    `streams` are the lines of a boot by the name of their stream (``gateway.out``). `token` is
    what no line can be expected to have. Empty where nothing is near.
    """
    if pattern.line is None:
        return ()
    scores = _Scores(pattern.line, token)
    own = [text for name, lines in streams.items() if _source(name) == pattern.source
           for text in lines]  # fmt: skip
    if found := _best((scores.of(text), text) for text in own):
        return found
    return _best(
        (scores.of(text), f"{name}: {text}")
        for name, lines in streams.items()
        if _source(name) not in (pattern.source, "sidecar")
        for text in lines
    )


def _source(stream: str) -> str:
    return stream if stream.startswith("file:") else stream.partition(".")[0]


def _best(scored: Iterator[tuple[float, str]]) -> tuple[str, ...]:
    """The lines with the highest scores, each once, the earlier of two alike first."""
    best: dict[str, float] = {}
    for score, text in scored:
        if score > 0:
            best.setdefault(text, score)
    return tuple(sorted(best, key=lambda text: -best[text])[:MOST])


class _Scores:
    """How near lines are to one pattern.

    From 2 on a line matches but for the case, from 1 on but for blanks, anchors and the token as
    well; below it is the share of the pattern's words that it has; 0 is not near.
    """

    def __init__(self, pattern: re.Pattern[str], token: str) -> None:
        text = pattern.pattern
        tokens = re.escape(token) if token else "(?!)"
        self._words = [
            word.lower() for word in _WORD.findall(_SYNTAX.sub(" ", text.replace(tokens, " ")))
        ]
        relaxed = _BLANK.sub(r"\\s*", _ANCHOR.sub("", text.replace(tokens, r"\S*")))
        forms = [(2.0, text), (1.0, relaxed)] if self._words else [(2.0, text)]
        self._patterns = [
            (score, compiled)
            for score, one in forms
            if (compiled := _compiled(one, pattern.flags)) is not None
        ]
        self._alike: dict[str, list[str]] = {word: [] for word in self._words}
        self._known: set[str] = set()

    def of(self, text: str) -> float:
        """The score of a line."""
        text = _ANSI.sub("", text)
        share = self._share({word.lower() for word in _WORD.findall(text)})
        for score, pattern in self._patterns:
            found = pattern.search(text)
            if found is not None and found.end() > found.start():  # "" is in every line
                return score + share
        return share if share >= _SHARE else 0.0

    def _share(self, words: set[str]) -> float:
        """The share of the pattern's words that a line has, or words much alike."""
        new = list(words - self._known)
        self._known.update(new)
        for word, alike in self._alike.items():
            alike += get_close_matches(word, new, n=len(new) or 1, cutoff=_ALIKE)
        there = [word for word in self._words if not words.isdisjoint(self._alike[word])]
        exact = [word for word in self._words if word in words]
        # Of two lines with the same words, the one that has them as they are is nearer.
        return 0.95 * self._part(there) + 0.04 * self._part(exact)

    def _part(self, words: Sequence[str]) -> float:
        """What part of the pattern some of its words are: half by number, half by letters."""
        if not self._words:
            return 0.0
        letters = sum(map(len, words)) / sum(map(len, self._words))
        return (len(words) / len(self._words) + letters) / 2


def _compiled(pattern: str, flags: int) -> re.Pattern[str] | None:
    try:
        return re.compile(pattern, flags | re.IGNORECASE)
    except re.error:  # what was relaxed need not be a pattern any more
        return None
