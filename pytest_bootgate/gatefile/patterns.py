"""What can be seen of a regular expression before any line is there."""

from __future__ import annotations

import re
import time

from pytest_bootgate.patience import ImpatientError, patience

#: Two lines with nothing in common.
_ANY = ("~", "q 7")
#: What nested repeats stumble over, if repeated: a word, numbers, words, lists, paths.
_PIECES = ("a", "0", " ", "a ", " a", "a,", "0.", "a.", "a-", "a/", "_", "=")
#: So often: a pattern that doubles its work with each is then at it for minutes.
_TIMES = 40
#: CPU seconds for one and for all; what is well written takes some hundred microseconds.
_PATIENCE, _ALL = 0.2, 1.0
#: What to do about one that takes for ever.
ONE_WAY = (
    "write it so that it can match in one way only, without a repeat inside of a repeat as in (a+)+"
)


def too_wide(pattern: re.Pattern[str]) -> str | None:
    """Which lines that prove nothing it matches: "every", as ``.*`` does; "an empty", as ``^$``."""
    if all(pattern.search(line) for line in _ANY):
        return "every"
    return "an empty" if pattern.search("") else None


def finds_nothing(pattern: re.Pattern[str]) -> bool:
    """Whether it may find a place without any text, as ``(secret)?`` and ``x*`` do."""
    return any(not found[0] for text in ("", *_ANY) for found in pattern.finditer(text))


class Trials:
    """Tries the patterns of one gate file on short lines, all of them within some CPU seconds.

    What is not noticed here ends the boot in which it happens.
    """

    def __init__(self) -> None:
        self._known: dict[str, bool] = {}
        self._left = _ALL

    def takes_for_ever(self, pattern: re.Pattern[str]) -> bool:
        """Whether some short line keeps it busy, as forty letters keep ``(a+)+$``."""
        if pattern.pattern not in self._known and self._left > 0:
            began = time.process_time()
            self._known[pattern.pattern] = _takes_for_ever(pattern)
            self._left -= time.process_time() - began
        return self._known.get(pattern.pattern, False)


def _takes_for_ever(pattern: re.Pattern[str]) -> bool:
    literal = [char * _TIMES for char in dict.fromkeys(pattern.pattern)]
    search = pattern.search
    try:
        with patience(_PATIENCE, (__name__,)):
            for line in (*(piece * _TIMES for piece in _PIECES), *literal):
                search(f"{line}\x01")
    except ImpatientError:
        return True
    return False
