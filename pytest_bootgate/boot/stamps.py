"""When lines were written, by their own word, against when they arrived.

A system that keeps its lines in a buffer reports the past: every mark seems to be as late as the
moment at which the buffer was flushed. Most logs carry the time at which a line was written. Their
clock need not be right, as only differences count. Pure.
"""

from __future__ import annotations

import re
from datetime import datetime

#: A line is late from so many seconds on, or from this share of the time it is part of.
LATE = 0.3
LATE_SHARE = 0.05
#: How far into a line its time stands.
_WITHIN = 80
_STAMP = re.compile(
    r"(?P<day>\d{4}-\d\d-\d\d)[T ](?P<time>\d\d:\d\d:\d\d)(?P<fraction>[.,]\d+)?"
    r"(?P<zone>Z|[+-]\d\d:?\d\d)?"
)


def written(text: str) -> tuple[float, float] | None:
    """When a line says that it was written, in seconds, and how exactly; None without a word.

    Without a zone it counts as UTC: within one boot the offset is the same.
    """
    found = _STAMP.search(text[:_WITHIN])
    if found is None:
        return None
    zone = (found["zone"] or "Z").replace("Z", "+00:00")
    fraction = (found["fraction"] or ".0").replace(",", ".")
    try:
        moment = datetime.fromisoformat(f"{found['day']}T{found['time']}{zone}")
    except ValueError:
        return None
    return moment.timestamp() + float(fraction), 10.0 ** -(
        len(fraction) - 1 if found["fraction"] else 0
    )


class Stamps:
    """How long the marks of one boot were on their way, source by source."""

    def __init__(self) -> None:
        self._delays: dict[str, list[tuple[str, float, float, float]]] = {}

    def see(self, name: str, source: str, at: float, text: str) -> None:
        """The line of a mark arrived at an instant, in seconds since the trigger."""
        if (stamp := written(text)) is not None:
            moment, exact = stamp
            self._delays.setdefault(source, []).append((name, at, at - moment, exact))

    def late(self) -> tuple[str, float] | None:
        """The mark that arrived latest after it was written, and by how many seconds more.

        More than another one of the same source, that is. None where no mark was late, or by so
        much that it must have been the clock.
        """
        found = []
        for delays in self._delays.values():
            least = min(delay for _, _, delay, _ in delays)
            longest = max(at for _, at, _, _ in delays)
            for name, at, delay, exact in delays:
                late = delay - least
                if max(LATE, LATE_SHARE * longest) + exact < late <= at + exact:
                    found.append((late, name))
        return None if not found else (max(found)[1], max(found)[0])
