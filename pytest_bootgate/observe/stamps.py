"""When lines were written, by their own word, against when they arrived.

A system that keeps its lines in a buffer reports the past: every mark seems to be as late as the
moment at which the buffer was flushed. Most logs carry the time at which a line was written. Their
clock need not be right, as only differences count. Pure.

A time that a line speaks of (a run id, when a job is due) is not the time at which it was written.
The line's own time stands at its beginning, where only a level, a name in brackets or the prefix of
a collector may come before it, or under the key that is meant for it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from pytest_bootgate.untrusted import read_json

#: A line is late from so many seconds on, or from this share of the time it is part of.
LATE = 0.3
LATE_SHARE = 0.05
#: The keys under which JSON and logfmt lines carry their own time.
_KEYS = ("time", "ts", "t", "timestamp", "@timestamp", "@t", "datetime", "asctime", "date")
_LEVEL = (
    r"(?:trace|debug|info|notice|warn|warning|err|error|crit|critical|fatal|severe|panic"
    r"|system|log|[cdefintw])(?!\w)"
)
_STAMP = (
    r"(?P<day>\d{4}-\d\d-\d\d)[T ](?P<time>\d\d:\d\d:\d\d)(?P<fraction>[.,]\d+)?"
    r"(?P<zone>Z|[+-]\d\d:?\d\d)?"
)
_EPOCH = r"(?P<epoch>\d{10}(?:\.\d+)?|\d{13})(?!\d)"
#: Colours, [words in brackets], syslog's <priority>version, a level, "service | ", punctuation.
_FIRST = re.compile(
    r"(?>\x1b\[[\d;]*m|\[(?![^\[\]]*\d{4}-\d\d-\d\d)[^\[\]]*\]|<\d+>\d?"
    rf"|{_LEVEL}|[\w.-]+ *\| |[\s\[(<|,:;'\"*#-])*+{_STAMP}",
    re.IGNORECASE,
)
_LOGFMT = re.compile(r"\s*[\w.@-]+=")
_LOGFMT_TIME = re.compile(
    rf"(?:^|\s)(?:{'|'.join(map(re.escape, _KEYS))})=[\"']?(?:{_STAMP}|{_EPOCH})"
)
_JSON_TIME = re.compile(rf"{_STAMP}|{_EPOCH}$")


def written(text: str) -> tuple[float, float] | None:
    """When a line says that it was written, in seconds, and how exactly; None without a word.

    Without a zone it counts as UTC: within one boot the offset is the same.
    """
    if text.lstrip().startswith("{"):
        found = _JSON_TIME.match(_json_time(text))
    else:
        found = _FIRST.match(text) or (_LOGFMT_TIME.search(text) if _LOGFMT.match(text) else None)
    if found is None:
        return None
    if epoch := found.groupdict().get("epoch"):
        in_ms = len(epoch) == 13 and epoch.isdigit()
        decimals = 3 if in_ms else len(epoch.partition(".")[2])
        return float(epoch) / (1000 if in_ms else 1), 10.0**-decimals
    zone = (found["zone"] or "Z").upper().replace("Z", "+00:00")
    fraction = (found["fraction"] or ".0").replace(",", ".")
    try:
        moment = datetime.fromisoformat(f"{found['day']}T{found['time']}{zone}")
    except ValueError:
        return None
    return moment.timestamp() + float(fraction), 10.0 ** -(
        len(fraction) - 1 if found["fraction"] else 0
    )


def _json_time(text: str) -> str:
    try:
        fields = read_json(text)
    except ValueError:
        return ""
    return next((str(fields[key]) for key in _KEYS if key in fields), "")


@dataclass(frozen=True, slots=True)
class _Stamped:
    """The line of a mark: when it arrived (since the trigger) and when it says it was written."""

    name: str
    at: float
    moment: float
    exact: float

    @property
    def delay(self) -> float:
        """How long it was on its way, by two clocks: only differences count."""
        return self.at - self.moment


class Stamps:
    """How long the marks of one boot were on their way, source by source."""

    def __init__(self) -> None:
        self._lines: dict[str, list[_Stamped]] = {}

    def see(self, name: str, source: str, at: float, text: str) -> None:
        """The line of a mark arrived at an instant, in seconds since the trigger."""
        if (stamp := written(text)) is not None:
            self._lines.setdefault(source, []).append(_Stamped(name, at, *stamp))

    def late(self) -> tuple[str, float] | None:
        """The mark that arrived latest after it was written, and by how many seconds more.

        More than another one of the same source, that is. None where no mark was late, or by so
        much that it must have been the clock.
        """
        found = []
        for lines in map(_own, self._lines.values()):
            least = min((line.delay for line in lines), default=0.0)
            longest = max((line.at for line in lines), default=0.0)
            for line in lines:
                late = line.delay - least
                if max(LATE, LATE_SHARE * longest) + line.exact < late <= line.at + line.exact:
                    found.append((late, line.name))
        return None if not found else (max(found)[1], max(found)[0])


def _own(lines: list[_Stamped]) -> list[_Stamped]:
    """Without a time that lines repeat which arrived apart: it is not when they were written."""

    def repeated(one: _Stamped) -> bool:
        same = [line for line in lines if line.moment == one.moment]
        return any(abs(line.at - one.at) > LATE + one.exact for line in same)

    return [line for line in lines if not repeated(line)]
