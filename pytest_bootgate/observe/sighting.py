"""One observed thing, and the pattern of a probe that is held against it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from pytest_bootgate.gatefile.model import Probe, StageProbe
from pytest_bootgate.gatefile.variables import fill
from pytest_bootgate.observe.lines import Line, plain
from pytest_bootgate.untrusted import read_json

#: The answer to a trigger that a sidecar program reports may have several lines.
_BY_LINE = re.MULTILINE
#: A regular expression is held against so many lines at once, if it has line ends in it.
_MOST_LINES = 10
#: The stream on which the gate says what it saw itself, in the sidecar's words.
GATE = "(gate).out"


@dataclass(frozen=True, slots=True)
class Sighting:
    """One observed thing: a line of a `source`, or an event that the sidecar reported.

    `source` is ``gateway``, ``sidecar``, ``trigger`` or ``file:PATH`` for lines, else empty. `at`
    is when it was so, which the sidecar may say later. A line that is `unended` may go on. `recent`
    are the last lines of the same stream with their instants, a whole line among them. `stream` is
    the pipe or file of a line, whose lines keep their order.
    """

    at: float
    source: str
    text: str
    event: Mapping[str, Any] | None = None
    unended: bool = False
    recent: Sequence[tuple[float, str]] = ()
    stream: str = ""

    def is_a(self, *names: str) -> bool:
        """Whether it is one of these events."""
        return self.event is not None and self.event.get("event") in names

    def get(self, key: str, default: Any = None) -> Any:
        """What the event says under this key."""
        return default if self.event is None else self.event.get(key, default)


def sighting(
    line: Line, recent: Mapping[str, Sequence[tuple[float, str]]] = MappingProxyType({})
) -> Sighting | None:
    """Read a line: what kind of sighting it is, None for the end of a stream.

    `recent` are the last lines of every stream.
    """
    if line.text is None:
        return None
    role = line.stream.partition(".")[0]
    if line.stream not in ("sidecar.out", GATE):
        last = recent.get(line.stream, ())
        return Sighting(
            line.at, role, line.text, unended=line.unended, recent=last, stream=line.stream
        )
    if line.unended:
        return None
    try:
        event = read_json(line.text)
    except ValueError:
        return Sighting(line.at, "sidecar", line.text)
    if not isinstance(event, dict):
        return Sighting(line.at, "sidecar", line.text)
    ago = event.get("ago", 0.0)
    at = line.at - (ago if isinstance(ago, float) and 0 <= ago < line.at else 0.0)
    if event.get("event") == "line":
        source, text = f"file:{event.get('file')}", plain(str(event.get("text", "")))
        return Sighting(at, source, text, event, recent=recent.get(source, ()), stream=source)
    if event.get("event") == "replied":  # the answer to a trigger is the trigger's output
        return Sighting(at, "trigger", str(event.get("text", "")), event)
    return Sighting(at, "sidecar", line.text, event)


class Pattern:
    """A probe with its variables filled, ready to be held against sightings."""

    def __init__(
        self, name: str, probe: Probe | StageProbe, variables: Mapping[str, str], *, token: bool
    ) -> None:
        self.name, self.kind = name, probe.kind
        self.source = fill(self.kind.source, variables)
        self.unseen = fill(self.kind.unseen, variables)
        escaped = {key: re.escape(value) for key, value in variables.items()}
        text = self.kind.regex
        self.regex = None if text is None else re.compile(fill(text, escaped), _BY_LINE)
        self._needs_token = token and self.kind.at_stub
        of_lines = text if text is not None and self.kind.whole_lines else ""
        ends = of_lines.count("\n") + of_lines.count(r"\n")
        self._height = 1 + min(ends, _MOST_LINES - 1)
        # `(${token})?` or `started|${token}` would match the line of another boot.
        self._carries = variables.get("token", "") if "${token}" in (text or "") else ""

    @property
    def of_this_boot(self) -> bool:
        """Whether what it finds carries the token of this boot."""
        return self._needs_token or bool(self._carries)

    @property
    def line(self) -> re.Pattern[str] | None:
        """The regular expression, where it is held against lines as they stand."""
        return self.regex if self.kind.whole_lines and self._height == 1 else None

    @property
    def may_match(self) -> Callable[[str], object]:
        """Whether a line of its source may be of this probe; cheap."""
        if self._height > 1:
            return bool
        return self.search if self.line is None else self.line.search

    def match(self, seen: Sighting) -> re.Match[str] | bool | None:
        """What the sighting shows of this probe; falsy where it shows nothing."""
        return None if self._lacks_token(seen) else self._found(seen)

    def without_token(self, seen: Sighting) -> bool:
        """Whether only the token of this boot is missing."""
        return self._lacks_token(seen) and bool(self._found(seen))

    def elsewhere(self, seen: Sighting) -> bool:
        """Whether it is what a probe of the stub waits for, but for its path."""
        here = self.kind.read(seen, self.source, self.name) if self.kind.at_stub else None
        return here is not None and not self._searched(here)

    def search(self, text: str) -> re.Match[str] | bool | None:
        """What a line of its source shows of this probe."""
        return self._searched(self.kind.of_line(text))

    def said(self, seen: Sighting, width: int) -> str:
        """The part of a line that it points at: its group `text`, or `width` characters of it.

        What is no line has no words.
        """
        found = self.match(seen)
        if isinstance(found, re.Match) and "text" in found.re.groupindex and found["text"]:
            return found["text"]
        return "its probe succeeded" if seen.is_a("seen", "looked") else seen.text[:width]

    def _found(self, seen: Sighting) -> re.Match[str] | bool | None:
        text = self.kind.read(seen, self.source, self.name)
        if self._height == 1 or text is None or self.regex is None:
            return self._searched(text)
        first = self._height - 1 if seen.unended else self._height
        last = -1 if seen.unended else -2
        had = len(seen.recent)
        before = [seen.recent[i][1] for i in range(max(0, had - first), had + last + 1)]
        above = sum(map(len, before)) + len(before)
        whole = "\n".join([*before, text, ""])  # a pattern may end with the end of a line
        if self._carries not in whole:
            return None
        # What ends above was there before.
        return next((one for one in self.regex.finditer(whole) if one.end() > above), None)

    def _searched(self, text: str | None) -> re.Match[str] | bool | None:
        if text is None or self._carries not in text:
            return None
        if self.regex is None:
            return True
        return self.regex.search(text)

    def _lacks_token(self, seen: Sighting) -> bool:
        return self._needs_token and not seen.get("token")
