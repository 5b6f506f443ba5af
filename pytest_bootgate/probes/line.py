"""A line that somebody prints, or that appears in a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import msgspec

from pytest_bootgate.probes.kind import Kind, Order, register

if TYPE_CHECKING:
    from pytest_bootgate.gatefile.probe_rules import ProbeRules
    from pytest_bootgate.gatefile.tree import Map
    from pytest_bootgate.observe.sighting import Sighting


@register
class Line(Kind, msgspec.Struct, frozen=True):
    """A line of a process's output or of a file.

    `line` is a regular expression to find in a line of `from`, or of `file`:
        ``line: task started``.
    `from` is the output that `line` searches, by default the gateway's: ``from: trigger``,
        ``from: sidecar``, or a service, which as a proof needs ``${token}`` in `line`:
        ``from: db``.
    `file` is a file that must exist, or whose new lines `line` searches:
        ``file: "${dir}/done-${token}"``.
    """

    key: ClassVar[str] = "line"
    stays: ClassVar[bool] = True
    whole_lines: ClassVar[bool] = True

    line: str
    from_: str | None = msgspec.field(default=None, name="from")
    file: str | None = None

    @classmethod
    def check(cls, probe: Map, rules: ProbeRules, *, triggered: bool) -> None:
        rules.pattern(probe, "line")
        if "from" in probe and "file" in probe:
            rules.mistake(
                probe.keys["from"], "a probe has lines 'from' a process or in a 'file'", "keep one"
            )
        if probe.get("from") == "trigger" and not triggered:
            rules.mistake(probe.at["from"], "there is no trigger here", "take gateway or sidecar")
        else:
            rules.where(probe, "from", *(["trigger"] if triggered else []))

    @classmethod
    def check_mark(cls, probe: Map, rules: ProbeRules) -> None:
        text = probe.get("line")
        if isinstance(text, str) and "file" not in probe and (which := rules.too_wide(text)):
            rules.mistake(
                probe.at["line"],
                f"'line' matches {which} line, so it proves nothing",
                "write what only the line of this phase says",
            )

    @property
    def source(self) -> str:
        return f"file:{self.file}" if self.file is not None else self.from_ or "gateway"

    @property
    def follows(self) -> str | None:
        return self.file

    def last_look(self) -> Order | None:
        # The sidecar first reports what is new in the files that it follows.
        return None if self.file is None else {"exists": self.file}

    @property
    def regex(self) -> str:
        return self.line

    def read(self, seen: Sighting, source: str, name: str) -> str | None:
        # A sidecar program may report the whole answer at once.
        if source == "trigger" and seen.is_a("accepted", "refused"):
            return str(seen.get("body", ""))
        return super().read(seen, source, name)
